//! Python modules and packages, by componentize-py and the SDK's own builder (`python -m mite.build`).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::inputs::Inputs;
use super::kind::Source;
use super::parts::Parts;
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

/// Asks the SDK what a component is made of: for each file its name and path; then what isn't there and would be one of them; then
/// directories whose names count. A NUL behind each, and one more behind the files and behind the absent.
const FILES: &str = "import sys\nfrom mite.build.sources import Sources\nmade = Sources(sys.argv[1])\nlists = [part for pair in \
                     sorted(made.files.items()) for part in pair], sorted(made.absent), sorted(made.directories)\nfor each in lists: \
                     sys.stdout.write(''.join(part + '\\0' for part in each) + '\\0')\n";

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
        if let Some(python) = Self::of_environment(program) {
            return Some(python);
        }
        let mut command = command(program, Path::new("."));
        let said = tool::ask(command.args(["-I", "-c", QUESTION]))?;
        let (version, componentize) = said.split_once('\n')?;
        let componentize = Some(componentize.trim().to_owned()).filter(|version| version != "none");
        Some(Self { program: program.to_owned(), version: version.to_owned(), componentize })
    }

    /// What the files of a virtual environment say, which takes no time; none: it isn't one, or lacks componentize-py.
    fn of_environment(program: &Path) -> Option<Self> {
        let environment = program.is_file().then(|| program.parent()?.parent())??;
        let config = std::fs::read_to_string(environment.join("pyvenv.cfg")).ok()?;
        let version = config.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "version").then(|| value.trim().to_owned())
        })?;
        let names = std::fs::read_dir(packages(environment, &version)).ok()?;
        let componentize = names.flatten().find_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(name.strip_prefix("componentize_py-")?.strip_suffix(".dist-info")?.to_owned())
        })?;
        Some(Self { program: program.to_owned(), version, componentize: Some(componentize) })
    }
}

/// Where an environment has its packages.
fn packages(environment: &Path, version: &str) -> PathBuf {
    let minor: Vec<_> = version.split('.').take(2).collect();
    environment.join("lib").join(format!("python{}", minor.join("."))).join("site-packages")
}

/// The interpreters to be asked, in order: the active environment's or that of one beside the source, mite's own, those on PATH. Where
/// MITE_PYTHON names one, that and mite's own.
fn candidates(directory: &Path, store: &Store) -> Vec<PathBuf> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let own = Some(interpreter(&store.environment(&own()))).filter(|path| path.exists());
    if let Some(chosen) = named("MITE_PYTHON") {
        return std::iter::once(chosen).chain(own).collect();
    }
    let beside = environment(directory).map(|place| interpreter(&place));
    let found = ["python3", "python"].map(PathBuf::from);
    beside.into_iter().chain(own).chain(found).collect()
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
    let entry = store.entry(source.path(), &source.name())?;
    // Usually the files are those of the last time: then nobody has to be asked.
    let kept = Parts::told(entry.parts());
    let is_same = |hash: &Option<String>| hash.as_ref().is_some_and(|hash| entry.is_of(hash));
    if kept.are_all() && is_same(&builder.hash(&kept)) {
        return Ok(Made { path: entry.component(), fresh: false });
    }
    let parts = builder.parts();
    let hash = parts.as_ref().and_then(|parts| builder.hash(parts));
    entry.keep_parts(parts.as_ref().map_or("", Parts::text));
    if is_same(&hash) {
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
    fn parts(&self) -> Option<Parts> {
        tool::ask(self.command().args(["-c", FILES]).arg(self.source.path())).map(Parts::told)
    }

    fn hash(&self, parts: &Parts) -> Option<String> {
        let (program, own) = (self.python.program.to_string_lossy(), sources::digest(sdk::PYTHON.folders));
        let words = [env!("CARGO_PKG_VERSION"), &own, &program, &self.python.version, COMPONENTIZE_VERSION];
        let mut inputs = Inputs::new(&words);
        parts.add_to(&mut inputs);
        let own = self.python.program.parent().and_then(Path::parent).map(Path::to_owned);
        for environment in own.iter().chain(&self.environment) {
            inputs.names(&packages(environment, &self.python.version));
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
    fn an_environment_says_what_it_has() {
        let desk = tempfile::tempdir().unwrap();
        let at = |name: &str| desk.path().join(name);
        let program = at("bin/python");
        let packages = at("lib/python3.13/site-packages");
        for directory in [at("bin"), packages.join("componentize_py-0.25.1.dist-info")] {
            std::fs::create_dir_all(directory).unwrap();
        }
        std::fs::write(&program, "").unwrap();
        assert_eq!(Python::of_environment(&program), None, "it is none");
        std::fs::write(at("pyvenv.cfg"), "home = /usr/bin\nversion = 3.13.5\n").unwrap();
        let python = Python::of_environment(&program).unwrap();
        assert_eq!((python.version.as_str(), python.componentize.as_deref()), ("3.13.5", Some("0.25.1")));
        assert_eq!(python.lacks(), None);
        std::fs::remove_dir(packages.join("componentize_py-0.25.1.dist-info")).unwrap();
        assert_eq!(Python::of_environment(&program), None, "it may have it from elsewhere: it is to be asked");
        assert_eq!(Python::of_environment(Path::new("python3")), None, "nobody knows where");
    }

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
