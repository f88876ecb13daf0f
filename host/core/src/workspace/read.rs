//! Take the files that count from a folder, and name what else is there.

use std::path::{Path, PathBuf};

use super::reader::WorkspaceReader;
use super::unread::{self, UnreadFile};
use super::{Files, TABLES, WorkspaceError, folders};
use crate::config;
use crate::confined_folder::FileKind;

/// A workspace as it lies in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The files that count.
    pub files: Files,
    /// What else is there.
    pub unread: Vec<UnreadFile>,
}

/// The workspace in `folder`. No file of `private` becomes part of it, by whatever name.
pub fn read(folder: &Path, private: &[PathBuf]) -> Result<Folder, WorkspaceError> {
    let mut reader = WorkspaceReader::new(folder, private)?;
    if reader.kind(config::FILE)?.is_none() {
        return Err(WorkspaceError::new(
            config::FILE,
            format!("is not in {}, so this is no workspace", folder.display()),
            "make one with `callboard init`, or name the folder with `--workspace`",
        ));
    }
    reader.text(config::FILE)?;
    if reader.kind("settings.toml")?.is_some() {
        reader.text("settings.toml")?;
    }
    for (inner, ending) in [
        ("pipelines", "toml"),
        ("policies", "toml"),
        ("prompts", "md"),
        ("tests", "toml"),
    ] {
        reader.texts(inner, ending)?;
    }
    if reader.kind(TABLES)?.is_some() {
        reader.text(TABLES)?;
    }
    for (plugin, _) in reader.entries("plugins")? {
        reader.plugin(&format!("plugins/{plugin}"))?;
    }
    for folder in folders() {
        reader.whole(folder, 0)?;
    }
    let unread = unread::list(&reader)?;
    let files = reader.files;
    Ok(Folder { files, unread })
}

/// The text of `callboard.toml` in `folder`, for a process that has no database open yet; `None`
/// if there is none.
pub fn configuration(folder: &Path) -> Result<Option<String>, WorkspaceError> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut reader = WorkspaceReader::new(folder, &[])?;
    if reader.kind(config::FILE)?.is_none() {
        return Ok(None);
    }
    reader.text(config::FILE)?;
    let text = reader.files.remove(config::FILE).unwrap_or_default();
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

/// What lies in a folder that may become a workspace, but for what is left alone in each of them;
/// the name of a folder ends in `/`.
pub fn lies_in(folder: &Path) -> Result<Vec<String>, WorkspaceError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let named = |(name, kind)| match kind {
        FileKind::Folder => format!("{name}/"),
        _ => name,
    };
    let entries = WorkspaceReader::new(folder, &[])?.entries("")?;
    Ok(entries.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::super::reader::COUNT;
    use super::*;

    fn read(folder: &Path) -> Result<Folder, WorkspaceError> {
        super::read(folder, &[])
    }

    fn workspace() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, text) in [
            ("callboard.toml", "name = \"x\""),
            ("callboard.db", "no text"),
            ("README.md", "no"),
            ("pipelines/p.toml", ""),
            ("pipelines/.p.toml.swp", ""),
            ("pipelines/notes.txt", ""),
            ("prompts/p.md", ""),
            ("plugins/a/plugin.toml", "component = \"a.wasm\""),
            ("plugins/a/a.wasm", "\0asm"),
            ("plugins/a/contracts.json", "[]"),
            ("plugins/a/src/lib.rs", ""),
            ("plugins/b/plugin.toml", "component = \"../a/a.wasm\""),
            ("site/base.html", ""),
            ("site/fonts/a.woff", "\u{1}"),
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    #[test]
    fn only_files_that_count_are_read() {
        let folder = workspace();
        let files = read(folder.path()).expect("a workspace").files;
        let paths: Vec<_> = files.keys().map(String::as_str).collect();
        assert_eq!(
            paths,
            [
                "callboard.toml",
                "pipelines/p.toml",
                "plugins/a/a.wasm",
                "plugins/a/plugin.toml",
                "plugins/b/plugin.toml",
                "prompts/p.md",
                "site/base.html",
                "site/fonts/a.woff",
            ]
        );
    }

    #[test]
    fn an_error_names_the_file_and_the_mend() {
        let folder = workspace();
        let error = |file: &str, content: Vec<u8>| {
            let path = folder.path().join(file);
            fs::write(&path, content).expect("a file");
            let error = read(folder.path()).expect_err(file).to_string();
            fs::remove_file(path).expect("removed");
            error
        };
        let text = error("prompts/bad.md", vec![b'a', 0xff]);
        assert_eq!(
            text,
            "prompts/bad.md: is not UTF-8 from byte 1 on; save it as UTF-8"
        );
    }

    #[test]
    fn a_large_text_is_refused() {
        let folder = workspace();
        fs::write(
            folder.path().join("settings.toml"),
            vec![b' '; (1 << 20) + 1],
        )
        .expect("a file");
        let error = read(folder.path()).expect_err("large").to_string();
        assert!(
            error.starts_with("settings.toml: is larger than 1 MiB"),
            "{error}"
        );
    }

    #[test]
    fn all_files_together_are_bounded() {
        let folder = workspace();
        for number in 0..5 {
            let file = fs::File::create(folder.path().join(format!("site/{number}.bin")));
            // It takes no place on the disk.
            file.expect("a file").set_len(63 << 20).expect("a size");
        }
        let error = read(folder.path()).expect_err("too much").to_string();
        assert!(error.contains("all files may have 256 MiB"), "{error}");
    }

    #[test]
    fn files_and_names_are_counted() {
        let folder = workspace();
        let many = folder.path().join("site/many");
        fs::create_dir(&many).expect("a folder");
        for number in 0..COUNT {
            fs::create_dir(many.join(number.to_string())).expect("a folder");
        }
        let error = read(folder.path()).expect_err("too many").to_string();
        assert!(error.contains("is one too many"), "{error}");
        for number in COUNT..20_001 {
            fs::create_dir(many.join(number.to_string())).expect("a folder");
        }
        let error = read(folder.path()).expect_err("too many").to_string();
        assert!(
            error.contains("site/many: has more than 20000 names"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_without_a_configuration_is_no_workspace() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = read(folder.path()).expect_err("empty").to_string();
        assert!(error.contains("callboard init"), "{error}");
    }

    #[test]
    fn a_link_is_not_followed_wherever_it_leads() {
        let folder = workspace();
        let link = folder.path().join("prompts/out.md");
        for to in ["/etc/hostname", "p.md", "../nowhere"] {
            symlink(to, &link).expect("a link");
            let found = read(folder.path()).expect("a workspace");
            assert!(!found.files.contains_key("prompts/out.md"));
            let named = |unread: &&UnreadFile| unread.path == "prompts/out.md";
            let unread = found.unread.iter().find(named).expect("it is named");
            assert!(unread.problem.contains("is a link"), "{unread:?}");
            assert!(unread.mend.contains("in its place"), "{unread:?}");
            fs::remove_file(&link).expect("removed");
        }
    }

    #[test]
    fn what_has_to_be_read_and_is_a_link_is_refused() {
        for file in [
            "callboard.toml",
            "settings.toml",
            "site",
            "plugins/a/a.wasm",
            "plugins/a/plugin.toml",
        ] {
            let folder = workspace();
            let path = folder.path().join(file);
            fs::rename(&path, folder.path().join(".moved")).ok();
            symlink(folder.path().join(".moved"), &path).expect("a link");
            let error = read(folder.path()).expect_err(file).to_string();
            assert!(error.starts_with(&format!("{file}: is a link")), "{error}");
        }
    }

    #[test]
    fn a_private_file_is_read_under_no_name() {
        let folder = workspace();
        let database = folder.path().join("callboard.db");
        fs::hard_link(&database, folder.path().join("site/dump.bin")).expect("a link");
        let error = super::read(folder.path(), &[database]).expect_err("private");
        assert_eq!(error.file, "site/dump.bin");
        assert!(error.problem.contains("callboard.db"), "{error}");
    }
}
