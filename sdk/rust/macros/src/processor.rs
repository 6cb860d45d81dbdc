//! `#[processor]`.
use crate::function::wrong;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Result, Type};

const EXAMPLE: &str = "    #[derive(Default)]\n    struct Count(u64);\n\n    #[processor]\n    impl Count {\n        \
    fn process_message(&mut self, message: &Message) -> Result {\n            \
    self.0 += 1;\n            Ok(())\n        }\n    }";

pub fn expand(attribute: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !attribute.is_empty() {
        let what = "#[processor] takes nothing in brackets: the struct's name is its name";
        return Err(wrong(attribute, what, EXAMPLE));
    }
    let at = item.clone();
    let block: ItemImpl = syn::parse2(item)
        .map_err(|_| wrong(at, "#[processor] stands before an `impl` with the processor's functions", EXAMPLE))?;
    if let Some((_, of, _)) = &block.trait_ {
        return Err(wrong(of, "#[processor] stands before an `impl` of the struct itself, not of a trait", EXAMPLE));
    }
    if !block.generics.params.is_empty() {
        return Err(wrong(&block.generics, "a processor can't be generic: mite makes it by its name", EXAMPLE));
    }
    let name = name(&block.self_ty)?;
    let functions = Functions::of(&block)?;
    let registered = register(&block, &name, &functions);
    Ok(quote!(#block #registered))
}

/// The struct's name.
fn name(type_: &Type) -> Result<Ident> {
    let plain = match type_ {
        Type::Path(path) if path.qself.is_none() => {
            path.path.segments.last().filter(|last| last.arguments.is_none()).map(|last| &last.ident)
        }
        _ => None,
    };
    let name = plain.ok_or_else(|| wrong(type_, "a processor is a struct or an enum with a plain name", EXAMPLE))?;
    if !name.to_string().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(wrong(name, "the name of a processor has only the letters a to z, digits and _", EXAMPLE));
    }
    Ok(name.clone())
}

/// Those that mite knows.
#[derive(Default)]
struct Functions<'a> {
    new: Option<&'a ImplItemFn>,
    message: Option<&'a ImplItemFn>,
    raw: Option<&'a ImplItemFn>,
    tick: Option<&'a ImplItemFn>,
    close: Option<&'a ImplItemFn>,
}

impl<'a> Functions<'a> {
    fn of(block: &'a ItemImpl) -> Result<Self> {
        let mut found = Functions::default();
        for item in &block.items {
            let ImplItem::Fn(function) = item else { continue };
            let name = function.sig.ident.to_string();
            let (place, takes_self, parameters) = match name.as_str() {
                "new" => (&mut found.new, false, 0),
                "process_message" => (&mut found.message, true, 1),
                "process_raw_message" => (&mut found.raw, true, 1),
                "tick" => (&mut found.tick, true, 0),
                "close" => (&mut found.close, true, 0),
                _ => continue,
            };
            check(function, takes_self, parameters)?;
            *place = Some(function);
        }
        if found.message.is_none() && found.raw.is_none() {
            let what = "a processor has `process_message`, `process_raw_message` or both";
            return Err(wrong(&block.self_ty, what, EXAMPLE));
        }
        Ok(found)
    }
}

/// That it can be called as mite calls it.
fn check(function: &ImplItemFn, takes_self: bool, parameters: usize) -> Result<()> {
    let (signature, name) = (&function.sig, &function.sig.ident);
    if let Some(asyncness) = &signature.asyncness {
        return Err(wrong(asyncness, &format!("`{name}` of a processor is not async: it waits for nothing"), EXAMPLE));
    }
    if !signature.generics.params.is_empty() {
        return Err(wrong(&signature.generics, &format!("`{name}` of a processor can't be generic"), EXAMPLE));
    }
    let by_reference = match signature.receiver() {
        Some(receiver) => receiver.reference.is_some(),
        None => !takes_self,
    };
    if signature.receiver().is_some() != takes_self || !by_reference {
        let takes = if takes_self { "takes `&mut self`" } else { "is without self" };
        return Err(wrong(signature, &format!("`{name}` of a processor {takes}"), EXAMPLE));
    }
    let there = signature.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_))).count();
    if there != parameters {
        let takes = if parameters == 0 { "nothing" } else { "one message" };
        return Err(wrong(signature, &format!("`{name}` of a processor takes {takes}"), EXAMPLE));
    }
    Ok(())
}

fn register(block: &ItemImpl, name: &Ident, functions: &Functions<'_>) -> TokenStream {
    let (type_, word) = (&block.self_ty, name.to_string());
    // With the span of what it returns, so that the compiler points there if it is of the wrong type.
    let done = |function: &ImplItemFn, argument: TokenStream| {
        let name = &function.sig.ident;
        quote_spanned!(function.sig.output.span()=>
            ::mite_processor::__private::Done::done(<#type_>::#name(self #argument)))
    };
    let result = quote!(::mite_processor::Result);
    let raw = functions.raw.map(|function| {
        let call = done(function, quote!(, __mite_message));
        quote!(fn raw(&mut self, __mite_message: &[u8]) -> #result { #call })
    });
    let message = functions.message.map(|function| {
        let call = done(function, quote!(, __mite_message));
        quote! {
            fn decodes(&self) -> bool { true }
            fn message(&mut self, __mite_message: &::mite_processor::Message) -> #result { #call }
        }
    });
    let tick = functions.tick.map(|function| done(function, quote!()));
    let tick = tick.map(|call| quote!(fn tick(&mut self) -> #result { #call }));
    let close = functions.close.map(|function| done(function, quote!()));
    let close = close.map(|call| quote!(fn close(&mut self) -> #result { #call }));
    let make = match functions.new {
        Some(new) => quote_spanned!(new.sig.output.span()=> <#type_>::new()),
        None => quote_spanned!(type_.span()=> <#type_ as ::core::default::Default>::default()),
    };
    quote! {
        const _: () = {
            impl ::mite_processor::__private::Process for #type_ {
                #raw
                #message
                #tick
                #close
            }
            ::mite_processor::__private::submit! {
                ::mite_processor::__private::Registered {
                    name: #word,
                    open: || {
                        let made: #type_ = ::mite_processor::__private::Made::made(#make)?;
                        ::core::result::Result::Ok(::std::boxed::Box::new(made))
                    },
                }
            }
        };
    }
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
                    struct Count;
                ),
                "stands before an `impl`",
            ),
            (quote!("count"), quote!(impl Count {}), "takes nothing in brackets"),
            (quote!(), quote!(impl Default for Count {}), "not of a trait"),
            (
                quote!(),
                quote!(
                    impl<T> Count<T> {}
                ),
                "can't be generic",
            ),
            (quote!(), quote!(impl Count<u8> {}), "a plain name"),
            (quote!(), quote!(impl Zähler {}), "letters a to z"),
            (
                quote!(),
                quote!(impl Count { fn new() -> Self { Count } }),
                "`process_message`, `process_raw_message` or both",
            ),
            (quote!(), quote!(impl Count { async fn process_message(&mut self, m: &Message) {} }), "is not async"),
            (quote!(), quote!(impl Count { fn process_message(m: &Message) {} }), "takes `&mut self`"),
            (quote!(), quote!(impl Count { fn process_message(self, m: &Message) {} }), "takes `&mut self`"),
            (quote!(), quote!(impl Count { fn process_raw_message(&mut self) {} }), "takes one message"),
            (quote!(), quote!(impl Count { fn new(&self) -> Self { Count } }), "is without self"),
            (quote!(), quote!(impl Count { fn tick<T>(&mut self) {} }), "can't be generic"),
        ] {
            let error = expand(attribute, item).unwrap_err().to_string();
            assert!(error.contains(want), "{want}: {error}");
            assert!(error.contains("fn process_message(&mut self, message: &Message) -> Result"), "{error}");
        }
    }

    #[test]
    fn what_is_right() {
        for (item, has, hasnt) in [
            (quote!(impl Count { fn process_message(&mut self, m: &Message) {} }), "fn decodes", "fn raw"),
            (
                quote!(impl Count { fn process_raw_message(&self, m: &[u8]) -> Result { Ok(()) } }),
                "fn raw",
                "fn decodes",
            ),
            (
                quote!(impl own::Count { fn new() -> Self { Count } fn process_raw_message(&mut self, m: &[u8]) {} fn close(&mut self) {} fn more<T>(self) {} }),
                "fn close",
                "default ()",
            ),
        ] {
            let made = expand(quote!(), item).unwrap().to_string();
            assert!(made.contains(has) && !made.contains(hasnt), "{made}");
        }
    }
}
