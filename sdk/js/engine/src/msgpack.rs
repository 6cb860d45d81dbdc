//! Fields, arguments and values of the config: msgpack there, JS values here.

use crate::host::Text;
use rmpv::Value as Packed;
use rquickjs::{Array, BigInt, Ctx, Error, Object, Result, TypedArray, Value};

/// Deeper ones, and those that contain themselves, are an error.
const DEPTH: usize = 64;

pub fn pack(value: &Value) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, &to_packed(value, DEPTH)?).map_err(|_| Error::Unknown)?;
    Ok(bytes)
}

#[cfg_attr(feature = "processors", allow(dead_code))]
pub fn unpack<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<Value<'js>> {
    let value = rmpv::decode::read_value_with_max_depth(&mut &bytes[..], DEPTH);
    from_packed(ctx, value.map_err(|error| Error::new_from_js_message("msgpack", "value", error.to_string()))?)
}

fn to_packed(value: &Value, depth: usize) -> Result<Packed> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Error::new_from_js_message("object", "msgpack", "it is nested too deeply"));
    };
    if value.is_null() || value.is_undefined() {
        return Ok(Packed::Nil);
    }
    if let Some(bool) = value.as_bool() {
        return Ok(bool.into());
    }
    if let Some(number) = value.as_number() {
        let whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        return Ok(if whole { (number as i64).into() } else { number.into() });
    }
    if value.is_string() {
        return Ok(value.get::<Text>()?.0.into());
    }
    if let Some(big) = value.as_big_int() {
        return Ok(big.clone().to_i64()?.into());
    }
    if let Some(items) = value.as_array() {
        return Ok(Packed::Array(items.iter().map(|item| to_packed(&item?, depth)).collect::<Result<_>>()?));
    }
    if let Ok(bytes) = TypedArray::<u8>::from_value(value.clone()) {
        return Ok(bytes.as_bytes().unwrap_or_default().into());
    }
    match value.as_object() {
        Some(object) if !value.is_function() => {
            let pair = |pair: Result<(Value, Value)>| {
                let (key, item) = pair?;
                Ok((key.get::<Text>()?.0.into(), to_packed(&item, depth)?))
            };
            Ok(Packed::Map(object.props().map(pair).collect::<Result<_>>()?))
        }
        _ => Err(Error::new_from_js(value.type_name(), "msgpack")),
    }
}

pub fn from_packed<'js>(ctx: &Ctx<'js>, value: Packed) -> Result<Value<'js>> {
    Ok(match value {
        Packed::Nil => Value::new_null(ctx.clone()),
        Packed::Boolean(bool) => Value::new_bool(ctx.clone(), bool),
        Packed::Integer(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) if number.unsigned_abs() <= 1 << 53 => Value::new_number(ctx.clone(), number as f64),
            (Some(number), _) => BigInt::from_i64(ctx.clone(), number)?.into_value(),
            (None, number) => BigInt::from_u64(ctx.clone(), number.unwrap_or_default())?.into_value(),
        },
        Packed::F32(number) => Value::new_number(ctx.clone(), number.into()),
        Packed::F64(number) => Value::new_number(ctx.clone(), number),
        Packed::String(text) => {
            rquickjs::String::from_str(ctx.clone(), &String::from_utf8_lossy(text.as_bytes()))?.into_value()
        }
        Packed::Binary(bytes) => TypedArray::new(ctx.clone(), bytes)?.into_value(),
        Packed::Array(items) => {
            let array = Array::new(ctx.clone())?;
            for (position, item) in items.into_iter().enumerate() {
                array.set(position, from_packed(ctx, item)?)?;
            }
            array.into_value()
        }
        Packed::Map(pairs) => {
            let object = Object::new(ctx.clone())?;
            for (key, item) in pairs {
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                object.set(key, from_packed(ctx, item)?)?;
            }
            object.into_value()
        }
        Packed::Ext(..) => return Err(Error::new_from_js("msgpack extension", "value")),
    })
}
