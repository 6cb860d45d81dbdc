//! Python modules and packages, by componentize-py and the SDK's own builder (`python -m mite.build`).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::inputs::Inputs;
use super::kind::Source;
use super::store::Store;
use super::tool::{self, command};
use super::{Error, Made, sdk};
use crate::sources;

pub const COMPONENTIZE: &str = "componentize-py";
/// Another makes components that this mite was not tested with.
pub const COMPONENTIZE_VERSION: &str = "0.25.1";
/// The oldest Python that the SDK runs under.
pub const VERSION_MIN: (u32, u32) = (3, 11);
/// Asked of an interpreter; one line for each.
const QUESTION: &str = "import sys, importlib.metadata as m\nprint('%d.%d.%d' % sys.version_info[:3])\ntry: \
                        print(m.version('componentize-py'))\nexcept m.PackageNotFoundError: print('none')\n";

/// Asks the SDK which files a component is made of: name and path in turn, each with a NUL behind.
const FILES: &str = "import sys\nfrom mite.build.sources import Sources\nfor pair in sorted(Sources(sys.argv[1]).files.items()): \
                     sys.stdout.write(''.join(part + '\\0' for part in pair))\n";

/// An interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    pub program: PathBuf,
    pub version: String,
    /// The version of componentize-py that it has.
    pub componentize: Option<String>,
}

impl Python {
    /// What is wrong with it, for building.
    pub fn lacks(&self) -> Option<String> {
        let mut parts = self.version.split('.').map(|part| part.parse().unwrap_or(0));
        let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        if version < VERSION_MIN {
            return Some(format!("Python {}.{} or newer (it is {})", VERSION_MIN.0, VERSION_MIN.1, self.version));
        }
        match self.componentize.as_deref() {
            Some(COMPONENTIZE_VERSION) => None,
            Some(other) => Some(format!("{COMPONENTIZE} {COMPONENTIZE_VERSION} (it has {other})")),
            None => Some(format!("{COMPONENTIZE} {COMPONENTIZE_VERSION}")),
        }
    }

    /// Whether the SDK runs under it.
    fn is_new(&self) -> bool {
        self.lacks().is_none_or(|lacks| lacks.starts_with(COMPONENTIZE))
    }

    fn ask(program: &Path) -> Option<Self> {
        let mut command = command(program, Path::new("."));
        let said = tool::ask(command.args(["-I", "-c", QUESTION]))?;
        let (version, componentize) = said.split_once('\n')?;
        let componentize = Some(componentize.trim().to_owned()).filter(|version| version != "none");
        Some(Self { program: program.to_owned(), version: version.to_owned(), componentize })
    }
}

/// The interpreters to be asked, in order, with the virtual environments among them first: MITE_PYTHON; the active environment; those
/// beside the source; mite's own; the one that is found on PATH.
fn candidates(directory: &Path, store: &Store) -> Vec<PathBuf> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(only) = named("MITE_PYTHON") {
        return vec![only];
    }
    let mut found: Vec<PathBuf> = environment(directory).into_iter().map(|place| interpreter(&place)).collect();
    found.push(interpreter(&store.environment(&own())));
    found.retain(|path| path.exists());
    found.extend(["python3".into(), "python".into()]);
    found
}

/// The virtual environment whose packages a source uses: the active one, or one beside it.
fn environment(directory: &Path) -> Option<PathBuf> {
    let active = std::env::var_os("VIRTUAL_ENV").filter(|value| !value.is_empty()).map(PathBuf::from);
    let beside = [".venv", "venv"].map(|name| directory.join(name));
    active
        .into_iter()
        .chain(beside)
        .find(|place| interpreter(place).exists())
        .and_then(|it| std::path::absolute(it).ok())
}

fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin").join("python")
}

/// The name of mite's own environment.
fn own() -> String {
    format!("python-{COMPONENTIZE}-{COMPONENTIZE_VERSION}")
}

/// The interpreter to build with: the first that has what is needed; else, with what each lacks, those that there are.
pub fn find(directory: &Path, store: &Store) -> Result<Python, Vec<Python>> {
    let mut others = Vec::new();
    for program in candidates(directory, store) {
        match Python::ask(&program) {
            Some(python) if python.lacks().is_none() => return Ok(python),
            Some(python) => others.push(python),
            None => {}
        }
    }
    Err(others)
}

/// Builds the component of a module or package, unless it is there already.
pub fn build(source: &Source, store: &Store, install: bool) -> Result<Made, Error> {
    let directory = source.directory();
    let python = match find(&directory, store) {
        Ok(python) => python,
        Err(others) if install => make_own(source, store, &others)?,
        Err(others) => return Err(missing(source.path(), &others)),
    };
    sdk::refresh(&sdk::PYTHON, &directory)?;
    let builder =
        Builder { source, python, environment: environment(&directory), sources: store.sources(sdk::PYTHON.folders)? };
    let hash = builder.hash();
    let entry = store.entry(source.path(), &source.name())?;
    if hash.as_ref().is_some_and(|hash| entry.is_of(hash)) {
        return Ok(Made { path: entry.component(), fresh: false });
    }
    super::announce(source);
    builder.componentize(&entry.draft())?;
    entry.finish(hash.as_deref())?;
    Ok(Made { path: entry.component(), fresh: true })
}

/// The SDK's local host, to be told what to run: under the interpreter that builds, or, since it needs no more than Python, any other.
pub fn local(source: &Source, store: &Store) -> Result<Command, Error> {
    let directory = source.directory();
    let python = find(&directory, store).or_else(|others| {
        let missing = missing(source.path(), &others);
        others.into_iter().find(Python::is_new).ok_or(missing)
    })?;
    sdk::refresh(&sdk::PYTHON, &directory)?;
    let sources = store.sources(sdk::PYTHON.folders)?;
    let mut host = Builder { source, python, environment: environment(&directory), sources }.command();
    host.args(["-m", "mite.local"]);
    Ok(host)
}

/// The SDK's builder, ready to be run.
struct Builder<'a> {
    source: &'a Source,
    python: Python,
    /// Whose packages the source uses.
    environment: Option<PathBuf>,
    /// Where the program's own sources are.
    sources: PathBuf,
}

impl Builder<'_> {
    /// Python with the SDK, here: what it says of files is as the author knows them.
    fn command(&self) -> Command {
        let mut python = Command::new(&self.python.program);
        python.env("PYTHONPATH", self.sources.join("sdk/python")).env("PYTHONDONTWRITEBYTECODE", "1");
        python.env_remove("PYTHONHOME").env_remove("VIRTUAL_ENV");
        if let Some(environment) = &self.environment {
            python.env("VIRTUAL_ENV", environment);
        }
        python
    }

    /// None: nobody can say what it is made of. Building it says what is wrong.
    fn hash(&self) -> Option<String> {
        let (program, own) = (self.python.program.to_string_lossy(), sources::digest(sdk::PYTHON.folders));
        let words = [env!("CARGO_PKG_VERSION"), &own, &program, &self.python.version, COMPONENTIZE_VERSION];
        let mut inputs = Inputs::new(&words);
        let files = tool::ask(self.command().args(["-c", FILES]).arg(self.source.path()))?;
        let mut files = files.split('\0');
        while let (Some(name), Some(file)) = (files.next(), files.next()) {
            inputs.file(name, Path::new(file));
        }
        let minor: Vec<_> = self.python.version.split('.').take(2).collect();
        let own = self.python.program.parent().and_then(Path::parent).map(Path::to_owned);
        for environment in own.iter().chain(&self.environment) {
            inputs.names(&environment.join("lib").join(format!("python{}", minor.join("."))).join("site-packages"));
        }
        inputs.hash()
    }

    /// Errors of the source are the builder's to tell: they go to standard error as they are.
    fn componentize(&self, draft: &Path) -> Result<(), Error> {
        let mut builder = self.command();
        builder.args(["-m", "mite.build"]).arg(self.source.path()).arg("-o").arg(draft);
        let (status, _) = tool::run(builder.arg("--wit").arg(self.sources.join("wit")))?;
        if status.success() && draft.is_file() {
            return Ok(());
        }
        Err(Error::Failed { path: self.source.path().to_owned() })
    }
}

/// Makes mite's own environment.
fn make_own(source: &Source, store: &Store, others: &[Python]) -> Result<Python, Error> {
    let Some(base) = others.iter().find(|python| python.is_new()) else { return Err(missing(source.path(), others)) };
    let place = store.environment(&own());
    let package = format!("{COMPONENTIZE}=={COMPONENTIZE_VERSION}");
    let mut make = command(&base.program, Path::new("."));
    make.args(["-m", "venv", "--clear"]).arg(&place);
    let mut install = command(interpreter(&place), Path::new("."));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &package]);
    for command in [&mut make, &mut install] {
        let (status, _) = tool::run(command)?;
        if !status.success() {
            let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            return Err(Error::Install { command: words.join(" ") });
        }
    }
    Python::ask(&interpreter(&place)).filter(|python| python.lacks().is_none()).ok_or_else(|| missing(&place, others))
}

/// What to do about it.
fn missing(path: &Path, others: &[Python]) -> Error {
    let what = match others {
        [] => format!("Python {}.{} or newer", VERSION_MIN.0, VERSION_MIN.1),
        [first, ..] => format!("{}, which {} lacks", first.lacks().unwrap_or_default(), first.program.display()),
    };
    Error::Missing { path: path.to_owned(), what, way_out: way_out(others) }
}

/// The exact commands.
pub fn way_out(others: &[Python]) -> String {
    match others {
        [] => "install python3 with its venv module, or name an interpreter in MITE_PYTHON".to_owned(),
        _ => format!(
            "run `mite build --install` for an environment of mite's own, or `python3 -m venv .venv && .venv/bin/python -m pip \
             install {COMPONENTIZE}=={COMPONENTIZE_VERSION}` beside the source"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_says_what_it_lacks() {
        for (version, componentize, want) in [
            ("3.11.7", Some("0.25.1"), None),
            ("3.11.0", Some("0.25.1"), None),
            ("3.10.18", Some("0.25.1"), Some("Python 3.11 or newer (it is 3.10.18)")),
            ("2.7.18", None, Some("Python 3.11 or newer (it is 2.7.18)")),
            ("3.11.7", None, Some("componentize-py 0.25.1")),
            ("3.11.7", Some("0.19.0"), Some("componentize-py 0.25.1 (it has 0.19.0)")),
        ] {
            let python = Python {
                program: "python3".into(),
                version: version.into(),
                componentize: componentize.map(str::to_owned),
            };
            assert_eq!(python.lacks().as_deref(), want, "{version} {componentize:?}");
        }
    }
}
