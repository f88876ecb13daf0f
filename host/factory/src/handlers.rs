//! The factory's native handlers: one file each, below the folder of its surface.
//!
//! A new file is found by itself; its handler's name is `<surface>.<file>`. Nothing imports a
//! handler by name. See `docs/contributing.md`.

mod content {
    automod::dir!("src/handlers/content");
}

mod publish {
    automod::dir!("src/handlers/publish");
}

mod qa {
    automod::dir!("src/handlers/qa");
}

mod tap {
    automod::dir!("src/handlers/tap");
}
