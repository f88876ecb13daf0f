//! Under which name the console was asked for. A page from elsewhere can make a browser ask this
//! machine, by having its own name lead here; the name stays in the request, and is refused.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::misdirected;

/// Names that the console answers to, beside those of loopback.
pub(super) type ConsoleNames = Arc<[String]>;

/// Let a request pass that asks for this machine, by every name that it says.
pub(super) async fn known(
    State(names): State<ConsoleNames>,
    request: Request,
    next: Next,
) -> Response {
    let asked = asked(request.uri(), request.headers());
    match asked.iter().find(|host| !answers_to(&names, host)) {
        None if !asked.is_empty() => next.run(request).await,
        None => misdirected("no machine"),
        Some(host) => misdirected(&format!("`{}`", host.escape_default())),
    }
}

/// Each host that a request names, without its port.
fn asked(uri: &Uri, headers: &HeaderMap) -> Vec<String> {
    let written = headers.get_all(header::HOST).iter();
    let written = written.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let hosts = uri.host().map(str::to_owned).into_iter().chain(written);
    hosts.map(|host| bare(&host).to_ascii_lowercase()).collect()
}

/// A host without its port and its brackets; what is neither is left as it is.
fn bare(host: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let whole = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) && (name.ends_with(']') || !name.contains(':')) => name,
        _ => host,
    };
    let inside = whole.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    inside.unwrap_or(whole)
}

fn answers_to(names: &[String], host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let here = |address: IpAddr| address.to_canonical().is_loopback();
    host == "localhost"
        || host.parse().is_ok_and(here)
        || names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_and_configured_ones_are_answered() {
        let names = ["Board.internal".to_owned()];
        for host in [
            "localhost",
            "LOCALHOST:8711",
            "127.0.0.1:8711",
            "[::1]:8711",
            "board.internal",
            "localhost.",
        ] {
            let host = bare(host).to_ascii_lowercase();
            assert!(answers_to(&names, &host), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "0.0.0.0",
            "192.0.2.1:8711",
            "",
            "[::1].evil.example@x",
            "localhost:80:80",
        ] {
            let host = bare(host).to_ascii_lowercase();
            assert!(!answers_to(&names, &host), "{host}");
        }
    }
}
