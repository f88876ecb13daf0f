//! Paths of a workspace: relative, written with `/`, and below the folder they are relative to.

/// Whether a path stays below the folder it is relative to.
pub fn stays_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', '\0', ':'])
        && path
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_its_folder() {
        for path in ["../x", "/x", "a/../b", "", "a//b", "c:x", "a\\b"] {
            assert!(!stays_inside(path), "{path}");
        }
        assert!(stays_inside("site/a.html"));
    }
}
