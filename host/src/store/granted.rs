//! placeholder
use super::{StoreError, Transaction};
use crate::grants::Grants;
use crate::value::Statement;
pub async fn execute_deferred(
    t: &mut Transaction<'_>,
    _p: &str,
    _g: &Grants,
    s: Statement,
) -> Result<u64, StoreError> {
    t.execute(s).await
}
