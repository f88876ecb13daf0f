//! S1: a server that closes a connection when it has read the next request on it, as one does
//! whose patience with an idle connection ended that moment. Nobody may notice.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bench::{Bench, done};
use crate::support::pictures::{PictureServer, Reply, sdxl};

/// How many pictures are asked for.
const ASKED: usize = 200;

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
