//! What a guest reports, as the host's own outcome.

use jiff::Timestamp;

use crate::capability::types::Value;
use crate::config::raise;
use crate::outcome::{Done, Failure, FailureKind, Outcome, Patch, Stop};
use crate::plugin::Plugin;
use crate::plugin::bindings::handlers;
use crate::store::storable;
use crate::value::{self, JsonProblem, Statement};

pub(super) fn internal(message: String) -> Failure {
    Failure {
        kind: FailureKind::Internal,
        message,
        retryable: false,
    }
}

/// The outcome of a guest; a failure if it is none.
pub(super) fn outcome(outcome: handlers::Outcome, plugin: &Plugin) -> Result<Outcome, Failure> {
    let said = size(&outcome);
    let most = u64::from(plugin.access.limits.output_bytes);
    if said > most {
        return Err(internal(format!(
            "it returned {said} bytes of the {most} allowed; return less, or {}",
            raise(&plugin.access.plugin, "output_bytes")
        )));
    }
    Ok(Outcome::Stopped(match outcome {
        handlers::Outcome::Done(done) => return self::done(done).map(Outcome::Done),
        handlers::Outcome::NothingToDo(reason) => Stop::NothingToDo { reason },
        handlers::Outcome::Deferred(deferral) => deferred(deferral)?,
        handlers::Outcome::Rejected(rejection) => Stop::Rejected {
            rule: rejection.rule,
            detail: rejection.detail,
            patch: rejection
                .patch
                .map_or(Ok(Patch::new()), |text| patch(&text))?,
        },
        handlers::Outcome::Unavailable(unavailability) => Stop::Unavailable {
            dependency: unavailability.dependency,
            cause: unavailability.cause,
        },
        handlers::Outcome::Failed(failure) => Stop::Failed(failed(failure)),
    }))
}

fn patch(text: &str) -> Result<Patch, Failure> {
    value::json_in(text, storable::TREE).map_err(|problem| {
        internal(match problem {
            JsonProblem::Broken(error) => format!("the patch is no JSON object: {error}"),
            JsonProblem::TooLarge(_) => {
                let tree = value::tree(text.as_bytes());
                let problem = storable::too_many_parts(tree, storable::TREE);
                format!("the patch {problem}")
            }
        })
    })
}

fn done(done: handlers::Done) -> Result<Done<Patch>, Failure> {
    let write = |write: handlers::DeferredWrite| Statement {
        params: write.params.into_iter().map(Into::into).collect(),
        ..Statement::new(write.statement)
    };
    let mut converted = Done::new(patch(&done.patch)?);
    for (name, count) in done.effects {
        converted.effects.count(&name, count);
    }
    for said in done.fallbacks {
        converted = converted.fallback(said.what, said.why);
    }
    converted.writes = done.writes.into_iter().map(write).collect();
    Ok(converted)
}

fn deferred(deferral: handlers::Deferral) -> Result<Stop, Failure> {
    let until = Timestamp::from_microsecond(deferral.until)
        .map_err(|error| internal(format!("the time it deferred to is none: {error}")))?;
    Ok(Stop::Deferred {
        until,
        reason: deferral.reason,
    })
}

fn failed(failure: handlers::Failure) -> Failure {
    let kind = match failure.kind {
        handlers::FailureKind::Config => FailureKind::Config,
        handlers::FailureKind::Input => FailureKind::Input,
        handlers::FailureKind::Denied => FailureKind::Denied,
        handlers::FailureKind::Internal => FailureKind::Internal,
        handlers::FailureKind::Timeout => FailureKind::Timeout,
    };
    Failure {
        kind,
        message: failure.message,
        retryable: failure.retryable,
    }
}

/// Bytes that a guest returned.
fn size(outcome: &handlers::Outcome) -> u64 {
    let bytes = match outcome {
        handlers::Outcome::Done(done) => {
            let effects: usize = done.effects.iter().map(|(name, _)| name.len() + 8).sum();
            let fallbacks = done.fallbacks.iter();
            let fallbacks: usize = fallbacks.map(|said| said.what.len() + said.why.len()).sum();
            let writes: usize = done.writes.iter().map(write_size).sum();
            done.patch.len() + effects + fallbacks + writes
        }
        handlers::Outcome::NothingToDo(reason) => reason.len(),
        handlers::Outcome::Deferred(deferral) => deferral.reason.len(),
        handlers::Outcome::Rejected(rejection) => {
            let patch = rejection.patch.as_ref().map_or(0, String::len);
            rejection.rule.len() + rejection.detail.len() + patch
        }
        handlers::Outcome::Unavailable(unavailability) => {
            unavailability.dependency.len() + unavailability.cause.len()
        }
        handlers::Outcome::Failed(failure) => failure.message.len(),
    };
    bytes as u64
}

fn write_size(write: &handlers::DeferredWrite) -> usize {
    let params = write.params.iter().map(|value| match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::Vector(vector) => vector.len() * 4,
        Value::Other(other) => other.type_name.len() + other.text.len(),
        _ => 8,
    });
    write.statement.len() + params.sum::<usize>()
}
