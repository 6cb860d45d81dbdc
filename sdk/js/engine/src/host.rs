//! What the SDK calls: the contract's imports as functions and classes of JS. A wrong argument is a JS error, never a trap.

use crate::handles::{Pending, Request, answer};
use crate::mite::journey::messages::{Failure, FailureKind};
use crate::mite::journey::transaction::Outcome;
use crate::mite::journey::{config, http, messages, secrets, timing, transaction, waiting};
use crate::msgpack::{pack, unpack};
use crate::promises::{install, lossy};
use crate::{commonjs, platform};
use rquickjs::class::Class;
use rquickjs::{CatchResultExt, Ctx, Error, Exception, FromJs, Function, IntoJs, Object, Result, TypedArray, Value};

/// How many redirects are followed unless a request says otherwise.
const REDIRECTS: u32 = 5;

/// A string; lone surrogates, which can't cross to the host, are replaced.
pub struct Text(pub String);

impl<'js> FromJs<'js> for Text {
    fn from_js(_: &Ctx<'js>, value: Value<'js>) -> Result<Self> {
        let kind = value.type_name();
        let string = value.into_string().ok_or_else(|| Error::new_from_js(kind, "string"))?.to_cstring()?;
        Ok(Text(lossy(&string)))
    }
}

pub fn or_error<T>(ctx: &Ctx, result: std::result::Result<T, String>) -> Result<T> {
    result.map_err(|message| Exception::throw_message(ctx, &message))
}

fn request(js: &Object) -> Result<http::Request> {
    let text = |name: &str| js.get::<_, Option<Text>>(name).map(|text| text.map(|text| text.0));
    let headers: Vec<Vec<Text>> = js.get("headers")?;
    let pair = |header: Vec<Text>| match <[Text; 2]>::try_from(header) {
        Ok([name, value]) => Ok((name.0, value.0)),
        Err(_) => Err(Error::new_from_js("array", "header of name and value")),
    };
    Ok(http::Request {
        method: js.get::<_, Text>("method")?.0,
        url: js.get::<_, Text>("url")?.0,
        headers: headers.into_iter().map(pair).collect::<Result<_>>()?,
        body: match js.get::<_, Value>("body")? {
            body if body.is_null() || body.is_undefined() => None,
            body if body.is_string() => Some(body.get::<Text>()?.0.into_bytes()),
            body => Some(body.get::<TypedArray<u8>>()?.as_bytes().unwrap_or_default().to_vec()),
        },
        name: text("name")?,
        transaction: js.get("transaction")?,
        timeout: js.get::<_, Option<f64>>("timeout")?.map(|ns| ns as u64),
        max_redirects: js.get::<_, f64>("maxRedirects")? as u32,
        identity: js.get("identity")?,
        insecure: js.get("insecure")?,
        discard_body: js.get("discardBody")?,
    })
}

/// A request without options, which needs no object to say so.
fn plain(method: Text, url: Text, transaction: u32) -> Request {
    Request {
        inner: http::Request {
            method: method.0,
            url: url.0,
            headers: Vec::new(),
            body: None,
            name: None,
            transaction,
            timeout: None,
            max_redirects: REDIRECTS,
            identity: None,
            insecure: false,
            discard_body: false,
        },
    }
}

/// Does something with a request in either form.
fn with_request<T>(what: &Object, work: impl FnOnce(&http::Request) -> T) -> Result<T> {
    match Class::<Request>::from_object(what) {
        Some(plain) => Ok(work(&plain.borrow().inner)),
        None => Ok(work(&request(what)?)),
    }
}

pub fn failure(js: Object) -> Result<Failure> {
    let (mut message, given) = (js.get::<_, Text>("message")?.0, js.get::<_, Value>("fields")?);
    let fields = if given.is_null() { Ok(Vec::new()) } else { pack(&given) };
    let fields = fields.catch(js.ctx()).unwrap_or_else(|error| {
        message += &format!(" (its fields are left out: {error})");
        Vec::new()
    });
    Ok(Failure {
        kind: if js.get("isError")? { FailureKind::Error } else { FailureKind::Exception },
        ex_type: js.get::<_, Text>("exType")?.0,
        message,
        location: js.get::<_, Text>("location")?.0,
        stacktrace: js.get::<_, Option<Text>>("stacktrace")?.map(|text| text.0),
        fields,
    })
}

fn end(id: u32, outcome: Text, told: Option<Object>) -> Result<()> {
    let outcome = match (outcome.0.as_str(), told) {
        ("ok", _) => Outcome::Ok,
        ("cancelled", _) => Outcome::Cancelled,
        (_, Some(told)) => Outcome::FailedWith(failure(told)?),
        _ => Outcome::Failed,
    };
    transaction::end(id, &outcome);
    Ok(())
}

fn wait_any(things: Vec<Class<Pending>>, timeout: Option<f64>) -> Vec<u32> {
    let cells: Vec<_> = things.iter().map(|thing| thing.borrow()).collect();
    let handles: Vec<_> = cells.iter().filter_map(|cell| cell.inner.as_ref()).collect();
    waiting::wait_any(&handles, timeout.map(|ns| ns as u64))
}

fn cookie<'js>(ctx: &Ctx<'js>, cookie: http::Cookie) -> Result<Object<'js>> {
    let object = Object::new(ctx.clone())?;
    let parts = [("name", cookie.name), ("value", cookie.value), ("domain", cookie.domain), ("path", cookie.path)];
    parts.into_iter().try_for_each(|(key, value)| object.set(key, value))?;
    Ok(object)
}

pub fn object<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    install(&host);
    macro_rules! functions {
        ($($name:literal: $function:expr;)*) => {
            $(host.set($name, Function::new(ctx.clone(), $function)?)?;)*
        };
    }
    functions! {
        "plain": plain;
        "send": |ctx: Ctx<'js>, what: Object<'js>| answer(&ctx, with_request(&what, http::send)?);
        "start": |what: Object<'js>| with_request(&what, http::start).map(|inner| Pending { inner: Some(inner) });
        "waitAny": wait_any;
        "identity": |ctx: Ctx<'js>, chain: Text, key: Text| or_error(&ctx, http::identity(&chain.0, &key.0));
        "cookies": |ctx: Ctx<'js>| http::cookies().into_iter().map(|c| cookie(&ctx, c)).collect::<Result<Vec<_>>>();
        "setCookie": |ctx: Ctx<'js>, name: Text, value: Text, domain: Text, path: Text| {
            let cookie = http::Cookie { name: name.0, value: value.0, domain: domain.0, path: path.0 };
            or_error(&ctx, http::set_cookie(&cookie))
        };
        "clearCookies": http::clear_cookies;
        "now": || timing::now() as f64;
        "sleep": |ns: f64| timing::sleep(ns as u64);
        "sleepUntil": |at: f64| timing::sleep_until(at as u64);
        "intended": || timing::intended() as f64;
        "shouldStop": timing::should_stop;
        "message": |kind: Text, fields: Value<'js>, transaction: u32| {
            messages::send(&kind.0, &pack(&fields)?, transaction);
            Ok::<_, Error>(())
        };
        "begin": |name: Text, parent: u32| transaction::begin(&name.0, parent);
        "end": end;
        "configGet": |ctx: Ctx<'js>, key: Text| match config::get(&key.0) {
            Some(value) => unpack(&ctx, &value),
            None => ().into_js(&ctx),
        };
        "secret": |name: Text| secrets::get(&name.0);
        "configKeys": config::keys;
        "configSet": |ctx: Ctx<'js>, key: Text, value: Value<'js>| or_error(&ctx, config::set(&key.0, &pack(&value)?));
        "unpack": |ctx: Ctx<'js>, data: TypedArray<'js, u8>| unpack(&ctx, data.as_bytes().unwrap_or_default());
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
