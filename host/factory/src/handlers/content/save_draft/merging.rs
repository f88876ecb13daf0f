//! A person's edit and what the pipeline wrote after it, in one draft.

use crate::diary::id::derived;
use crate::draft::merge::{self, MergeSide};
use crate::draft::{Draft, DraftReports, Image};
use crate::tables::drafts::{self, DraftOrigin};

/// The merge of the newest of `kept`, if a person had a hand in it, with `new`, both made from what
/// the pipeline wrote last.
pub(super) fn merged(
    kept: &[drafts::DraftVersion],
    new: &drafts::DraftVersion,
    draft: &Draft,
    said: &DraftReports,
) -> Option<drafts::DraftVersion> {
    let ours = kept
        .last()
        .filter(|it| it.origin != DraftOrigin::Pipeline)?;
    let base = kept.iter().rfind(|it| it.origin == DraftOrigin::Pipeline)?;
    let number = new.number + 1;
    let names = (
        format!("{}, edited by {}", ours.number, ours.editor),
        format!("{}, of the pipeline", new.number),
    );
    let side = |text, name| MergeSide { text, name };
    let markdown = merge::merge(
        &base.markdown,
        side(&ours.markdown, &names.0),
        side(&new.markdown, &names.1),
    );
    let mut notes = Vec::new();
    let title = line(
        "the title",
        [base, ours, new].map(|it| &it.title),
        &mut notes,
    );
    let excerpt = line(
        "the excerpt",
        [base, ours, new].map(|it| &it.excerpt),
        &mut notes,
    );
    let conflicts = merge::unsettled(&markdown);
    if conflicts > 0 {
        notes.push(format!(
            "{conflicts} places say something else in draft {} and in draft {}: settle them before \
            it is approved",
            ours.number, new.number
        ));
    }
    let mut whole = draft.clone();
    keep_featured(&mut whole, base, ours, &mut notes);
    whole.notes.extend(notes);
    Some(drafts::DraftVersion {
        id: derived(&["draft", &new.task, &number.to_string()]),
        number,
        parent: Some(ours.number),
        origin: DraftOrigin::Merge,
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

/// A line that a person and the pipeline may have written anew, where the person's stays.
fn line(what: &str, of: [&String; 3], notes: &mut Vec<String>) -> String {
    let [base, ours, new] = of;
    if ours == base || ours == new {
        return new.clone();
    }
    if new != base {
        notes.push(format!(
            "{what} of the pipeline was `{new}`; the edited one is kept"
        ));
    }
    ours.clone()
}

/// Keep the picture that a person had made anew, or that it was taken away.
fn keep_featured(
    whole: &mut Draft,
    base: &drafts::DraftVersion,
    ours: &drafts::DraftVersion,
    notes: &mut Vec<String>,
) {
    // What cannot be read of the person's says nothing of its picture.
    let Ok(ours) = ours.text() else { return };
    let base = base.text().ok().map(|text| text.featured);
    if base.as_ref() == Some(&ours.featured) || ours.featured == whole.featured {
        return;
    }
    if let Some(Image { src, .. }) = &whole.featured
        && base.as_ref() != Some(&whole.featured)
    {
        notes.push(format!(
            "the picture of the pipeline was `{src}`; the one that was made anew is kept"
        ));
    }
    whole.featured = ours.featured;
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn row(number: i64, origin: DraftOrigin, draft: &Draft) -> drafts::DraftVersion {
        drafts::DraftVersion {
            id: number.to_string(),
            task: "t".to_owned(),
            number,
            parent: None,
            origin,
            editor: String::new(),
            run: "r".to_owned(),
            title: draft.title.clone(),
            excerpt: draft.excerpt.clone(),
            markdown: draft.markdown.clone(),
            written_by: draft.written_by.clone(),
            details: drafts::details(draft),
            report: "{}".to_owned(),
            conflicts: 0,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn with(src: &str) -> Draft {
        let image = Image {
            src: src.to_owned(),
            alt: String::new(),
            width: 1,
            height: 1,
            mime: "image/png".to_owned(),
            bytes: 1,
        };
        Draft {
            title: "T".to_owned(),
            markdown: "Text.".to_owned(),
            featured: Some(image),
            ..Draft::default()
        }
    }

    #[test]
    fn a_picture_that_a_person_had_made_anew_stays_in_a_merge() {
        let kept = |ours: &str| {
            [
                row(1, DraftOrigin::Pipeline, &with("/media/a.png")),
                row(2, DraftOrigin::Person, &with(ours)),
            ]
        };
        for (ours, theirs, stays, notes) in [
            ("/media/b.png", "/media/a.png", "/media/b.png", 0),
            ("/media/b.png", "/media/c.png", "/media/b.png", 1),
            ("/media/a.png", "/media/c.png", "/media/c.png", 0),
        ] {
            let theirs = with(theirs);
            let new = row(3, DraftOrigin::Pipeline, &theirs);
            let merged =
                merged(&kept(ours), &new, &theirs, &DraftReports::default()).expect("a merge");
            let featured = merged.text().expect("a draft").featured.expect("a picture");
            assert_eq!(featured.src, stays);
            let report: serde_json::Value = serde_json::from_str(&merged.report).expect("JSON");
            let told = report["notes"].as_array().map_or(0, Vec::len);
            assert_eq!(told, notes, "{report}");
        }
    }
}
