//! The house rules, as tests. The tables below are the rules that change with the house;
//! `tidy/rules.rs` holds how each is checked, and `tidy/bites.rs` shows that each bites.

mod bites;
mod circles;
mod code;
mod map;
mod names;
mod own_json;
mod recipes;
mod rules;
pub(crate) mod source;
mod words;

use self::own_json::OWN_JSON;
use self::words::{EXCEPTED, WORDS_OF_TENANTS};
use source::{Source, sources};

/// A row of the table of layers. The names of modules stand side by side in a text, so that
/// the table can be read as one.
struct Layer {
    modules: &'static str,
    imports: &'static str,
    /// Whether the modules of the row import one another.
    each_other: bool,
}

impl Layer {
    fn modules(&self) -> impl Iterator<Item = &'static str> {
        self.modules.split_whitespace()
    }

    fn holds(&self, module: &str) -> bool {
        self.modules().any(|it| it == module)
    }
}

/// Stands for every module of the rows below.
const BELOW: &str = "everything below";

const fn layer(modules: &'static str, imports: &'static str) -> Layer {
    Layer {
        modules,
        imports,
        each_other: false,
    }
}

const fn peers(modules: &'static str, imports: &'static str) -> Layer {
    Layer {
        modules,
        imports,
        each_other: true,
    }
}

/// Who may import whom inside a package, from the top down. A row names only modules of the rows
/// below it. Which package may name which, cargo holds.
const LAYERS: &[Layer] = &[
    // program
    layer("main start", BELOW),
    layer("cli", BELOW),
    layer("http", ""),
    // xtask
    layer(
        "needs collect format restate peers with_model",
        "files tools",
    ),
    peers("files tools", ""),
    // restate
    layer("announce turn", "offers"),
    layer("offers", ""),
    // factory
    // Of the host and of the factory, which calls the host's.
    layer("operations", BELOW),
    layer("site", "tables markdown draft bundle readers media"),
    // core
    layer(
        "pack",
        "app registry rollcall workspace schema store config settings",
    ),
    layer("app", BELOW),
    layer(
        "engine",
        "registry rollcall plugin model store client \
         pipeline handler lines outcome policy schedule value settings config span fault \
         supervision grants shown bounded",
    ),
    peers(
        "registry rollcall workspace",
        "model plugin capability client snapshot store secrets \
         pipeline handler outcome policy schedule value settings config near_name grants shown schema template \
         confined_folder foreign_reader relative_path",
    ),
    layer(
        "plugin",
        "capability store client handler lines outcome value settings config grants shared_cache shown foreign_reader \
         blocking launch bounded",
    ),
    layer(
        "model",
        "store client handler outcome value settings config grants shown blocking",
    ),
    layer("snapshot", "store secrets settings"),
    layer(
        "handlers",
        "posts_folder documents front_matter telling changing tapping rewriting asking fetching rails writing research prune media diary tables images markdown draft slug readers \
          store client exchange handler outcome value settings",
    ),
    layer("prune", "handler outcome value"),
    layer(
        "capabilities",
        "capability store client handler outcome lines value settings grants blocking",
    ),
    layer(
        "capability",
        "store client handler lines outcome value settings config grants shown blocking",
    ),
    layer(
        "store",
        "pipeline lines outcome policy schedule value settings config grants private_file schema fault \
         supervision foreign_reader shown relative_path near_name bounded",
    ),
    // The one HTTP client module.
    layer(
        "client",
        "address exchange value settings config grants shown blocking bounded",
    ),
    layer("secrets", "settings confined_folder"),
    layer("telling", "tables images draft readers"),
    layer(
        "posts_folder",
        "tables images draft markdown readers front_matter documents",
    ),
    layer("changing", "media tables images draft"),
    layer("media", "tables images markdown draft"),
    layer("tapping", "research tables diary"),
    layer("rewriting", "asking writing research draft markdown"),
    layer("asking fetching", "writing research diary"),
    layer("rails", "tables diary markdown draft"),
    layer("writing", "research diary markdown draft"),
    layer("tables diary", "images markdown draft slug"),
    layer("documents", "research"),
    layer("research", ""),
    layer("images", "markdown draft"),
    layer("markdown draft slug readers front_matter", ""),
    peers(
        "pipeline handler outcome policy schedule value settings exchange",
        "near_name span lines shown foreign_reader grants config",
    ),
    layer("config", "address grants schema span"),
    layer("grants", "address schema"),
    layer("telemetry", "shown standard_error"),
    layer("html", "template"),
    layer("template", "foreign_reader near_name"),
    layer("foreign_reader", "shown"),
    layer("blocking", "fault"),
    layer(
        "address schema bundle span private_file confined_folder fault lines supervision shown standard_error shared_cache \
         launch relative_path near_name",
        "bounded",
    ),
    layer("bounded", ""),
];

/// Modules of the host and of the factory that the program does not name: it asks their
/// `operations`, which give views. Each by its package.
const UNNAMED: &[(&str, &str)] = &[("callboard_core", "store"), ("callboard_factory", "tables")];

/// What makes the program a way around `operations`, and what to write instead.
const WAYS_AROUND: &[(&str, &str)] = &[
    (". store ( )", "ask an operation, which asks the store"),
    (
        "json !",
        "a document is a type with a schema: a view of `operations`, or a row of `cli/documents.rs`",
    ),
];

/// Names at the root of the crate that are no modules, with the module they belong to.
const AT_THE_ROOT: &[(&str, &str)] = &[("register", "handler")];

/// A crate that some layers keep to themselves.
struct Only {
    krate: &'static str,
    modules: &'static str,
    reason: &'static str,
}

const fn only(krate: &'static str, modules: &'static str, reason: &'static str) -> Only {
    Only {
        krate,
        modules,
        reason,
    }
}

const ONLY: &[Only] = &[
    only(
        "jsonschema",
        "handler",
        "`handler::schema` weighs a schema before it compiles it",
    ),
    only(
        "comrak",
        "markdown",
        "Markdown is read, and bounded, in one place",
    ),
    only("croner", "schedule", "cron is read by schedules"),
    only(
        "object_store",
        "media",
        "what is kept beside the database is asked for in one place",
    ),
    only("sqlx", "store", "persistence is asked of the store"),
    only(
        "libsqlite3_sys",
        "store",
        "persistence is asked of the store",
    ),
    only(
        "wasmtime",
        "plugin capability capabilities",
        "elsewhere a plugin is a handler like any other",
    ),
    only("axum", "http", "the engine runs without a server"),
    only("clap", "cli", "arguments are parsed once, at the entry"),
    only(
        "reqwest",
        "client",
        "one client holds the profiles, the checks and the limits",
    ),
];

/// Files that may print.
const PRINTERS: &[&str] = &[
    "host/core/src/standard_error.rs",
    "host/program/src/cli/output.rs",
    "host/program/src/cli/output/streams.rs",
    "host/program/src/start.rs",
    "host/xtask/src/tools.rs",
];

/// Tables with a status, and where a row of theirs begins.
const MACHINES: &[(&str, &str)] = &[
    ("tasks", "host/factory/src/tables/tasks.rs"),
    ("posts", "host/factory/src/tables/posts.rs"),
];

/// Files with `unsafe` in them, and why it can't be done without.
const UNSAFE: &[(&str, &str)] = &[
    (
        "host/core/src/store/granted/sqlite_guard.rs",
        "SQLite asks its authorizer through C only",
    ),
    (
        "host/core/src/plugin/code.rs",
        "compiled code is the machine's own: wasmtime believes it, so it has to come from here",
    ),
    (
        "host/core/src/store/granted/bounds.rs",
        "SQLite takes the limits of a connection through C only",
    ),
    (
        "host/core/src/launch.rs",
        "a process takes its limits between its beginning and its program's",
    ),
    (
        "host/core/src/store/sqlite/place.rs",
        "SQLite shows the index of its log through C only",
    ),
    (
        "host/core/src/store/sqlite/search.rs",
        "SQLite takes functions through C only",
    ),
];

/// Files that may switch a lint off with `allow`, and why `expect` will not do.
const ALLOWING: &[(&str, &str)] = &[(
    "plugins/sdk/src/bindings.rs",
    "generated from the contract: which lints it trips changes with it",
)];

/// How no type's name ends, and what to do about it.
const REFUSED_SUFFIXES: &[(&str, &str)] = &[
    ("Manager", "say what it does to what it holds"),
    ("Helper", "name what it is"),
    ("Helpers", "name what it is"),
    ("Util", "name what it is"),
    ("Utils", "name what it is"),
    ("Service", "name what it does"),
    ("Impl", "name how it does it"),
    ("Base", "name what is shared"),
    ("Controller", "it is an endpoint or a page"),
    ("Repository", "persistence is a store"),
    ("Dao", "persistence is a store"),
    ("Workflow", "it is a pipeline"),
    ("Addon", "it is a plugin"),
    ("Datasource", "it is a source"),
];

/// The Rust files of the three workspaces.
fn rust() -> impl Iterator<Item = Source> {
    let ours = |it: &Source| {
        ["host/", "tests/", "plugins/"]
            .iter()
            .any(|top| it.path.starts_with(top))
    };
    sources()
        .into_iter()
        .filter(move |it| it.is("rs") && ours(it))
}

/// The Rust files of the program itself.
fn host() -> impl Iterator<Item = Source> {
    rust().filter(|it| it.inside().is_some())
}

#[track_caller]
fn nothing_found(findings: impl Iterator<Item = Vec<String>>) {
    let findings: Vec<String> = findings.flatten().collect();
    assert!(
        findings.is_empty(),
        "{} to put right:\n{}",
        findings.len(),
        findings.join("\n")
    );
}

#[test]
fn every_file_begins_with_a_head_that_says_what_it_is_for() {
    nothing_found(rust().map(|it| rules::missing_head(&it)));
}

#[test]
fn no_file_is_longer_than_500_lines() {
    nothing_found(rust().map(|it| rules::too_long(&it)));
}

#[test]
fn no_function_is_longer_than_60_lines() {
    nothing_found(rust().map(|it| rules::long_functions(&it)));
}

#[test]
fn layers_import_downwards_only() {
    nothing_found(host().map(|it| rules::imports_upwards(&it, LAYERS)));
}

#[test]
fn the_table_of_layers_points_downwards_only() {
    for (index, row) in LAYERS.iter().enumerate() {
        for name in rules::importable(LAYERS, index) {
            let below = LAYERS[index + 1..].iter().any(|lower| lower.holds(name));
            let peer = row.each_other && row.holds(name);
            assert!(
                below || peer,
                "`{}` import `{name}`, which is not below",
                row.modules
            );
        }
    }
}

#[test]
fn files_of_a_module_import_one_another_in_one_direction_only() {
    for package in ["core", "factory", "program", "restate", "xtask"] {
        let own = |it: &Source| it.inside().is_some_and(|(inside, _)| inside == package);
        let files: Vec<_> = host().filter(own).collect();
        nothing_found(std::iter::once(circles::circles(&files)));
    }
}

#[test]
fn the_host_knows_no_word_of_its_tenants_or_of_the_program() {
    let core = host().filter(|it| it.path.starts_with("host/core/") && !circles::is_of_tests(it));
    nothing_found(core.map(|it| rules::words_of_tenants(&it, WORDS_OF_TENANTS, EXCEPTED)));
}

#[test]
fn a_crate_is_named_by_its_own_layer_only() {
    nothing_found(host().map(|it| rules::foreign_crates(&it, ONLY)));
}

#[test]
fn the_program_asks_operations_and_nothing_below_them() {
    let program = host().filter(|it| it.path.starts_with("host/program/"));
    nothing_found(program.map(|it| rules::ways_around(&it, UNNAMED, WAYS_AROUND)));
}

#[test]
fn a_status_is_moved_by_the_table_of_transitions() {
    nothing_found(host().map(|it| rules::moves(&it, MACHINES)));
}

#[test]
fn statements_are_those_of_the_store_and_name_their_columns() {
    nothing_found(host().map(|it| rules::statements(&it)));
}

#[test]
fn nothing_names_a_file_of_handlers_or_capabilities() {
    nothing_found(rust().map(|it| rules::providers_by_name(&it)));
}

#[test]
fn no_type_has_a_name_that_says_nothing_or_the_wrong_thing() {
    nothing_found(rust().map(|it| rules::refused_type_names(&it, REFUSED_SUFFIXES)));
}

#[test]
fn only_the_output_of_the_command_line_prints() {
    let quiet = host().filter(|it| !PRINTERS.contains(&it.path.as_str()));
    nothing_found(quiet.map(|it| rules::prints(&it)));
}

fn is_listed(list: &[(&str, &str)], source: &Source) -> bool {
    list.iter().any(|(path, _)| *path == source.path)
}

#[test]
fn unsafe_code_stands_only_where_a_reason_is_written_down() {
    let others = rust().filter(|it| !is_listed(UNSAFE, it));
    nothing_found(others.map(|it| rules::unsafe_code(&it)));
}

#[test]
fn json_of_others_is_read_by_the_one_door() {
    // A test reads what it wrote.
    let is_test = |it: &Source| it.path.ends_with("/tests.rs") || it.path.contains("/tests/");
    let others = host().filter(|it| !is_listed(OWN_JSON, it) && !is_test(it));
    nothing_found(others.map(|it| rules::own_json(&it)));
}

#[test]
fn a_lint_is_expected_with_a_reason_and_not_allowed() {
    let others = rust().filter(|it| !is_listed(ALLOWING, it));
    nothing_found(others.map(|it| rules::allows(&it)));
}

#[test]
fn every_file_with_an_exception_exists_and_needs_it() {
    type Rule = fn(&Source) -> Vec<String>;
    let lists: [(&[(&str, &str)], Rule); 3] = [
        (UNSAFE, rules::unsafe_code),
        (ALLOWING, rules::allows),
        (OWN_JSON, rules::own_json),
    ];
    for (list, rule) in lists {
        for (path, _) in list {
            let file = rust().find(|it| it.path == *path);
            let file = file.unwrap_or_else(|| panic!("{path} is listed but does not exist"));
            assert!(
                !rule(&file).is_empty(),
                "{path} is listed but needs no exception"
            );
        }
    }
}

#[test]
fn every_word_that_is_excepted_stands_where_it_is_excepted() {
    let files: Vec<_> = host().collect();
    for (path, piece, _) in EXCEPTED {
        let mut own = files.iter().filter(|it| it.path.starts_with(path));
        let needed = own.any(|it| it.text.contains(piece));
        assert!(needed, "{path} has no `{piece}`, and needs no exception");
    }
}

#[test]
fn the_program_does_not_unwrap() {
    nothing_found(host().map(|it| rules::unwraps(&it)));
}

#[test]
fn no_file_names_a_path_of_one_machine() {
    nothing_found(sources().iter().map(rules::local_paths));
}

#[test]
fn every_interface_that_a_plugin_may_import_has_a_capability_file() {
    let all = sources();
    let files: Vec<&str> = all.iter().map(|it| it.path.as_str()).collect();
    let wit = |it: &&Source| it.path.starts_with("wit/") && it.is("wit");
    nothing_found(
        all.iter()
            .filter(wit)
            .map(|it| rules::interfaces_without_a_file(it, &files)),
    );
}
