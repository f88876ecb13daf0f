//! The interfaces `settings`, `http` and `vectors` through a real guest.

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::store::Store;
use callboard_core::value::{Statement, Value};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::bench::{Bench, manifest};
use crate::support::database::on_both;

#[tokio::test]
async fn settings_are_typed_and_secrets_are_never_readable() {
    let bench = Bench::misbehave(None, CallLimits::default()).await;
    let read = async |key: &str| {
        bench
            .done("probe.reads_setting", json!({ "key": key }))
            .await
    };
    let count = read("probe.count").await;
    assert_eq!(
        (&count["kind"], &count["value"]),
        (&json!("integer"), &json!(42))
    );
    assert_eq!(read("probe.unset").await["kind"], "unset");
    assert_eq!(read("probe.nowhere").await["kind"], "unknown");
    let secret = read("probe.token").await;
    assert_eq!(secret["kind"], "secret");
    assert!(!secret.to_string().contains("hush"), "{secret}");
    let denied = read("other.text").await;
    assert_eq!(denied["kind"], "denied");
    let text = denied["error"].as_str().unwrap_or_default();
    assert!(
        text.contains("[grants.misbehave.settings]") && text.contains("[ask.settings]"),
        "{text}"
    );
    // What is declared, and what is a secret, is told of no other.
    let nowhere = read("other.nowhere").await;
    let nowhere = nowhere["error"].as_str().unwrap_or_default();
    assert_eq!(nowhere.replace("other.nowhere", "other.text"), text);
}

/// A server that says the request back.
pub(crate) async fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = vec![0; 8192];
            let read = stream.read(&mut buffer).await.unwrap_or_default();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {read}\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await.ok();
            stream.write_all(&buffer[..read]).await.ok();
        }
    });
    port
}

pub(crate) fn with_http(port: u16) -> Grants {
    let text =
        format!("[[http]]\nhost = \"127.0.0.1\"\nscheme = \"http\"\nport = {port}\nprivate = true");
    let http = toml::from_str::<Grants>(&text).expect("grants").http;
    Grants {
        http,
        ..manifest("misbehave").ask
    }
}

/// The credential `probe.token` for a port of this machine.
pub(crate) fn token_for(port: u16, grants: Grants) -> Grants {
    let text = format!("[[credentials]]\nname = \"probe.token\"\nto = \"http://127.0.0.1:{port}\"");
    let credentials = toml::from_str::<Grants>(&text).expect("grants").credentials;
    Grants {
        credentials,
        ..grants
    }
}

#[tokio::test]
async fn a_request_goes_where_it_is_granted_with_a_credential_that_the_guest_never_saw() {
    let port = echo().await;
    let grants = token_for(port, with_http(port));
    let bench = Bench::with(grants, None, CallLimits::default()).await;
    let url = format!("http://127.0.0.1:{port}/x");
    let answer = bench
        .done(
            "probe.fetches",
            json!({ "url": url, "credential": "probe.token" }),
        )
        .await;
    assert_eq!(answer["status"], 200, "{answer}");
    let body = answer["body"].as_str().unwrap_or_default();
    // It went out, and a server that repeats it tells the guest nothing.
    assert!(body.contains("authorization: Bearer [hidden]"), "{body}");
    assert!(!answer.to_string().contains("hush"), "{answer}");
    for (config, kind) in [
        (json!({ "url": "http://127.0.0.1:1/" }), "denied"),
        (json!({ "url": "http://169.254.169.254/" }), "denied"),
        (json!({ "url": url, "method": "POST" }), "denied"),
        (json!({ "url": url, "credential": "other.text" }), "denied"),
        (
            json!({ "url": url, "headers": { "Host": "x" } }),
            "bad-request",
        ),
        (json!({ "url": url, "max_body": 3 }), "too-large"),
    ] {
        let answer = bench.done("probe.fetches", config.clone()).await;
        assert_eq!(answer["error_kind"], kind, "{config}: {answer}");
    }
}

on_both!(
    the_host_clusters_what_a_query_gives,
    async |store: Store, _url: String| {
        let blob = match store.dialect() {
            callboard_core::store::Dialect::Sqlite => "BLOB",
            callboard_core::store::Dialect::Postgres => "BYTEA",
        };
        let create = format!("CREATE TABLE scratch (name TEXT, vector {blob})");
        store
            .execute(Statement::new(create))
            .await
            .expect("a table");
        for (name, vector) in [
            ("a", [1.0, 0.0]),
            ("b", [0.9, 0.1]),
            ("c", [0.0, 1.0]),
            ("d", [0.1, 0.9]),
        ] {
            let insert = Statement::new("INSERT INTO scratch VALUES ($1, $2)").bind(name);
            let insert = Statement {
                params: [insert.params, vec![Value::Vector(vector.to_vec())]].concat(),
                ..insert
            };
            store.execute(insert).await.expect("a row");
        }
        let bench = Bench::misbehave(Some(store), CallLimits::default()).await;
        let config =
            json!({ "statement": "SELECT name, vector FROM scratch ORDER BY name", "clusters": 2 });
        let found = bench.done("probe.clusters", config).await;
        let clusters: Vec<Json> = found["clusters"].as_array().cloned().unwrap_or_default();
        assert_eq!(clusters.len(), 4, "{found}");
        assert_eq!(
            (&clusters[0], &clusters[2]),
            (&clusters[1], &clusters[3]),
            "{found}"
        );
        assert_ne!(clusters[0], clusters[2], "{found}");
    }
);
