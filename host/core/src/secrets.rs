//! Secrets at rest: sealed with XChaCha20-Poly1305 under a key in a file beside the workspace.
//!
//! A sealed secret is 24 bytes of nonce and the cipher text. The name of its setting is
//! associated data, so a secret cannot be moved to another name. The key's id, the first
//! digits of its hash, is stored beside it, so that an error can say which key is missing.

use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use crate::confined_folder::{ConfinedFolder, FolderProblem};
use crate::settings::{Secret, hex};

/// The key file's name inside a workspace.
pub const FILE: &str = "callboard.key";
/// The most that it may hold, in bytes.
const LARGEST: u64 = 1 << 10;
const NONCE: usize = 24;
const KEY: usize = 32;

/// The key that seals and opens. `Debug` shows its id only.
#[derive(Clone)]
pub struct SecretKey {
    bytes: [u8; KEY],
    id: String,
}

/// A secret as it may be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub bytes: Vec<u8>,
    pub key_id: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the key file {} cannot be used: {problem}; {mend}", path.display())]
    File {
        path: PathBuf,
        problem: String,
        mend: &'static str,
    },
    /// It passes by itself, and says nothing about the file.
    #[error("the key file {} cannot be opened now: {problem}", path.display())]
    Exhausted { path: PathBuf, problem: String },
    #[error(
        "the key file {} cannot be written: {problem}; check that its folder can be written, and has room",
        path.display()
    )]
    Unwritten {
        path: PathBuf,
        problem: String,
        cause: io::ErrorKind,
    },
    #[error(
        "secret `{name}` is sealed with key {key_id}, and there is no key file; put the key file with key {key_id} back, or set the secret again"
    )]
    NoKey { name: String, key_id: String },
    #[error(
        "secret `{name}` is sealed with key {key_id}, and the key file holds key {held}; put the key file with key {key_id} back, or set the secret again"
    )]
    OtherKey {
        name: String,
        key_id: String,
        held: String,
    },
    #[error(
        "secret `{name}`, sealed with key {key_id}, is damaged or belongs to another name; set the secret again"
    )]
    Damaged { name: String, key_id: String },
    #[error("no random numbers: {0}; try again")]
    Random(String),
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

impl SecretKey {
    /// The key in a file, or a new one that is written there for its owner alone.
    pub fn load_or_make(path: &Path) -> Result<Self, SecretError> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        let bytes = random::<KEY>()?;
        match persist(path, &format!("{}\n", hex(&bytes))) {
            Ok(()) => Ok(Self::new(bytes)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Another process was faster; its key is the one.
                Self::load(path)?.ok_or_else(|| unusable(path, "it went away", "try again"))
            }
            Err(error) => Err(SecretError::Unwritten {
                path: path.to_owned(),
                problem: error.to_string(),
                cause: error.kind(),
            }),
        }
    }

    /// The key in a file; `None` if there is no file.
    pub fn load(path: &Path) -> Result<Option<Self>, SecretError> {
        let text = match read(path) {
            Ok(text) => text,
            Err(FolderProblem::Absent) => return Ok(None),
            Err(FolderProblem::Failed(error)) if is_exhausted(&error) => {
                return Err(SecretError::Exhausted {
                    path: path.to_owned(),
                    problem: error.to_string(),
                });
            }
            Err(problem) => return Err(unusable(path, &problem, problem.mend())),
        };
        let key = digits(text.trim()).map(Self::new);
        key.map(Some).ok_or_else(|| {
            let mend = "put the right file back; a new key opens none of the secrets";
            unusable(path, "it does not hold 64 hexadecimal digits", mend)
        })
    }

    fn new(bytes: [u8; KEY]) -> Self {
        let id = hex(&Sha256::digest(bytes)[..4]);
        Self { bytes, id }
    }

    /// Eight digits that tell this key from others and say nothing about it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Bytes for `purpose` alone, which say nothing about the key.
    pub fn derive(&self, purpose: &str) -> [u8; KEY] {
        Sha256::digest([self.bytes.as_slice(), purpose.as_bytes()].concat()).into()
    }

    /// Seal the secret of the setting `name`.
    pub fn seal(&self, name: &str, secret: &Secret) -> Result<Sealed, SecretError> {
        let nonce = random::<NONCE>()?;
        let payload = Payload {
            msg: secret.expose().as_bytes(),
            aad: name.as_bytes(),
        };
        let text = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let text = text.map_err(|_| self.damaged(name))?;
        Ok(Sealed {
            bytes: [&nonce[..], &text].concat(),
            key_id: self.id.clone(),
        })
    }

    /// Open the sealed secret of the setting `name`.
    pub fn open(&self, name: &str, sealed: &Sealed) -> Result<Secret, SecretError> {
        if sealed.key_id != self.id {
            return Err(SecretError::OtherKey {
                name: name.to_owned(),
                key_id: sealed.key_id.clone(),
                held: self.id.clone(),
            });
        }
        let opened = sealed
            .bytes
            .split_first_chunk::<NONCE>()
            .and_then(|(nonce, text)| {
                let payload = Payload {
                    msg: text,
                    aad: name.as_bytes(),
                };
                self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()
            });
        let text = opened.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(Secret::new).ok_or_else(|| self.damaged(name))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.bytes.into())
    }

    fn damaged(&self, name: &str) -> SecretError {
        SecretError::Damaged {
            name: name.to_owned(),
            key_id: self.id.clone(),
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| SecretError::Random(error.to_string()))?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<String, FolderProblem> {
    let folder = ConfinedFolder::open(folder(path), &[]);
    let folder = folder.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FolderProblem::Absent,
        _ => FolderProblem::Failed(error),
    })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bytes = folder
        .read(&name, LARGEST)
        .map_err(|refusal| refusal.problem)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether this process, or the machine, has too many files open at the moment.
fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [Errno::MFILE, Errno::NFILE].map(Errno::raw_os_error);
    error
        .raw_os_error()
        .is_some_and(|code| exhausted.contains(&code))
}

/// The folder that a file is in.
fn folder(path: &Path) -> &Path {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Write a file whole or not at all, for its owner alone, and never over another.
fn persist(path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder(path))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    Ok(())
}

fn digits(text: &str) -> Option<[u8; KEY]> {
    let digits = text.as_bytes();
    if digits.len() != KEY * 2 {
        return None;
    }
    let mut bytes = [0; KEY];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(bytes)
}

fn unusable(path: &Path, problem: impl fmt::Display, mend: &'static str) -> SecretError {
    SecretError::File {
        path: path.to_owned(),
        problem: problem.to_string(),
        mend,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    #[test]
    fn a_process_with_too_many_open_files_does_not_take_the_key_for_a_bad_one() {
        let (folder, _key) = key();
        let path = folder.path().join(FILE);
        let before = getrlimit(Resource::Nofile);
        let none = Rlimit {
            current: Some(0),
            ..before
        };
        setrlimit(Resource::Nofile, none).expect("a limit");
        let error = SecretKey::load(&path).expect_err("nothing can be opened");
        setrlimit(Resource::Nofile, before).expect("as before");
        assert!(matches!(error, SecretError::Exhausted { .. }), "{error}");
        assert!(SecretKey::load(&path).is_ok_and(|key| key.is_some()));
    }

    fn key() -> (tempfile::TempDir, SecretKey) {
        let folder = tempfile::tempdir().expect("a folder");
        let key = SecretKey::load_or_make(&folder.path().join(FILE)).expect("a key");
        (folder, key)
    }

    #[test]
    fn a_key_is_made_once_and_for_its_owner() {
        let (folder, key) = key();
        let path = folder.path().join(FILE);
        let again = SecretKey::load_or_make(&path).expect("the same");
        assert_eq!(again.id(), key.id());
        assert_eq!(key.id().len(), 8);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&path).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&path, "nonsense").expect("written");
        let error = SecretKey::load(&path).expect_err("no key").to_string();
        assert!(error.contains("64 hexadecimal digits"), "{error}");
    }

    #[test]
    fn a_secret_opens_under_its_name_and_key_only() {
        let ((_a, key), (_b, other)) = (self::key(), self::key());
        let secret = Secret::new("hush".into());
        let sealed = key.seal("a", &secret).expect("sealed");
        assert_eq!(key.open("a", &sealed), Ok(secret.clone()));
        assert_ne!(
            key.seal("a", &secret).expect("sealed").bytes,
            sealed.bytes,
            "a new nonce"
        );
        let error = other
            .open("a", &sealed)
            .expect_err("another key")
            .to_string();
        assert!(
            error.contains(key.id()) && error.contains(other.id()),
            "{error}"
        );
        let error = key
            .open("b", &sealed)
            .expect_err("another name")
            .to_string();
        assert!(error.contains("`b`") && error.contains(key.id()), "{error}");
        let mut damaged = sealed.clone();
        damaged.bytes[30] ^= 1;
        assert!(matches!(
            key.open("a", &damaged),
            Err(SecretError::Damaged { .. })
        ));
        damaged.bytes.truncate(3);
        assert!(key.open("a", &damaged).is_err());
        assert!(!format!("{key:?}").contains(&hex(&key.bytes)));
    }
}
