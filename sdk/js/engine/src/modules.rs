//! Where modules come from: the SDK's are part of the engine, the script's are handed over by the host.

#[cfg(not(feature = "processors"))]
use crate::commonjs;
use crate::mite::journey::script;
use crate::promises::compiled_module;
#[cfg(not(feature = "processors"))]
use rmp::encode;
use rmpv::ValueRef as Packed;
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::{Declared, WriteOptions};
use rquickjs::{Ctx, Error, Module, Result};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The SDK's module that the engine calls.
#[cfg(not(feature = "processors"))]
pub const ENGINE: &str = "@mite/sdk/engine.js";
#[cfg(feature = "processors")]
pub const ENGINE: &str = "@mite/sdk/processors/engine.js";
/// The SDK's modules that scripts import.
#[cfg(not(feature = "processors"))]
pub const SCRIPTS: [&str; 2] = ["@mite/sdk/index.js", "@mite/sdk/commonjs.js"];
#[cfg(feature = "processors")]
pub const SCRIPTS: [&str; 2] = ["@mite/sdk/processors/index.js", "@mite/sdk/commonjs.js"];
/// What they call the first.
const SDK: &str = "@mite/sdk";
/// What modules import that stand for those of CommonJS.
const COMMONJS_OF_SDK: &str = "@mite/sdk/commonjs";
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
    "commonjs.js" "component.js" "config.js" "context.js" "engine.js" "errors.js" "hooks.js" "host.js" "http.js" "index.js" "loop.js" "rehearsal.js" "time.js" "volume.js"
    "platform/abort.js" "platform/base64.js" "platform/console.js" "platform/fetch.js" "platform/install.js" "platform/text.js"
    "platform/url.js" "processors/engine.js" "processors/index.js"
}

/// A module of the script.
pub struct Source {
    code: Code,
    /// Which module each specifier in it means.
    pub imports: BTreeMap<String, String>,
    /// Specifiers that mean none, and why.
    pub refused: BTreeMap<String, String>,
}

/// How a module comes.
pub enum Code {
    Text(String),
    /// What `compiled` has made of its text, by this very engine.
    Compiled(Vec<u8>),
    /// It has been loaded.
    Taken,
}

type Modules = BTreeMap<String, Source>;

thread_local! {
    static SCRIPT: RefCell<Modules> = const { RefCell::new(BTreeMap::new()) };
    /// Those of CommonJS.
    pub static COMMONJS: RefCell<Modules> = const { RefCell::new(BTreeMap::new()) };
    /// What is written down of modules as they are loaded, if it is.
    static WRITTEN: RefCell<Option<BTreeMap<String, Vec<u8>>>> = const { RefCell::new(None) };
}

/// Asks the host for the script, and answers its first module.
///
/// It is a msgpack map: `entry`, a name, and `modules` and `commonjs`, lists of `[name, code, imports, refused]`. Code is a text, or binary
/// where it is compiled; the others are lists of pairs: of a specifier and a name, of a specifier and why it means nothing.
pub fn open() -> std::result::Result<String, String> {
    let script = script::source();
    if script.is_empty() {
        return Err("this component is only the engine: it has no script; build one by `mite build app.js`".into());
    }
    let packed = rmpv::decode::read_value_ref(&mut &script[..]).map_err(|error| error.to_string())?;
    let entry = field(&packed, "entry").and_then(text).map(str::to_owned);
    let modules = |kind| field(&packed, kind).and_then(list)?.iter().map(module).collect::<Option<_>>();
    match (entry, modules("modules"), modules("commonjs")) {
        (Some(entry), Some(modules), Some(commonjs)) => {
            SCRIPT.set(modules);
            COMMONJS.set(commonjs);
            Ok(entry)
        }
        _ => Err("its script is broken: build it again by `mite build`".into()),
    }
}

fn field<'p>(map: &'p Packed, name: &str) -> Option<&'p Packed<'p>> {
    let Packed::Map(pairs) = map else { return None };
    pairs.iter().find(|(key, _)| text(key) == Some(name)).map(|(_, value)| value)
}

fn text<'p>(value: &'p Packed) -> Option<&'p str> {
    match value {
        Packed::String(text) => text.as_str(),
        _ => None,
    }
}

fn list<'p>(value: &'p Packed) -> Option<&'p [Packed<'p>]> {
    match value {
        Packed::Array(items) => Some(items),
        _ => None,
    }
}

fn module(packed: &Packed) -> Option<(String, Source)> {
    let [name, code, imports, refused] = list(packed)? else { return None };
    let code = match code {
        Packed::Binary(bytes) => Code::Compiled(bytes.to_vec()),
        code => Code::Text(text(code)?.to_owned()),
    };
    Some((text(name)?.to_owned(), Source { code, imports: pairs(imports)?, refused: pairs(refused)? }))
}

fn pairs(packed: &Packed) -> Option<BTreeMap<String, String>> {
    let pair = |pair: &Packed| match list(pair)? {
        [first, second] => Some((text(first)?.to_owned(), text(second)?.to_owned())),
        _ => None,
    };
    list(packed)?.iter().map(pair).collect()
}

/// The code of a module, which is loaded once.
pub fn take(script: &mut Modules, name: &str) -> Option<Code> {
    script.get_mut(name).map(|module| std::mem::replace(&mut module.code, Code::Taken))
}

/// The script as `open` takes it, with its modules compiled. What it is made of is taken: it can't be opened after that.
#[cfg(not(feature = "processors"))]
pub fn compiled(ctx: &Ctx) -> Result<Vec<u8>> {
    let entry = open().map_err(|why| rquickjs::Exception::throw_message(ctx, &why))?;
    WRITTEN.set(Some(BTreeMap::new()));
    let names: Vec<String> = SCRIPT.with_borrow(|script| script.keys().cloned().collect());
    for name in names {
        // Those that others have imported are there already.
        if WRITTEN.with_borrow(|written| written.as_ref().is_some_and(|written| !written.contains_key(&name))) {
            load(ctx, &name)?;
        }
    }
    let written = WRITTEN.take().unwrap_or_default();
    let others = COMMONJS.with_borrow(|script| {
        let compiled = |(name, module): (&String, &Source)| match &module.code {
            Code::Text(text) => Ok((name.clone(), commonjs::compiled(ctx, name, text)?)),
            _ => Ok((name.clone(), Vec::new())),
        };
        script.iter().map(compiled).collect::<Result<BTreeMap<_, _>>>()
    })?;
    let mut out = Vec::new();
    // Writing into memory can't fail.
    let _ = encode::write_map_len(&mut out, 3);
    let _ = encode::write_str(&mut out, "entry");
    let _ = encode::write_str(&mut out, &entry);
    let _ = encode::write_str(&mut out, "modules");
    SCRIPT.with_borrow(|script| write(script, &written, &mut out));
    let _ = encode::write_str(&mut out, "commonjs");
    COMMONJS.with_borrow(|script| write(script, &others, &mut out));
    Ok(out)
}

#[cfg(not(feature = "processors"))]
fn write(script: &Modules, written: &BTreeMap<String, Vec<u8>>, out: &mut Vec<u8>) {
    let _ = encode::write_array_len(out, script.len() as u32);
    for (name, module) in script {
        let _ = encode::write_array_len(out, 4);
        let _ = encode::write_str(out, name);
        let _ = encode::write_bin(out, written.get(name).map_or(&[][..], Vec::as_slice));
        for pairs in [&module.imports, &module.refused] {
            let _ = encode::write_array_len(out, pairs.len() as u32);
            for (first, second) in pairs {
                let _ = encode::write_array_len(out, 2);
                let _ = encode::write_str(out, first);
                let _ = encode::write_str(out, second);
            }
        }
    }
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
        if name == COMMONJS_OF_SDK {
            return Ok(format!("{SDK}/commonjs.js"));
        }
        let meant = |script: &Modules| script.get(base).and_then(|module| module.imports.get(name)).cloned();
        let meant = SCRIPT.with_borrow(meant).or_else(|| COMMONJS.with_borrow(meant));
        SCRIPT.with_borrow(|script| match meant {
            Some(meant) => Ok(meant),
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

/// Where a module comes from.
pub struct Sources;

impl Loader for Sources {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        load(ctx, name)
    }
}

/// A module, and all that it imports unless it is compiled: that comes then when it is evaluated.
pub fn load<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Module<'js, Declared>> {
    if let Some(source) = sdk(name) {
        return Module::declare(ctx.clone(), name, source);
    }
    let module = match SCRIPT.with_borrow_mut(|script| take(script, name)) {
        Some(Code::Text(text)) => Module::declare(ctx.clone(), name, text)?,
        Some(Code::Compiled(code)) => return compiled_module(ctx, &code),
        Some(Code::Taken) | None => return Err(Error::new_loading(name)),
    };
    if WRITTEN.with_borrow(Option::is_some) {
        // Without the text of its functions, which would be kept in each instance.
        let code = module.write(WriteOptions { strip_source: true, ..WriteOptions::default() })?;
        WRITTEN.with_borrow_mut(|written| written.as_mut().map(|written| written.insert(name.to_owned(), code)));
    }
    Ok(module)
}
