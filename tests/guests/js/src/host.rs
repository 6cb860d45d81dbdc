//! What the SDK calls: the contract's imports as functions and classes of JS. A wrong argument is a JS error, never a trap.

use crate::mite::journey::messages::{Failure, FailureKind};
use crate::mite::journey::transaction::Outcome;
use crate::mite::journey::{config, http, messages, timing, transaction, waiting};
use crate::msgpack::{pack, unpack};
use rquickjs::class::{Class, Trace, Tracer};
use rquickjs::{
    CatchResultExt, Ctx, Error, Exception, FromJs, Function, IntoJs, JsLifetime, Object, Result, TypedArray, Value,
};
use std::hash::{BuildHasher, RandomState};

/// A string; lone surrogates, which can't cross to the host, are replaced.
pub struct Text(pub String);

impl<'js> FromJs<'js> for Text {
    fn from_js(_: &Ctx<'js>, value: Value<'js>) -> Result<Self> {
        let kind = value.type_name();
        let string = value
            .into_string()
            .ok_or_else(|| Error::new_from_js(kind, "string"))?
            .to_cstring()?;
        // SAFETY: the bytes are alive as long as `string` is; they are read as bytes, since they needn't be UTF-8.
        let bytes = unsafe { std::slice::from_raw_parts(string.as_ptr().cast::<u8>(), string.len()) };
        Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
    }
}

/// Handles as JS objects; QuickJS counts references, so that a forgotten one is dropped at once.
macro_rules! handle {
    ($name:ident, $inner:ty) => {
        #[rquickjs::class]
        pub struct $name {
            inner: $inner,
        }
        impl<'js> Trace<'js> for $name {
            fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
        }
        // SAFETY: it holds nothing of a JS context.
        unsafe impl<'js> JsLifetime<'js> for $name {
            type Changed<'to> = $name;
        }
    };
}
handle!(Response, http::Response);
handle!(Pending, Option<waiting::Pending>);

#[rquickjs::methods(rename_all = "camelCase")]
impl Response {
    #[qjs(get)]
    pub fn status(&self) -> u16 {
        self.inner.status
    }
    #[qjs(get)]
    pub fn body_size(&self) -> f64 {
        self.inner.body_size as f64
    }
    /// Nanoseconds since the request began.
    #[qjs(get)]
    pub fn timings<'js>(&self, ctx: Ctx<'js>) -> Result<Object<'js>> {
        let (timings, object) = (self.inner.timings, Object::new(ctx)?);
        let steps = [
            ("dns", timings.dns),
            ("connect", timings.connect),
            ("tls", timings.tls),
            ("transferStart", timings.transfer_start),
            ("firstByte", timings.first_byte),
            ("total", timings.total),
        ];
        steps
            .into_iter()
            .try_for_each(|(name, ns)| object.set(name, ns as f64))?;
        Ok(object)
    }
    #[qjs(get)]
    pub fn url(&self) -> String {
        self.inner.content.url()
    }
    pub fn header(&self, name: Text) -> Option<String> {
        self.inner.content.header(&name.0)
    }
    pub fn headers(&self) -> Vec<Vec<String>> {
        self.inner
            .content
            .headers()
            .into_iter()
            .map(|(name, value)| vec![name, value])
            .collect()
    }
    pub fn body<'js>(&self, ctx: Ctx<'js>) -> Result<TypedArray<'js, u8>> {
        TypedArray::new(ctx.clone(), or_error(&ctx, self.inner.content.body())?)
    }
    pub fn text(&self, ctx: Ctx<'_>) -> Result<String> {
        or_error(&ctx, self.inner.content.text())
    }
    pub fn history<'js>(&self, ctx: Ctx<'js>) -> Result<Vec<Object<'js>>> {
        let hop = |hop: http::Hop| {
            let object = Object::new(ctx.clone())?;
            object.set("status", hop.status)?;
            object.set("url", hop.url)?;
            Ok(object)
        };
        self.inner.content.history().into_iter().map(hop).collect()
    }
    #[qjs(get)]
    pub fn primary_ip(&self) -> String {
        self.inner.content.primary_ip()
    }
    pub fn annotate(&self, fields: Value<'_>) -> Result<()> {
        self.inner.content.annotate(&pack(&fields)?);
        Ok(())
    }
}

#[rquickjs::methods]
impl Pending {
    /// Takes the answer; the handle is gone afterwards.
    pub fn finish<'js>(&mut self, ctx: Ctx<'js>) -> Result<Class<'js, Response>> {
        match self.inner.take() {
            Some(pending) => answer(&ctx, http::finish(pending)),
            None => Err(Exception::throw_message(&ctx, "this request is finished or cancelled")),
        }
    }
    /// Drops the handle, which cancels the request.
    pub fn cancel(&mut self) {
        self.inner = None;
    }
}

fn or_error<T>(ctx: &Ctx, result: std::result::Result<T, String>) -> Result<T> {
    result.map_err(|message| Exception::throw_message(ctx, &message))
}

fn answer<'js>(
    ctx: &Ctx<'js>,
    answer: std::result::Result<http::Response, http::Error>,
) -> Result<Class<'js, Response>> {
    use http::Error::*;
    let (reason, message) = match answer {
        Ok(inner) => return Class::instance(ctx.clone(), Response { inner }),
        Err(Dns(text)) => ("dns", text),
        Err(Connect(text)) => ("connect", text),
        Err(Tls(text)) => ("tls", text),
        Err(Timeout(text)) => ("timeout", text),
        Err(Protocol(text)) => ("protocol", text),
        Err(Cancelled) => ("cancelled", "the request was given up".into()),
        Err(Denied(text)) => ("denied", text),
        Err(Invalid(text)) => ("invalid", text),
        Err(Redirects(most)) => ("redirects", format!("more than {most}")),
    };
    let exception = Exception::from_message(ctx.clone(), &message)?;
    exception.as_object().set("reason", reason)?;
    Err(ctx.throw(exception.into_value()))
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
        timeout: js.get::<_, Option<f64>>("timeout")?.map(|ms| (ms * 1e6) as u64),
        max_redirects: js.get::<_, f64>("maxRedirects")? as u32,
        identity: js.get("identity")?,
        insecure: js.get("insecure")?,
        discard_body: js.get("discardBody")?,
    })
}

pub fn failure(js: Object) -> Result<Failure> {
    let (mut message, given) = (js.get::<_, Text>("message")?.0, js.get::<_, Value>("fields")?);
    let fields = if given.is_null() { Ok(Vec::new()) } else { pack(&given) };
    let fields = fields.catch(js.ctx()).unwrap_or_else(|error| {
        message += &format!(" (its fields are left out: {error})");
        Vec::new()
    });
    Ok(Failure {
        kind: if js.get("isError")? {
            FailureKind::Error
        } else {
            FailureKind::Exception
        },
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
    let parts = [
        ("name", cookie.name),
        ("value", cookie.value),
        ("domain", cookie.domain),
        ("path", cookie.path),
    ];
    parts.into_iter().try_for_each(|(key, value)| object.set(key, value))?;
    Ok(object)
}

pub fn object<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    macro_rules! functions {
        ($($name:literal: $function:expr;)*) => {
            $(host.set($name, Function::new(ctx.clone(), $function)?)?;)*
        };
    }
    functions! {
        "send": |ctx: Ctx<'js>, what: Object<'js>| answer(&ctx, http::send(&request(&what)?));
        "start": |what: Object<'js>| Ok::<_, Error>(Pending { inner: Some(http::start(&request(&what)?)) });
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
        "configKeys": config::keys;
        "configSet": |ctx: Ctx<'js>, key: Text, value: Value<'js>| or_error(&ctx, config::set(&key.0, &pack(&value)?));
        "unpack": |ctx: Ctx<'js>, data: TypedArray<'js, u8>| unpack(&ctx, data.as_bytes().unwrap_or_default());
        "log": |text: Text| eprintln!("{}", text.0);
        // The host's randomness: the engine's own begins with the time, and a snapshot of it would begin the same each time.
        "random": || (RandomState::new().hash_one(()) >> 11) as f64 / (1u64 << 53) as f64;
    }
    Ok(host)
}
