//! A relay in front of a server, whose connections can die without a word: what is sent over them
//! is swallowed, and neither side hears of an end, as behind a firewall that forgot them.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The file at which PostgreSQL listens in the folder that an address names.
const SOCKET: &str = ".s.PGSQL.5432";

/// Listens in a folder of its own until the test's process ends.
pub(crate) struct Relay {
    folder: tempfile::TempDir,
    /// Grows when those that are there die.
    deaths: Arc<AtomicU64>,
}

impl Relay {
    /// To the PostgreSQL server of an address.
    pub(crate) fn to(url: &str) -> Self {
        let target = folder_of(url).join(SOCKET);
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        let deaths = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&deaths);
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = UnixStream::connect(&target).expect("the server is there");
                let (near_too, far_too) = (clone(&near), clone(&far));
                let (one, other) = (Arc::clone(&told), Arc::clone(&told));
                std::thread::spawn(move || carry(near, far, &one));
                std::thread::spawn(move || carry(far_too, near_too, &other));
            }
        });
        Self { folder, deaths }
    }

    /// The same address through the relay.
    pub(crate) fn through(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).expect("an address");
        let folder = self.folder.path().to_str().expect("UTF-8");
        url.query_pairs_mut().clear().append_pair("host", folder);
        url.into()
    }

    /// The connections that are there die; new ones live.
    pub(crate) fn fall_silent(&self) {
        self.deaths.fetch_add(1, Ordering::SeqCst);
    }
}

fn folder_of(url: &str) -> PathBuf {
    let url = url::Url::parse(url).expect("an address");
    let mut pairs = url.query_pairs();
    let (_, folder) = pairs.find(|(key, _)| key == "host").expect("a folder");
    Path::new(&*folder).to_owned()
}

fn clone(stream: &UnixStream) -> UnixStream {
    stream.try_clone().expect("another handle")
}

/// Pass on what comes, until the connection dies; what comes then is swallowed.
fn carry(mut from: UnixStream, mut to: UnixStream, deaths: &AtomicU64) {
    let born = deaths.load(Ordering::SeqCst);
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if deaths.load(Ordering::SeqCst) == born && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if deaths.load(Ordering::SeqCst) == born {
        to.shutdown(std::net::Shutdown::Write).ok();
    } else {
        // The other end must not hear of it.
        std::mem::forget(to);
    }
}
