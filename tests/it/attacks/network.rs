//! A peer, a client, a credential that is sent elsewhere.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use callboard_core::config::CallLimits;
use callboard_core::store::Dialect::Sqlite;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::attacks;
use crate::cli::refuses;
use crate::plugins::bench::Bench;
use crate::plugins::capabilities::{echo, token_for, with_http};
use crate::site::client::{Answer, Client};
use crate::support::daemon::{Daemon, eventually, get};
use crate::support::database::runtime;
use crate::support::factory::Factory;
use crate::support::host::Host;

attacks! {
    a_connection_that_asks_for_ever: "a connection that always has one more request" => {
        requests_are_counted
    };
    the_console_is_not_on_the_listener_of_readers: "a reader asks for the console" => {
        a_reader_asks_for_the_console
    };
    a_public_console_is_refused: "the console is put where everybody can reach it" => {
        the_console_is_put_in_public
    };
    a_page_from_elsewhere_is_refused_by_its_name: "a browser's page is rebound to the console" => {
        a_page_is_rebound
    };
    half_open_connections_keep_nobody_out: "1,024 connections that never end their header" => {
        half_open_connections
    };
    a_slow_peer_has_its_own_bound: "one peer opens more than its share beside others" => {
        idle_connections_of_one_peer
    };
    readers_who_do_not_read: "forty readers ask for a film of 24 MB and take nothing of it" => {
        readers_take_nothing
    };
    a_body_is_not_read_without_end: "a request that carries more than it may" => {
        a_body_without_end
    };
    a_credential_goes_to_its_origin_alone: "a guest sends a secret to another host it may call" => {
        a_secret_is_sent_elsewhere
    };
    a_credential_that_is_repeated_is_not_told: "the origin of a credential sends it back, as it is and encoded" => {
        a_secret_is_sent_back
    };
    files_are_their_owners_alone: "another user of the machine reads the database" => {
        another_user_reads
    };
    a_password_is_kept_in_no_revision: "a revision is read for the password of the database" => {
        a_password_in_the_workspace
    };
}

/// A daemon that serves; nothing of the tests below is about runs.
fn serving(factory: &Factory, more: &[&str]) -> Daemon {
    let line = ["serve", "--no-work", "--listen", "127.0.0.1:0"];
    Daemon::start(factory, &[&line, more].concat())
}

/// It is closed by the server, after an answer that says so.
fn requests_are_counted() {
    let factory = Factory::bare(Sqlite);
    let daemon = Daemon::start(&factory, &["serve", "--listen", "127.0.0.1:0"]);
    let address = daemon.address();
    let requests = "GET /style.css HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(100);
    let answer = runtime().block_on(Client { address }.exactly(&requests));
    assert_eq!(answer.body.matches("HTTP/1.1 200").count(), 99);
    assert_eq!(answer.body.matches("connection: close").count(), 1);
}

fn a_reader_asks_for_the_console() {
    let factory = Factory::bare(Sqlite);
    let server = serving(&factory, &[]);
    let (site, console) = (server.address(), server.console());
    for path in ["/console", "/console.json", "/console/style.css"] {
        assert_eq!(get(site, path).status, 404, "{path}");
        assert_eq!(get(console, path).status, 200, "{path}");
    }
    assert_eq!(get(site, "/health").status, 200);
    assert_eq!(
        get(console, "/archive").status,
        404,
        "the site is for readers"
    );
    assert!(console.ip().is_loopback());
}

fn the_console_is_put_in_public() {
    let factory = Factory::bare(Sqlite);
    let mend = ["ssh -L", "asks nobody who they are"];
    let line = ["serve", "--no-work", "--listen", "127.0.0.1:0"];
    let public = ["--console", "0.0.0.0:0"];
    refuses(&factory, &[&line[..], &public].concat(), 2, &mend);
    let config = factory.read("callboard.toml");
    factory.write(
        "callboard.toml",
        format!("{config}[console]\nlisten = \"[::]:0\"\n"),
    );
    refuses(&factory, &line, 1, &mend);
    // The site is for everybody.
    factory.write("callboard.toml", config);
    let server = Daemon::start(&factory, &["serve", "--no-work", "--listen", "0.0.0.0:0"]);
    assert!(server.address().ip().is_unspecified());
    assert!(server.console().ip().is_loopback());
}

/// Ask under a name, or under none.
fn ask_as(address: SocketAddr, host: &str) -> Answer {
    let request = format!("GET /console.json HTTP/1.1\r\n{host}connection: close\r\n\r\n");
    runtime().block_on(Client { address }.exactly(&request))
}

fn a_page_is_rebound() {
    let factory = Factory::bare(Sqlite);
    let config = factory.read("callboard.toml");
    factory.write(
        "callboard.toml",
        format!("{config}[console]\nnames = [\"board.internal\"]\n"),
    );
    let server = serving(&factory, &[]);
    let (_, console) = (server.address(), server.console());
    let port = console.port();
    for host in [
        format!("host: evil.example:{port}\r\n"),
        "host: 192.0.2.7\r\n".to_owned(),
        "host: localhost.evil.example\r\n".to_owned(),
        "host: 127.0.0.1\r\nhost: evil.example\r\n".to_owned(),
        "host:\r\n".to_owned(),
        String::new(),
    ] {
        let answer = ask_as(console, &host);
        assert!(
            [400, 421].contains(&answer.status),
            "{host}: {}",
            answer.status
        );
        assert!(!answer.body.contains("handlers"), "{host}: {}", answer.body);
    }
    let refused = ask_as(console, "host: evil.example\r\n").body;
    assert!(
        refused.contains("evil.example") && refused.contains("[console]"),
        "{refused}"
    );
    for host in ["localhost", "127.0.0.1", "[::1]", "Board.internal"] {
        let answer = ask_as(console, &format!("host: {host}:{port}\r\n"));
        assert_eq!(answer.status, 200, "{host}");
    }
}

/// A connection that has sent half of a header.
fn half_open(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n")
        .expect("sent");
    stream
}

/// Rules under which no clock ends a connection, so that only making room can.
fn without_a_clock(factory: &Factory, rules: &str) {
    let config = factory.read("callboard.toml");
    let rules = format!("{config}[connections]\nheader = \"1h\"\n{rules}");
    factory.write("callboard.toml", rules);
}

fn half_open_connections() {
    let factory = Factory::bare(Sqlite);
    without_a_clock(&factory, "per_peer = 4096\n");
    let server = serving(&factory, &[]);
    for address in [server.address(), server.console()] {
        let held: Vec<_> = (0..1024).map(|_| half_open(address)).collect();
        assert_eq!(get(address, "/health").status, 200);
        drop(held);
    }
}

fn idle_connections_of_one_peer() {
    let factory = Factory::bare(Sqlite);
    without_a_clock(&factory, "total = 4096\nper_peer = 8\n");
    let server = serving(&factory, &[]);
    let address = server.address();
    // All of 127.0.0.0/8 is this machine, so there is another peer at hand.
    let other = from([127, 0, 0, 2], address);
    let held: Vec<_> = (0..64).map(|_| half_open(address)).collect();
    assert_eq!(get(address, "/health").status, 200);
    // With the one that asked, eight of them have a place.
    let (sent_away, kept) = held.split_at(held.len() - 7);
    for stream in sent_away {
        eventually("it is closed", || (!is_open(stream)).then_some(()));
    }
    assert!(kept.iter().all(is_open));
    assert!(is_open(&other), "another peer's is left alone");
}

/// A connection from another address of this machine.
fn from(source: [u8; 4], address: SocketAddr) -> TcpStream {
    let connecting = async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((source, 0)))?;
        socket.connect(address).await?.into_std()
    };
    let stream = runtime().block_on(connecting).expect("a connection");
    stream.set_nonblocking(false).expect("it blocks");
    stream
}

/// Whether the server has not closed it.
fn is_open(mut stream: &TcpStream) -> bool {
    stream
        .set_read_timeout(Some(Duration::from_millis(1)))
        .expect("a time limit");
    let waits = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
    stream
        .read(&mut [0])
        .is_err_and(|error| waits.contains(&error.kind()))
}

/// What is served is in memory once, however many ask for it.
fn readers_take_nothing() {
    let factory = Factory::bare_written(Sqlite);
    factory.write("site/film.mp4", vec![7; 24 << 20]);
    factory.ok(&["apply"]);
    let server = serving(&factory, &[]);
    let address = server.address();
    assert_eq!(get(address, "/health").status, 200);
    let before = resident(server.id());
    let ask = |number: u32| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let request = "GET /film.mp4 HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("sent");
        let mut begun = [0; 12];
        stream.read_exact(&mut begun).expect("it is answered");
        assert_eq!(&begun, b"HTTP/1.1 200", "{number}");
        stream
    };
    let held: Vec<_> = (0..40).map(ask).collect();
    let grown = resident(server.id()).saturating_sub(before);
    assert!(grown < 256 << 10, "{grown} KiB for 40 readers of 24 MB");
    drop(held);
}

/// The memory of a process, in KiB.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("it is there");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.expect("its memory").parse().expect("a number")
}

fn a_body_without_end() {
    let factory = Factory::bare(Sqlite);
    let server = serving(&factory, &[]);
    let address = server.address();
    for head in [
        "content-length: 99999999999\r\n",
        "transfer-encoding: chunked\r\n",
    ] {
        let request = format!("POST /health HTTP/1.1\r\nhost: x\r\n{head}\r\n");
        let answer = runtime().block_on(Client { address }.exactly(&request));
        assert_eq!(answer.status, 413, "{head}");
    }
    let long = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "a".repeat(1 << 20)
    );
    let mut stream = TcpStream::connect(address).expect("a connection");
    // It may be cut while it is still sent.
    stream.write_all(long.as_bytes()).ok();
    assert_eq!(get(address, "/health").status, 200);
}

/// A server that sends every request on.
async fn sends_on_to(url: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            if let Ok(0) | Err(_) = stream.read(&mut buffer).await {
                continue;
            }
            let answer = format!(
                "HTTP/1.1 307 On\r\nlocation: {url}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    port
}

fn a_secret_is_sent_elsewhere() {
    runtime().block_on(async {
        let elsewhere = echo().await;
        let url = |port: u16| format!("http://127.0.0.1:{port}/");
        let meant = sends_on_to(url(elsewhere)).await;
        let mut grants = with_http(elsewhere);
        grants.http.extend(with_http(meant).http);
        // The right to read settings is not the right to send them.
        assert!(grants.settings.covers("probe.token"));
        let bare = Bench::with(grants.clone(), None, CallLimits::default()).await;
        let granted = Bench::with(token_for(meant, grants), None, CallLimits::default()).await;
        let ask =
            |port: u16| json!({ "url": url(port), "credential": "probe.token", "redirects": 5 });
        for (bench, port) in [(&bare, meant), (&bare, elsewhere), (&granted, elsewhere)] {
            let answer = bench.done("probe.fetches", ask(port)).await;
            assert_eq!(answer["error_kind"], "denied", "{answer}");
            let text = answer["error"].as_str().unwrap_or_default();
            let lines = format!(
                "[[ask.credentials]]\nname = \"probe.token\"\nto = \"http://127.0.0.1:{port}\""
            );
            assert!(text.contains(&lines), "{text}");
        }
        // Where it may go, it goes; an origin that sends it on does not get it along.
        let answer = granted.done("probe.fetches", ask(meant)).await;
        assert_eq!(answer["status"], 200, "{answer}");
        assert_eq!(answer["url"], url(elsewhere), "{answer}");
        let told = answer.to_string();
        assert!(!told.contains("hush") && !told.contains("Bearer"), "{told}");
    });
}

/// Says everything back: as it is, within JSON, in hexadecimal digits, and in base64.
async fn says_back() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 65536];
            let read = stream.read(&mut buffer).await.unwrap_or_default();
            let heard = &buffer[..read];
            let text = String::from_utf8_lossy(heard).into_owned();
            let digits = heard.iter().fold(String::new(), |digits, byte| {
                digits + &format!("{byte:02x}")
            });
            // `Bearer hush-hush` in base64.
            let body = format!(
                "{text} {} {digits} QmVhcmVyIGh1c2gtaHVzaA==",
                json!({ "heard": text })
            );
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).await.ok();
        }
    });
    port
}

fn a_secret_is_sent_back() {
    runtime().block_on(async {
        let port = says_back().await;
        let bench = Bench::with(
            token_for(port, with_http(port)),
            None,
            CallLimits::default(),
        )
        .await;
        let url = format!("http://127.0.0.1:{port}/");
        let ask = json!({ "url": url, "credential": "probe.token" });
        let answer = bench.done("probe.fetches", ask).await;
        assert_eq!(answer["status"], 200, "{answer}");
        let told = answer.to_string();
        assert!(told.contains("Bearer [hidden]"), "it was sent: {told}");
        for form in ["hush", "687573682d68757368", "h1c2gtaHVza"] {
            assert!(!told.contains(form), "{form}: {told}");
        }
    });
}

fn mode(factory: &Host, name: &str) -> u32 {
    let path = factory.workspace().join(name);
    let data = fs::metadata(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    data.permissions().mode() & 0o777
}

fn another_user_reads() {
    let host = Host::new();
    let open = |arguments: &[&str]| {
        let plain = host.command(arguments);
        let mut careless = Command::new("sh");
        careless.args(["-c", "umask 000; exec \"$0\" \"$@\""]);
        careless.arg(plain.get_program()).args(plain.get_args());
        let set = plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?)));
        careless.env_clear().envs(set).current_dir(host.workspace());
        careless
    };
    let ran = |arguments: &[&str]| {
        let output = open(arguments).output().expect("the program starts");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    };
    ran(&["init"]);
    ran(&["apply"]);
    let server = Daemon::of(open(&["serve", "--no-work", "--listen", "127.0.0.1:0"]));
    server.address();
    for name in ["callboard.db", "callboard.db-wal", "callboard.db-shm"] {
        assert_eq!(mode(&host, name), 0o600, "{name}");
    }
    drop(server);
    let path = host.workspace().join("callboard.db");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("open to others");
    let ran = host.run(&["doctor"]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("chmod 600"), "{ran}");
    let server = Daemon::start(&host, &["serve", "--no-work", "--listen", "127.0.0.1:0"]);
    server.until("chmod 600");
}

fn a_password_in_the_workspace() {
    let factory = Factory::bare(Sqlite);
    factory.edit(
        "callboard.toml",
        "sqlite:callboard.db",
        "postgres://ada:hush@db/x",
    );
    for command in ["check", "apply", "serve"] {
        let ran = refuses(&factory, &[command], 1, &["callboard.toml:2", "PGPASSFILE"]);
        assert!(!ran.stderr.contains("hush"), "{ran}");
    }
}
