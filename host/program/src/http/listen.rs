//! Where a process listens: names are looked up, a port that is taken is named with the mend, and
//! the console stays on this machine.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, lookup_host};

use callboard_core::address::Address;

use super::rules::open_to_everybody;

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(
        "port {} of {} is in use; stop the process that has it, or choose another with `{option}`",
        address.port,
        address.host()
    )]
    InUse {
        address: Address,
        option: &'static str,
    },
    #[error("this user may not listen on {address}; choose a port above 1023 with `{option}`")]
    Denied {
        address: Address,
        option: &'static str,
    },
    #[error(
        "cannot listen on {address}: {cause}; choose an address of this machine with `{option}`"
    )]
    Listen {
        address: Address,
        option: &'static str,
        cause: io::Error,
    },
    #[error("{}", open_to_everybody(.0))]
    Public(Address),
}

/// Listen for readers. The error says what to do about a port that is taken.
pub async fn bind(address: &Address) -> Result<TcpListener, HttpError> {
    let addresses = resolve(address, "--listen").await?;
    listen(address, "--listen", &addresses).await
}

/// Listen for people on this machine, and for no others.
pub async fn bind_here(address: &Address) -> Result<TcpListener, HttpError> {
    let addresses = resolve(address, "--console").await?;
    let is_here = |address: &SocketAddr| address.ip().to_canonical().is_loopback();
    if !addresses.iter().all(is_here) {
        return Err(HttpError::Public(address.clone()));
    }
    listen(address, "--console", &addresses).await
}

async fn resolve(address: &Address, option: &'static str) -> Result<Vec<SocketAddr>, HttpError> {
    let found = lookup_host((address.host(), address.port)).await;
    found
        .map(Iterator::collect)
        .map_err(|cause| refused(address, option, cause))
}

async fn listen(
    address: &Address,
    option: &'static str,
    addresses: &[SocketAddr],
) -> Result<TcpListener, HttpError> {
    let bound = TcpListener::bind(addresses).await;
    bound.map_err(|cause| refused(address, option, cause))
}

fn refused(address: &Address, option: &'static str, cause: io::Error) -> HttpError {
    let address = address.clone();
    match cause.kind() {
        io::ErrorKind::AddrInUse => HttpError::InUse { address, option },
        io::ErrorKind::PermissionDenied => HttpError::Denied { address, option },
        _ => HttpError::Listen {
            address,
            option,
            cause,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_mend() {
        let first = bind(&Address::loopback(0)).await.expect("a free port");
        let port = first.local_addr().expect("its address").port();
        let address = Address::loopback(port);
        for (error, option) in [
            (bind(&address).await.expect_err("taken"), "--listen"),
            (bind_here(&address).await.expect_err("taken"), "--console"),
        ] {
            let error = error.to_string();
            assert!(error.contains(&port.to_string()), "{error}");
            assert!(error.contains(option), "{error}");
        }
    }

    #[tokio::test]
    async fn the_console_listens_on_this_machine_only() {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
            let address = address.parse().expect(address);
            let error = bind_here(&address).await.expect_err("public").to_string();
            assert!(error.contains("ssh -L"), "{error}");
        }
        let here = "localhost:0".parse().expect("an address");
        bind_here(&here).await.expect("it is here");
    }
}
