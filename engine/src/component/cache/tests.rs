use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;
use crate::component::compiler::{self, Bounds};
use crate::component::engine::plain;

fn compiled(component: &[u8]) -> Code {
    compiler::compile(component, &Bounds::default()).unwrap().into()
}

/// A directory with the code of one component in it.
struct Kept {
    _directory: tempfile::TempDir,
    path: PathBuf,
    engine: Engine,
    component: Vec<u8>,
    cache: Cache,
}

impl Kept {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cache");
        let engine = plain().unwrap();
        let component = wat::parse_str("(component)").unwrap();
        let cache = Cache::open_at(&path).unwrap();
        let code = compiled(&component);
        cache.put(&engine, &component, &code).unwrap();
        Self { _directory: directory, path, engine, component, cache }
    }

    fn file(&self) -> PathBuf {
        self.path.join(code_name(&self.engine, &self.component))
    }

    fn get(&self) -> Option<Code> {
        self.cache.get(&self.engine, &self.component)
    }

    /// As another process would find it.
    fn get_again(&self) -> Option<Code> {
        Cache::open_at(&self.path)?.get(&self.engine, &self.component)
    }
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().mode() & 0o777
}

#[test]
fn what_was_put_comes_back() {
    let kept = Kept::new();
    for code in [kept.get().unwrap(), kept.get_again().unwrap()] {
        code.load(&kept.engine).unwrap();
    }
    assert_eq!((mode(&kept.path), mode(&kept.file()), mode(&kept.path.join(SECRET))), (0o700, 0o600, 0o600));
    let names = std::fs::read_dir(&kept.path).unwrap().count();
    assert_eq!(names, 2, "the code and the secret: nothing temporary is left");
}

#[test]
fn another_component_or_engine_is_not_there() {
    let kept = Kept::new();
    let other = wat::parse_str("(component (component))").unwrap();
    assert!(kept.cache.get(&kept.engine, &other).is_none());
    let engine = Engine::new(wasmtime::Config::new().epoch_interruption(false)).unwrap();
    assert!(kept.cache.get(&engine, &kept.component).is_none(), "code of other settings is another file");
    std::fs::copy(kept.file(), kept.path.join(code_name(&kept.engine, &other))).unwrap();
    assert!(kept.cache.get(&kept.engine, &other).is_none(), "nor is that of one component taken for another's");
}

#[test]
fn every_byte_counts() {
    let kept = Kept::new();
    let good = std::fs::read(kept.file()).unwrap();
    // A sequence that goes everywhere: the same in every run, so that what it finds can be found again.
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % good.len() as u64).unwrap()
    };
    let places: Vec<_> = (0..100).chain((0..200).map(|_| random())).chain([good.len() - 1]).collect();
    for at in places {
        for bit in [0x01, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= bit;
            std::fs::write(kept.file(), bad).unwrap();
            assert!(kept.get().is_none(), "byte {at}");
        }
    }
    std::fs::write(kept.file(), good).unwrap();
    assert!(kept.get().is_some());
}

#[test]
fn other_lengths_are_refused() {
    let kept = Kept::new();
    let good = std::fs::read(kept.file()).unwrap();
    for (length, why) in [
        (0, "empty"),
        (1, "a byte"),
        (31, "no whole seal"),
        (32, "a seal and no code"),
        (good.len() / 2, "half"),
        (good.len() - 1, "a byte less"),
        (good.len() + 1, "a byte more"),
    ] {
        let mut bad = good.clone();
        bad.resize(length, 0);
        std::fs::write(kept.file(), bad).unwrap();
        assert!(kept.get().is_none(), "{why}");
    }
    let file = File::create(kept.file()).unwrap();
    file.set_len(CODE_MAX + 1).unwrap();
    assert!(kept.get().is_none(), "larger than is ever read");
}

#[test]
fn files_that_others_could_have_written_are_refused() {
    let kept = Kept::new();
    for (mode, taken, why) in [
        (0o600, true, "as it was made"),
        (0o644, true, "others may read it"),
        (0o620, false, "the group can write"),
        (0o602, false, "all can write"),
        (0o666, false, "both"),
        (0o600, true, "as it was made"),
    ] {
        chmod(&kept.file(), mode);
        assert_eq!(kept.get().is_some(), taken, "{why}");
    }
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(kept.file(), Some(12_345), None).unwrap();
        assert!(kept.get().is_none(), "another user's");
    }
}

#[test]
fn links_and_directories_are_not_followed() {
    let kept = Kept::new();
    let away = kept.path.join("away");
    std::fs::rename(kept.file(), &away).unwrap();
    symlink(&away, kept.file()).unwrap();
    assert!(kept.get().is_none(), "a link to what would be good");
    std::fs::remove_file(kept.file()).unwrap();
    std::fs::create_dir(kept.file()).unwrap();
    assert!(kept.get().is_none(), "a directory");
    std::fs::remove_dir(kept.file()).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, kept.file(), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert!(kept.get().is_none(), "a pipe, which nobody waits for");
    std::fs::remove_file(kept.file()).unwrap();
    std::fs::create_dir(kept.file()).unwrap();
    std::fs::remove_dir(kept.file()).unwrap();
    assert!(kept.get().is_none(), "nothing");
    std::fs::rename(&away, kept.file()).unwrap();
    assert!(kept.get().is_some());
}

#[test]
fn code_sealed_with_another_secret_is_refused() {
    let (kept, other) = (Kept::new(), Kept::new());
    assert!(kept.cache.secret != other.cache.secret);
    std::fs::copy(other.file(), kept.file()).unwrap();
    assert!(kept.get().is_none(), "a file from elsewhere");
    std::fs::copy(other.path.join(SECRET), kept.path.join(SECRET)).unwrap();
    assert!(kept.get().is_none(), "who has read its secret before stays with it");
    assert!(kept.get_again().is_some(), "with the secret it came from it is good");
}

#[test]
fn a_secret_that_can_not_be_trusted_is_made_anew() {
    type Spoil = fn(&Path);
    let rows: [(Spoil, &str); 6] = [
        (|secret| chmod(secret, 0o644), "others can read it"),
        (|secret| std::fs::write(secret, b"short").unwrap(), "too short"),
        (|secret| chmod(secret, 0o620), "the group can write it"),
        (|secret| std::fs::remove_file(secret).unwrap(), "gone"),
        (
            |secret| {
                let away = secret.with_extension("away");
                std::fs::rename(secret, &away).unwrap();
                symlink(away, secret).unwrap();
            },
            "a link",
        ),
        (|secret| std::fs::write(secret, b"").unwrap(), "empty"),
    ];
    for (spoil, why) in rows {
        let kept = Kept::new();
        spoil(&kept.path.join(SECRET));
        assert!(kept.get_again().is_none(), "{why}: code of before is not believed");
        let code = compiled(&kept.component);
        Cache::open_at(&kept.path).unwrap().put(&kept.engine, &kept.component, &code).unwrap();
        assert!(kept.get_again().is_some(), "{why}: and then all is well");
        assert_eq!(mode(&kept.path.join(SECRET)), 0o600, "{why}");
    }
}

#[test]
fn directories() {
    for (mode, opens, why) in [
        (0o700, true, "its user's"),
        (0o755, true, "others may look"),
        (0o770, false, "the group can write"),
        (0o777, false, "all can write"),
        (0o1777, false, "like /tmp"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        chmod(directory.path(), mode);
        assert_eq!(Cache::open_at(directory.path()).is_some(), opens, "{why}");
    }
    let directory = tempfile::tempdir().unwrap();
    let (real, link, file) = ["real", "link", "file"].map(|name| directory.path().join(name)).into();
    std::fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    File::create(&file).unwrap();
    assert!(Cache::open_at(&link).is_none(), "a link");
    assert!(Cache::open_at(&file).is_none(), "a file");
    assert!(Cache::open_at(&file.join("x")).is_none(), "below a file");
    let deep = directory.path().join("a/b/c");
    assert!(Cache::open_at(&deep).is_some() && mode(&deep) == 0o700, "made with its parents");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&real, Some(12_345), None).unwrap();
        assert!(Cache::open_at(&real).is_none(), "another user's");
    }
}

/// What a component is made of is never taken for machine code, nor the other way round.
#[test]
fn kinds_of_files_are_kept_apart() {
    let kept = Kept::new();
    kept.cache.put_made_of(b"source", "once", b"made").unwrap();
    assert_eq!(kept.cache.made_of(b"source", "once").as_deref(), Some(&b"made"[..]));
    assert_eq!(kept.cache.made_of(b"source", "otherwise"), None, "made in another way");
    assert_eq!(kept.cache.made_of(b"other", "once"), None);
    std::fs::copy(kept.path.join(made_name(b"source", "once")), kept.file()).unwrap();
    assert!(kept.get().is_none(), "sealed by the same secret, and no code");
    kept.cache.put_component(&kept.component).unwrap();
    assert_eq!(kept.cache.component(&sha256(&kept.component)), Some(kept.component.clone()));
    for (digest, why) in [("../secret", "a path"), ("", "nothing"), (&"0".repeat(64), "what isn't there")] {
        assert_eq!(kept.cache.component(digest), None, "{why}");
    }
}

/// Those that were of use last stay; the secret and what others keep here is left alone.
#[test]
fn what_was_of_no_use_for_longest_goes() {
    let mut kept = Kept::new();
    let component = |n: u8| [vec![n; 100], vec![0; 1_000]].concat();
    kept.cache.kept_max = 3 * component(0).len() as u64 + std::fs::metadata(kept.file()).unwrap().len();
    std::fs::write(kept.path.join("other"), vec![0; 1 << 20]).unwrap();
    let path = kept.path.clone();
    let old = |name: &str, seconds: u64| {
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        File::open(path.join(name)).unwrap().set_modified(time).unwrap();
    };
    let name = |n: u8| format!("{}.wasm", sha256(&component(n)));
    old(kept.file().file_name().unwrap().to_str().unwrap(), 1_000);
    for n in 0..3 {
        kept.cache.put_component(&component(n)).unwrap();
        old(&name(n), 2_000 + u64::from(n));
    }
    assert!(kept.get().is_some(), "all have room, and the first is of use now");
    kept.cache.put_component(&component(3)).unwrap();
    let there: Vec<_> = (0..4).map(|n| kept.path.join(name(n)).is_file()).collect();
    assert_eq!(there, [false, true, true, true], "the oldest made room");
    assert!(kept.get().is_some() && kept.path.join("other").is_file() && kept.path.join(SECRET).is_file());
}

#[test]
fn who_opens_it_at_the_same_time_has_the_same_secret() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cache");
    let secrets: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Cache::open_at(&path).unwrap().secret)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(secrets.iter().all(|secret| *secret == secrets[0]));
}
