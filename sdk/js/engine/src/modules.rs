//! Where modules come from: the SDK's are part of the engine, the script's are handed over by the host.

use crate::mite::journey::script;
use rmpv::Value as Packed;
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::Declared;
use rquickjs::{Ctx, Error, Module, Result};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The SDK's module that the engine calls.
#[cfg(not(feature = "processors"))]
pub const ENGINE: &str = "@mite/sdk/engine.js";
#[cfg(feature = "processors")]
pub const ENGINE: &str = "@mite/sdk/processors/engine.js";
/// What scripts import.
const SDK: &str = "@mite/sdk";
/// What scripts of processors import.
const PROCESSOR: &str = "@mite/sdk/processor";

macro_rules! sources {
    ($($file:literal)*) => {
        /// The source of a module of the SDK.
        pub fn sdk(name: &str) -> Option<&'static str> {
            match name.strip_prefix("@mite/sdk/")? {
                $($file => Some(include_str!(concat!("../../src/", $file))),)*
                _ => None,
            }
        }
    };
}
sources! {
    "component.js" "config.js" "context.js" "engine.js" "errors.js" "hooks.js" "host.js" "http.js" "index.js" "loop.js" "time.js" "volume.js"
    "platform/abort.js" "platform/base64.js" "platform/console.js" "platform/fetch.js" "platform/install.js" "platform/text.js"
    "platform/url.js" "processors/engine.js" "processors/index.js"
}

/// A module of the script.
struct Source {
    text: String,
    /// Which module each specifier in it means.
    imports: BTreeMap<String, String>,
}

thread_local!(static SCRIPT: RefCell<BTreeMap<String, Source>> = const { RefCell::new(BTreeMap::new()) });

/// Asks the host for the script, and answers its first module.
///
/// It is a msgpack map: `entry`, a name, and `modules`, a list of `[name, source, [[specifier, name], ...]]`.
pub fn open() -> std::result::Result<String, String> {
    let script = script::source();
    if script.is_empty() {
        return Err("this component is only the engine: it has no script; build one by `mite build app.js`".into());
    }
    let packed = rmpv::decode::read_value(&mut &script[..]).map_err(|error| error.to_string())?;
    let entry = field(&packed, "entry").and_then(Packed::as_str).map(str::to_owned);
    let modules =
        field(&packed, "modules").and_then(Packed::as_array).map(|modules| modules.iter().map(module).collect());
    match (entry, modules.flatten()) {
        (Some(entry), Some(modules)) => {
            SCRIPT.set(modules);
            Ok(entry)
        }
        _ => Err("its script is broken: build it again by `mite build`".into()),
    }
}

fn field<'p>(map: &'p Packed, name: &str) -> Option<&'p Packed> {
    map.as_map()?.iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
}

fn module(packed: &Packed) -> Option<(String, Source)> {
    let [name, text, imports] = packed.as_array()?.as_slice() else { return None };
    let text_of = |value: &Packed| value.as_str().map(str::to_owned);
    let import = |pair: &Packed| match pair.as_array()?.as_slice() {
        [specifier, name] => Some((text_of(specifier)?, text_of(name)?)),
        _ => None,
    };
    let imports = imports.as_array()?.iter().map(import).collect::<Option<_>>()?;
    Some((text_of(name)?, Source { text: text_of(text)?, imports }))
}

/// What a specifier means in a module.
pub struct Names;

impl Resolver for Names {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        if let Some(own) = base.strip_prefix("@mite/sdk/") {
            let directory = own.rsplit_once('/').map_or("", |(directory, _)| directory);
            return Ok(within(directory, name));
        }
        if name == SDK {
            return Ok(format!("{SDK}/index.js"));
        }
        if name == PROCESSOR {
            return Ok(format!("{SDK}/processors/index.js"));
        }
        SCRIPT.with_borrow(|script| match script.get(base).and_then(|module| module.imports.get(name)) {
            Some(meant) => Ok(meant.clone()),
            None if script.contains_key(name) => Ok(name.to_owned()),
            None => Err(Error::new_resolving(base, name)),
        })
    }
}

/// A path of the SDK's, below its root.
fn within(directory: &str, name: &str) -> String {
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{SDK}/{}", parts.join("/"))
}

/// The source of a module.
pub struct Sources;

impl Loader for Sources {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        if let Some(source) = sdk(name) {
            return Module::declare(ctx.clone(), name, source);
        }
        // Taken: a module is loaded once.
        let text = SCRIPT.with_borrow_mut(|script| script.get_mut(name).map(|module| std::mem::take(&mut module.text)));
        Module::declare(ctx.clone(), name, text.ok_or_else(|| Error::new_loading(name))?)
    }
}
