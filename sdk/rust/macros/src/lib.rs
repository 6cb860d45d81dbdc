//! The attribute macros of mite-sdk and mite-processor; their documentation has them.
mod function;
mod hook;
mod journey;
mod processor;
mod question;

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;

/// Keeps the author's code beside the errors, so that the compiler doesn't also complain about what is missing.
fn expand(attribute: TokenStream, item: TokenStream, with: fn(Tokens, Tokens) -> syn::Result<Tokens>) -> TokenStream {
    let item = Tokens::from(item);
    let made = with(attribute.into(), item.clone());
    made.unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote::quote!(#error #item)
    })
    .into()
}

/// Makes a function a journey: `#[journey] async fn visit(ctx: Ctx, user: User) -> Result`.
///
/// The function's name is the journey's. Parameters after the context are decoded from the datapool's item: one for each
/// element of a tuple, one for anything else. The function may also be plain (not `async`) and may return nothing.
#[proc_macro_attribute]
pub fn journey(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, journey::expand)
}

/// Makes a function a scenario: `#[scenario] fn peak(config: &Config) -> Result<Scenario>`.
///
/// The parameter may be left out, and so may `Result`.
#[proc_macro_attribute]
pub fn scenario(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, question::scenario)
}

/// Makes a function a datapool: `#[datapool] fn users() -> Datapool`.
///
/// It may take `config: &Config` and return `Result<Datapool>`.
#[proc_macro_attribute]
pub fn datapool(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, question::datapool)
}

/// Makes a function a volume model: `#[volume_model] fn waves(start: f64, end: f64) -> Option<u32>`.
///
/// It is asked about once a second for the time from `start` to `end`, in seconds since the test began; `None` ends the
/// journey. It may also return `u32` or a `Result` of either.
#[proc_macro_attribute]
pub fn volume_model(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, question::volume_model)
}

/// Makes a function the test's setup: `#[setup] async fn token(ctx: Ctx) -> Result<String>`.
///
/// It is called once a test, on the controller; every journey finds its answer in `ctx.setup()`.
#[proc_macro_attribute]
pub fn setup(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, hook::setup)
}

/// Makes a function one that each place of a journey begins with: `#[on_start] async fn log_in(ctx: Ctx) -> Result`, or
/// `#[on_start(buy, look)]` for some journeys only. It is in no figure.
#[proc_macro_attribute]
pub fn on_start(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, hook::on_start)
}

/// Makes a function one that each place of a journey ends with: `#[on_stop] async fn log_out(ctx: Ctx) -> Result`, or
/// `#[on_stop(buy, look)]` for some journeys only. It is in no figure.
#[proc_macro_attribute]
pub fn on_stop(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, hook::on_stop)
}

/// Makes a struct a processor: `#[processor] impl Count { fn process_message(&mut self, message: &Message) -> Result }`.
///
/// The struct's name is the processor's. It is made by `new()` (`Self` or `Result<Self>`) or else by `Default`. Of these
/// functions it has one of the first two at least; each may return nothing or a `Result`:
///
/// - `process_message(&mut self, message: &Message)` takes each message decoded;
/// - `process_raw_message(&mut self, message: &[u8])` takes each message as it came, before it is decoded;
/// - `tick(&mut self)` is called about every 250 ms;
/// - `close(&mut self)` is called at the end.
///
/// It is for the crate mite-processor.
#[proc_macro_attribute]
pub fn processor(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand(attribute, item, processor::expand)
}

/// Lets a struct or enum be read and written: an item of a datapool, an argument of a journey, JSON of an answer.
///
/// It is serde's `Serialize` and `Deserialize`; serde's attributes work inside.
#[proc_macro_attribute]
pub fn data(_attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = Tokens::from(item);
    quote::quote! {
        #[derive(::mite_sdk::serde::Serialize, ::mite_sdk::serde::Deserialize)]
        #[serde(crate = "::mite_sdk::serde")]
        #item
    }
    .into()
}
