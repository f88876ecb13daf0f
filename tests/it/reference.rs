//! `docs/reference` says what the program says.

use std::fs;
use std::path::Path;

use crate::support::host::Host;

#[test]
fn the_reference_is_as_the_program_writes_it() {
    let host = Host::new();
    host.ok(&["reference", "--out", "."]);
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    for name in ["commands.md", "handlers.md", "documents.md"] {
        let kept = fs::read_to_string(docs.join(name)).expect("a page of the reference");
        assert_eq!(host.read(name), kept, "{name} is old; run `just docs`");
    }
}
