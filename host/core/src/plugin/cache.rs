//! What was made of a component, kept on this machine: its compiled code, and what it said of
//! itself. A process that could write here could run code in the host, so each file carries a seal
//! (a keyed hash over its name and content) under a key that only this user reads, and stands in a
//! folder of this user alone. A file with another seal, half a file, a file of another version:
//! each is as if it were not there.
//!
//! The folder is `$CALLBOARD_CACHE`, with the key in it, or else `callboard` in the user's cache
//! folder, with the key in the user's state folder. Without any of them nothing is kept.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};

use crate::bounded;
use crate::settings::hex;

/// Bytes of all files together, and thus of one; those that were used longest ago go first.
const LARGEST: u64 = 1 << 30;
const KEY: usize = 32;
const NONCE: usize = 24;
const TAG: usize = 16;

/// The folder that is used, whatever the environment says.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Keep what is made of components in a folder, with the key in it. The first word counts.
pub fn use_cache(folder: PathBuf) {
    FOLDER.get_or_init(|| folder);
}

/// A folder of sealed files.
pub(super) struct Cache {
    folder: PathBuf,
    key: [u8; KEY],
    largest: u64,
}

impl Cache {
    /// The cache of this user; `None` if there is no place for it. What is wrong with the place
    /// is told and costs time only.
    pub(super) fn of_user() -> Option<Self> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = |inner: &str| variable("HOME").map(|home| PathBuf::from(home).join(inner));
        let named = FOLDER.get().cloned();
        let named = named.or_else(|| variable("CALLBOARD_CACHE").map(PathBuf::from));
        let (folder, key) = if let Some(folder) = named {
            (folder.clone(), folder)
        } else {
            let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
            let state = variable("XDG_STATE_HOME").map(PathBuf::from);
            let (cache, state) = (
                cache.or_else(|| home(".cache"))?,
                state.or_else(|| home(".local/state"))?,
            );
            (cache.join("callboard"), state.join("callboard"))
        };
        match Self::open(folder.clone(), &key.join("cache.key")) {
            Ok(cache) => Some(cache),
            Err(error) => {
                let folder = folder.display();
                tracing::warn!(%folder, %error, "compiled plugins are not kept; name another folder in CALLBOARD_CACHE");
                None
            }
        }
    }

    fn open(folder: PathBuf, key: &Path) -> io::Result<Self> {
        for folder in [Some(folder.as_path()), key.parent()].into_iter().flatten() {
            own(folder)?;
        }
        Ok(Self {
            key: key_at(key)?,
            folder,
            largest: LARGEST,
        })
    }

    /// What is kept under a name, if its seal holds.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        let path = self.folder.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return self.unusable(name, &error.to_string()),
        };
        let mut content = match bounded::whole(&file, LARGEST) {
            Ok(content) => content,
            Err(error) => return self.unusable(name, &error.to_string()),
        };
        let seal = NONCE + name.len() + TAG;
        let Some(start) = content.len().checked_sub(seal) else {
            return self.unusable(name, "it is cut short");
        };
        let seal = content.split_off(start);
        if !self.holds(&seal, name, &content) {
            return self.unusable(name, "its seal is broken");
        }
        // Used now: others go before it. A folder that cannot be written is read all the same.
        drop(file.set_modified(SystemTime::now()));
        Some(content)
    }

    /// Keep a content under a name, in place of what is there. That it cannot be kept is told.
    pub(super) fn keep(&self, name: &str, content: &[u8]) {
        let kept = self.put(name, content).and_then(|()| self.shrink());
        if let Err(error) = kept {
            let folder = self.folder.display();
            tracing::warn!(%folder, %error, "a compiled plugin is not kept; it is compiled again next time");
        }
    }

    fn put(&self, name: &str, content: &[u8]) -> io::Result<()> {
        // A temporary file is readable by its owner only, and takes the name when it is whole.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(content)?;
        file.write_all(&self.seal(name, content)?)?;
        file.persist(self.folder.join(name))?;
        Ok(())
    }

    /// Remove what was used longest ago until the rest fits.
    fn shrink(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let (entry, is_ours) = entry.map(|entry| {
                let ours = is_sealed(&entry.file_name().to_string_lossy());
                (entry, ours)
            })?;
            // Another process may remove it meanwhile.
            if let (true, Ok(about)) = (is_ours, entry.metadata()) {
                files.push((about.modified()?, about.len(), entry.path()));
            }
        }
        files.sort_unstable();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        for (_, size, path) in files {
            if total <= self.largest {
                break;
            }
            drop(fs::remove_file(path));
            total -= size;
        }
        Ok(())
    }

    /// A nonce, and the name sealed with the content as associated data.
    fn seal(&self, name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let payload = Payload {
            msg: name.as_bytes(),
            aad: content,
        };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| io::Error::other("it cannot be sealed"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    fn holds(&self, seal: &[u8], name: &str, content: &[u8]) -> bool {
        let Some((nonce, sealed)) = seal.split_first_chunk::<NONCE>() else {
            return false;
        };
        let payload = Payload {
            msg: sealed,
            aad: content,
        };
        let opened = self.cipher().decrypt(&XNonce::from(*nonce), payload);
        opened.is_ok_and(|opened| opened == name.as_bytes())
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.key.into())
    }

    fn unusable(&self, name: &str, problem: &str) -> Option<Vec<u8>> {
        let file = self.folder.join(name);
        tracing::warn!(file = %file.display(), problem, "a kept file of a plugin is not used; it is made anew");
        None
    }
}

/// Files that this cache made: `<digest>.<fingerprint>.<what>`.
fn is_sealed(name: &str) -> bool {
    name.split('.').count() == 3 && name.split('.').next().is_some_and(|it| it.len() == 64)
}

/// Make a folder for this user alone, or make it that.
fn own(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(0o700).create(folder)?;
        if folder.metadata()?.permissions().mode() & 0o077 != 0 {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
    #[cfg(not(unix))]
    builder.create(folder)
}

/// The key at a path; a new one, readable by this user alone, if there is none.
fn key_at(path: &Path) -> io::Result<[u8; KEY]> {
    if !path.exists() {
        let mut key = [0; KEY];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(hex(&key).as_bytes())?;
        // The process that came first made the key of all.
        if let Err(error) = file.persist_noclobber(path)
            && error.error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error.error);
        }
    }
    let text = bounded::text_of(path, 4 << 10)?;
    digits(text.trim()).ok_or_else(|| {
        let problem = format!(
            "{} holds no key; remove it, and a new one is made",
            path.display()
        );
        io::Error::new(io::ErrorKind::InvalidData, problem)
    })
}

fn digits(text: &str) -> Option<[u8; KEY]> {
    let pair = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..KEY).map(pair).collect();
    bytes?.try_into().ok().filter(|_| text.len() == 2 * KEY)
}

#[cfg(test)]
#[path = "cache_tests.rs"]
#[expect(
    clippy::disallowed_methods,
    reason = "what a test reads is what it made"
)]
mod tests;
