//! `#[journey]`.
use crate::function::{parameters, parse, wrong};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ItemFn, PatType, Result, Type};

const EXAMPLE: &str = "    #[journey]\n    async fn visit(ctx: Ctx, user: User) -> Result {\n        Ok(())\n    }";

pub fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function = parse("journey", &attribute, item, EXAMPLE)?;
    let all = parameters("journey", &function, EXAMPLE)?;
    let Some((context, data)) = all.split_first() else {
        return Err(wrong(&function.sig, "a journey's first parameter is its context", EXAMPLE));
    };
    if !names_ctx(&context.ty) {
        return Err(wrong(&context.ty, "a journey's first parameter is its context, of type Ctx", EXAMPLE));
    }
    for parameter in data {
        if let Type::Reference(reference) = &*parameter.ty {
            return Err(wrong(reference, "a journey owns its data: take String for &str, Vec<T> for &[T]", EXAMPLE));
        }
    }
    let register = register(&function, context, data);
    Ok(quote!(#function #register))
}

/// Whether the last word of a type is `Ctx`, by value or by reference.
fn names_ctx(type_: &Type) -> bool {
    match type_ {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Ctx"),
        Type::Reference(reference) => reference.mutability.is_none() && names_ctx(&reference.elem),
        _ => false,
    }
}

fn register(function: &ItemFn, context: &PatType, data: &[&PatType]) -> TokenStream {
    let name = &function.sig.ident;
    let word = name.to_string();
    let context =
        if matches!(&*context.ty, Type::Reference(_)) { quote!(&__mite_context) } else { quote!(__mite_context) };
    let texts = data.iter().map(|parameter| source(parameter));
    let variables: Vec<_> = (0..data.len()).map(|i| format_ident!("__mite_argument_{i}")).collect();
    // With the span of its type, so that the compiler points there if it can't be decoded.
    let decoded = data.iter().zip(&variables).map(|(parameter, variable)| {
        let type_ = &parameter.ty;
        quote_spanned!(type_.span()=> let #variable: #type_ = __mite_args.take()?;)
    });
    let call = quote!(#name(#context #(, #variables)*));
    let run = if function.sig.asyncness.is_some() {
        quote!(::mite_sdk::__private::run(#call))
    } else {
        quote!(::mite_sdk::__private::Outcome::outcome(#call))
    };
    // Names of ours could hide the author's function, so they look like nobody's.
    quote! {
        const _: () = {
            ::mite_sdk::__private::submit! {
                ::mite_sdk::__private::Journey {
                    name: #word,
                    parameters: &[#(#texts),*],
                    run: |__mite_context, __mite_journey, __mite_bytes| {
                        let (__mite_name, __mite_parameters) = (__mite_journey.name, __mite_journey.parameters);
                        #[allow(unused_mut, unused_variables)]
                        let mut __mite_args = ::mite_sdk::__private::Args::new(__mite_name, __mite_parameters, __mite_bytes)?;
                        #(#decoded)*
                        #run
                    },
                }
            }
        };
    }
}

/// A parameter as its author wrote it, for messages: `user: User`.
fn source(parameter: &PatType) -> String {
    let (pattern, type_) = (&parameter.pat, &parameter.ty);
    let text = quote!(#pattern: #type_).to_string();
    [(" :", ":"), (" <", "<"), ("< ", "<"), (" >", ">"), (" ,", ","), (":: ", "::"), ("( ", "("), (" )", ")")]
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_an_example() {
        for (attribute, item, want) in [
            (
                quote!(),
                quote!(
                    async fn visit() -> Result {}
                ),
                "first parameter is its context",
            ),
            (
                quote!(),
                quote!(
                    async fn visit(user: User) -> Result {}
                ),
                "of type Ctx",
            ),
            (
                quote!(),
                quote!(
                    async fn visit(ctx: Ctx, name: &str) -> Result {}
                ),
                "String for &str",
            ),
            (
                quote!(),
                quote!(
                    async fn visit<T>(ctx: Ctx, t: T) -> Result {}
                ),
                "can't be generic",
            ),
            (
                quote!(),
                quote!(
                    unsafe fn visit(ctx: Ctx) {}
                ),
                "can't be unsafe",
            ),
            (
                quote!(),
                quote!(
                    fn visit(&self, ctx: Ctx) {}
                ),
                "without self",
            ),
            (
                quote!(),
                quote!(
                    async fn été(ctx: Ctx) {}
                ),
                "letters a to z",
            ),
            (
                quote!(),
                quote!(
                    struct Visit;
                ),
                "stands before a function",
            ),
            (
                quote!("visit"),
                quote!(
                    async fn visit(ctx: Ctx) {}
                ),
                "takes nothing in brackets",
            ),
        ] {
            let error = expand(attribute, item).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
            assert!(error.contains("async fn visit(ctx: Ctx, user: User) -> Result"), "{error}");
        }
    }

    #[test]
    fn what_is_right() {
        for item in [
            quote!(
                async fn visit(ctx: Ctx, user: User) -> Result {
                    Ok(())
                }
            ),
            quote!(
                fn visit(_ctx: &mite_sdk::Ctx) {}
            ),
            quote!(
                pub async fn visit(ctx: Ctx, (a, b): (u32, Vec<String>)) {}
            ),
        ] {
            assert!(expand(quote!(), item).is_ok());
        }
    }

    #[test]
    fn parameters_read_as_written() {
        let function: ItemFn = syn::parse_quote!(
            fn f(users: std::vec::Vec<(u8, String)>) {}
        );
        let parameter = parameters("journey", &function, "").unwrap()[0];
        assert_eq!(source(parameter), "users: std::vec::Vec<(u8, String)>");
    }
}
