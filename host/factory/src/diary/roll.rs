//! The template of the diary in the roll call: it is there if a stage writes one, compiles, and
//! makes a text of a sample day.

use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::workspace::{Definitions, Place};

use super::bundle::{Bundle, Change, Commit, Dropped, Point, Undone};
use super::composer::compile;
use super::forge::Remote;
use super::page::{
    self, BLOCKS, Composed, FOLDER, LeftOut, Page, Section, TEMPLATE, Unrendered, Writer, render,
};
use super::release::Release;
use super::theme::Theme;

/// The handlers that need the template, the one that fills it in first.
const HANDLERS: [&str; 2] = ["content.compose_diary", "qa.citations"];

pub(crate) fn list(scope: &RollScope<'_>) -> Vec<Reference> {
    let definitions = scope.definitions;
    let file = text(definitions);
    let mut references = Vec::new();
    if file.is_some() || is_needed(definitions) {
        let absent = || {
            let mend = "add it; `callboard init` in another folder writes the bundled one";
            Some((1, Miss::new(format!("there is no {TEMPLATE}"), mend)))
        };
        let miss = file.as_deref().map_or_else(absent, wrong);
        let mut place = Place::start(TEMPLATE);
        place.line = miss.as_ref().map_or(1, |(line, _)| *line);
        let referrer = Referrer::Handler(HANDLERS[0].to_owned());
        let reference = Reference::new(referrer, "template", ReferenceKind::Template, TEMPLATE);
        references.push(reference.at(place).missed(miss.map(|(_, miss)| miss)));
    }
    let others = definitions.folders.keys().filter(|path| {
        let below = path
            .strip_prefix(FOLDER)
            .is_some_and(|rest| rest.starts_with('/'));
        below && *path != TEMPLATE
    });
    references.extend(others.map(|path| unread(path)));
    references
}

fn unread(path: &str) -> Reference {
    let mend = format!("rename it to {TEMPLATE}, remove it, or name it in .callboardignore");
    let miss = Miss::new("nobody renders it", mend);
    let referrer = Referrer::Tenant("diary".to_owned());
    Reference::new(referrer, "templates", ReferenceKind::File, path)
        .at(Place::start(path))
        .missed(Some(miss))
}

/// The template of a workspace.
pub(crate) fn text(definitions: &Definitions) -> Option<String> {
    let file = definitions.folders.get(TEMPLATE)?;
    std::str::from_utf8(file).ok().map(str::to_owned)
}

fn is_needed(definitions: &Definitions) -> bool {
    let pipelines = definitions.pipelines.values();
    let mut stages = pipelines.flat_map(|pipeline| &pipeline.value.stages);
    stages.any(|stage| {
        let handler = stage.handler.as_ref();
        handler.is_some_and(|handler| HANDLERS.contains(&handler.as_ref().as_str()))
    })
}

/// The line of a mistake in a template, and what it is.
fn wrong(text: &str) -> Option<(usize, Miss)> {
    for page in samples() {
        match render(text, &page) {
            Err(error) => return Some(unfilled(text, &page, &error)),
            Ok(made)
                if made.title.is_empty()
                    || made.excerpt.is_empty()
                    || made.text.trim().is_empty() =>
            {
                let problem = "a block of `title`, `excerpt` and `text` gives nothing";
                return Some((1, Miss::new(problem, "write the block that is empty")));
            }
            Ok(_) => {}
        }
    }
    None
}

/// Where a template cannot be filled in, by what, and what may stand there.
fn unfilled(text: &str, page: &Page, error: &Unrendered) -> (usize, Miss) {
    let failed = |cause: &str| format!("the template cannot be filled in: {cause}");
    let lines = || text.lines().zip(1..);
    if let Some(block) = BLOCKS
        .iter()
        .find(|block| !text.contains(&format!("block {block}")))
    {
        let problem = failed(&format!("it has no block `{block}`"));
        let mend = format!("write `{{% block {block} %}}…{{% endblock %}}`");
        let begins = lines().find(|(line, _)| {
            let names = line.split("block ").skip(1);
            let mut names = names.filter_map(|rest| rest.split_whitespace().next());
            names.any(|name| !BLOCKS.contains(&name))
        });
        return (
            begins.map_or(1, |(_, number)| number),
            Miss::new(problem, mend),
        );
    }
    if let Some((path, known)) = absent(text, page) {
        let at = lines().find(|(line, _)| line.contains(&path));
        let problem = failed(&format!("`{path}` is nothing that a page has"));
        let mend = format!("write one of {}", known.join(", "));
        (
            at.map_or(error.line, |(_, number)| number),
            Miss::new(problem, mend),
        )
    } else {
        let line = lines().find(|(_, number)| *number == error.line);
        let line = line.map_or("", |(line, _)| line.trim());
        let problem = failed(&format!("{}: {line}", error.cause));
        let mend = "write what every day has, or ask first: `{% if … is defined %}`";
        (error.line, Miss::new(problem, mend))
    }
}

/// The first name of a template that a page has not, and what may stand in its place.
fn absent(text: &str, page: &Page) -> Option<(String, Vec<String>)> {
    let whole = serde_json::to_value(page).ok()?;
    for path in page::names(text) {
        let mut value = &whole;
        let mut before = String::new();
        for part in path.split('.') {
            let Some(known) = value.as_object() else {
                break;
            };
            let Some(next) = known.get(part) else {
                let name = |key: &String| format!("`{before}{key}`");
                return Some((path.clone(), known.keys().map(name).collect()));
            };
            before = format!("{before}{part}.");
            value = next;
        }
    }
    None
}

/// Pages with all that a page can have, and with nothing but what each has.
fn samples() -> [Page; 3] {
    let full = compile(&sample());
    let Composed { page, .. } = full.clone();
    let mut told = page.clone();
    told.writer = Writer {
        model: Some("`sample`".to_owned()),
        instead: true,
    };
    told.sections = vec![Section {
        theme: Some(Theme::Added),
        heading: Some("A heading".to_owned()),
        sentences: page
            .sections
            .iter()
            .flat_map(|it| &it.items)
            .map(|it| it.title.clone())
            .collect(),
        ..Section::default()
    }];
    told.left_out = LeftOut {
        untitled: 1,
        no_room: 2,
        ..told.left_out
    };
    let quiet = Bundle {
        day: "2026-12-31".to_owned(),
        repository: "sample".to_owned(),
        ..Bundle::default()
    };
    [page, told, compile(&quiet).page]
}

/// All of them.
const THEMES: [Theme; 14] = [
    Theme::Security,
    Theme::Added,
    Theme::Fixed,
    Theme::Faster,
    Theme::Reworked,
    Theme::Other,
    Theme::Removed,
    Theme::Reverted,
    Theme::Restored,
    Theme::Documentation,
    Theme::Translations,
    Theme::Tests,
    Theme::Build,
    Theme::Chores,
];

fn undone() -> Undone {
    Undone {
        commit: "2b3c4d5e".repeat(5),
        short: "2b3c4d5e".to_owned(),
        day: "2025-12-31".to_owned(),
        title: "A sample of before".to_owned(),
    }
}

/// A day with a change of each theme and each form.
fn sample() -> Bundle {
    let change = |(index, theme): (usize, &Theme)| {
        let said = index % 2 == 0;
        let line = |text: &str| {
            if said {
                vec![text.to_owned()]
            } else {
                Vec::new()
            }
        };
        Change {
            id: format!("c{index}"),
            theme: *theme,
            title: format!("A sample of change {index}"),
            reasons: line("A reason."),
            points: line("A point")
                .into_iter()
                .map(|title| Point {
                    title,
                    reasons: line("Why."),
                })
                .collect(),
            note: line("What breaks."),
            more: 3,
            undoes: said.then(undone),
            breaking: index < 2,
            request: said.then_some(12),
            commit: Commit {
                id: "1a2b3c4d".repeat(5),
                short: "1a2b3c4d".to_owned(),
                ..Commit::default()
            },
            importance: 3,
            ..Change::default()
        }
    };
    let release = |id: &str| Release {
        id: id.to_owned(),
        name: "1.2.3".to_owned(),
        commit: "1a2b3c4d".repeat(5),
        short: "1a2b3c4d".to_owned(),
    };
    Bundle {
        repository: "owner/sample".to_owned(),
        identity: "github.com/owner/sample".to_owned(),
        remote: Remote::read("https://github.com/owner/sample"),
        day: "2026-01-01".to_owned(),
        day_is_over: false,
        changes: THEMES.iter().enumerate().map(change).collect(),
        releases: vec![release("r1"), release("r2")],
        dropped: Dropped {
            bots: 1,
            bookkeeping: 2,
            undone: 3,
            over_limit: 4,
        },
        people: 2,
        substance: 40,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_template_makes_a_text_and_a_wrong_one_is_named_with_its_line() {
        let text = include_str!("../../workspace/templates/diary.md");
        assert!(wrong(text).is_none());
        let broken = text.replacen("repository.name", "repository.nam", 1);
        let (line, miss) = wrong(&broken).expect("a miss");
        let place = broken
            .lines()
            .position(|line| line.contains("repository.nam "))
            .map(|at| at + 1);
        assert_eq!(Some(line), place);
        assert!(miss.problem.contains("nam"), "{}", miss.problem);
        let nothing = "{% block title %}{% endblock %}{% block excerpt %}x{% endblock %}{% block text %}x{% endblock %}";
        let (_, miss) = wrong(nothing).expect("a miss");
        assert!(miss.problem.contains("gives nothing"), "{}", miss.problem);
    }
}
