//! Names to addresses, once: the address that was checked is the one that is dialled.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;
use super::error::ResolveError;

/// Looks names up, and gives only the addresses that may be dialled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver {
    /// Whether addresses that are not public may be dialled.
    pub(super) private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let private = self.private;
        Box::pin(async move {
            let addresses = look_up(name.as_str(), private).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn look_up(name: &str, private: bool) -> Result<Vec<SocketAddr>, ResolveError> {
    let unknown = |cause: String| ResolveError::Unknown {
        name: name.to_owned(),
        cause,
    };
    let found = tokio::net::lookup_host((name, 0))
        .await
        .map_err(|error| unknown(error.to_string()))?;
    let mut refused = None;
    let mut addresses = Vec::new();
    for address in found {
        match address::not_public(address.ip()) {
            Some(what) if !private => {
                let address = address.ip().to_string();
                refused = Some(ResolveError::NotPublic {
                    name: name.to_owned(),
                    address,
                    what,
                });
            }
            _ => addresses.push(address),
        }
    }
    match refused {
        Some(refused) if addresses.is_empty() => Err(refused),
        _ if addresses.is_empty() => Err(unknown("the name server knows none".to_owned())),
        _ => Ok(addresses),
    }
}
