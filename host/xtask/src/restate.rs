//! The Restate server that the tests start, which is under the BUSL.

use crate::files::{copy, kept, make_folder, root, same};
use crate::tools::{Trouble, npm_ci, run, say};

/// Where `package.json` and its lock file are.
const LISTS: &str = "tests/it/acceptance";

/// Install it, unless one is named or the same one is there.
pub(crate) fn install() -> Result<(), Trouble> {
    if kept("CALLBOARD_RESTATE_SERVER").is_some() {
        return Ok(());
    }
    let folder = kept("CALLBOARD_RESTATE").ok_or_else(|| {
        Trouble::new("CALLBOARD_RESTATE is not set")
            .or("run ./just restate, which sets it")
            .or("or name a server in CALLBOARD_RESTATE_SERVER")
    })?;
    let lists = root().join(LISTS);
    let (lock, installed) = (lists.join("package-lock.json"), folder.join("installed"));
    if same(&lock, &installed) {
        return Ok(());
    }
    say(format_args!(
        "installing the Restate server into {} …",
        folder.display()
    ));
    make_folder(&folder)?;
    for list in ["package.json", "package-lock.json"] {
        copy(&lists.join(list), &folder.join(list))?;
    }
    run(&mut npm_ci(&folder))?;
    copy(&lock, &installed)
}
