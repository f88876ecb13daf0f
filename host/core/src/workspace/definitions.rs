//! Files to definitions, with every mistake in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::mistakes;
use super::place::{Defined, Misread, Place};
use super::test_case::TestCase;
use super::{Files, PluginFiles, Prompt, SETTINGS, folders};
use crate::config::{self, Config};
use crate::pipeline::{CONDITIONS, NEEDS, Pipeline, SCHEDULES, STAGES};
use crate::plugin::manifest;
use crate::policy::Policy;
use crate::settings::{Declaration, SettingType, fits};

/// Everything that a workspace defines.
#[derive(Debug, Clone)]
pub struct Definitions {
    pub config: Defined<Config>,
    pub settings: BTreeMap<String, Defined<Declaration>>,
    pub pipelines: BTreeMap<String, Defined<Pipeline>>,
    pub policies: BTreeMap<String, Defined<Policy>>,
    pub plugins: BTreeMap<String, PluginFiles>,
    pub prompts: BTreeMap<String, Prompt>,
    pub test_cases: BTreeMap<String, Defined<TestCase>>,
    /// What lies in the folders of tenants, by path.
    pub folders: BTreeMap<String, Arc<[u8]>>,
}

impl Definitions {
    /// What the files define, or every mistake in them, in the order of files and lines.
    pub fn parse(files: &Files) -> Result<Self, Vec<Misread>> {
        Self::of_revision(files, &BTreeMap::new())
    }

    /// The same of a revision whose components, by path and digest, stay in the store.
    pub fn of_revision(
        files: &Files,
        components: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Misread>> {
        let mut parser = Parser {
            files,
            components,
            misreads: Vec::new(),
        };
        let config = parser.config();
        let settings = parser.settings();
        let pipelines = parser.all("pipelines/", check_pipeline);
        let policies = parser.all("policies/", check_policy);
        let plugins = parser.plugins();
        let prompts = parser.prompts();
        let test_cases = parser.all("tests/", check_test_case);
        let folders = parser.folders();
        let mut misreads = parser.misreads;
        match config {
            Some(config) if misreads.is_empty() => Ok(Self {
                config,
                settings,
                pipelines,
                policies,
                plugins,
                prompts,
                test_cases,
                folders,
            }),
            _ => {
                misreads.sort();
                Err(misreads)
            }
        }
    }

    /// The declarations alone, as a snapshot needs them.
    pub fn declarations(&self) -> BTreeMap<String, Declaration> {
        let settings = self.settings.iter();
        settings
            .map(|(key, defined)| (key.clone(), defined.value.clone()))
            .collect()
    }
}

impl Definitions {
    /// The settings that files declare, as far as they can be read, whatever else is wrong.
    pub fn declared_in(files: &Files) -> BTreeMap<String, Declaration> {
        let mut parser = Parser {
            files,
            components: &BTreeMap::new(),
            misreads: Vec::new(),
        };
        let settings = parser.settings().into_iter();
        settings
            .map(|(key, defined)| (key, defined.value))
            .collect()
    }
}

struct Parser<'a> {
    files: &'a Files,
    components: &'a BTreeMap<String, String>,
    misreads: Vec<Misread>,
}

impl<'a> Parser<'a> {
    fn text(&mut self, file: &str, bytes: &'a [u8]) -> Option<&'a str> {
        let text = std::str::from_utf8(bytes);
        if text.is_err() {
            let message = "the file is not UTF-8";
            self.misreads.push(Misread::new(
                Place::start(file),
                message,
                "save it as UTF-8",
            ));
        }
        text.ok()
    }

    fn defined<T: DeserializeOwned>(&mut self, file: &str, bytes: &'a [u8]) -> Option<Defined<T>> {
        self.read(file, bytes, |text| mistakes::parse(file, text))
    }

    fn read<T>(
        &mut self,
        file: &str,
        bytes: &'a [u8],
        parse: impl FnOnce(&str) -> (Option<T>, Vec<Misread>),
    ) -> Option<Defined<T>> {
        let text = self.text(file, bytes)?;
        let (value, misreads) = parse(text);
        self.misreads.extend(misreads);
        Some(Defined {
            file: file.to_owned(),
            text: text.into(),
            path: Vec::new(),
            value: value?,
        })
    }

    /// Files below `folder` with one ending: name, path and content.
    fn below(&self, folder: &str, ending: &str) -> Vec<(String, &'a str, &'a [u8])> {
        let files = self.files.iter().filter_map(|(path, bytes)| {
            let name = path.strip_prefix(folder)?.strip_suffix(ending)?;
            (!name.contains('/')).then(|| (name.to_owned(), path.as_str(), bytes.as_slice()))
        });
        files.collect()
    }

    fn config(&mut self) -> Option<Defined<Config>> {
        let Some(bytes) = self.files.get(config::FILE) else {
            let message = "the file is missing";
            let mend = "make a workspace with `callboard init`";
            self.misreads
                .push(Misread::new(Place::start(config::FILE), message, mend));
            return None;
        };
        let parse = |text: &str| mistakes::parse_with(config::FILE, text, Config::of);
        self.read(config::FILE, bytes, parse)
    }

    fn settings(&mut self) -> BTreeMap<String, Defined<Declaration>> {
        let Some(bytes) = self.files.get(SETTINGS) else {
            return BTreeMap::new();
        };
        let Some(whole) = self.defined::<BTreeMap<String, Declaration>>(SETTINGS, bytes) else {
            return BTreeMap::new();
        };
        let text = whole.text;
        let mut settings = BTreeMap::new();
        for (key, value) in whole.value {
            let declaration = Defined {
                file: SETTINGS.to_owned(),
                text: text.clone(),
                path: vec![key.clone()],
                value,
            };
            self.misreads.extend(check_setting(&key, &declaration));
            settings.insert(key, declaration);
        }
        settings
    }

    fn all<T: DeserializeOwned>(
        &mut self,
        folder: &str,
        check: fn(&str, &Defined<T>) -> Vec<Misread>,
    ) -> BTreeMap<String, Defined<T>> {
        let mut all = BTreeMap::new();
        for (name, path, bytes) in self.below(folder, ".toml") {
            if let Some(defined) = self.defined(path, bytes) {
                self.misreads.extend(check(&name, &defined));
                all.insert(name, defined);
            }
        }
        all
    }

    fn plugins(&mut self) -> BTreeMap<String, PluginFiles> {
        let mut plugins = BTreeMap::new();
        let ending = format!("/{}", manifest::FILE);
        for (folder, path, bytes) in self.below("plugins/", &ending) {
            let Some(text) = self.text(path, bytes) else {
                continue;
            };
            let (plugin, misreads) = PluginFiles::parse(&folder, text, self.files, self.components);
            self.misreads.extend(misreads);
            plugins.extend(plugin.map(|plugin| (folder, plugin)));
        }
        plugins
    }

    fn prompts(&mut self) -> BTreeMap<String, Prompt> {
        let mut prompts = BTreeMap::new();
        for (name, path, bytes) in self.below("prompts/", ".md") {
            let Some(text) = self.text(path, bytes) else {
                continue;
            };
            let (prompt, misreads) = Prompt::parse(path, text);
            self.misreads.extend(misreads);
            prompts.extend(prompt.map(|prompt| (name, prompt)));
        }
        prompts
    }

    fn folders(&self) -> BTreeMap<String, Arc<[u8]>> {
        let files = self.files.iter().filter(|(path, _)| {
            let folder = path.split('/').next().unwrap_or_default();
            folders().any(|known| known == folder)
        });
        files
            .map(|(path, bytes)| (path.clone(), Arc::from(bytes.as_slice())))
            .collect()
    }
}

fn check_setting(key: &str, declaration: &Defined<Declaration>) -> Option<Misread> {
    if key.split('.').any(str::is_empty) {
        let message = format!("`{}` is no name of a setting", key.escape_debug());
        let mend = "write words with a `.` between two of them, such as `[\"roles.writer.url\"]`";
        return Some(Misread::new(declaration.at(&[]), message, mend));
    }
    let kind = declaration.value.kind;
    let default = declaration.value.default.as_ref()?;
    let place = declaration.at(&["default"]);
    if kind == SettingType::Secret {
        let message = format!("secret `{key}` has a default, which anybody can read");
        let mend = format!("remove it, and set the secret with `callboard settings set {key} -`");
        return Some(Misread::new(place, message, mend));
    }
    let misfit = fits(key, kind, default).err()?;
    let problem = misfit.problem;
    let mend = match misfit.meant {
        Some(meant) => format!("write `default = \"{meant}\"`"),
        None if kind.check(default).is_ok() => "write another, or remove it".to_owned(),
        None => format!("write a value of type {kind}, or another `type`"),
    };
    let its = if kind.check(default).is_ok() {
        ""
    } else {
        " its type"
    };
    let message = format!("the default of `{key}` does not fit{its}: {problem}");
    Some(Misread::new(place, message, mend))
}

/// The shortest pause between two runs of a policy: each is a run, and has its history.
const PAUSE: Duration = Duration::from_secs(1);

fn check_policy(name: &str, policy: &Defined<Policy>) -> Vec<Misread> {
    let written = policy.value.name.get_ref();
    let mut misreads: Vec<_> = wrong_name(name, written, policy).into_iter().collect();
    if let Some(every) = policy.value.every.filter(|every| every.0 < PAUSE) {
        let message = format!("`every` is {every}, and a policy rests a second at least");
        misreads.push(Misread::new(
            policy.at(&["every"]),
            message,
            "write `1s` or more",
        ));
    }
    misreads
}

fn check_test_case(name: &str, test: &Defined<TestCase>) -> Vec<Misread> {
    let written = test.value.name();
    let mut misreads: Vec<_> = wrong_name(name, written, test).into_iter().collect();
    for (index, key) in test.value.expect.keys.iter().enumerate() {
        let place = || test.at(&["expect", "key", &index.to_string()]);
        if key.is_empty() {
            let message = format!("nothing is expected of `{}`", key.key.get_ref());
            let mend =
                "write `present`, `is`, `is_not`, `at_least`, `at_most`, `contains` or `lacks`";
            misreads.push(Misread::new(place(), message, mend));
        }
        if !key.at.is_empty() && !key.at.starts_with('/') {
            let message = format!("`{}` is no JSON pointer", key.at.escape_debug());
            let mend = format!("write `at = \"/{}\"`", key.at.escape_debug());
            misreads.push(Misread::new(place(), message, mend));
        }
    }
    misreads
}

/// Why a text is no name of a pipeline, a policy or a stage: commands, addresses and screens have
/// to tell it from others.
fn no_name(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ['_', '-', '.'].contains(&c);
    let plain = (1..=64).contains(&name.len()) && name.chars().all(fits);
    (!plain).then_some("write 1 to 64 of letters, digits, `_`, `-` and `.`")
}

fn check_pipeline(name: &str, pipeline: &Defined<Pipeline>) -> Vec<Misread> {
    let written = pipeline.value.name();
    let mut misreads: Vec<_> = wrong_name(name, written, pipeline).into_iter().collect();
    misreads.extend(too_many(pipeline));
    let mut ids = BTreeSet::new();
    for stage in pipeline.value.stages.iter().take(STAGES) {
        let id = stage.id();
        let place = || pipeline.place(stage.id.span());
        let (message, mend) = match (&stage.handler, &stage.gate) {
            (Some(_), Some(_)) => ("has both a handler and a gate", "remove one of them"),
            (None, None) => (
                "has neither a handler nor a gate",
                "add `handler = \"<surface>.<name>\"` or `gate = \"<question>\"`",
            ),
            _ => ("", ""),
        };
        if !message.is_empty() {
            misreads.push(Misread::new(
                place(),
                format!("stage `{id}` {message}"),
                mend,
            ));
        }
        if let Some(mend) = no_name(id) {
            let message = format!("`{}` is no id of a stage", id.escape_debug());
            misreads.push(Misread::new(place(), message, mend));
        }
        if !ids.insert(id) {
            let message = format!("stage `{id}` is there twice");
            misreads.push(Misread::new(place(), message, "rename one of the two"));
        }
    }
    misreads
}

/// More stages, needs or conditions than can be looked through whenever a run is taken, or more
/// schedules than at each look at the clock.
fn too_many(pipeline: &Defined<Pipeline>) -> Option<Misread> {
    let stages = &pipeline.value.stages;
    let needs = stages.iter().flat_map(|stage| &stage.needs);
    let mut conditions = 0;
    let beyond = stages.iter().find(|stage| {
        conditions += stage.when.len();
        conditions > CONDITIONS
    });
    let schedules = pipeline.value.schedules.len();
    if schedules > SCHEDULES {
        let message =
            format!("the pipeline has {schedules} schedules, and at most {SCHEDULES} are allowed");
        let mend = "write fewer that say the same, or divide it";
        return Some(Misread::new(pipeline.at(&["schedule"]), message, mend));
    }
    let (place, message) = if let Some(stage) = stages.get(STAGES) {
        let count = stages.len();
        let message = format!("the pipeline has {count} stages, and at most {STAGES} are allowed");
        (stage.id.span(), message)
    } else if let Some(stage) = beyond {
        let message = format!("its stages have more than {CONDITIONS} conditions");
        (stage.id.span(), message)
    } else {
        let need = needs.clone().nth(NEEDS)?;
        let count = needs.count();
        let message = format!("its stages have {count} `needs`, and at most {NEEDS} are allowed");
        (need.span(), message)
    };
    let mend = "divide it into several pipelines";
    Some(Misread::new(pipeline.place(place), message, mend))
}

fn wrong_name<T>(file: &str, name: &str, defined: &Defined<T>) -> Option<Misread> {
    if let Some(mend) = no_name(name) {
        let message = format!("`{}` is no name of a definition", name.escape_debug());
        return Some(Misread::new(defined.at(&["name"]), message, mend));
    }
    (file != name).then(|| {
        let message = format!("`{name}` is defined in a file of another name");
        // To rename the file may take the place of one that is there.
        let mend = format!("write `name = \"{file}\"`");
        Misread::new(defined.at(&["name"]), message, mend)
    })
}

#[cfg(test)]
#[path = "definitions_tests.rs"]
mod tests;
