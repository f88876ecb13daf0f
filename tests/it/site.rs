//! The public site over a real server, a real store and raw sockets: what a reader, a cache, a
//! crawler and an attacker get to see.

mod addresses;
pub(crate) mod client;
mod export;

use std::sync::Arc;
use std::time::Duration;

use callboard::http::{
    ConnectionRules, Renderings, WebState, bind, bind_here, serve, site as readers,
};
use callboard_core::address::Address;
use callboard_core::app::App;
use callboard_core::app::current::{Current, TenantState};
use callboard_core::store::revisions;
use callboard_core::value::Statement;
use callboard_factory::site::{Site, SiteInfo, SiteNow, bundled};
use callboard_factory::tables::posts::{self, Post, PostStatus};
use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use self::client::{Answer, Client};

const BOARD: &str = "name = \"Board\"\ndatabase = \"sqlite:callboard.db\"\n";

/// A running server; its database is deleted with it.
struct Server {
    client: Client,
    console: Client,
    app: App,
    folder: tempfile::TempDir,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
    swap: watch::Sender<TenantState>,
}

fn shown(shown: SiteNow) -> TenantState {
    Arc::new(shown)
}

impl Server {
    async fn start() -> Self {
        let server = Self::without_a_revision().await;
        let files = [("callboard.toml".to_owned(), BOARD.as_bytes().to_vec())].into();
        let (store, at) = (server.app.store(), Timestamp::UNIX_EPOCH);
        let digest = callboard_core::workspace::digest(&files);
        revisions::save(store, files, &digest, "", at)
            .await
            .expect("a revision");
        server
    }

    async fn without_a_revision() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("callboard.toml"), BOARD).expect("written");
        let app = App::open(folder.path(), None).await.expect("a workspace");
        let (swap, made) = watch::channel(shown(Ok(Arc::new(site()))));
        let web = WebState {
            app: app.clone(),
            current: Current::from([made]),
            renderings: Renderings::default(),
        };
        let any = Address::loopback(0);
        let (site, here) = (bind(&any).await, bind_here(&any).await);
        let (site, here) = (site.expect("a free port"), here.expect("a free port"));
        let address = |listener: &TcpListener| listener.local_addr().expect("its address");
        let (client, console) = (address(&site), address(&here));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = stopped.map(drop).shared();
        let running = tokio::spawn(async move {
            let rules = ConnectionRules::default();
            tokio::join!(
                serve(site, readers(web.clone()), &rules, stopped.clone()),
                serve(here, callboard::http::console(web, &[]), &rules, stopped),
            );
        });
        Self {
            client: Client { address: client },
            console: Client { address: console },
            app,
            folder,
            stop,
            running,
            swap,
        }
    }

    async fn with(posts: impl IntoIterator<Item = Post>) -> Self {
        let server = Self::start().await;
        for post in posts {
            for statement in posts::insert(&post, "", "") {
                server.app.store().execute(statement).await.expect("a post");
            }
        }
        server
    }

    async fn get(&self, path: &str) -> Answer {
        self.client.get(path).await
    }
}

pub(crate) fn site() -> Site {
    let info = SiteInfo {
        name: "Board".to_owned(),
        description: "What we shipped".to_owned(),
        address: "https://example.com".parse().expect("an address"),
    };
    Site::new(info, &bundled()).expect("the bundled site")
}

pub(crate) fn post(number: u32) -> Post {
    let second = 1_760_000_000 + i64::from(number) * 86_400;
    let time = Timestamp::from_second(second).expect("a time");
    Post {
        id: format!("id-{number:04}"),
        slug: format!("post-{number}"),
        subject: format!("dev_diary:board:{number}"),
        task: "task".to_owned(),
        title: format!("Title of {number}"),
        excerpt: "An excerpt".to_owned(),
        markdown: "Some *text*.".to_owned(),
        tags: vec!["rust".to_owned(), format!("number {number}")],
        written_by: "built-in composer".to_owned(),
        covers: "2025-10-09".to_owned(),
        featured: None,
        seo_title: String::new(),
        status: PostStatus::Published,
        scheduled_at: None,
        run: String::new(),
        published_at: time,
        updated_at: time,
        edited_by: String::new(),
        approved_by: String::new(),
        approved_at: None,
    }
}

#[tokio::test]
async fn published_is_200_absent_is_404_and_removed_is_410() {
    let removed = Post {
        status: PostStatus::Removed,
        ..post(2)
    };
    let server = Server::with([post(1), removed]).await;
    let found = server.get("/posts/post-1").await;
    assert_eq!(found.status, 200);
    assert!(found.body.contains("Title of 1") && found.body.contains("<em>text</em>"));
    assert!(found.body.contains("the built-in composer"));
    assert_eq!(server.get("/posts/nobody").await.status, 404);
    let gone = server.get("/posts/post-2").await;
    assert_eq!(gone.status, 410);
    assert!(!gone.body.contains("Title of 2"), "{}", gone.body);
    assert!(!server.get("/").await.body.contains("Title of 2"));
    assert!(!server.get("/feed.xml").await.body.contains("Title of 2"));
}

#[tokio::test]
async fn a_store_that_is_down_is_503_uncached_and_never_404() {
    let server = Server::with([post(1)]).await;
    server.app.store().close().await;
    for path in [
        "/",
        "/posts/post-1",
        "/posts/nobody",
        "/archive",
        "/archive/9",
        "/tags/rust",
        "/feed.xml",
        "/feed.json",
        "/sitemap.xml",
        "/console",
        "/console.json",
        "/health",
    ] {
        let answer = if path.starts_with("/console") {
            server.console.get(path).await
        } else {
            server.get(path).await
        };
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("etag"), "", "{path}");
        assert_eq!(answer.header("retry-after"), "5", "{path}");
    }
    assert_eq!(server.get("/style.css").await.status, 200);
    assert_eq!(server.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn a_damaged_database_is_503() {
    let server = Server::with((1..40).map(post)).await;
    let path = server.folder.path().join("callboard.db");
    for name in ["callboard.db-wal", "callboard.db-shm", "callboard.db"] {
        let file = server.folder.path().join(name);
        let length = std::fs::metadata(&file).map_or(8192, |data| data.len());
        let noise = vec![0x5a; usize::try_from(length).expect("a length").max(8192)];
        std::fs::write(&file, noise).expect("written over");
    }
    let answer = server.get("/posts/post-1").await;
    assert_eq!(answer.status, 503, "{}", path.display());
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_hostile_post_is_text() {
    let script = "</title><script>alert(1)</script>";
    let hostile = Post {
        title: script.to_owned(),
        excerpt: script.to_owned(),
        markdown: format!("{script}\n\n[x](javascript:alert(1)) ]]>"),
        tags: vec![script.to_owned()],
        ..post(1)
    };
    let server = Server::with([hostile]).await;
    for path in ["/", "/posts/post-1", "/archive", "/feed.xml"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("<script"), "{path}: {}", answer.body);
        assert!(!answer.body.contains("\"javascript:"), "{path}");
    }
    let policy = server
        .get("/")
        .await
        .header("content-security-policy")
        .to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}

#[tokio::test]
async fn odd_addresses_are_404() {
    let server = Server::with((1..=11).map(post)).await;
    for path in [
        "/posts/%00",
        "/posts/%ff%fe",
        "/posts/..%2f..%2fetc%2fpasswd",
        "/posts/a%0d%0ax:y",
        "/posts/",
        "/posts/a/b",
        "/posts/'%20or%201=1--",
        "/tags/%2c",
        "/tags/nobody",
        "/tags/%25",
        "/archive/0",
        "/archive/-1",
        "/archive/+1",
        "/archive/01",
        "/archive/3",
        "/archive/x",
        "/archive/4294967296",
        "/archive/4294967295",
        "/archive/1.0",
        "//x",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
    let long = format!("/posts/{}", "a".repeat(5000));
    assert_eq!(server.get(&long).await.status, 404);
    assert_eq!(server.get("/archive/2").await.status, 200);
    let tagged = server.get("/tags/number%203").await;
    assert!(tagged.body.contains("Title of 3") && !tagged.body.contains("Title of 4"));
}

#[tokio::test]
async fn the_archive_has_ten_a_page() {
    let server = Server::with((1..=21).map(post)).await;
    let first = server.get("/archive").await.body;
    assert_eq!(first.matches("class=\"entry\"").count(), 10);
    assert!(first.contains("Title of 21") && first.contains("Page 1 of 3"));
    let last = server.get("/archive/3").await.body;
    assert_eq!(last.matches("class=\"entry\"").count(), 1);
    assert!(last.contains("Title of 1<"));
    let empty = Server::start().await;
    assert_eq!(empty.get("/archive").await.status, 200);
    assert_eq!(empty.get("/archive/2").await.status, 404);
    assert!(
        empty
            .get("/")
            .await
            .body
            .contains("Nothing has been published yet")
    );
}

#[tokio::test]
async fn feeds_can_be_read() {
    let server = Server::with((1..=25).map(post)).await;
    let rss = server.get("/feed.xml").await;
    assert!(
        rss.header("content-type")
            .starts_with("application/rss+xml")
    );
    assert!(rss.body.starts_with("<?xml") && rss.body.contains("content:encoded"));
    assert_eq!(rss.body.matches("<item>").count(), 20);
    let json = server.get("/feed.json").await;
    let feed: serde_json::Value = serde_json::from_str(&json.body).expect("json");
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["items"][0]["url"], "https://example.com/posts/post-25");
    let map = server.get("/sitemap.xml").await;
    assert_eq!(map.body.matches("<loc>").count(), 27);
}

#[tokio::test]
async fn an_unchanged_page_is_304() {
    let server = Server::with([post(1)]).await;
    let first = server.get("/posts/post-1").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"'), "{tag}");
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let header = format!("if-none-match: {known}\r\n");
        let again = server.client.send("GET", "/posts/post-1", &header).await;
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{known}");
        assert_eq!(again.header("etag"), tag);
    }
    let header = "if-none-match: \"old\"\r\n";
    assert_eq!(
        server
            .client
            .send("GET", "/posts/post-1", header)
            .await
            .status,
        200
    );
    assert_eq!(
        server
            .client
            .send("GET", "/posts/no", "if-none-match: *\r\n")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn head_says_the_same_without_a_body_and_other_methods_are_refused() {
    let removed = Post {
        status: PostStatus::Removed,
        ..post(2)
    };
    let server = Server::with([post(1), removed]).await;
    for (path, status) in [
        ("/posts/post-1", 200),
        ("/posts/post-2", 410),
        ("/posts/x", 404),
    ] {
        let (get, head) = (
            server.get(path).await,
            server.client.send("HEAD", path, "").await,
        );
        assert_eq!((head.status, head.body.as_str()), (status, ""), "{path}");
        assert_eq!(head.header("etag"), get.header("etag"), "{path}");
        assert_eq!(
            head.header("content-length"),
            get.body.len().to_string(),
            "{path}"
        );
    }
    let refused = server.client.send("DELETE", "/posts/post-1", "").await;
    assert_eq!(refused.status, 405);
}

#[tokio::test]
async fn the_console_is_never_kept() {
    let server = Server::without_a_revision().await;
    let page = server.console.get("/console").await;
    assert_eq!(
        (page.status, page.header("cache-control")),
        (200, "no-store")
    );
    assert!(page.body.contains("No revision is active"), "{}", page.body);
    let link = "href=\"https://example.com/\"";
    assert!(page.body.contains(link), "the site is elsewhere");
    let json = server.console.get("/console.json").await;
    let view: serde_json::Value = serde_json::from_str(&json.body).expect("json");
    assert_eq!(view["name"], "Board");
    assert_eq!(server.console.get("/console/style.css").await.status, 200);
    assert_eq!(server.console.get("/").await.header("location"), "/console");
}

#[tokio::test]
async fn a_client_that_never_ends_its_header_is_cut() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.client.address)
        .await
        .expect("a connection");
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n")
        .await
        .expect("sent");
    let mut rest = Vec::new();
    let cut = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
    assert!(cut.is_ok(), "the connection is still open");
}

#[tokio::test]
async fn the_shutdown_does_not_wait_for_a_slow_client() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.client.address)
        .await
        .expect("a connection");
    stream.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
    assert_eq!(server.get("/").await.status, 200);
    server.stop.send(()).expect("it runs");
    let ended = tokio::time::timeout(Duration::from_secs(6), server.running).await;
    ended.expect("in time").expect("without a panic");
    assert!(TcpStream::connect(server.client.address).await.is_err());
}

#[tokio::test]
async fn another_site_takes_over_between_two_requests() {
    let server = Server::start().await;
    let mut templates = bundled();
    templates.insert("index.html".to_owned(), "Another front".to_owned());
    let info = SiteInfo {
        name: "Board".to_owned(),
        description: String::new(),
        address: "https://example.com".parse().expect("an address"),
    };
    let other = Site::new(info, &templates).expect("another site");
    server.swap.send_replace(shown(Ok(Arc::new(other))));
    assert_eq!(server.get("/").await.body, "Another front");
}

#[tokio::test]
async fn without_a_site_every_page_is_503_and_health_says_which() {
    let server = Server::with([post(1)]).await;
    assert_eq!(server.get("/health").await.status, 200);
    server
        .swap
        .send_replace(shown(Err("line 3: a mistake".to_owned())));
    for path in [
        "/",
        "/posts/post-1",
        "/feed.xml",
        "/style.css",
        "/x",
        "/health",
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(!answer.body.contains("a mistake"), "{}", answer.body);
    }
    assert!(server.get("/health").await.body.contains("\"site\""));
    assert_eq!(server.console.get("/console").await.status, 200);
}

#[tokio::test]
async fn health_fails_when_posts_cannot_be_read_though_the_database_answers() {
    for (breaks, dependency) in [
        ("DROP TABLE posts", "database"),
        ("DELETE FROM activations", "revision"),
        (
            "UPDATE migrations SET digest = 'of another build'",
            "schema",
        ),
        (
            "INSERT INTO migrations (owner, number, digest) VALUES ('host', 9999, 'newer')",
            "schema",
        ),
    ] {
        let server = Server::start().await;
        assert_eq!(server.get("/health").await.status, 200);
        let done = server.app.store().execute(Statement::new(breaks)).await;
        done.expect(breaks);
        let health = server.get("/health").await;
        assert_eq!(health.status, 503, "{breaks}");
        assert!(health.body.contains(dependency), "{}", health.body);
    }
}
