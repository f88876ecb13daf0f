//! How a component is built, looked at before it is compiled: what the compiler's work grows
//! with is counted in one pass over the bytes, without recursion.

use wasmparser::{
    BinaryReader, ComponentType, ComponentTypeDeclaration, FunctionBody, InstanceTypeDeclaration,
    Operator, Parser, Payload,
};

use crate::config::CompileLimits;
use crate::foreign_reader;

/// Why a component is not compiled, and the bound of `compile` that would let it be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ScanRefusal {
    pub(super) problem: String,
    pub(super) bound: Option<&'static str>,
}

impl From<String> for ScanRefusal {
    fn from(problem: String) -> Self {
        let bound = None;
        Self { problem, bound }
    }
}

/// Whether a component is small and plain enough to be compiled; if not, what is too much and
/// the limit that would allow it.
pub(super) fn scan(bytes: &[u8], limits: &CompileLimits) -> Result<(), ScanRefusal> {
    foreign_reader::read("WebAssembly", || counted(bytes, limits))
        .unwrap_or_else(|broken| Err(broken.to_string().into()))
}

fn counted(bytes: &[u8], limits: &CompileLimits) -> Result<(), ScanRefusal> {
    let (mut modules, mut functions) = (0_u64, 0_u64);
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| error.to_string())? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => modules += 1,
            Payload::InstanceSection(instances) => modules += u64::from(instances.count()),
            Payload::ComponentInstanceSection(instances) => {
                modules += u64::from(instances.count());
            }
            Payload::CodeSectionStart { count, .. } => functions += u64::from(count),
            Payload::CodeSectionEntry(body) => function(&body, limits)?,
            Payload::ComponentTypeSection(section) => {
                let part = bytes.get(section.range()).unwrap_or_default();
                let reader = BinaryReader::new(part, section.range().start);
                types(reader, limits.type_nesting)?;
            }
            _ => {}
        }
        within("modules and instances", modules, "modules", limits.modules)?;
        within("functions", functions, "functions", limits.functions)?;
    }
    Ok(())
}

fn function(body: &FunctionBody<'_>, limits: &CompileLimits) -> Result<(), ScanRefusal> {
    let range = body.range();
    let at = range.start;
    let bounded = |what: &str, found: u64, key: &'static str, limit: u32| {
        within(
            &format!("{what} in the function at byte {at}"),
            found,
            key,
            limit,
        )
    };
    let size = range.len() as u64;
    bounded(
        "bytes of code",
        size,
        "function_bytes",
        limits.function_bytes,
    )?;
    let locals = locals(body).map_err(|error| error.to_string())?;
    bounded("local variables", locals, "locals", limits.locals)?;
    let depth = depth(body).map_err(|error| error.to_string())?;
    bounded(
        "blocks inside one another",
        depth.blocks,
        "nesting",
        limits.nesting,
    )?;
    let product = depth.loops * locals;
    let what = format!(
        "loops inside one another ({}) times local variables ({locals})",
        depth.loops
    );
    bounded(&what, product, "loop_locals", limits.loop_locals)
}

/// What the types that are open here hold.
#[derive(Clone, Copy)]
enum Holds {
    /// The section itself, which holds types.
    Types,
    OfComponent,
    OfInstance,
}

/// Types inside one another, read without recursion: the compiler follows them with it.
fn types(mut reader: BinaryReader<'_>, limit: u32) -> Result<(), ScanRefusal> {
    let broken = |error: wasmparser::BinaryReaderError| error.to_string();
    let mut open = vec![(Holds::Types, reader.read_var_u32().map_err(broken)?)];
    while let Some((holds, left)) = open.last_mut() {
        let holds = *holds;
        let Some(fewer) = left.checked_sub(1) else {
            open.pop();
            continue;
        };
        *left = fewer;
        if let Some(inner) = next(&mut reader, holds).map_err(broken)? {
            let depth = open.len() as u64;
            within("types inside one another", depth, "type_nesting", limit)?;
            open.push((inner, reader.read_var_u32().map_err(broken)?));
        }
    }
    Ok(())
}

/// Read what comes next, but of a type that holds others only how it begins.
fn next(reader: &mut BinaryReader<'_>, holds: Holds) -> wasmparser::Result<Option<Holds>> {
    const TYPE: u8 = 1;
    const COMPONENT: u8 = 0x41;
    const INSTANCE: u8 = 0x42;
    let mut ahead = reader.clone();
    if matches!(holds, Holds::Types) || ahead.read_u8()? == TYPE {
        let inner = match ahead.read_u8()? {
            COMPONENT => Some(Holds::OfComponent),
            INSTANCE => Some(Holds::OfInstance),
            _ => None,
        };
        if inner.is_some() {
            *reader = ahead;
            return Ok(inner);
        }
    }
    match holds {
        Holds::Types => reader.read::<ComponentType<'_>>().map(drop)?,
        Holds::OfComponent => reader.read::<ComponentTypeDeclaration<'_>>().map(drop)?,
        Holds::OfInstance => reader.read::<InstanceTypeDeclaration<'_>>().map(drop)?,
    }
    Ok(None)
}

fn locals(body: &FunctionBody<'_>) -> wasmparser::Result<u64> {
    let mut locals = 0;
    for group in body.get_locals_reader()? {
        locals += u64::from(group?.0);
    }
    Ok(locals)
}

/// How deep blocks, and the loops among them, stand inside one another.
#[derive(Default)]
struct Depth {
    blocks: u64,
    loops: u64,
}

fn depth(body: &FunctionBody<'_>) -> wasmparser::Result<Depth> {
    let mut most = Depth::default();
    let (mut open, mut loops) = (Vec::new(), 0);
    for operator in body.get_operators_reader()? {
        let is_loop = match operator? {
            Operator::Loop { .. } => true,
            Operator::Block { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. }
            | Operator::Try { .. } => false,
            Operator::End | Operator::Delegate { .. } => {
                loops -= u64::from(open.pop().unwrap_or(false));
                continue;
            }
            _ => continue,
        };
        open.push(is_loop);
        loops += u64::from(is_loop);
        most.blocks = most.blocks.max(open.len() as u64);
        most.loops = most.loops.max(loops);
    }
    Ok(most)
}

fn within(what: &str, found: u64, bound: &'static str, limit: u32) -> Result<(), ScanRefusal> {
    if found <= u64::from(limit) {
        return Ok(());
    }
    Err(ScanRefusal {
        problem: format!("{found} {what}, at most {limit} are compiled"),
        bound: Some(bound),
    })
}
