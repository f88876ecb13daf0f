//! A component that is large, slow to compile, or says too much.

use std::time::{Duration, Instant};

use callboard_core::config::CallLimits;
use callboard_core::grants::Grants;
use callboard_core::plugin::PluginError;
use wasm_encoder as wasm;

use super::attacks;
use crate::plugins::bench::{describer, manifest, prepared};
use crate::support::database::runtime;

attacks! {
    loops_inside_one_another: "300 loops inside one another over 3,000 local variables: the compiler's work is their product" => { loops_and_locals };
    a_compiler_without_end: "the same where the structure is not looked at: the compiler is ended" => { time_of_the_compiler };
    a_compiler_that_takes_all_memory: "a component whose compilation takes more memory than it may" => { memory_of_the_compiler };
    types_inside_one_another: "100,000 types inside one another: a recursive reader overflows its stack" => { types_that_nest };
    types_of_types: "a list of a list of a list and so on, 100,000 of them" => { types_that_refer_to_one_another };
    an_unknown_import_before_a_bomb: "an import that nobody serves, of a component that does not compile in time" => { an_import_of_a_bomb };
    a_crowd_of_handlers: "100,000 handlers from a small component" => { many_handlers };
    a_summary_without_end: "a summary of 40 MiB, and one of 5,000 characters" => { a_long_summary };
    a_schema_that_nests: "a schema that nests 60 deep" => { a_deep_schema };
    a_schema_that_unfolds: "a schema of 2 KB whose references unfold to millions of parts" => { an_unfolding_schema };
    a_pattern_that_overflows: "a schema with a pattern that overflows a number of its compiler" => { an_overflowing_pattern };
    a_component_that_never_says_what_it_is: "a `describe` that never answers, and one that takes all memory" => { a_describe_without_end };
}

/// A core module with one function of `locals` variables, and `loops` inside one another that
/// change each of them.
fn bomb(loops: u32, locals: u32) -> wasm::Module {
    let mut types = wasm::TypeSection::new();
    types.ty().function([], []);
    let mut functions = wasm::FunctionSection::new();
    functions.function(0);
    let mut body = wasm::Function::new([(locals, wasm::ValType::I32)]);
    let mut code = body.instructions();
    for number in 0..loops {
        code.loop_(wasm::BlockType::Empty);
        let (from, to) = (number * 7 % locals, number * 13 % locals);
        code.local_get(from).i32_const(1).i32_add().local_set(to);
    }
    for local in 0..locals {
        code.local_get(local)
            .i32_const(3)
            .i32_mul()
            .local_set(local);
    }
    for _ in 0..loops {
        code.local_get(0).br_if(0).end();
    }
    code.end();
    let mut bodies = wasm::CodeSection::new();
    bodies.function(&body);
    let mut module = wasm::Module::new();
    module.section(&types).section(&functions).section(&bodies);
    module
}

fn component(modules: &[wasm::Module]) -> wasm::Component {
    let mut component = wasm::Component::new();
    for module in modules {
        component.section(&wasm::ModuleSection(module));
    }
    component
}

/// How loading is refused, and how long that took.
fn refused(bytes: Vec<u8>, limits: CallLimits) -> (PluginError, Duration) {
    let manifest = manifest("misbehave");
    let began = Instant::now();
    let loaded = runtime().block_on(prepared(&manifest, bytes, Grants::default(), limits, None));
    let refused = loaded.err().expect("it is refused");
    (refused, began.elapsed())
}

fn says(refused: &PluginError, parts: &[&str]) {
    let text = refused.to_string();
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// Limits under which the structure of a component is of no account.
fn unscanned() -> CallLimits {
    let mut limits = CallLimits::default();
    limits.compile.loop_locals = u32::MAX;
    limits.compile.functions = u32::MAX;
    limits
}

fn loops_and_locals() {
    let bytes = component(&[bomb(300, 3_000)]).finish();
    let (refused, took) = refused(bytes, CallLimits::default());
    says(
        &refused,
        &["300", "3000", "raise `loop_locals` under [limits."],
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn time_of_the_compiler() {
    let mut limits = unscanned();
    limits.compile.seconds = 1;
    let bytes = component(&[bomb(300, 3_000)]).finish();
    let (refused, _) = refused(bytes, limits);
    says(
        &refused,
        &["more than 1 s", "raise `seconds` under [limits."],
    );
}

fn memory_of_the_compiler() {
    let mut limits = unscanned();
    limits.compile.memory_mib = 48;
    let bytes = component(&[bomb(200, 2_500)]).finish();
    let (refused, _) = refused(bytes, limits);
    says(
        &refused,
        &["more than 48 MiB", "raise `memory_mib` under [limits."],
    );
}

fn types_that_nest() {
    const DEEP: usize = 100_000;
    let mut types = vec![1];
    for _ in 0..DEEP {
        // A component type with one declaration: a type.
        types.extend([0x41, 1, 1]);
    }
    types.extend([0x41, 0]);
    let mut component = wasm::Component::new();
    component.section(&wasm::RawSection {
        id: 7,
        data: &types,
    });
    let (refused, took) = refused(component.finish(), CallLimits::default());
    says(
        &refused,
        &[
            "101 types inside one another",
            "raise `type_nesting` under [limits.",
        ],
    );
    assert!(took < Duration::from_secs(5), "{took:?}");
}

fn types_that_refer_to_one_another() {
    let mut types = wasm::ComponentTypeSection::new();
    types.defined_type().list(wasm::PrimitiveValType::U8);
    for number in 0..100_000 {
        types
            .defined_type()
            .list(wasm::ComponentValType::Type(number));
    }
    let mut exports = wasm::ComponentExportSection::new();
    exports.export("deep", wasm::ComponentExportKind::Type, 100_000, None);
    let mut component = wasm::Component::new();
    component.section(&types).section(&exports);
    let (refused, _) = refused(component.finish(), CallLimits::default());
    says(&refused, &["type nesting is too deep"]);
}

fn an_import_of_a_bomb() {
    let mut types = wasm::ComponentTypeSection::new();
    types.instance(&wasm::InstanceType::new());
    let mut imports = wasm::ComponentImportSection::new();
    imports.import(
        "evil:house/stage@1.0.0",
        wasm::ComponentTypeRef::Instance(0),
    );
    let mut component = component(&[bomb(300, 3_000)]);
    component.section(&types).section(&imports);
    let (refused, took) = refused(component.finish(), unscanned());
    says(&refused, &["imports `evil:house/stage@1.0.0`"]);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// What a guest's `describe` is refused with.
fn described(letter: u8) -> PluginError {
    runtime().block_on(async {
        let plugin = describer(letter, CallLimits::default()).await;
        plugin.describe().await.expect_err("it is refused")
    })
}

fn many_handlers() {
    // The answer is not even taken into the host: a limit in between ends the call.
    says(&described(b'm'), &["cannot say what it is"]);
}

fn a_long_summary() {
    says(&described(b'l'), &["cannot say what it is"]);
    says(
        &described(b'w'),
        &[
            "5000 characters",
            "300 allowed",
            "raise `summary` under [limits.",
        ],
    );
}

fn a_deep_schema() {
    says(
        &described(b'd'),
        &["61 levels", "raise `schema_depth` under [limits."],
    );
}

fn an_unfolding_schema() {
    says(
        &described(b'r'),
        &["writes", "`probe.doubling`", "more than 20000 parts"],
    );
}

fn an_overflowing_pattern() {
    says(
        &described(b'k'),
        &["config", "`probe.pattern`", "no JSON Schema"],
    );
}

fn a_describe_without_end() {
    says(&described(b'f'), &["no answer within 5s"]);
    says(&described(b'h'), &["memory limit"]);
}
