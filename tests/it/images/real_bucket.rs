//! The store of pictures against a server of others that speaks S3: moto, which keeps what it is given in memory and
//! believes every signature. It is started where `CALLBOARD_TEST_S3` names its `moto_server`, and nothing is installed.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use callboard_core::client::{Client, Network};
use callboard_core::exchange::Request;
use callboard_factory::media::{Media, Patience, StoreClient};
use futures_util::TryStreamExt as _;

use super::bench::{Bench, done};
use crate::support::pictures::PictureServer;
use crate::torture::chance::tell;

/// Names the program `moto_server`; `none` says that it is not to be had here.
const PROGRAM: &str = "CALLBOARD_TEST_S3";

struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    /// `None`, and it is told, where there is none.
    fn start() -> Option<Self> {
        let named = std::env::var_os(PROGRAM).filter(|it| !it.is_empty() && it != "none");
        let Some(program) = named.map(PathBuf::from) else {
            tell(&format!(
                "SKIPPED: pictures in the bucket of a real server; {PROGRAM} names no moto_server"
            ));
            return None;
        };
        let mut server = Command::new(program);
        server
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = server.spawn().expect("it starts");
        let told = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut lines = told.lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.split_once("http://")?.1.trim().to_owned()));
        let url = format!("http://{}/", url.expect("it says where it answers"));
        // It goes on saying what it is asked, and would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, url })
    }

    async fn bucket(&self, name: &str) {
        let request = Request {
            method: "PUT".to_owned(),
            url: format!("{}{name}", self.url),
            headers: Vec::new(),
            body: Vec::new(),
            credential: None,
            deadline: Duration::from_secs(60),
            max_body: 1 << 20,
            cut: false,
            redirects: 0,
            fresh_connection: true,
        };
        let url = self.url.parse().expect("an address");
        let made = Client::for_operator(&url).send(request).await;
        assert_eq!(made.expect("an answer").status, 200);
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn a_real_server_of_buckets_keeps_gives_lists_and_removes_pictures() {
    let Some(moto) = Moto::start() else {
        return;
    };
    moto.bucket("pictures").await;
    let server = PictureServer::sdxl();
    let mut bench = Bench::on("sdxl", &server.url()).await;
    bench.set("media.store", "s3://pictures/of/posts");
    bench.set("media.endpoint", &moto.url);
    bench.set("media.region", "us-east-1");
    bench.set("media.access_key", "ada");
    bench.set("media.secret_key", "lovelace");
    let made = done(bench.make("run-1", &["featured"]).await);
    let src = made.patch["images"][0]["image"]["src"].clone();
    let name = src.as_str().and_then(|it| it.strip_prefix("/media/"));
    let name = name.expect("a kept one");
    let client = StoreClient::Program(Network::default(), Patience::Each(Duration::from_secs(60)));
    let media = Media::open(&bench.settings(), bench.folder.path(), client).expect("a store");
    let whole = media.get(name).await.expect("read").expect("a picture");
    assert_eq!(&whole[1..4], b"PNG");
    assert!(media.has(name).await.expect("an answer"));
    let (size, pieces) = media.stream(name).await.expect("read").expect("a picture");
    let pieces: Vec<_> = pieces.try_collect().await.expect("its pieces");
    assert_eq!(
        (size, pieces.concat()),
        (whole.len() as u64, whole.to_vec())
    );
    let listed: Vec<String> = media
        .list()
        .await
        .expect("a list")
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(listed, [name]);
    let other = format!("{}.png", "0".repeat(32));
    assert!(media.get(&other).await.expect("an answer").is_none());
    assert!(media.stream(&other).await.expect("an answer").is_none());
    // A large one comes in pieces, each a range of its own.
    let large = vec![7; 1 << 20];
    media.put(&other, large.clone()).await.expect("kept");
    let (size, pieces) = media.stream(&other).await.expect("read").expect("it");
    let pieces: Vec<_> = pieces.try_collect().await.expect("its pieces");
    assert!(size == 1 << 20 && pieces.len() > 1 && pieces.concat() == large);
    for gone in [name, &other] {
        media.remove(gone).await.expect("removed");
        assert!(!media.has(gone).await.expect("an answer"));
    }
    bench.set("media.store", "s3://nowhere");
    let refused = bench.make("run-2", &["featured"]).await;
    let detail = refused.detail();
    assert!(detail.contains("NoSuchBucket"), "{detail}");
}
