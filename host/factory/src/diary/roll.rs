//! The template of the diary in the roll call: it is there if a stage writes one, compiles, and
//! makes a text of a sample day.

use callboard_core::rollcall::{Miss, Reference, ReferenceKind, Referrer, RollScope};
use callboard_core::workspace::{Definitions, Place};
use minijinja::ErrorKind;

use super::bundle::{Bundle, Change, Commit, Dropped, Point, UndoneCommit};
use super::composer::compile;
use super::forge::Remote;
use super::page::{
    self, BLOCKS, Composed, FOLDER, LeftOut, Page, PageSection, PageWriter, TEMPLATE, ThemeCount,
    Unrendered, render,
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
            Some(((1, 1), Miss::new(format!("there is no {TEMPLATE}"), mend)))
        };
        let miss = file.as_deref().map_or_else(absent, wrong);
        let mut place = Place::start(TEMPLATE);
        if let Some(((line, column), _)) = &miss {
            (place.line, place.column) = (*line, *column);
        }
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

/// Where a template is mistaken, and in what: the line and the column.
fn wrong(text: &str) -> Option<((usize, usize), Miss)> {
    let samples = samples();
    if let Some(stranger) = page::strangers(text, &samples).into_iter().next() {
        let problem = unfilled(&stranger.problem);
        let miss = Miss::new(problem, stranger.mend);
        return Some(((stranger.line, stranger.column), miss));
    }
    for page in samples {
        match render(text, &page) {
            Err(error) => {
                let (line, miss) = no_block(text).unwrap_or_else(|| refused(&error));
                return Some(((line, 1), miss));
            }
            Ok(made)
                if made.title.is_empty()
                    || made.excerpt.is_empty()
                    || made.text.trim().is_empty() =>
            {
                let problem = "a block of `title`, `excerpt` and `text` gives nothing";
                return Some(((1, 1), Miss::new(problem, "write the block that is empty")));
            }
            Ok(_) => {}
        }
    }
    None
}

fn unfilled(cause: &str) -> String {
    format!("the template cannot be filled in: {cause}")
}

/// The miss of a block that is not there, at the one that may have been meant to be it.
fn no_block(text: &str) -> Option<(usize, Miss)> {
    let mut blocks = BLOCKS.iter();
    let block = blocks.find(|block| !text.contains(&format!("block {block}")))?;
    let problem = unfilled(&format!("it has no block `{block}`"));
    let mend = format!("write `{{% block {block} %}}…{{% endblock %}}`");
    let begins = text.lines().zip(1..).find(|(line, _)| {
        let names = line.split("block ").skip(1);
        let mut names = names.filter_map(|rest| rest.split_whitespace().next());
        names.any(|name| !BLOCKS.contains(&name))
    });
    let line = begins.map_or(1, |(_, number)| number);
    Some((line, Miss::new(problem, mend)))
}

/// The miss of a template that cannot be rendered, in the words of the engine and with what mends it.
fn refused(error: &Unrendered) -> (usize, Miss) {
    let mend = match error.kind {
        ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction => {
            "write one that minijinja has, or remove it"
        }
        ErrorKind::UndefinedError => {
            "a value may be absent: ask first, `{% if … %}`, or give one for it, `{{ … or \"…\" }}`"
        }
        _ => "correct the template",
    };
    (error.line, Miss::new(unfilled(&error.cause), mend))
}

/// Pages with all that a page can have, and with nothing but what each has.
fn samples() -> [Page; 3] {
    let full = compile(&sample());
    let Composed { page, .. } = full.clone();
    let mut told = page.clone();
    told.writer = PageWriter {
        model: Some("`sample`".to_owned()),
        instead: true,
    };
    told.sections = vec![PageSection {
        theme: Some(Theme::Added),
        heading: Some("A heading".to_owned()),
        sentences: page
            .sections
            .iter()
            .flat_map(|it| &it.items)
            .map(|it| it.title.clone())
            .collect(),
        ..PageSection::default()
    }];
    told.left_out = LeftOut {
        untitled: 1,
        no_room: 2,
        ..told.left_out
    };
    // Whatever an item can have, one that is only named has, too.
    told.rest.extend(told.sections.iter().cloned());
    told.rest.extend(page.sections.iter().cloned());
    told.themes = THEMES.map(|theme| ThemeCount { theme, count: 2 }).to_vec();
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

fn undone() -> UndoneCommit {
    UndoneCommit {
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
        unlooked: Vec::new(),
        people: 2,
        substance: 40,
    }
}

#[cfg(test)]
mod tests {
    use callboard_core::template::ValueShape;

    use super::*;

    #[test]
    fn the_bundled_template_makes_a_text_and_a_wrong_one_is_named_with_its_line() {
        let text = include_str!("../../workspace/templates/diary.md");
        assert!(wrong(text).is_none());
        let broken = text.replacen("repository.name", "repository.nam", 1);
        let ((line, _), miss) = wrong(&broken).expect("a miss");
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
    /// What is written at the end of the text, the problem and the mend.
    const SLIPS: &[(&str, &str, &str)] = &[
        (
            "{% for s in rest %}{% for i in s.items %}{{ i.cit }}{% endfor %}{% endfor %}",
            "`i.cit` is nothing that a page has",
            "write `i.cite`",
        ),
        (
            "{% for r in releases %}{{ r.txt }}{% endfor %}",
            "`r.txt`",
            "write `r.text`",
        ),
        (
            "{% for s in rest %}{% for i in s.items %}{{ 'x' if i.brekaing }}{% endfor %}{% endfor %}",
            "`i.brekaing`",
            "write `i.breaking`",
        ),
        (
            "{% for s in rest %}{% for i in s.items %}{% for c in i.sources %}{{ c.lnk }}{% endfor %}{% endfor %}{% endfor %}",
            "`c.lnk`",
            "write `c.link`",
        ),
        (
            "{% for t in themes %}{{ t.name }}{% endfor %}",
            "`t.name`",
            "write one of `t.count`, `t.theme`",
        ),
        (
            "{{ repository.link.x }}",
            "`repository.link` is a text",
            "write `repository.link`",
        ),
        (
            "{% if rest and rest[0].itms is defined %}{% endif %}",
            "`rest[0].itms`",
            "write `rest[0].items`",
        ),
        (
            "{% macro m(it) %}{{ it.resaon }}{% endmacro %}{% for s in rest %}{% for i in s.items %}{{ m(i) }}{% endfor %}{% endfor %}",
            "`it.resaon`",
            "write `it.reason`",
        ),
        (
            "{{ rest | rejectattr('headng') | list }}",
            "`headng`",
            "write `heading`",
        ),
        ("{{ rest.text }}", "`rest` is a list", "go through it"),
        (
            "{% if left_out.over_limit > 300 %}{{ x }}{% endif %}",
            "`x` is nothing",
            "write one of",
        ),
        (
            "{{ title|foo }}",
            "there is no filter `foo`",
            "write one of `abs`",
        ),
        (
            "{% if title is startingwith('Never') %}{{ title | uper }}{% endif %}",
            "there is no filter `uper`",
            "write `upper`",
        ),
        (
            "{% if title == 'Never' %}{{ shuot(title) }}{% endif %}",
            "there is no function and no macro `shuot`",
            "write one of `dict(…)`, `range(…)`",
        ),
    ];

    /// A slip is named where it stands, with the name that was meant, in loops and macros and where no
    /// sample day comes.
    #[test]
    fn a_slip_in_a_list_is_named_where_it_stands() {
        let text = include_str!("../../workspace/templates/diary.md");
        let end = "{% endblock %}\n";
        for (slip, problem, mend) in SLIPS {
            let at = text.rfind(end).expect("an end");
            let broken = format!("{}\n{slip}\n{}", &text[..at], &text[at..]);
            let ((line, _), miss) = wrong(&broken).expect(slip);
            let stands = broken[..=at].matches('\n').count() + 1;
            assert_eq!(line, stands, "{slip}: {}", miss.problem);
            let said = (miss.problem.contains(problem), miss.mend.contains(mend));
            assert_eq!(
                said,
                (true, true),
                "{slip}: {} / {}",
                miss.problem,
                miss.mend
            );
        }
    }

    /// A list that no sample fills would let every name below it pass.
    #[test]
    fn the_samples_have_all_that_a_page_can_have() {
        fn empty(path: &str, shape: &ValueShape, found: &mut Vec<String>) {
            match shape {
                ValueShape::Any => found.push(path.to_owned()),
                ValueShape::Plain => {}
                ValueShape::List(element) => empty(&format!("{path}[]"), element, found),
                ValueShape::Parts(parts) => parts
                    .iter()
                    .for_each(|(key, it)| empty(&format!("{path}.{key}"), it, found)),
            }
        }
        let samples = samples();
        let pages = samples
            .iter()
            .map(|page| serde_json::to_value(page).expect("a page"));
        let mut found = Vec::new();
        empty("", &ValueShape::of(pages), &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}
