//! What all functions with an attribute have in common.
use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, PatType, Result, ReturnType};

/// An error that ends with how it should look.
pub fn wrong(at: impl Spanned, what: &str, example: &str) -> Error {
    Error::new(at.span(), format!("{what}\n\nfor example:\n{example}"))
}

/// The function under an attribute that takes nothing, with the checks that hold for all.
pub fn parse(word: &str, attribute: &TokenStream, item: TokenStream, example: &str) -> Result<ItemFn> {
    if !attribute.is_empty() {
        return Err(wrong(
            attribute,
            &format!("#[{word}] takes nothing in brackets: the function's name is its name"),
            example,
        ));
    }
    let at = item.clone();
    let function: ItemFn =
        syn::parse2(item).map_err(|_| wrong(at, &format!("#[{word}] stands before a function"), example))?;
    let signature = &function.sig;
    let name = signature.ident.to_string();
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(wrong(
            &signature.ident,
            &format!("the name of a {word} has only the letters a to z, digits and _"),
            example,
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(wrong(
            &signature.generics,
            &format!("a {word} can't be generic: mite calls it by its name"),
            example,
        ));
    }
    if let Some(unsafety) = &signature.unsafety {
        return Err(wrong(unsafety, &format!("a {word} can't be unsafe"), example));
    }
    Ok(function)
}

/// Its parameters; `self` is none.
pub fn parameters<'a>(word: &str, function: &'a ItemFn, example: &str) -> Result<Vec<&'a PatType>> {
    let parameter = |argument: &'a FnArg| match argument {
        FnArg::Typed(typed) => Ok(typed),
        FnArg::Receiver(receiver) => {
            Err(wrong(receiver, &format!("a {word} is a plain function, without self"), example))
        }
    };
    function.sig.inputs.iter().map(parameter).collect()
}

/// That it isn't async and returns something.
pub fn question(word: &str, function: &ItemFn, example: &str) -> Result<()> {
    if let Some(asyncness) = &function.sig.asyncness {
        return Err(wrong(asyncness, &format!("a {word} is not async: it waits for nothing"), example));
    }
    if matches!(function.sig.output, ReturnType::Default) {
        return Err(wrong(&function.sig, &format!("a {word} returns what it makes"), example));
    }
    Ok(())
}
