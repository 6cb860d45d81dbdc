//! CommonJS modules of the script: functions, which the SDK's `commonjs.js` calls.

use crate::host::Text;
use crate::modules::{self, Code};
use crate::promises;
use rquickjs::{Ctx, Object, Result, Value};

/// What a module's text stands in. Its first line is the third.
const HEAD: &str = "\n(function (exports, require, module, __filename, __dirname) {\n";
const TAIL: &str = "\n})";

/// The function that a module is; null: there is none of this name.
pub fn function<'js>(ctx: Ctx<'js>, name: Text) -> Result<Value<'js>> {
    let name = name.0;
    match modules::COMMONJS.with_borrow_mut(|script| modules::take(script, &name)) {
        Some(Code::Text(text)) => promises::evaluate(&ctx, promises::script(&ctx, &name, &whole(&text))?),
        Some(Code::Compiled(code)) => promises::evaluate(&ctx, promises::compiled_script(&ctx, &code)?),
        Some(Code::Taken) | None => Ok(Value::new_null(ctx)),
    }
}

fn whole(text: &str) -> String {
    // What a file for Unix begins with is no JavaScript.
    let comment = if text.starts_with("#!") { "//" } else { "" };
    format!("{HEAD}{comment}{text}{TAIL}")
}

/// A module compiled, without evaluating it.
#[cfg(not(feature = "processors"))]
pub fn compiled(ctx: &Ctx, name: &str, text: &str) -> Result<Vec<u8>> {
    promises::written(ctx, promises::script(ctx, name, &whole(text))?)
}

/// What a specifier means in a module: `{ name }`, `{ refused }`, or neither.
pub fn meaning<'js>(ctx: Ctx<'js>, base: Text, specifier: Text) -> Result<Object<'js>> {
    let answer = Object::new(ctx)?;
    modules::COMMONJS.with_borrow(|script| {
        let Some(module) = script.get(&base.0) else { return Ok(()) };
        match (module.imports.get(&specifier.0), module.refused.get(&specifier.0)) {
            (Some(name), _) => answer.set("name", name.as_str()),
            (None, Some(why)) => answer.set("refused", why.as_str()),
            (None, None) => Ok(()),
        }
    })?;
    Ok(answer)
}
