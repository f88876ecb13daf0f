//! S1: a server that closes a connection when it has read the next request on it, as one does
//! whose patience with an idle connection ended that moment. Nobody may notice. The first server closes
//! each time; uvicorn, a real one, when its five seconds are over.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use super::bench::{Bench, done};
use crate::support::pictures::{PictureServer, Reply, sdxl};
use crate::torture::chance::tell;

/// How many pictures are asked for.
const ASKED: usize = 200;
/// Names a Python that has uvicorn; `none` says that it is not to be had here.
const PYTHON: &str = "CALLBOARD_TEST_UVICORN";
/// Milliseconds between two questions of a pair: from a tenth of a second before the five of the server to a tenth after.
const IDLE: std::ops::Range<u64> = 4_900..5_100;

/// No error in two hundred, whichever way it closes: every second request for a picture that
/// reaches the server is read and not answered, and so is the second of each connection.
#[tokio::test]
async fn of_two_hundred_pictures_none_is_lost_to_a_connection_that_was_closed() {
    for close in [Reply::Reset, Reply::Close] {
        let (count, left) = (Arc::new(AtomicUsize::new(0)), close.clone());
        let counted = Arc::clone(&count);
        let server = PictureServer::new(move |asked| {
            let second = asked.path == "/generate"
                && counted.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
            if second || asked.on_connection > 1 {
                left.clone()
            } else {
                sdxl(asked)
            }
        });
        let bench = Bench::on("sdxl", &server.url()).await;
        for run in 0..ASKED {
            let made = done(bench.make(&format!("run-{run}"), &["featured"]).await);
            assert_eq!(made.effects["pictures_made"], 1, "{close:?}");
        }
        let generations = server.generations();
        assert!(
            generations.len() >= 2 * ASKED,
            "each was closed once: {}",
            generations.len()
        );
        let keys: BTreeSet<_> = generations
            .iter()
            .map(|it| it.header("idempotency-key").to_owned())
            .collect();
        assert_eq!(
            keys.len(),
            ASKED,
            "what is sent again has the key of the first"
        );
    }
}

/// The stand-in of `tests/with_model`, behind a real server that closes what was idle for five seconds.
struct Uvicorn {
    child: Child,
    url: String,
}

impl Uvicorn {
    /// `None`, and it is told, where there is none.
    fn start() -> Option<Self> {
        let python = std::env::var_os(PYTHON).filter(|named| !named.is_empty() && named != "none");
        let Some(python) = python.map(PathBuf::from) else {
            tell(&format!(
                "SKIPPED: pictures of a real uvicorn; {PYTHON} names no Python that has it"
            ));
            return None;
        };
        let program =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/with_model/pictures.py");
        let mut server = Command::new(python);
        server
            .arg(program)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = server.spawn().expect("Python starts");
        let mut url = String::new();
        let told = child.stdout.take().expect("a pipe");
        let read = BufReader::new(told).read_line(&mut url);
        assert!(
            read.is_ok_and(|read| read > 0),
            "uvicorn says where it answers"
        );
        let url = format!("{}/", url.trim());
        Some(Self { child, url })
    }
}

impl Drop for Uvicorn {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Pairs of pictures, the second about when the server closes what the first one left open: whichever comes
/// first, none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_pairs_from_uvicorn_no_picture_is_lost() {
    let Some(server) = Uvicorn::start() else {
        return;
    };
    let mut bench = Bench::on("sdxl", &server.url).await;
    bench.patience = Duration::from_mins(10);
    let bench = &bench;
    let pairs = IDLE.take(ASKED).map(|idle| async move {
        let first = done(bench.make(&format!("first-{idle}"), &["featured"]).await);
        tokio::time::sleep(Duration::from_millis(idle)).await;
        let second = done(bench.make(&format!("second-{idle}"), &["featured"]).await);
        [first, second].map(|made| made.effects["pictures_made"])
    });
    let made = join_all(pairs).await;
    assert_eq!(made, vec![[1, 1]; ASKED]);
}
