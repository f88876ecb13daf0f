//! The text of a panic, on its way to the host before the trap.

use std::panic::PanicHookInfo;
use std::sync::Once;

use crate::bindings::callboard::plugin::log as host_log;

/// Send the text and place of a panic through `log`, before the trap that follows it. The
/// host takes the line with the field `panic` for the text of the trap.
pub fn install_panic_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(report_panic)));
}

fn report_panic(info: &PanicHookInfo<'_>) {
    let place = info
        .location()
        .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let text = info.payload_as_str().unwrap_or("a payload without text");
    let field = ("panic".to_owned(), "true".to_owned());
    host_log::write(
        host_log::Level::Error,
        &format!("panicked at {place}: {text}"),
        &[field],
    );
}
