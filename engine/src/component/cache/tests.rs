use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::component::engine::plain;

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
        let code = Code::compile(&engine, &component).unwrap();
        cache.put(&engine, &component, &code).unwrap();
        Self { _directory: directory, path, engine, component, cache }
    }

    fn file(&self) -> PathBuf {
        self.cache.path(&self.engine, &self.component)
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
    std::fs::copy(kept.file(), kept.cache.path(&kept.engine, &other)).unwrap();
    assert!(
        kept.cache.get(&kept.engine, &other).is_some(),
        "whoever can write here is this user: names are not sealed"
    );
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
    assert!(kept.get().is_none(), "nothing");
    std::fs::rename(&away, kept.file()).unwrap();
    assert!(kept.get().is_some());
}

#[test]
fn code_sealed_with_another_secret_is_refused() {
    let (kept, other) = (Kept::new(), Kept::new());
    assert_ne!(kept.cache.secret, other.cache.secret);
    std::fs::copy(other.file(), kept.file()).unwrap();
    assert!(kept.get().is_none(), "a file from elsewhere");
    std::fs::copy(other.path.join(SECRET), kept.path.join(SECRET)).unwrap();
    assert!(kept.get().is_none(), "who has read its secret before stays with it");
    assert!(kept.get_again().is_some(), "with the secret it came from it is good");
}

#[test]
fn a_secret_that_can_not_be_trusted_is_made_anew() {
    type Spoil = fn(&Path);
    let rows: [(Spoil, &str); 5] = [
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
        let code = Code::compile(&kept.engine, &kept.component).unwrap();
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
