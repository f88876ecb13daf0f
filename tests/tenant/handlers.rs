//! Its handlers: a file each, below the folder of its surface.

mod content {
    mod invite;
}

mod notify {
    mod greet;
}
