//! A cache that another process writes to, and one that grows.

use super::*;

fn name(letter: &str) -> String {
    format!("{}.0123456789abcdef.code", letter.repeat(64))
}

fn cache() -> (tempfile::TempDir, Cache) {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("made/cache");
    let cache = Cache::open(inner, &folder.path().join("state/cache.key"));
    (folder, cache.expect("a cache"))
}

#[test]
fn what_is_kept_is_read_again_and_nothing_else_is() {
    let (folder, cache) = cache();
    let (a, b) = (name("a"), name("b"));
    assert_eq!(cache.read(&a), None);
    cache.keep(&a, b"code");
    assert_eq!(cache.read(&a).as_deref(), Some(&b"code"[..]));
    let file = cache.folder.join(&a);
    let whole = fs::read(&file).expect("a file");
    fs::write(cache.folder.join(&b), &whole).expect("written");
    assert_eq!(cache.read(&b), None, "the seal holds for one name");
    for at in 0..whole.len() {
        let mut other = whole.clone();
        other[at] ^= 1;
        fs::write(&file, other).expect("written");
        assert_eq!(cache.read(&a), None, "byte {at} is another");
        fs::write(&file, &whole[..at]).expect("written");
        assert_eq!(cache.read(&a), None, "cut to {at} bytes");
    }
    fs::write(&file, &whole).expect("written");
    let again = Cache::open(cache.folder.clone(), &folder.path().join("state/cache.key"));
    assert!(
        again.expect("a cache").read(&a).is_some(),
        "the key is kept"
    );
    let other = Cache::open(cache.folder.clone(), &folder.path().join("other/cache.key"));
    assert_eq!(other.expect("a cache").read(&a), None, "another user's key");
}

#[test]
fn what_was_used_longest_ago_goes_first() {
    let (_folder, mut cache) = cache();
    cache.largest = 500;
    let long_ago = SystemTime::now() - std::time::Duration::from_secs(3600);
    for letter in ["a", "b"] {
        cache.keep(&name(letter), &[0; 100]);
        let file = File::options()
            .append(true)
            .open(cache.folder.join(name(letter)));
        file.expect("a file")
            .set_modified(long_ago)
            .expect("a time");
    }
    assert!(cache.read(&name("a")).is_some(), "used now");
    fs::write(cache.folder.join("notes.txt"), [0; 500]).expect("written");
    cache.keep(&name("c"), &[0; 100]);
    assert!(cache.read(&name("a")).is_some() && cache.read(&name("c")).is_some());
    assert_eq!(cache.read(&name("b")), None);
    assert!(
        cache.folder.join("notes.txt").exists(),
        "no file of the cache"
    );
}

#[cfg(unix)]
#[test]
fn folder_and_key_are_for_this_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, cache) = cache();
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    cache.keep(&name("a"), b"code");
    let key = folder.path().join("state/cache.key");
    assert_eq!((mode(&cache.folder), mode(&key)), (0o700, 0o600));
    assert_eq!(mode(&cache.folder.join(name("a"))), 0o600);
    fs::set_permissions(&cache.folder, fs::Permissions::from_mode(0o777)).expect("set");
    drop(Cache::open(cache.folder.clone(), &key).expect("a cache"));
    assert_eq!(mode(&cache.folder), 0o700);
}
