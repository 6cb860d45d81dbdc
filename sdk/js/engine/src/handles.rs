//! Requests and answers of the host as objects of JavaScript.

use crate::host::{Text, or_error};
use crate::mite::journey::{http, waiting};
use crate::msgpack::pack;
use rquickjs::class::{Class, Trace, Tracer};
use rquickjs::{Ctx, Exception, Object, Result, TypedArray, Value};

/// Handles as JS objects; QuickJS counts references, so that a forgotten one is dropped at once.
macro_rules! handle {
    ($name:ident, $inner:ty) => {
        #[rquickjs::class]
        pub struct $name {
            pub(crate) inner: $inner,
        }
        impl<'js> Trace<'js> for $name {
            fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
        }
    };
}
handle!(Request, http::Request);
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
    /// Seconds since the request began.
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
        steps.into_iter().try_for_each(|(name, ns)| object.set(name, ns as f64 / 1e9))?;
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
        self.inner.content.headers().into_iter().map(|(name, value)| vec![name, value]).collect()
    }
    pub fn body<'js>(&self, ctx: Ctx<'js>) -> Result<TypedArray<'js, u8>> {
        TypedArray::new(ctx.clone(), or_error(&ctx, self.inner.content.body())?)
    }
    pub fn text(&self, ctx: Ctx<'_>) -> Result<String> {
        or_error(&ctx, self.inner.content.text())
    }
    pub fn json<'js>(&self, ctx: Ctx<'js>) -> Result<Value<'js>> {
        ctx.json_parse(or_error(&ctx, self.inner.content.text())?)
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
impl Request {}

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

/// What became of a request; its error has `kind`.
pub fn answer<'js>(
    ctx: &Ctx<'js>,
    answer: std::result::Result<http::Response, http::Error>,
) -> Result<Class<'js, Response>> {
    use http::Error::*;
    let (kind, message) = match answer {
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
    exception.as_object().set("kind", kind)?;
    Err(ctx.throw(exception.into_value()))
}
