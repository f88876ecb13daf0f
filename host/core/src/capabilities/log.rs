//! `log`: levelled lines into the trace of the run.

use wasmtime::component::HasData;

use crate::capability::{Capability, InstanceState, Opens, denial};
use crate::lines::{self, LineSource};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1",
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
        mend: Opens::Flag,
    }
}

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
            self.0.panic_text = Some(self.0.log.line(&message, &[]));
        }
        self.0.log_lines += 1;
        if let Some(denial) = denial(&self.0.access, "log") {
            if self.0.log_lines == 1 {
                let text = format!("its lines are dropped: {denial}");
                emit(self.0, Level::Warn, self.0.log.line(&text, &[]));
            }
            return Ok(());
        }
        let limit = self.0.access.limits.log_lines;
        if self.0.log_lines <= limit {
            emit(self.0, level, self.0.log.line(&message, &fields));
        } else if self.0.log_lines == limit + 1 {
            let text = format!("more than {limit} lines in one call; the rest is dropped");
            emit(self.0, Level::Warn, text);
        }
        Ok(())
    }
}

fn emit(state: &InstanceState, level: Level, line: String) {
    let level = match level {
        Level::Trace => lines::LineLevel::Trace,
        Level::Debug => lines::LineLevel::Debug,
        Level::Info => lines::LineLevel::Info,
        Level::Warn => lines::LineLevel::Warn,
        Level::Error => lines::LineLevel::Error,
    };
    state.log.say(level, LineSource::Log, line);
}
