//! Fields, arguments and values of the config: msgpack there, JS values here.

use crate::host::Text;
use rmp::{Marker, encode};
use rmpv::Value as Packed;
use rquickjs::{Array, BigInt, Ctx, Error, Object, Result, Type, TypedArray, Value};

/// Deeper ones, and those that contain themselves, are an error.
const DEPTH: usize = 64;

pub fn pack(value: &Value) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(128);
    write(value, DEPTH, &mut bytes)?;
    Ok(bytes)
}

#[cfg_attr(feature = "processors", allow(dead_code))]
pub fn unpack<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<Value<'js>> {
    let value = rmpv::decode::read_value_with_max_depth(&mut &bytes[..], DEPTH);
    from_packed(ctx, value.map_err(|error| Error::new_from_js_message("msgpack", "value", error.to_string()))?)
}

/// Whole numbers up to here are exact.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

fn write(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(Error::new_from_js_message("object", "msgpack", "it is nested too deeply"));
    };
    match value.type_of() {
        Type::Null | Type::Undefined | Type::Uninitialized => out.push(Marker::Null.to_u8()),
        Type::Bool => {
            out.push(if value.as_bool() == Some(true) { Marker::True } else { Marker::False }.to_u8());
        }
        Type::Int => whole(value.as_int().unwrap_or_default().into(), out),
        Type::Float => match value.as_float().unwrap_or_default() {
            number if number.fract() == 0.0 && number.abs() <= WHOLE_MAX => whole(number as i64, out),
            number => {
                out.push(Marker::F64.to_u8());
                out.extend(number.to_be_bytes());
            }
        },
        Type::String => text(&value.get::<Text>()?.0, out),
        Type::BigInt => whole(value.as_big_int().ok_or(Error::Unknown)?.clone().to_i64()?, out),
        Type::Array => {
            let items = value.as_array().ok_or(Error::Unknown)?;
            // Writing into memory can't fail.
            let _ = encode::write_array_len(out, items.len() as u32);
            items.iter().try_for_each(|item| write(&item?, depth, out))?;
        }
        Type::Symbol | Type::Function | Type::Constructor | Type::Module | Type::Unknown => {
            return Err(Error::new_from_js(value.type_name(), "msgpack"));
        }
        _ => object(value, depth, out)?,
    }
    Ok(())
}

fn whole(number: i64, out: &mut Vec<u8>) {
    let _ = encode::write_sint(out, number);
}

fn text(text: &str, out: &mut Vec<u8>) {
    let _ = encode::write_str(out, text);
}

fn object(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    if let Ok(bytes) = TypedArray::<u8>::from_value(value.clone()) {
        let _ = encode::write_bin(out, bytes.as_bytes().unwrap_or_default());
        return Ok(());
    }
    let object = value.as_object().ok_or_else(|| Error::new_from_js(value.type_name(), "msgpack"))?;
    let pairs = object.props::<Value, Value>();
    let _ = encode::write_map_len(out, pairs.len() as u32);
    for pair in pairs {
        let (key, item) = pair?;
        text(&key.get::<Text>()?.0, out);
        write(&item, depth, out)?;
    }
    Ok(())
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
