//! A person's edit and what the pipeline wrote after it, in one draft.

use crate::diary::id::derived;
use crate::draft::merge::{self, Side};
use crate::draft::{Draft, Said};
use crate::tables::drafts::{self, Origin};

/// The merge of the newest of `kept`, if a person had a hand in it, with `new`, both made from what
/// the pipeline wrote last.
pub(super) fn merged(
    kept: &[drafts::Draft],
    new: &drafts::Draft,
    draft: &Draft,
    said: &Said,
) -> Option<drafts::Draft> {
    let ours = kept.last().filter(|it| it.origin != Origin::Pipeline)?;
    let base = kept.iter().rfind(|it| it.origin == Origin::Pipeline)?;
    let number = new.number + 1;
    let names = (
        format!("{}, edited by {}", ours.number, ours.editor),
        format!("{}, of the pipeline", new.number),
    );
    let side = |text, name| Side { text, name };
    let markdown = merge::merge(
        &base.markdown,
        side(&ours.markdown, &names.0),
        side(&new.markdown, &names.1),
    );
    let mut notes = Vec::new();
    let mut line = |what: &str, of: fn(&drafts::Draft) -> &String| {
        let [base, ours, new] = [base, ours, new].map(of);
        if ours == base || ours == new {
            return new.clone();
        }
        if new != base {
            notes.push(format!(
                "{what} of the pipeline was `{new}`; the edited one is kept"
            ));
        }
        ours.clone()
    };
    let title = line("the title", |draft| &draft.title);
    let excerpt = line("the excerpt", |draft| &draft.excerpt);
    let conflicts = merge::unsettled(&markdown);
    if conflicts > 0 {
        notes.push(format!(
            "{conflicts} places say something else in draft {} and in draft {}: settle them before \
            it is approved",
            ours.number, new.number
        ));
    }
    let mut whole = draft.clone();
    whole.notes.extend(notes);
    Some(drafts::Draft {
        id: derived(&["draft", &new.task, &number.to_string()]),
        number,
        parent: Some(ours.number),
        origin: Origin::Merge,
        editor: ours.editor.clone(),
        title,
        excerpt,
        markdown,
        details: drafts::details(&whole),
        report: whole.report(said).to_string(),
        conflicts,
        ..new.clone()
    })
}
