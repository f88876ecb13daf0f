# Every routine command. `just` lists them; `./just` installs what they need first.
#
# One dependency graph, built once: every recipe works in the release profile, so `build`,
# `demo`, `test` and `docs` share what they compiled, and `check` shares with `lint`.

set positional-arguments

# Where everything is built; the guests (components) have a folder of their own in it.
export CARGO_TARGET_DIR := absolute_path(env_var_or_default("CARGO_TARGET_DIR", "target"))
guests := CARGO_TARGET_DIR / "guests"

# CI refuses a lock file that lags behind its manifest.
locked := if env_var_or_default("CI", "") == "true" { "--locked" } else { "" }

wasm := "--target wasm32-wasip2"

# Modules that a macro finds, which the formatter does not see by itself.
found := "--edition 2024 host/core/src/handlers/*/*.rs host/core/src/capabilities/*.rs host/factory/src/handlers/*/*.rs"

# List the recipes.
@_default:
    "{{ just_executable() }}" --justfile "{{ justfile() }}" --list --unsorted

# Run the demo: a factory of the shipped plugins on a repository (`demo [REPO] [--once] [--out DIR] …`).
demo *ARGS: build
    @echo "==> Running the demo"
    @cd "{{ invocation_directory() }}" && "$CARGO_TARGET_DIR/release/callboard" demo "$@"

# Build the plugins and the program, in the release profile.
build: plugins
    @echo "==> Building the program"
    cargo build --release {{ locked }} --package callboard --bin callboard

# Build the plugins; their components go to `target/plugins/<name>.wasm`.
plugins:
    @echo "==> Building the plugins"
    cd plugins && cargo build --release --workspace {{ locked }} {{ wasm }} --target-dir "{{ guests }}"
    @"{{ just_executable() }}" --justfile "{{ justfile() }}" _collect plugins plugins

# Build the guests that misbehave on purpose, for the tests.
fixtures:
    @echo "==> Building the fixture plugins"
    cd tests/fixtures/plugins && cargo build --release --workspace {{ locked }} {{ wasm }} --target-dir "{{ guests }}"
    @"{{ just_executable() }}" --justfile "{{ justfile() }}" _collect tests/fixtures/plugins fixtures

# Everything CI checks: format, licenses, lints, documentation examples, tests.
test: _formatted deny plugins fixtures lint
    @echo "==> Running the documentation examples"
    cargo test --release {{ locked }} --workspace --doc
    cd plugins && cargo test {{ locked }} --package callboard-plugin --doc --target-dir "{{ guests }}"
    @echo "==> Running the plugins' own tests, outside of the sandbox"
    cd plugins && cargo nextest run {{ locked }} --workspace --config-file ../.config/nextest.toml --target-dir "{{ guests }}"
    @echo "==> Running the tests"
    cargo nextest run --release {{ locked }} --workspace

alias ci := test

# Torture the real program for minutes (`torture [SEED] [FILTER]`); a failure prints its seed.
torture SEED="" FILTER="": fixtures
    #!/bin/sh
    set -eu
    seed=${1:-$(date +%s)}
    echo "==> Torturing with seed $seed; again with: just torture $seed"
    CALLBOARD_TORTURE=long CALLBOARD_SEED=$seed cargo nextest run --release {{ locked }} --workspace \
        --profile torture -E "test(/^torture::/) and test(${2:-torture})"

# The pipelines' acceptance suite with runs dispatched by a Restate server; see docs/scaling.md.
restate: fixtures _restate
    @echo "==> Linting the program with the feature \`restate\`"
    cargo clippy --release {{ locked }} --workspace --all-targets --features restate -- -D warnings
    @echo "==> Running the acceptance suite, dispatched by Restate"
    CALLBOARD_RESTATE_SERVER="${CALLBOARD_RESTATE_SERVER:-$(echo "$CALLBOARD_RESTATE"/node_modules/@restatedev/restate-server-*/bin/restate-server)}" \
        cargo nextest run --release {{ locked }} --workspace --features restate -E 'test(/^acceptance::/)'

# The quick look while writing: does it compile, is it formatted?
check: _formatted
    @echo "==> Checking the program and its tests"
    cargo check --release --workspace --all-targets

# Clippy on all three workspaces; a warning is an error.
lint:
    @echo "==> Linting the program and its tests"
    cargo clippy --release {{ locked }} --workspace --all-targets -- -D warnings
    @echo "==> Linting the plugins and the fixture plugins"
    cd plugins && cargo clippy --release --workspace {{ locked }} {{ wasm }} --target-dir "{{ guests }}" -- -D warnings
    cd tests/fixtures/plugins && cargo clippy --release --workspace {{ locked }} {{ wasm }} --target-dir "{{ guests }}" -- -D warnings

# Banned crates, licenses and sources of all three workspaces.
deny:
    @echo "==> Checking bans, licenses and sources"
    cargo deny {{ locked }} --config "$PWD/deny.toml" check bans licenses sources
    cargo deny {{ locked }} --config "$PWD/deny.toml" --manifest-path plugins/Cargo.toml check -A license-exception-not-encountered bans licenses sources
    cargo deny {{ locked }} --config "$PWD/deny.toml" --manifest-path tests/fixtures/plugins/Cargo.toml check -A license-exception-not-encountered bans licenses sources

# Measure (`bench --bench NAME` for one benchmark).
bench *ARGS: plugins fixtures
    @case " $* " in *" --bench engine "* | *" --bench=engine "*) ;; *" --bench "* | *" --bench="*) exit 0 ;; esac; \
        "{{ just_executable() }}" --justfile "{{ justfile() }}" _peers
    @echo "==> Running the benchmarks"
    cargo bench --package callboard "$@"

# Format all three workspaces.
fmt:
    @echo "==> Formatting"
    cargo fmt --all
    rustfmt {{ found }}
    cargo fmt --all --manifest-path plugins/Cargo.toml
    cargo fmt --all --manifest-path tests/fixtures/plugins/Cargo.toml

# Write docs/reference anew, from the program itself.
docs: plugins
    @echo "==> Writing docs/reference"
    cargo run --release {{ locked }} --package callboard --bin callboard -- reference --out docs/reference

# Remove everything that was built.
clean:
    @echo "==> Removing $CARGO_TARGET_DIR"
    cargo clean

_formatted:
    @echo "==> Checking the format"
    cargo fmt --all --check
    rustfmt --check {{ found }}
    cargo fmt --all --manifest-path plugins/Cargo.toml -- --check
    cargo fmt --all --manifest-path tests/fixtures/plugins/Cargo.toml -- --check

# Copy the component of each folder with a `plugin.toml` to `target/<to>/<folder>.wasm`.
_collect from to:
    #!/bin/sh
    set -eu
    mkdir -p "$CARGO_TARGET_DIR/$2"
    for manifest in "$1"/*/plugin.toml; do
        [ -f "$manifest" ] || continue
        folder=$(dirname "$manifest")
        [ -f "$folder/Cargo.toml" ] || continue
        package=$(sed -n 's/^name *= *"\(.*\)".*/\1/p' "$folder/Cargo.toml" | head -n 1)
        component="{{ guests }}/wasm32-wasip2/release/$(printf %s "$package" | tr - _).wasm"
        copy="$CARGO_TARGET_DIR/$2/$(basename "$folder").wasm"
        if [ ! -f "$component" ]; then
            echo "$folder: no component at $component; is its crate-type \"cdylib\"?" >&2
            exit 1
        fi
        cmp -s "$component" "$copy" || cp "$component" "$copy"
    done

# Install what the engine is measured against; a peer that can't be had is named, with the reason.
_peers:
    #!/bin/sh
    set -eu
    # The folder is one that `./just` keeps.
    peers=${CALLBOARD_BENCH_PEERS:-}
    if [ -z "$peers" ]; then
        echo "==> Not measured: the engine's peers; CALLBOARD_BENCH_PEERS is not set, ./just bench sets it"
        exit 0
    fi
    mkdir -p "$peers"
    in_python() {
        python3 -m venv --clear "$peers/venv" && "$peers/venv/bin/python" -m pip install --quiet \
            --disable-pip-version-check --no-input --only-binary :all: --requirement "$1"
    }
    in_node() {
        cp tests/bench/package.json "$1" "$peers" &&
            npm ci --prefix "$peers" --ignore-scripts --no-audit --no-fund
    }
    not_measured() { # KIND WHAT REASON: said here, and by `tests/bench/peer` in its place
        echo "==> Not measured: $2: $3"
        printf '%s\n' "$3" >"$peers/$1.missing"
    }
    install() { # KIND WHAT LIST COMMAND…: with these commands, unless that list is installed already
        kind=$1 what=$2 list=$3
        shift 3
        for needed; do
            command -v "$needed" >/dev/null && continue
            not_measured "$kind" "$what" "no $needed on this machine"
            return 0
        done
        rm -f "$peers/$kind.missing"
        cmp -s "$list" "$peers/$kind.installed" && return 0
        rm -f "$peers/$kind.installed"
        echo "==> Installing $what, which the engine is measured against, into $peers"
        log=$peers/$kind.log
        if "in_$kind" "$list" >"$log" 2>&1 </dev/null; then
            cp "$list" "$peers/$kind.installed"
        else
            not_measured "$kind" "$what" "$(grep -i -m 1 error "$log" || tail -n 1 "$log")"
        fi
    }
    install python "LangGraph and DBOS" tests/bench/requirements.txt python3
    install node graphile-worker tests/bench/package-lock.json node npm

# Install the Restate server that the tests start, unless one is named; it is under the BUSL.
_restate:
    #!/bin/sh
    set -eu
    [ -z "${CALLBOARD_RESTATE_SERVER:-}" ] || exit 0
    # The folder is one that `./just` keeps.
    folder=${CALLBOARD_RESTATE:?"is not set: run ./just restate, or name a server in CALLBOARD_RESTATE_SERVER"}
    lock=tests/it/acceptance/package-lock.json
    cmp -s "$lock" "$folder/installed" && exit 0
    echo "==> Installing the Restate server into $folder"
    mkdir -p "$folder"
    cp tests/it/acceptance/package.json "$lock" "$folder"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund
    cp "$lock" "$folder/installed"
