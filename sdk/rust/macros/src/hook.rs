//! `#[setup]`, `#[on_start]` and `#[on_stop]`.
use crate::function::{parameters, parse, wrong};
use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Ident, ItemFn, Result, ReturnType, Token, Type};

const SETUP: &str = "    #[setup]\n    async fn token(ctx: Ctx) -> Result<String> {\n        Ok(ctx.http.get(\"http://shop/token\").await?.text()?)\n    }";
const ON_START: &str = "    #[on_start(buy)]\n    async fn log_in(ctx: Ctx) -> Result {\n        Ok(())\n    }";
const ON_STOP: &str = "    #[on_stop]\n    async fn log_out(ctx: Ctx) -> Result {\n        Ok(())\n    }";

pub fn setup(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function = parse("setup", &attribute, item, SETUP)?;
    check("setup", &function, SETUP)?;
    if !returns_a_result(&function) {
        return Err(wrong(&function.sig, "a setup returns a Result of what all journeys find in ctx.setup()", SETUP));
    }
    let (name, call) = (function.sig.ident.to_string(), call(&function));
    Ok(quote! {
        #function
        const _: () = {
            ::mite_sdk::__private::submit! {
                ::mite_sdk::__private::Setup {
                    name: #name,
                    run: |__mite_context| ::mite_sdk::__private::answer(#call),
                }
            }
        };
    })
}

pub fn on_start(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    hook("on_start", &quote!(OnStart), attribute, item, ON_START)
}

pub fn on_stop(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    hook("on_stop", &quote!(OnStop), attribute, item, ON_STOP)
}

fn hook(
    word: &str,
    kind: &TokenStream,
    attribute: TokenStream,
    item: TokenStream,
    example: &str,
) -> Result<TokenStream> {
    let at = attribute.clone();
    let journeys = Punctuated::<Ident, Token![,]>::parse_terminated.parse2(attribute);
    let journeys =
        journeys.map_err(|_| wrong(at, &format!("#[{word}] takes the names of journeys, or nothing"), example))?;
    let function = parse(word, &TokenStream::new(), item, example)?;
    check(word, &function, example)?;
    let (name, journeys) = (function.sig.ident.to_string(), journeys.iter().map(ToString::to_string));
    let call = call(&function);
    Ok(quote! {
        #function
        const _: () = {
            ::mite_sdk::__private::submit! {
                ::mite_sdk::__private::Hook {
                    when: ::mite_sdk::__private::When::#kind,
                    name: #name,
                    journeys: &[#(#journeys),*],
                    run: |__mite_context| ::mite_sdk::__private::run(#call),
                }
            }
        };
    })
}

/// That it is async and takes the context.
fn check(word: &str, function: &ItemFn, example: &str) -> Result<()> {
    if function.sig.asyncness.is_none() {
        return Err(wrong(&function.sig, &format!("`{word}` stands before an async function"), example));
    }
    match parameters(word, function, example)?.as_slice() {
        [context] if matches!(&*context.ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Ctx")) => {
            Ok(())
        }
        _ => Err(wrong(&function.sig, &format!("`{word}` takes the context, of type Ctx, and nothing else"), example)),
    }
}

fn call(function: &ItemFn) -> TokenStream {
    let name = &function.sig.ident;
    quote!(#name(__mite_context))
}

fn returns_a_result(function: &ItemFn) -> bool {
    let ReturnType::Type(_, type_) = &function.sig.output else { return false };
    matches!(&**type_, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Result"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_an_example() {
        type Expand = fn(TokenStream, TokenStream) -> Result<TokenStream>;
        for (expand, attribute, item, want) in [
            (
                setup as Expand,
                quote!(),
                quote!(
                    fn s(ctx: Ctx) -> Result<u8> {}
                ),
                "before an async function",
            ),
            (
                setup,
                quote!(),
                quote!(
                    async fn s() -> Result<u8> {}
                ),
                "takes the context",
            ),
            (
                setup,
                quote!(),
                quote!(
                    async fn s(ctx: Ctx) -> u8 {}
                ),
                "returns a Result",
            ),
            (
                setup,
                quote!(buy),
                quote!(
                    async fn s(ctx: Ctx) -> Result<u8> {}
                ),
                "nothing in brackets",
            ),
            (
                on_start,
                quote!("buy"),
                quote!(
                    async fn s(ctx: Ctx) {}
                ),
                "the names of journeys",
            ),
            (
                on_start,
                quote!(),
                quote!(
                    async fn s(ctx: Ctx, user: User) {}
                ),
                "takes the context",
            ),
            (
                on_stop,
                quote!(),
                quote!(
                    fn s(ctx: Ctx) {}
                ),
                "before an async function",
            ),
        ] {
            let error = expand(attribute, item).unwrap_err().to_string();
            assert!(error.contains(want) && error.contains("for example:"), "{error}");
        }
        assert!(
            on_start(
                quote!(buy, look),
                quote!(
                    async fn s(ctx: Ctx) {}
                )
            )
            .is_ok()
        );
    }
}
