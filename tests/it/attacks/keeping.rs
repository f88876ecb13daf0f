//! Who keeps pictures lies about them, and who reads them takes nothing. What is counted is bytes that the
//! store was asked for, so these tests have no clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use callboard_core::client::Network;
use callboard_factory::media::{Media, Patience, Pieces, StoreClient, Unstored};
use futures_util::TryStreamExt as _;

use super::attacks;
use crate::images::bench::Bench;
use crate::support::database::runtime;
use crate::support::pictures::{Asked, PictureServer, Reply};

attacks! {
    readers_of_a_bucket_who_do_not_read: "forty readers ask for a picture of 8 MB that a bucket keeps, and take nothing of it" => {
        readers_take_nothing
    };
    a_bucket_that_lies: "a bucket that gives another size, range or length than it says, the whole for a piece, or sends its readers on" => {
        lies
    };
    a_bucket_that_expands: "a bucket whose refusal is a bomb of XML" => { a_bomb_of_xml };
}

const NAME: &str = "0123456789abcdef0123456789abcdef.png";
/// Bytes of the picture.
const SIZE: usize = 8 << 20;

/// A store whose bucket is at a server.
async fn kept_at(server: &PictureServer) -> Media {
    let mut bench = Bench::new(&[]).await;
    bench.set("media.store", "s3://pictures");
    bench.set("media.endpoint", &server.url());
    bench.set("media.region", "here");
    bench.set("media.access_key", "ada");
    bench.set("media.secret_key", "lovelace");
    let until = Instant::now() + Duration::from_secs(60);
    let client = StoreClient::Program(Network::default(), Patience::Until(until));
    Media::open(&bench.settings(), bench.folder.path(), client).expect("a store")
}

/// The first and the last byte of what is asked for.
fn range(asked: &Asked) -> (usize, usize) {
    let range = asked.header("range");
    let range = range.strip_prefix("bytes=").expect("a range is asked for");
    let (first, last) = range.split_once('-').expect("two ends");
    let number = |text: &str| text.parse::<usize>().expect("a number");
    (number(first), number(last).min(SIZE - 1))
}

fn part((first, last): (usize, usize), size: usize, bytes: usize) -> Reply {
    Reply::new(206, "image/png", vec![7; bytes])
        .with("etag", "\"1\"")
        .with("last-modified", "Mon, 05 Jan 2026 09:00:00 GMT")
        .with("content-range", &format!("bytes {first}-{last}/{size}"))
}

async fn all(media: &Media) -> Result<usize, Unstored> {
    let (_, pieces) = media.stream(NAME).await?.expect("it is there");
    let sum = |sum, piece: tokio_util::bytes::Bytes| async move { Ok(sum + piece.len()) };
    pieces.try_fold(0, sum).await
}

fn readers_take_nothing() {
    let given = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&given);
    let server = PictureServer::new(move |asked| {
        let (first, last) = range(asked);
        counted.fetch_add(last + 1 - first, Ordering::SeqCst);
        part((first, last), SIZE, last + 1 - first)
    });
    runtime().block_on(async {
        let media = kept_at(&server).await;
        let mut held: Vec<Pieces> = Vec::new();
        for _ in 0..40 {
            let (size, mut pieces) = media.stream(NAME).await.expect("read").expect("there");
            assert_eq!(size, SIZE as u64);
            let first = pieces.try_next().await.expect("read").expect("a piece");
            assert!(first.len() < SIZE / 8, "{}", first.len());
            held.push(pieces);
        }
        let given = given.load(Ordering::SeqCst);
        assert!(
            given < 40 * SIZE / 8,
            "{given} bytes for readers who take nothing"
        );
        drop(held);
        assert_eq!(all(&media).await.expect("a reader who does"), SIZE);
    });
}

fn lies() {
    type Lie = fn(&Asked) -> Reply;
    let told: [(&str, Lie); 7] = [
        ("the whole", |_| Reply::new(200, "image/png", vec![7; SIZE])),
        ("a size without end", |asked| {
            let (first, last) = range(asked);
            part((first, last), usize::MAX / 4, last + 1 - first)
        }),
        ("another range", |asked| {
            let (first, last) = range(asked);
            part((first + 1, last), SIZE, last - first)
        }),
        ("nothing of it", |asked| part(range(asked), SIZE, 0)),
        ("less of it", |asked| part(range(asked), SIZE, 10)),
        ("another size each time", |asked| {
            let (first, last) = range(asked);
            part((first, last), SIZE + asked.number, last + 1 - first)
        }),
        ("elsewhere", |_| {
            Reply::new(307, "text/plain", "").with("location", "http://169.254.169.254/latest")
        }),
    ];
    for (what, lie) in told {
        let server = PictureServer::new(lie);
        let read = runtime().block_on(async { all(&kept_at(&server).await).await });
        if let Ok(bytes) = read {
            panic!("{what}: {bytes} bytes");
        }
        assert!(
            server.asked().len() <= 2,
            "{what}: {}",
            server.asked().len()
        );
    }
}

/// Its words are nothing to it but bytes that are cut.
fn a_bomb_of_xml() {
    let entities: String = (1..10)
        .map(|level| {
            format!(
                "<!ENTITY e{level} \"{}\">",
                format!("&e{};", level - 1).repeat(10)
            )
        })
        .collect();
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e0 \"{}\">{entities}]><Error><Code>&e9;</Code></Error>",
        "x".repeat(1000)
    );
    let server = PictureServer::new(move |_| Reply::new(403, "application/xml", bomb.clone()));
    let media = runtime().block_on(async { kept_at(&server).await });
    let put = runtime().block_on(media.put(NAME, vec![7; 100]));
    let read = runtime().block_on(all(&media));
    for error in [put.expect_err("refused"), read.expect_err("refused")] {
        assert!(
            error.to_string().len() < 64 << 10,
            "{}",
            error.to_string().len()
        );
    }
}
