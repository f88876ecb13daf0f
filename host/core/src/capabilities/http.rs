//! `http`: one call to an allowed address.

use std::time::Duration;

use url::Url;
use wasmtime::component::HasData;

use crate::capability::{Capability, InstanceState, Opens, denied, heard};
use crate::client::{self, ClientError, ClientErrorKind, Credential};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1",
        inline: "package callboard:http-host; world imports { import callboard:plugin/http@0.1.0; }",
        imports: { default: async | trappable },
    });
}
use bindings::callboard::plugin::http::{self, HttpError, HttpErrorKind, Request, Response};

inventory::submit! {
    Capability {
        interface: "http",
        link: |linker| http::add_to_linker::<_, Http>(linker, |state| Http(state)),
        granted: |grants| !grants.http.is_empty(),
        mend: Opens::Element("[[OWNER.http]]\nhost = \"HOST\""),
    }
}

/// The most redirects that a request can ask for.
const REDIRECTS: u8 = 10;

struct Http<'a>(&'a mut InstanceState);

impl HasData for Http<'static> {
    type Data<'a> = Http<'a>;
}

impl http::Host for Http<'_> {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, HttpError>> {
        let left = self.0.host_call()?;
        let request = match admitted(request) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error)),
        };
        let credential = match &request.credential {
            None => None,
            Some(key) => match credential(self.0, key, &request.url) {
                Ok(credential) => Some(credential),
                Err(error) => return Ok(Err(error)),
            },
        };
        let most = u64::from(self.0.access.limits.body_bytes);
        let request = client::Request {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: request.body,
            credential,
            deadline: request
                .deadline
                .map_or(left, Duration::from_millis)
                .min(left),
            max_body: request.max_body.unwrap_or(most).min(most),
            cut: false,
            redirects: request.redirects.min(REDIRECTS),
            fresh_connection: request.fresh_connection,
        };
        Ok(self
            .0
            .access
            .client
            .send(request)
            .await
            .map(Into::into)
            .map_err(Into::into))
    }
}

/// A request whose words are no longer than such words can be.
fn admitted(request: Request) -> Result<Request, HttpError> {
    Ok(Request {
        method: heard::name(request.method),
        url: heard::address(request.url).map_err(ClientError::bad_request)?,
        credential: request.credential.map(heard::name),
        ..request
    })
}

/// The secret of a name, which the guest never sees, for where the request goes.
fn credential(state: &InstanceState, key: &str, url: &str) -> Result<Credential, HttpError> {
    let refuse = |kind, message: String| {
        Err(HttpError {
            kind,
            message,
            retryable: false,
        })
    };
    let url =
        Url::parse(url).map_err(|error| ClientError::bad_request(format!("`{url}`: {error}")))?;
    let settings = &state.caller.settings;
    // What is declared is told of what is granted alone.
    let to = state.access.client.policy().credential(key, &url)?;
    // No grant helps to send what is no declared secret.
    if let Some(text) = denied::credential(key, settings.declaration(key)) {
        return refuse(HttpErrorKind::BadRequest, text);
    }
    match settings.secret(key) {
        Ok(Some(secret)) => Ok(Credential {
            secret: secret.clone(),
            to,
            header: None,
        }),
        Ok(None) => refuse(
            HttpErrorKind::Denied,
            format!("credential `{key}` is not set; set it with `callboard settings set {key} -`"),
        ),
        Err(error) => refuse(HttpErrorKind::Denied, error.to_string()),
    }
}

impl From<client::Response> for Response {
    fn from(response: client::Response) -> Self {
        let client::Response {
            status,
            headers,
            body,
            url,
        } = response;
        Self {
            status,
            headers,
            body,
            url,
        }
    }
}

impl From<ClientError> for HttpError {
    fn from(error: ClientError) -> Self {
        let kind = match error.kind {
            ClientErrorKind::Denied => HttpErrorKind::Denied,
            ClientErrorKind::BadRequest => HttpErrorKind::BadRequest,
            ClientErrorKind::Dns => HttpErrorKind::Dns,
            ClientErrorKind::Unreachable => HttpErrorKind::Unreachable,
            ClientErrorKind::Tls => HttpErrorKind::Tls,
            ClientErrorKind::Reset => HttpErrorKind::Reset,
            ClientErrorKind::Timeout => HttpErrorKind::Timeout,
            ClientErrorKind::TooLarge => HttpErrorKind::TooLarge,
            ClientErrorKind::Status(_)
            | ClientErrorKind::NotRecorded
            | ClientErrorKind::Protocol
            | ClientErrorKind::Unknown => HttpErrorKind::Unknown,
        };
        let retryable = error.is_retryable();
        Self {
            kind,
            message: error.message,
            retryable,
        }
    }
}
