//! The native handlers that any factory needs: one file each, below the folder of its surface.
//!
//! A new file is found by itself; its handler's name is `<surface>.<file>`. Nothing imports a
//! handler by name. See `docs/contributing.md`.

mod probe {
    automod::dir!("src/handlers/probe");
}

mod retention {
    automod::dir!("src/handlers/retention");
}
