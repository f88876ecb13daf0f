//! Bounds of what is done with a component before a handler of it is called: it is compiled, and
//! asked what it gives.

/// What a component may take to compile. All of it always holds: the structure is looked at
/// first, and the compiler runs in a process of its own, bounded by the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Longest time, in seconds; also the most time of all processors together.
    pub seconds: u32,
    /// Memory of the compiler, in MiB.
    pub memory_mib: u32,
    /// Modules, components and their instances.
    pub modules: u32,
    /// Functions of all modules together.
    pub functions: u32,
    /// Bytes of one function.
    pub function_bytes: u32,
    /// Local variables of one function.
    pub locals: u32,
    /// Blocks inside one another in one function.
    pub nesting: u32,
    /// Types of components and instances inside one another.
    pub type_nesting: u32,
    /// Loops inside one another in one function, times its local variables: the compiler's
    /// work grows with both.
    pub loop_locals: u32,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self {
            seconds: 120,
            memory_mib: 1024,
            modules: 2_000,
            functions: 100_000,
            function_bytes: 1 << 20,
            locals: 20_000,
            nesting: 4_000,
            type_nesting: 100,
            loop_locals: 100_000,
        }
    }
}

/// What a component may say of itself, and what it may take for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescribeLimits {
    /// Longest time, in seconds.
    pub seconds: u32,
    /// Linear memory of the instance, in MiB.
    pub memory_mib: u32,
    /// Handlers that it gives.
    pub handlers: u32,
    /// Bytes of the whole answer.
    pub bytes: u32,
    /// Characters of one summary.
    pub summary: u32,
    /// Settings, roles and tables that one handler needs.
    pub needs: u32,
    /// Bytes of one JSON Schema.
    pub schema_bytes: u32,
    /// How deep one JSON Schema nests.
    pub schema_depth: u32,
}

impl Default for DescribeLimits {
    fn default() -> Self {
        Self {
            seconds: 5,
            memory_mib: 64,
            handlers: 256,
            bytes: 1 << 20,
            summary: 300,
            needs: 500,
            schema_bytes: 64 << 10,
            schema_depth: 40,
        }
    }
}
