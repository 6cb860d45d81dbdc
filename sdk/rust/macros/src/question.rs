//! `#[scenario]`, `#[datapool]` and `#[volume_model]`: functions that the controller asks.
use crate::function::{parameters, parse, question, wrong};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemFn, Result};

const SCENARIO: &str = "    #[scenario]\n    fn peak(config: &Config) -> Result<Scenario> {\n        \
    Ok(Scenario::new().run(\"visit\", Constant::new(10.0, 5)))\n    }";
const DATAPOOL: &str = "    #[datapool]\n    fn users() -> Datapool {\n        \
    Datapool::recyclable([(\"ada\", \"secret\"), (\"bob\", \"hidden\")])\n    }";
const VOLUME_MODEL: &str = "    #[volume_model]\n    fn waves(start: f64, end: f64) -> Option<u32> {\n        \
    (end < 60.0).then_some(10)\n    }";

pub fn scenario(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    made("scenario", SCENARIO, &quote!(ScenarioFunction), &attribute, item)
}

pub fn datapool(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    made("datapool", DATAPOOL, &quote!(DatapoolFunction), &attribute, item)
}

/// A function that makes something, perhaps of the config.
fn made(
    word: &str,
    example: &str,
    registered: &TokenStream,
    attribute: &TokenStream,
    item: TokenStream,
) -> Result<TokenStream> {
    let function = parse(word, attribute, item, example)?;
    question(word, &function, example)?;
    let config = match parameters(word, &function, example)?.as_slice() {
        [] => quote!(),
        [_] => quote!(__mite_config),
        [_, more, ..] => return Err(wrong(more, &format!("a {word} takes the config or nothing"), example)),
    };
    let name = &function.sig.ident;
    let call = quote!(::mite_sdk::__private::Made::made(#name(#config)));
    Ok(register(&function, registered, &quote!(make: |__mite_config| #call)))
}

pub fn volume_model(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let function = parse("volume_model", &attribute, item, VOLUME_MODEL)?;
    question("volume model", &function, VOLUME_MODEL)?;
    let taken = parameters("volume model", &function, VOLUME_MODEL)?.len();
    if taken != 2 {
        let what = "a volume model takes the start and the end of a span of time, in seconds";
        return Err(wrong(&function.sig, what, VOLUME_MODEL));
    }
    let name = &function.sig.ident;
    let call = quote!(::mite_sdk::__private::Required::required(#name(__mite_start, __mite_end)));
    Ok(register(&function, &quote!(VolumeModel), &quote!(required: |__mite_start, __mite_end| #call)))
}

fn register(function: &ItemFn, registered: &TokenStream, field: &TokenStream) -> TokenStream {
    let word = function.sig.ident.to_string();
    quote! {
        #function
        const _: () = {
            ::mite_sdk::__private::submit! {
                ::mite_sdk::__private::#registered { name: #word, #field }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_an_example() {
        type Expand = fn(TokenStream, TokenStream) -> Result<TokenStream>;
        for (expand, item, want, example) in [
            (
                scenario as Expand,
                quote!(
                    async fn s() -> Scenario {}
                ),
                "is not async",
                "fn peak(",
            ),
            (
                scenario,
                quote!(
                    fn s() {}
                ),
                "returns what it makes",
                "fn peak(",
            ),
            (
                scenario,
                quote!(
                    fn s(config: &Config, more: u8) -> Scenario {}
                ),
                "the config or nothing",
                "fn peak(",
            ),
            (
                datapool,
                quote!(
                    fn d() {}
                ),
                "returns what it makes",
                "fn users(",
            ),
            (
                datapool,
                quote!(
                    const D: u8 = 0;
                ),
                "stands before a function",
                "fn users(",
            ),
            (
                volume_model,
                quote!(
                    fn v(start: f64) -> u32 {
                        1
                    }
                ),
                "the start and the end",
                "fn waves(",
            ),
            (
                volume_model,
                quote!(
                    async fn v(start: f64, end: f64) -> u32 {
                        1
                    }
                ),
                "is not async",
                "fn waves(",
            ),
        ] {
            let error = expand(quote!(), item).unwrap_err().to_string();
            assert!(error.contains(want) && error.contains(example), "{error}");
        }
    }

    #[test]
    fn what_is_right() {
        assert!(
            scenario(
                quote!(),
                quote!(
                    fn s() -> Scenario {
                        Scenario::new()
                    }
                )
            )
            .is_ok()
        );
        assert!(
            datapool(
                quote!(),
                quote!(
                    fn d(config: &Config) -> Result<Datapool> {
                        todo!()
                    }
                )
            )
            .is_ok()
        );
        assert!(
            volume_model(
                quote!(),
                quote!(
                    fn v(_: f64, end: f64) -> Option<u32> {
                        None
                    }
                )
            )
            .is_ok()
        );
    }
}
