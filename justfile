# Every routine command. `just` lists them; `./just` installs what they need first.
#
# One graph of dependencies, built once, that of the release: `build`, `demo`, `docs` and `bench` compile our own
# packages as released, whatever tests them quickly and with assertions (`tested`). All build the whole
# workspace, since a package by itself would have its dependencies with other features. The guests
# are built once for all. Only `check` has the dev profile, as editors do.

set positional-arguments

# Where everything is built; the guests (components) have a folder of their own in it.
export CARGO_TARGET_DIR := absolute_path(env_var_or_default("CARGO_TARGET_DIR", "target"))
guests := CARGO_TARGET_DIR / "guests"

# CI refuses a lock file that lags behind its manifest.
locked := if env_var_or_default("CI", "") == "true" { "--locked" } else { "" }

wasm := "--target wasm32-wasip2"

# What is tested; what is linted, too, so that lints and tests compile our packages once. The variable is
# what `cargo clippy -- -D warnings` would say to its driver.
tested := "--release --config .config/tested.toml"
linted := "RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__"

# Tests that run at once: most of them wait for a child, a clock or a database for more than half of their time.
together := `echo $(( 2 * $(getconf _NPROCESSORS_ONLN) ))`

# What is more than a command: host/xtask, which has no dependencies.
xtask := "cargo run --quiet " + locked + " --package callboard-xtask --"

# List the recipes.
@_default:
    "{{ just_executable() }}" --justfile "{{ justfile() }}" --list --unsorted

# Run the demo: a factory of the shipped plugins on a repository (`demo [REPO] [--once] [--with-model] …`).
demo *ARGS: build
    @echo "==> Running the demo"
    @{{ xtask }} demo "{{ invocation_directory() }}" "$@"

# Build the plugins and the program as it is released: `target/callboard`.
build: plugins
    @echo "==> Building the program"
    cargo build --release {{ locked }} --workspace --bins
    @cp "$CARGO_TARGET_DIR/release/callboard" "$CARGO_TARGET_DIR/callboard"

# Build the plugins; their components go to `target/plugins/<name>.wasm`.
plugins:
    @echo "==> Building the plugins"
    cd plugins && cargo build --release --workspace {{ locked }} {{ wasm }} --target-dir "{{ guests }}"
    @{{ xtask }} collect plugins plugins

# Build the guests that misbehave on purpose, for the tests.
fixtures:
    @echo "==> Building the fixture plugins"
    cd tests/fixtures/plugins && cargo build --release --workspace {{ locked }} {{ wasm }} --target-dir "{{ guests }}"
    @{{ xtask }} collect tests/fixtures/plugins fixtures

# Everything CI checks: format, licenses, lints, documentation examples, tests, the released program.
test: _formatted deny plugins fixtures lint && released
    @echo "==> Running the documentation examples"
    {{ linted }} cargo test {{ locked }} {{ tested }} --workspace --doc
    cd plugins && cargo test {{ locked }} --package callboard-plugin --doc --target-dir "{{ guests }}"
    @echo "==> Running the plugins' own tests, outside of the sandbox"
    cd plugins && cargo nextest run {{ locked }} --workspace --config-file ../.config/nextest.toml --target-dir "{{ guests }}"
    @echo "==> Running the tests"
    {{ linted }} cargo nextest run {{ locked }} {{ tested }} --workspace --test-threads {{ together }}

alias ci := test

# Run the tests whose names contain a text, or that a filterset of nextest names (`only store::runs`).
only *ARGS:
    cargo nextest run {{ locked }} {{ tested }} --workspace "$@"

# Build the program as it is released, and run the tests that are about that, on it.
released: build
    @echo "==> Running the tests of the released program"
    CALLBOARD_TEST_PROGRAM="$CARGO_TARGET_DIR/callboard" {{ linted }} \
        cargo nextest run {{ locked }} {{ tested }} --workspace --run-ignored all -E 'test(/^cli::(demo|files|help)::/)'

# Torture the real program for minutes (`torture [SEED] [FILTER]`); a failure prints its seed.
torture SEED="" FILTER="": fixtures
    #!/bin/sh
    set -eu
    seed=${1:-$(date +%s)}
    echo "==> Torturing with seed $seed; again with: just torture $seed"
    CALLBOARD_TORTURE=long CALLBOARD_SEED=$seed cargo nextest run {{ locked }} {{ tested }} --workspace \
        --profile torture -E "test(/^torture::/) and test(${2:-torture})"

# The pipelines' acceptance suite with runs dispatched by a Restate server; see docs/scaling.md.
restate: fixtures _restate
    @echo "==> Running the acceptance suite, dispatched by Restate"
    CALLBOARD_RESTATE_SERVER="${CALLBOARD_RESTATE_SERVER:-$(echo "$CALLBOARD_RESTATE"/node_modules/@restatedev/restate-server-*/bin/restate-server)}" \
        cargo nextest run {{ locked }} {{ tested }} --workspace --run-ignored all -E 'test(/^acceptance::/)'

# The quick look while writing: does it compile, is it formatted?
check: _formatted
    @echo "==> Checking the program and its tests"
    cargo check --workspace --all-targets

# Clippy on all three workspaces; a warning is an error.
lint:
    @echo "==> Linting the program and its tests"
    {{ linted }} cargo build {{ locked }} {{ tested }} --workspace --all-targets
    @echo "==> Linting the plugins and the fixture plugins"
    cd plugins && cargo clippy --release --workspace {{ locked }} {{ wasm }} --target-dir "{{ guests }}" -- -D warnings
    cd tests/fixtures/plugins && cargo clippy --release --workspace {{ locked }} {{ wasm }} --target-dir "{{ guests }}" -- -D warnings

# Banned crates, licenses and sources of all three workspaces.
deny:
    @echo "==> Checking bans, licenses and sources"
    cargo deny {{ locked }} --config "$PWD/deny.toml" check bans licenses sources
    cargo deny {{ locked }} --config "$PWD/deny.toml" --manifest-path plugins/Cargo.toml check -A license-exception-not-encountered bans licenses sources
    cargo deny {{ locked }} --config "$PWD/deny.toml" --manifest-path tests/fixtures/plugins/Cargo.toml check -A license-exception-not-encountered bans licenses sources

# Hold the rules of the rails against the drafts of `tests/fixtures/drafts`: precision and recall, by rule.
rails-report:
    @cd plugins && cargo test --quiet {{ locked }} --workspace --target-dir "{{ guests }}" rails_report -- --nocapture

# Measure (`bench --bench NAME` for one benchmark).
bench *ARGS: plugins fixtures
    @case " $* " in *" --bench engine "* | *" --bench=engine "*) ;; *" --bench "* | *" --bench="*) exit 0 ;; esac; \
        "{{ just_executable() }}" --justfile "{{ justfile() }}" _peers
    @echo "==> Running the benchmarks"
    cargo bench --package callboard "$@"

# Format all three workspaces.
fmt:
    @echo "==> Formatting"
    @{{ xtask }} format

# Write docs/reference anew, from the program itself.
docs: build
    @echo "==> Writing docs/reference"
    "$CARGO_TARGET_DIR/callboard" reference --out docs/reference

# Remove everything that was built.
clean:
    @echo "==> Removing $CARGO_TARGET_DIR"
    cargo clean

_formatted:
    @echo "==> Checking the format"
    @{{ xtask }} format --check

# Install what the engine is measured against; a peer that can't be had is named, with the reason.
_peers:
    @{{ xtask }} peers

# Install the Restate server that the tests start, unless one is named; it is under the BUSL.
_restate:
    @{{ xtask }} restate
