//! The bounds of one instance. Reaching one ends the call with an error that says which.

use wasmtime::ResourceLimiter;

use crate::config::{CallLimits, raise};

/// The bound that a call reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitHit {
    #[error("memory limit: wanted {wanted_mib} MiB of the {limit} allowed")]
    Memory { wanted_mib: usize, limit: u32 },
    #[error("table limit: wanted {wanted} of the {limit} elements allowed")]
    Table { wanted: usize, limit: u32 },
    #[error("host call limit: more than {0} calls of the host")]
    HostCalls(u32),
    #[error("the time of the call is over")]
    Time,
}

impl LimitHit {
    /// What happened to a call of a plugin, and what raises the bound. While it `describe`s
    /// itself its memory has a bound of its own.
    pub fn told(&self, plugin: &str, describes: bool) -> String {
        let bound = match self {
            LimitHit::Memory { .. } if describes => "describe.memory_mib",
            LimitHit::Memory { .. } => "memory_mib",
            LimitHit::Table { .. } => "table_elements",
            LimitHit::HostCalls(_) => "host_calls",
            LimitHit::Time => return self.to_string(),
        };
        format!("{self}; {}", raise(plugin, bound))
    }
}

/// Counts what an instance takes. It never says "no" politely: a guest cannot be told apart
/// from one that aborted for a reason of its own then.
pub struct Limiter {
    memory_mib: u32,
    table_elements: u32,
    memory: usize,
    elements: usize,
}

impl Limiter {
    pub(super) fn new(limits: &CallLimits) -> Self {
        Self {
            memory_mib: limits.memory_mib,
            table_elements: limits.table_elements,
            memory: 0,
            elements: 0,
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.memory.saturating_add(desired.saturating_sub(current));
        let wanted_mib = wanted.div_ceil(1 << 20);
        if wanted_mib > self.memory_mib as usize {
            return Err(LimitHit::Memory {
                wanted_mib,
                limit: self.memory_mib,
            }
            .into());
        }
        self.memory = wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self
            .elements
            .saturating_add(desired.saturating_sub(current));
        if wanted > self.table_elements as usize {
            return Err(LimitHit::Table {
                wanted,
                limit: self.table_elements,
            }
            .into());
        }
        self.elements = wanted;
        Ok(true)
    }
}
