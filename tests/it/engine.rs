//! What people do to runs, through the real program and on both databases. The pipelines are
//! small; their stages are played by the fixture `actor`, one outcome a visit.

mod fork;
mod gates;
mod handing_on;
mod migrate;
mod prompter;
mod retry;
mod scheduled;
mod stop;
mod tail;

use callboard_core::store::Dialect;
use serde_json::Value as Json;

use self::prompter::Prompter;
use crate::support::factory::{BARE, Factory};
use crate::support::guests::{fixture, guest};
use crate::support::host::Ran;

const CEILING: &str = "
[grants.actor]
log = true
[[grants.actor.http]]
host = \"127.0.0.1\"
scheme = \"http\"
methods = [\"GET\"]
private = true
";

/// A workspace with the actor and one pipeline, `play`.
pub(crate) struct Theatre {
    factory: Factory,
}

impl std::ops::Deref for Theatre {
    type Target = Factory;

    fn deref(&self) -> &Factory {
        &self.factory
    }
}

impl Theatre {
    /// Applied, with these stages.
    pub(crate) fn new(dialect: Dialect, stages: &str) -> Self {
        Self::granted(dialect, stages, "")
    }

    /// With stages that wait for a cue.
    fn prompted(dialect: Dialect, stages: &str, prompter: &Prompter) -> Self {
        Self::granted(dialect, stages, &prompter.grant())
    }

    fn granted(dialect: Dialect, stages: &str, grant: &str) -> Self {
        let factory = Factory::bare_written(dialect);
        for name in ["pipelines/dev_diary.toml", "pipelines/remember.toml"] {
            factory.remove(name);
        }
        factory.remove("policies/commits_keep_newest.toml");
        factory.write("callboard.toml", format!("{BARE}{CEILING}{grant}"));
        let manifest = std::fs::read_to_string(fixture("actor").join("plugin.toml"));
        let manifest = manifest.expect("a manifest") + grant;
        factory.write("plugins/actor/plugin.toml", manifest);
        let component = std::fs::read(guest("actor")).expect("a component");
        factory.write("plugins/actor/actor.wasm", component);
        let theatre = Self { factory };
        theatre.rewrite(stages);
        theatre
    }

    /// Other stages, applied.
    fn rewrite(&self, stages: &str) {
        let head = "name = \"play\"\nbudget = \"5m\"\n[input.cue]\ndefault = \"now\"\n";
        self.write("pipelines/play.toml", format!("{head}{stages}"));
        self.ok(&["apply"]);
    }

    /// Run it, which comes to `code`; gives the run's id.
    #[track_caller]
    pub(crate) fn play(&self, code: i32) -> String {
        let ran = self.run(&["run", "play"]);
        assert_eq!(ran.code, code, "{ran}");
        self.newest()
    }

    /// The newest run.
    fn newest(&self) -> String {
        text(&self.json(&["runs", "list", "--limit", "1"])[0]["id"])
    }

    fn status(&self, run: &str) -> String {
        text(&self.json(&["runs", "show", run])["run"]["status"])
    }

    fn detail(&self, run: &str) -> String {
        text(&self.json(&["runs", "show", run])["run"]["detail"])
    }

    /// Each checkpoint as `stage visit outcome then`, in order.
    fn course(&self, run: &str) -> Vec<String> {
        let shown = self.json(&["runs", "show", run]);
        let stages = shown["stages"].as_array().expect("a list").iter();
        let words = |stage: &Json| {
            let (id, visit) = (text(&stage["stage"]), &stage["visit"]);
            let outcome = text(&stage["outcome"]["outcome"]);
            let undone = stage["undone"].as_str();
            let undone = undone.map_or(String::new(), |undone| format!("{undone}:"));
            format!("{id} {visit} {outcome} {undone}{}", text(&stage["follow"]))
        };
        stages.map(words).collect()
    }

    /// The lines that the stages which count have said, in order.
    fn lines(&self, run: &str) -> Vec<String> {
        let shown = self.json(&["runs", "show", run]);
        let stages = shown["stages"].as_array().expect("a list").iter();
        let live = stages.filter(|stage| stage["superseded"] == false);
        let said = live.filter_map(|stage| stage["outcome"]["patch"]["line"].as_str());
        said.map(str::to_owned).collect()
    }

    /// A command about a run that is refused with a code and these words.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], code: i32, words: &str) {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{ran}");
        assert!(ran.stderr.contains(words), "no `{words}` in\n{ran}");
    }

    /// A command that comes to a code.
    #[track_caller]
    pub(crate) fn comes_to(&self, arguments: &[&str], code: i32) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{ran}");
        ran
    }
}

fn text(json: &Json) -> String {
    let text = json.as_str();
    text.unwrap_or_else(|| panic!("{json} is no text"))
        .to_owned()
}

/// A stage that plays a script, after others.
fn stage(id: &str, needs: &[&str], rest: &str) -> String {
    format!("[[stage]]\nid = \"{id}\"\nhandler = \"probe.plays\"\nneeds = {needs:?}\n{rest}\n")
}

/// A gate after a stage.
fn gate(id: &str, need: &str, rest: &str) -> String {
    format!("[[stage]]\nid = \"{id}\"\ngate = \"good?\"\nneeds = [\"{need}\"]\n{rest}\n")
}

fn script(outcomes: &[&str]) -> String {
    format!("config = {{ script = {outcomes:?} }}")
}
