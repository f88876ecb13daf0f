//! A table of a given width, which breaks no word: where it is narrow, columns from the right
//! stand below their rows.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use unicode_width::UnicodeWidthStr;

use callboard_core::shown::Shown;

/// A column no wider than this is not wrapped at all: dates, ids and names stay whole.
const WHOLE: usize = 20;
/// Blanks on both sides of a column.
const PADDING: usize = 2;
/// What stands below a row begins so far to the right.
const INDENT: usize = 4;
/// Stands where the folded cells of a row belong; no [`Shown`] has it.
const MARK: &str = "\u{1}";

/// The columns of the terminal, or of `COLUMNS`; `None` where nothing limits a line.
pub(super) fn width() -> Option<usize> {
    let named = std::env::var("COLUMNS").ok();
    let named = named.and_then(|text| text.parse().ok());
    named.or_else(|| Table::new().width().map(usize::from))
}

/// The lines of a table.
pub(super) fn lines(header: &[&str], rows: &[Vec<Shown>], width: Option<usize>) -> Vec<String> {
    let columns = columns(header, rows);
    let room = width.unwrap_or(usize::MAX);
    let kept = kept(&columns, room);
    let table = table(header, rows, &fitted(&columns[..kept], room));
    let mut rows = rows.iter();
    let mut lines = Vec::new();
    for line in table.lines() {
        if !line.contains(MARK) {
            lines.push(line.trim_end().to_owned());
            continue;
        }
        let folded = rows
            .next()
            .into_iter()
            .flat_map(|row| row.iter().skip(kept));
        for (name, cell) in header[kept..].iter().zip(folded) {
            below(name, cell.as_str(), room, &mut lines);
        }
    }
    lines
}

/// The narrowest and the widest that a column can be.
struct Column {
    least: usize,
    most: usize,
}

fn columns(header: &[&str], rows: &[Vec<Shown>]) -> Vec<Column> {
    let column = |(index, name): (usize, &&str)| {
        let cells = || rows.iter().filter_map(move |row| row.get(index));
        let texts = || std::iter::once(*name).chain(cells().map(Shown::as_str));
        let most = texts()
            .flat_map(str::lines)
            .map(UnicodeWidthStr::width)
            .max();
        let word = texts().flat_map(str::split_whitespace);
        let word = word.map(UnicodeWidthStr::width).max();
        let most = most.unwrap_or_default();
        // What names a row is to be copied in one piece.
        let whole = index == 0 || most <= WHOLE;
        let least = if whole {
            most
        } else {
            word.unwrap_or_default()
        };
        Column { least, most }
    };
    header.iter().enumerate().map(column).collect()
}

/// How many columns stand side by side, the first one in any case.
fn kept(columns: &[Column], room: usize) -> usize {
    let fits = |count: &usize| {
        let least = columns[..*count]
            .iter()
            .map(|column| column.least + PADDING);
        least.sum::<usize>() <= room
    };
    (1..=columns.len()).rev().find(fits).unwrap_or(1)
}

/// The widths of columns side by side: what is left over goes to them from the left.
fn fitted(columns: &[Column], room: usize) -> Vec<usize> {
    let least: usize = columns.iter().map(|column| column.least + PADDING).sum();
    let mut left = room.saturating_sub(least);
    let width = |column: &Column| {
        let more = left.min(column.most - column.least);
        left -= more;
        column.least + more
    };
    columns.iter().map(width).collect()
}

fn table(header: &[&str], rows: &[Vec<Shown>], widths: &[usize]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    let kept = widths.len();
    table.set_header(header[..kept].iter().map(|name| name.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().take(kept).map(Shown::as_str));
        if kept < header.len() {
            table.add_row([MARK]);
        }
    }
    for (index, width) in widths.iter().enumerate() {
        let width = u16::try_from(width + PADDING).unwrap_or(u16::MAX);
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        }
    }
    table
}

/// A cell below its row, wrapped between words.
fn below(name: &str, cell: &str, room: usize, lines: &mut Vec<String>) {
    let indent = " ".repeat(INDENT);
    let mut line = format!("{indent}{name}:");
    if cell.is_empty() {
        return;
    }
    for (index, part) in cell.lines().enumerate() {
        if index > 0 {
            lines.push(std::mem::replace(&mut line, format!("{indent} ")));
        }
        for word in part.split_whitespace() {
            if line.width() + 1 + word.width() > room && line.trim().contains(' ') {
                lines.push(std::mem::replace(&mut line, format!("{indent} ")));
            }
            line = format!("{line} {word}");
        }
    }
    lines.push(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<Shown>> {
        let row = |cells: [&str; 4]| cells.map(Shown::line).to_vec();
        vec![
            row([
                "7c1e4b",
                "dev_diary",
                "2026-01-05 10:00:00",
                "approve: publish this post about a day of work?",
            ]),
            row(["0a4e51", "remember", "2026-01-05 10:00:01", ""]),
        ]
    }

    const HEADER: [&str; 4] = ["run", "pipeline", "created", "detail"];

    #[test]
    fn a_table_that_fits_stands_as_it_is() {
        let lines = lines(&HEADER, &rows(), None);
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert!(lines[1].ends_with("about a day of work?"), "{lines:#?}");
    }

    #[test]
    fn a_narrow_table_wraps_between_words_and_then_folds_from_the_right() {
        for width in 20..90 {
            let lines = lines(&HEADER, &rows(), Some(width));
            let text = lines.join("\n");
            for row in rows() {
                for word in row.iter().flat_map(|cell| cell.as_str().split(' ')) {
                    assert!(text.contains(word), "{width}: {word}\n{text}");
                }
            }
            let longest = lines.iter().map(|line| line.width()).max();
            assert!(longest <= Some(width.max(30)), "{width}:\n{text}");
        }
        let narrow = lines(&HEADER, &rows(), Some(40)).join("\n");
        assert_eq!(
            narrow,
            " RUN     PIPELINE   CREATED\n \
              7c1e4b  dev_diary  2026-01-05 10:00:00\n    \
                 detail: approve: publish this post\n      \
                   about a day of work?\n \
              0a4e51  remember   2026-01-05 10:00:01"
        );
    }
}
