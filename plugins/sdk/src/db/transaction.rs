//! A transaction that rolls back unless it is committed.

use super::{Error, Rows, Value};
use crate::bindings::callboard::plugin::db as host;

/// A transaction. Dropped without [`commit`](Transaction::commit) it rolls back, so `?`
/// leaves nothing half-done.
#[derive(Debug)]
pub struct Transaction(host::Transaction);

impl Transaction {
    /// Begin one.
    pub fn begin() -> Result<Self, Error> {
        Ok(Self(host::Transaction::begin()?))
    }

    /// The rows of a SELECT.
    pub fn query(
        &self,
        statement: &str,
        params: impl IntoIterator<Item = Value>,
    ) -> Result<Rows, Error> {
        let params: Vec<Value> = params.into_iter().collect();
        Ok(self.0.query(statement, &params)?.into())
    }

    /// Run a statement; gives the number of rows it touched.
    pub fn execute(
        &self,
        statement: &str,
        params: impl IntoIterator<Item = Value>,
    ) -> Result<u64, Error> {
        let params: Vec<Value> = params.into_iter().collect();
        Ok(self.0.execute(statement, &params)?)
    }

    /// Make it last.
    pub fn commit(self) -> Result<(), Error> {
        Ok(host::Transaction::commit(self.0)?)
    }
}
