//! What a component is and what it imports, checked before it runs.

use wasmparser::{BinaryReaderError, Parser, Payload};

use super::PluginError;
use super::manifest::{WIT, served};
use crate::{capability, foreign_reader};

/// The most bytes of a component.
pub(super) const LARGEST: usize = 64 << 20;

/// Whether the manifest names the contract that this host serves.
pub(super) fn check_version(wanted: &str) -> Result<(), PluginError> {
    if served(wanted) {
        return Ok(());
    }
    Err(PluginError::Version {
        wanted: wanted.to_owned(),
        served: WIT.to_owned(),
    })
}

/// Whether the bytes are a component at all.
pub(super) fn check_kind(bytes: &[u8]) -> Result<(), PluginError> {
    let what = match bytes {
        [] => "an empty file".to_owned(),
        _ if bytes.len() > LARGEST => format!("larger than {} MiB", LARGEST >> 20),
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => return Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => "a core module, not a component".to_owned(),
        [0, b'a', b's', b'm', ..] => "WebAssembly of a kind that is not known here".to_owned(),
        _ if std::str::from_utf8(bytes).is_ok() => "a text".to_owned(),
        _ => "no WebAssembly".to_owned(),
    };
    Err(PluginError::NotAComponent { what })
}

/// Whether every import is served here, read from the bytes before anything is compiled.
pub(super) fn check_imports(bytes: &[u8]) -> Result<(), PluginError> {
    let broken = |cause: String| PluginError::Compile { cause };
    let read = foreign_reader::read("WebAssembly", || imports(bytes));
    let read = read.map_err(|cause| broken(cause.to_string()))?;
    let mut imports = read.map_err(|error| broken(error.to_string()))?;
    imports.sort_unstable();
    imports.into_iter().try_for_each(check_import)
}

/// What the outermost component imports. Its types are not read: they may nest.
fn imports(bytes: &[u8]) -> Result<Vec<&str>, BinaryReaderError> {
    let mut imports = Vec::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name);
                }
            }
            _ => {}
        }
    }
    Ok(imports)
}

fn check_import(import: &str) -> Result<(), PluginError> {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let unknown = |mend: &str| PluginError::UnknownImport {
        import: import.to_owned(),
        mend: mend.to_owned(),
    };
    match path.split_once('/') {
        Some(("callboard:plugin", interface)) => {
            check_version(minor(version))?;
            if interface == "types" || capability::find(interface).is_some() {
                return Ok(());
            }
            Err(unknown(
                "rebuild the plugin with the SDK of this version of callboard",
            ))
        }
        Some(("wasi:http", _)) => Err(unknown(
            "use the `http` interface of callboard:plugin instead",
        )),
        Some((package, _)) if package.starts_with("wasi:") && minor(version) != "0.2" => {
            Err(unknown("it serves WASI 0.2: build for `wasm32-wasip2`"))
        }
        Some((package, interface)) if is_served(package, interface) => Ok(()),
        _ => Err(unknown(
            "a plugin imports interfaces of callboard:plugin and of the command world of WASI 0.2",
        )),
    }
}

/// The interfaces of WASI 0.2 that are linked, all of them empty: `runtime.rs` compares.
pub(super) const WASI: &[(&str, &[&str])] = &[
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stderr",
            "stdin",
            "stdout",
            "terminal-input",
            "terminal-output",
            "terminal-stderr",
            "terminal-stdin",
            "terminal-stdout",
        ],
    ),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:filesystem", &["preopens", "types"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:random", &["insecure", "insecure-seed", "random"]),
    (
        "wasi:sockets",
        &[
            "instance-network",
            "ip-name-lookup",
            "network",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
    ),
];

fn is_served(package: &str, interface: &str) -> bool {
    WASI.iter()
        .any(|(name, interfaces)| *name == package && interfaces.contains(&interface))
}

/// `0.1` of `0.1.3`.
fn minor(version: &str) -> &str {
    match version.match_indices('.').nth(1) {
        Some((at, _)) => &version[..at],
        None => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        check_kind(bytes).expect_err("refused").to_string()
    }

    #[test]
    fn what_is_no_component_is_called_by_its_name() {
        assert!(refusal(b"").contains("empty"));
        assert!(refusal(b"(module)").contains("a text"));
        assert!(refusal(b"\0asm\x01\0\0\0").contains("a core module"));
        assert!(refusal(&[0xff, 0xfe]).contains("no WebAssembly"));
        assert!(check_kind(b"\0asm\x0d\0\x01\0").is_ok());
    }

    #[test]
    fn an_import_has_to_be_served() {
        let check = |import| check_import(import).map_err(|error| error.to_string());
        for import in [
            "callboard:plugin/log@0.1.0",
            "callboard:plugin/types@0.1.0",
            "callboard:plugin/vectors@0.1.0",
            "wasi:cli/stderr@0.2.6",
        ] {
            assert_eq!(check(import), Ok(()), "{import}");
        }
        let old = check("callboard:plugin/log@0.2.1").expect_err("another version");
        assert!(old.contains("0.2") && old.contains("0.1"), "{old}");
        for import in [
            "wasi:http/outgoing-handler@0.2.6",
            "wasi:cli/stderr@0.3.0",
            "wasi:keyvalue/store@0.2.0",
            "evil:x/y",
            "callboard:plugin/root@0.1.0",
        ] {
            let unknown = check(import).expect_err(import);
            assert!(unknown.contains(import), "{unknown}");
        }
    }
}
