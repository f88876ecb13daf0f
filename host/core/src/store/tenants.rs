//! What tenants write in the host's own commits: when a gate opens or is decided, when runs end, when one is
//! taken up again. Their statements commit with the host's, or not at all.

use super::gates::{Gate, GateVerdict};
use super::named::Noun;
use super::runs::RunStatus;
use super::{Dialect, StoreError, Transaction, TransactionWork};
use crate::value::Statement;

/// A run that ends.
#[derive(Debug, Clone, Copy)]
pub struct EndedRun<'r> {
    pub run: &'r str,
    pub status: RunStatus,
    /// Why.
    pub detail: &'r str,
    /// Who ended it; nobody, if it ended by itself.
    pub who: &'r str,
}

/// A gate that is being decided.
#[derive(Debug, Clone, Copy)]
pub struct DecidedGate<'d> {
    pub gate: &'d Gate,
    pub verdict: &'d GateVerdict,
    /// Whether the run goes on behind it.
    pub passed: bool,
    /// Whether the run goes back to a stage before it.
    pub goes_back: bool,
}

/// What runs of a tenant are about.
#[derive(Debug, Clone, Copy)]
pub struct RunSubject {
    /// The key under which a stage says its id; a gate keeps it.
    pub key: &'static str,
    /// How a person names it.
    pub noun: &'static Noun,
}

/// What one tenant writes. A program that links the tenant has it.
#[derive(Clone, Copy)]
pub struct CommitHooks {
    pub subject: RunSubject,
    /// In the commit in which a gate opens.
    pub gate_opened: fn(&Gate, Dialect) -> Vec<Statement>,
    /// In the commit in which the last open gate of a run is withdrawn while the run goes on.
    pub gate_withdrawn: fn(&Gate, Dialect) -> Vec<Statement>,
    /// In the commit in which a gate is decided; an error refuses the decision.
    pub gate_decided:
        for<'t> fn(&'t mut Transaction<'_>, DecidedGate<'t>) -> TransactionWork<'t, ()>,
    /// In the commit in which runs end.
    pub runs_ended: fn(&[EndedRun<'_>], Dialect) -> Result<Vec<Statement>, StoreError>,
    /// In the commit in which a run that had ended is taken up again.
    pub run_reopened: fn(&str, Dialect) -> Vec<Statement>,
}

inventory::collect!(CommitHooks);

fn all() -> impl Iterator<Item = &'static CommitHooks> {
    inventory::iter::<CommitHooks>()
}

/// The keys under which stages say what a run is about.
pub fn subjects() -> impl Iterator<Item = &'static str> {
    all().map(|tenant| tenant.subject.key)
}

/// What runs are about, as a person names it.
pub fn nouns() -> impl Iterator<Item = &'static Noun> {
    all().map(|tenant| tenant.subject.noun)
}

pub(super) async fn gate_opened(
    transaction: &mut Transaction<'_>,
    gate: &Gate,
) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    for tenant in all() {
        execute(transaction, (tenant.gate_opened)(gate, dialect)).await?;
    }
    Ok(())
}

pub(super) async fn gate_withdrawn(
    transaction: &mut Transaction<'_>,
    gate: &Gate,
) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    for tenant in all() {
        execute(transaction, (tenant.gate_withdrawn)(gate, dialect)).await?;
    }
    Ok(())
}

pub(super) async fn gate_decided(
    transaction: &mut Transaction<'_>,
    decided: DecidedGate<'_>,
) -> Result<(), StoreError> {
    for tenant in all() {
        (tenant.gate_decided)(transaction, decided).await?;
    }
    Ok(())
}

pub(super) async fn runs_ended(
    transaction: &mut Transaction<'_>,
    ended: &[EndedRun<'_>],
) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    for tenant in all() {
        execute(transaction, (tenant.runs_ended)(ended, dialect)?).await?;
    }
    Ok(())
}

pub(super) async fn run_reopened(
    transaction: &mut Transaction<'_>,
    run: &str,
) -> Result<(), StoreError> {
    let dialect = transaction.dialect();
    for tenant in all() {
        execute(transaction, (tenant.run_reopened)(run, dialect)).await?;
    }
    Ok(())
}

async fn execute(
    transaction: &mut Transaction<'_>,
    statements: Vec<Statement>,
) -> Result<(), StoreError> {
    for statement in statements {
        transaction.execute(statement).await?;
    }
    Ok(())
}
