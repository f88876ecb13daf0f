//! `log`: levelled lines into the trace of the run.

use wasmtime::component::HasData;

use crate::capability::{Capability, InstanceState, denial};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
        inline: "package callboard:log-host; world imports { import callboard:plugin/log@0.1.0; }",
        imports: { default: trappable },
    });
}
use bindings::callboard::plugin::log::{self, Level};

inventory::submit! {
    Capability {
        interface: "log",
        link: |linker| log::add_to_linker::<_, Log>(linker, |state| Log(state)),
        granted: |grants| grants.log,
        mend: "log = true",
    }
}

/// The most bytes of one line.
const LONGEST: usize = 1024;

struct Log<'a>(&'a mut InstanceState);

impl HasData for Log<'static> {
    type Data<'a> = Log<'a>;
}

impl log::Host for Log<'_> {
    fn write(
        &mut self,
        level: Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        self.0.host_call()?;
        if level == Level::Error && message.starts_with("panicked at ") {
            self.0.panic_text = Some(line(self.0, &message, &[]));
        }
        self.0.log_lines += 1;
        if let Some(denial) = denial(&self.0.access, "log") {
            if self.0.log_lines == 1 {
                let text = format!("its lines are dropped: {denial}");
                emit(self.0, Level::Warn, &escaped(&text));
            }
            return Ok(());
        }
        let limit = self.0.access.limits.log_lines;
        if self.0.log_lines <= limit {
            emit(self.0, level, &line(self.0, &message, &fields));
        } else if self.0.log_lines == limit + 1 {
            let text = format!("more than {limit} lines in one call; the rest is dropped");
            emit(self.0, Level::Warn, &text);
        }
        Ok(())
    }
}

/// One line as it may be shown: without secrets, control characters or great length.
fn line(state: &InstanceState, message: &str, fields: &[(String, String)]) -> String {
    let mut text = message.to_owned();
    for (name, value) in fields {
        text = format!("{text} {name}={value}");
        if text.len() > LONGEST * 16 {
            break;
        }
    }
    for secret in &state.secrets {
        text = text.replace(secret.as_str(), "[hidden]");
    }
    escaped(&text)
}

/// Control characters and those that turn the direction of writing become visible escapes.
fn escaped(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        let before = line.len();
        if is_plain(character) {
            line.push(character);
        } else {
            line.extend(character.escape_default());
        }
        if line.len() > LONGEST {
            line.truncate(before);
            line.push('…');
            break;
        }
    }
    line
}

fn is_plain(character: char) -> bool {
    let turns = matches!(character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !character.is_control() && !turns
}

fn emit(state: &InstanceState, level: Level, line: &str) {
    let (plugin, caller) = (&state.access.plugin, &state.caller);
    macro_rules! say {
        ($level:ident) => {
            tracing::$level!(target: "plugin", %plugin, run = %caller.run, stage = %caller.stage, "{line}")
        };
    }
    match level {
        Level::Trace => say!(trace),
        Level::Debug => say!(debug),
        Level::Info => say!(info),
        Level::Warn => say!(warn),
        Level::Error => say!(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_forge_another_or_turn_the_terminal() {
        let line = escaped("a\r\nERROR\u{1b}[31m\u{7}\0\u{202e}b\u{9b}é");
        assert_eq!(
            line,
            "a\\r\\nERROR\\u{1b}[31m\\u{7}\\u{0}\\u{202e}b\\u{9b}é"
        );
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = escaped(&"é".repeat(5000));
        assert!(
            line.len() <= LONGEST + 3 && line.ends_with("é…"),
            "{}",
            line.len()
        );
    }
}
