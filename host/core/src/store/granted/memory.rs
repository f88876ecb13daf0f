//! What PostgreSQL is told before it runs a statement of a plugin: how much of what may be made,
//! and that nothing is worked out in a way whose memory only an estimate bounds. What sorts
//! writes to a file what does not fit; a hash table of rows of one key, or of groups that grow,
//! does not, and a guest can mislead each estimate.

use crate::config::CallLimits;

/// The settings of a plugin's connection, and of the host's own while it runs a deferred write.
pub(super) fn settings(limits: &CallLimits) -> [(&'static str, String); 5] {
    [
        // Read by the functions that the host made, see the migrations.
        ("callboard.value_bytes", limits.value_bytes.to_string()),
        ("callboard.row_bytes", limits.row_bytes.to_string()),
        ("enable_hashjoin", "off".to_owned()),
        ("enable_hashagg", "off".to_owned()),
        // What can be done in no other way counts as so dear that it would be compiled.
        ("jit", "off".to_owned()),
    ]
}
