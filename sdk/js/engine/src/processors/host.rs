//! What the SDK calls in processors: the contract's imports as functions of JS. Sockets, stats and collectors are numbers there.

use std::cell::RefCell;

use crate::message::Message;
use crate::mite::processor::{collector, print, sender, stats};
use crate::msgpack::{from_packed, pack};
use crate::promises::lossy;
use crate::{commonjs, platform};
use rquickjs::{Ctx, Error, Exception, FromJs, Function, Object, Result, TypedArray, Value};

/// A string; lone surrogates, which can't cross to the host, are replaced.
pub struct Text(pub String);

impl<'js> FromJs<'js> for Text {
    fn from_js(_: &Ctx<'js>, value: Value<'js>) -> Result<Self> {
        let kind = value.type_name();
        let string = value.into_string().ok_or_else(|| Error::new_from_js(kind, "string"))?.to_cstring()?;
        Ok(Text(lossy(&string)))
    }
}

/// What the host has made; the host bounds how many.
#[derive(Default)]
struct Made {
    senders: Vec<sender::Sender>,
    stats: Vec<stats::Stats>,
    collectors: Vec<collector::Collector>,
}

thread_local!(static MADE: RefCell<Made> = RefCell::default());

fn or_error<T>(ctx: &Ctx, result: std::result::Result<T, String>) -> Result<T> {
    result.map_err(|message| Exception::throw_message(ctx, &message))
}

/// Keeps what was made and answers its number, or throws why it wasn't.
fn keep<T>(
    ctx: &Ctx,
    made: std::result::Result<T, String>,
    of: impl FnOnce(&mut Made) -> &mut Vec<T>,
) -> Result<usize> {
    let made = or_error(ctx, made)?;
    Ok(MADE.with_borrow_mut(|all| {
        let list = of(all);
        list.push(made);
        list.len() - 1
    }))
}

/// Does something with one of them. Its number is the SDK's, which nobody else has.
fn with<T, R>(ctx: &Ctx, number: usize, of: impl FnOnce(&Made) -> &Vec<T>, act: impl FnOnce(&T) -> R) -> Result<R> {
    MADE.with_borrow(|all| of(all).get(number).map(act))
        .ok_or_else(|| Exception::throw_message(ctx, "there is no such thing"))
}

fn bytes(array: &TypedArray<'_, u8>) -> Vec<u8> {
    array.as_bytes().unwrap_or_default().to_vec()
}

fn decoded(ctx: &Ctx, message: &TypedArray<'_, u8>) -> Result<Message> {
    or_error(ctx, Message::decode(message.as_bytes().unwrap_or_default()).map_err(|error| error.to_string()))
}

pub fn object<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    macro_rules! functions {
        ($($name:literal: $function:expr;)*) => {
            $(host.set($name, Function::new(ctx.clone(), $function)?)?;)*
        };
    }
    functions! {
        "bind": |ctx: Ctx<'js>, endpoint: Text| keep(&ctx, sender::Sender::bind(&endpoint.0), |all| &mut all.senders);
        "connect": |ctx: Ctx<'js>, endpoint: Text| keep(&ctx, sender::Sender::connect(&endpoint.0), |all| &mut all.senders);
        "send": |ctx: Ctx<'js>, number: usize, message: TypedArray<'js, u8>|
            with(&ctx, number, |all| &all.senders, |sender| sender.send(&[bytes(&message)]) == 0);
        "stats": |ctx: Ctx<'js>, number: usize, include: Vec<Text>, exclude: Vec<Text>| {
            let names = |list: Vec<Text>| list.into_iter().map(|text| text.0).collect();
            let settings = stats::Settings { include: names(include), exclude: names(exclude) };
            let made = with(&ctx, number, |all| &all.senders, |sender| stats::Stats::create(sender, &settings))?;
            keep(&ctx, made, |all| &mut all.stats)
        };
        "statsTake": |ctx: Ctx<'js>, number: usize, message: TypedArray<'js, u8>|
            with(&ctx, number, |all| &all.stats, |stats| stats.take(&[bytes(&message)]));
        "collector": |ctx: Ctx<'js>, id: Text| keep(&ctx, collector::Collector::open(&id.0), |all| &mut all.collectors);
        "collectorWrite": |ctx: Ctx<'js>, number: usize, message: TypedArray<'js, u8>| {
            let written = with(&ctx, number, |all| &all.collectors, |one| one.write(&[bytes(&message)]))?;
            or_error(&ctx, written)
        };
        "print": |text: Text| print::line(&text.0);
        "show": |ctx: Ctx<'js>, message: TypedArray<'js, u8>| Ok::<_, Error>(decoded(&ctx, &message)?.to_string());
        "decodeMessage": |ctx: Ctx<'js>, message: TypedArray<'js, u8>|
            from_packed(&ctx, decoded(&ctx, &message)?.value().clone());
        "pack": |ctx: Ctx<'js>, value: Value<'js>| TypedArray::new(ctx, pack(&value)?);
        "log": |text: Text| eprintln!("{}", text.0);
        "random": platform::random;
        "randomBytes": platform::random_bytes;
        "encode": |ctx: Ctx<'js>, text: Text| TypedArray::new(ctx, text.0.into_bytes());
        "decode": platform::decode;
        "commonjs": commonjs::function;
        "meaning": commonjs::meaning;
        "parseUrl": platform::parse_url;
        "setUrl": platform::set_url;
    }
    Ok(host)
}
