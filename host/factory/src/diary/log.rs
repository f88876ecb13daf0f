//! What `git log` prints, read. Fields end with NUL, which no message can contain; a commit
//! begins with a control character, which no line of counts begins with.

use jiff::Timestamp;

/// The format that [`commits`] reads.
pub const FORMAT: &str = "--format=tformat:%x01%H%x00%P%x00%ct %at%x00%aN%x00%aE%x00%D%x00%s%x00%(trailers:only=true,unfold=true)%x00%b%x00";
/// How many fields a commit has, before the counts of its files.
const FIELDS: usize = 9;
/// Bytes of memory that commits which are looked at together may take: a hundred of the longest,
/// thousands of the common ones.
pub const ROOM: usize = 16 << 20;
/// Bytes that are kept of each field: no name, path or message has to be in memory whole.
const FIELD: [usize; FIELDS] = [
    100,
    8 << 10,
    100,
    NAME,
    NAME,
    TAGS,
    1 << 10,
    TRAILERS,
    8 << 10,
];
/// Bytes that are kept of a line of counts, with its path.
const PATH: usize = 1 << 10;
/// Bodies are cut to this many bytes.
const BODY: usize = 6000;
/// Subjects are cut to this many bytes: the person who approves a draft is to see all of it.
const SUBJECT: usize = 300;
/// Names, and all tags of a commit, are cut to these many bytes.
const NAME: usize = 200;
const TAGS: usize = 1 << 10;
/// Trailers are cut to this many bytes.
const TRAILERS: usize = 2 << 10;
/// So many parents are kept.
const PARENTS: usize = 64;
/// Bytes that a commit or a path takes beside its texts, about.
const PIECE: usize = 300;
/// So many paths are kept of a commit; the rest is counted.
const PATHS: usize = 100;

/// A commit as git prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogEntry {
    pub id: String,
    pub parents: Vec<String>,
    /// Seconds since 1970.
    pub committed_at: i64,
    /// When it was written, in seconds since 1970: the same wherever it is picked to.
    pub written_at: i64,
    pub author: String,
    pub email: String,
    pub tags: Vec<String>,
    pub subject: String,
    /// The message below its subject, without its trailers.
    pub body: String,
    /// What git reads as trailers.
    pub trailers: Vec<(String, String)>,
    pub paths: Vec<String>,
    pub files: u64,
    pub insertions: u64,
    pub deletions: u64,
    /// Changed lines of each of `paths`.
    pub changed: Vec<u64>,
}

impl LogEntry {
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }

    /// Bytes that it takes in memory without its paths, about.
    fn weight(&self) -> usize {
        let texts = [
            &self.id,
            &self.author,
            &self.email,
            &self.subject,
            &self.body,
        ];
        let trailers = self.trailers.iter().flat_map(|(key, value)| [key, value]);
        let texts = texts.into_iter().chain(&self.parents).chain(&self.tags);
        let texts = texts.chain(trailers);
        PIECE
            + texts
                .map(|text| size_of::<String>() + text.len())
                .sum::<usize>()
    }
}

/// The commits in the output of `git log -z --numstat`, or with `--name-only`, with [`FORMAT`], read as it comes. An
/// error says what does not fit.
#[derive(Debug)]
pub struct LogReader {
    entries: Vec<LogEntry>,
    /// The fields so far of a commit that is not complete.
    head: Option<Vec<String>>,
    field: Vec<u8>,
    /// Bytes that may still be kept.
    room: usize,
    /// Whether there was no room for a commit: it and those after it are left out.
    full: bool,
    /// Whether the commit that was read last cannot be: its counts belong to no commit.
    skips: bool,
    /// Whether lines are counted, or files only named.
    counts: bool,
}

impl LogReader {
    /// One that keeps commits as long as they take no more than so many bytes.
    pub fn within(room: usize, counts: bool) -> Self {
        Self {
            counts,
            entries: Vec::new(),
            head: None,
            field: Vec::new(),
            room,
            full: false,
            skips: false,
        }
    }

    /// Bytes that it would still keep.
    pub fn room(&self) -> usize {
        if self.full { 0 } else { self.room }
    }

    /// Read the next piece of the output, wherever it was cut.
    pub fn read(&mut self, piece: &[u8]) -> Result<(), String> {
        let mut parts = piece.split(|byte| *byte == 0);
        let first = parts.next();
        self.keep(first.unwrap_or_default());
        for part in parts {
            self.end_field()?;
            self.keep(part);
        }
        Ok(())
    }

    /// The commits, once there is no more to read.
    pub fn finish(mut self) -> Result<Vec<LogEntry>, String> {
        self.end_field()?;
        match self.head {
            Some(head) => Err(format!("commit {} ends early", head[0])),
            None => Ok(self.entries),
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let most = self.head.as_ref().map_or(PATH, |head| FIELD[head.len()]);
        let room = most.saturating_sub(self.field.len());
        self.field.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end_field(&mut self) -> Result<(), String> {
        let text = String::from_utf8_lossy(&self.field).into_owned();
        self.field.clear();
        if let Some(mut head) = self.head.take() {
            head.push(text);
            if head.len() < FIELDS {
                self.head = Some(head);
            } else {
                // One that cannot be read is left out, as one is that there is no room for.
                let entry = entry(&head)?;
                self.skips = entry.is_none();
                if let Some(entry) = entry {
                    self.take(entry);
                }
            }
            return Ok(());
        }
        let text = text.trim_start_matches('\n');
        if let Some(id) = text.strip_prefix('\u{1}') {
            self.head = Some(vec![id.to_owned()]);
        } else if !text.is_empty() {
            self.count(text)?;
        }
        Ok(())
    }

    fn take(&mut self, entry: LogEntry) {
        match self.room.checked_sub(entry.weight()) {
            Some(room) if !self.full => {
                self.room = room;
                self.entries.push(entry);
            }
            _ => self.full = true,
        }
    }

    fn count(&mut self, line: &str) -> Result<(), String> {
        if self.full || self.skips {
            return Ok(());
        }
        let entry = self.entries.last_mut();
        let entry = entry.ok_or_else(|| format!("counts before any commit: `{line}`"))?;
        count(entry, line, self.counts, &mut self.room)
    }
}

/// A commit; `None` if it has no time that can be one, as git shows those of broken headers.
fn entry(fields: &[String]) -> Result<Option<LogEntry>, String> {
    let [
        id,
        parents,
        seconds,
        author,
        email,
        tags,
        subject,
        trailers,
        body,
    ] = fields
    else {
        return Err("a commit has not the fields it should have".to_owned());
    };
    let mut times = seconds.split(' ').map(|seconds| {
        let time = seconds.parse().ok();
        time.filter(|seconds| Timestamp::from_second(*seconds).is_ok())
    });
    let (Some(Some(committed_at)), written_at) = (times.next(), times.next()) else {
        return Ok(None);
    };
    let written_at = written_at.flatten().unwrap_or(committed_at);
    let trailers = trailers_of(cut(trailers.trim(), TRAILERS));
    Ok(Some(LogEntry {
        id: id.clone(),
        parents: parents
            .split_whitespace()
            .take(PARENTS)
            .map(str::to_owned)
            .collect(),
        committed_at,
        written_at,
        author: cut(author, NAME).to_owned(),
        email: cut(email, NAME).to_owned(),
        tags: tags_of(cut(tags, TAGS)),
        subject: cut(subject.trim(), SUBJECT).to_owned(),
        body: cut(without(body.trim(), &trailers), BODY).to_owned(),
        trailers,
        ..LogEntry::default()
    }))
}

fn trailers_of(lines: &str) -> Vec<(String, String)> {
    let pairs = lines.lines().filter_map(|line| line.split_once(':'));
    let pairs = pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()));
    pairs.filter(|(key, _)| !key.is_empty()).collect()
}

/// A body without its last paragraph, if that is where git found the trailers. What breaks is
/// said there, too, in words that are no trailer for git, and stays.
fn without<'b>(body: &'b str, trailers: &[(String, String)]) -> &'b str {
    let Some((key, _)) = trailers.last() else {
        return body;
    };
    let start = body.rfind("\n\n").map_or(0, |at| at + 2);
    let block = &body[start..];
    let holds = block.lines().any(|line| line.starts_with(key.as_str()));
    if !holds || block.contains("BREAKING CHANGE") {
        return body;
    }
    body[..start].trim_end()
}

fn tags_of(decoration: &str) -> Vec<String> {
    let names = decoration.split(", ");
    names
        .filter_map(|name| name.strip_prefix("tag: "))
        .map(str::to_owned)
        .collect()
}

/// A line such as `3\t1\tsrc/lib.rs`, or a path alone where lines are not counted; a binary file
/// has `-` for numbers. The path is kept where there is room for it.
fn count(entry: &mut LogEntry, line: &str, counts: bool, room: &mut usize) -> Result<(), String> {
    let (added, removed, path) = if counts {
        let mut parts = line.splitn(3, '\t');
        let parts = (parts.next(), parts.next(), parts.next());
        let (Some(added), Some(removed), Some(path)) = parts else {
            return Err(format!("`{line}` is no count of lines"));
        };
        (added, removed, path)
    } else {
        ("", "", line)
    };
    entry.files += 1;
    let (added, removed) = (added.parse().unwrap_or(0), removed.parse().unwrap_or(0));
    entry.insertions += added;
    entry.deletions += removed;
    if let Some(left) = room.checked_sub(PIECE + path.len())
        && entry.paths.len() < PATHS
    {
        *room = left;
        entry.paths.push(path.to_owned());
        entry.changed.push(added + removed);
    }
    Ok(())
}

/// The first bytes of a text, at most `limit`, whole lines if there are several.
fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|&at| text.is_char_boundary(at));
    let head = &text[..end.unwrap_or_default()];
    head.rfind('\n').map_or(head, |newline| &head[..newline])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commits in an output that comes in pieces of `size` bytes.
    fn in_pieces(output: &[u8], size: usize) -> Result<Vec<LogEntry>, String> {
        let mut reader = LogReader::within(1 << 20, true);
        for piece in output.chunks(size) {
            reader.read(piece)?;
        }
        reader.finish()
    }

    fn commits(output: &[u8]) -> Result<Vec<LogEntry>, String> {
        let whole = in_pieces(output, output.len().max(1));
        assert_eq!(in_pieces(output, 1), whole, "it matters where it was cut");
        whole
    }

    #[test]
    fn what_is_kept_of_a_day_is_bounded() {
        let long = "x".repeat(60_000);
        let paths = format!("1\t0\t{long}\0").repeat(100);
        let commit = format!(
            "\u{1}id\0{}\01\0{long}\0{long}\0tag: {long}\0{long}\0a: {long}\0{long}\0\n{paths}",
            "parent ".repeat(5_000)
        );
        let mut reader = LogReader::within(ROOM, true);
        for _ in 0..200 {
            reader.read(commit.as_bytes()).expect("read");
        }
        let entries = reader.finish().expect("commits");
        let kept = |entry: &LogEntry| {
            let lists = [&entry.parents, &entry.tags, &entry.paths];
            let lists = lists.into_iter().flatten().map(String::len).sum::<usize>();
            lists + entry.author.len() + entry.email.len() + entry.subject.len() + entry.body.len()
        };
        assert!(
            entries.len() > 100 && entries[100].files == 100,
            "{}",
            entries.len()
        );
        let kept = entries.iter().map(kept).sum::<usize>();
        assert!(kept < ROOM, "{kept}");
    }

    #[test]
    fn paths_that_are_not_kept_take_no_room() {
        let mut reader = LogReader::within(ROOM, true);
        reader
            .read(b"\x01aa\0\x001\0A\0a\0\0s\0\0b\0\n")
            .expect("a head");
        for number in 0..100_000 {
            let line = format!("1\t1\tvendored/file{number}\0");
            reader.read(line.as_bytes()).expect("counts");
        }
        assert!(reader.room() > ROOM - (1 << 20), "{}", reader.room());
        let entries = reader.finish().expect("a commit");
        assert_eq!((entries[0].paths.len(), entries[0].files), (PATHS, 100_000));
    }

    #[test]
    fn commits_are_read_with_tags_bodies_and_counts() {
        let output = b"\x01aa\0bb cc\x001750000000\0Ann\0ann@x\0tag: v1.2.0, tag: latest\0feat: a\0Refs: #1\nC-by: x\n\0why\n\nmore\n\nRefs: #1\nC-by: x\n\0\0\n3\t1\tsrc/a b.rs\0-\t-\tlogo.png\0\x01bb\0\x001750000001\0Bob\0bob@x\0\0second\0\0\0\0";
        let entries = commits(output).expect("parses");
        assert_eq!(entries.len(), 2);
        let first = &entries[0];
        assert!(first.is_merge());
        assert_eq!(first.tags, ["v1.2.0", "latest"]);
        assert_eq!(first.body, "why\n\nmore");
        let trailer = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            first.trailers,
            [trailer("Refs", "#1"), trailer("C-by", "x")]
        );
        assert_eq!(first.changed, [4, 0]);
        assert_eq!(first.paths, ["src/a b.rs", "logo.png"]);
        assert_eq!((first.files, first.insertions, first.deletions), (2, 3, 1));
        assert_eq!(entries[1].subject, "second");
        assert!(entries[1].parents.is_empty() && entries[1].body.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(commits(b"\x01aa\0bb").is_err());
        assert!(commits(b"3\t1\tsrc/a.rs\0").is_err());
        assert_eq!(commits(b""), Ok(Vec::new()));
    }

    #[test]
    fn a_commit_without_a_time_is_left_out_with_its_counts() {
        for time in ["", "soon", "99999999999999999999999", "9999999999999999"] {
            let bad = format!("\u{1}bb\0\0{time}\0A\0a\0\0s\0\0b\0\n1\t1\tbad\0");
            let good = |id: &str| format!("\u{1}{id}\0\01\0A\0a\0\0s\0\0b\0\n1\t1\tgood\0");
            let output = [good("aa"), bad, good("cc")].concat();
            let entries = commits(output.as_bytes()).expect("the others");
            let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
            assert_eq!(ids, ["aa", "cc"], "{time}");
            assert!(entries.iter().all(|entry| entry.paths == ["good"]));
        }
    }

    #[test]
    fn a_long_field_is_cut_before_it_is_kept() {
        let mut reader = LogReader::within(1 << 20, true);
        let long = [b'x'; 8 << 10];
        reader.read(b"\x01aa\0\x001\0").expect("a head");
        for most in &FIELD[3..] {
            for _ in 0..8 {
                reader.read(&long).expect("a piece of a field");
                assert!(reader.field.len() <= *most);
            }
            reader.read(b"\0").expect("its end");
        }
        reader.read(b"\n3\t1\t").expect("counts");
        reader.read(&long).expect("a path");
        reader.read(b"\0").expect("its end");
        let entries = reader.finish().expect("a commit");
        let entry = &entries[0];
        assert_eq!((entry.author.len(), entry.email.len()), (200, 200));
        assert_eq!((entry.subject.len(), entry.body.len()), (SUBJECT, BODY));
        assert_eq!((entry.paths[0].len(), entry.files), (PATH - 5, 1));
    }

    #[test]
    fn commits_are_kept_while_there_is_room() {
        let mut reader = LogReader::within(5_000, true);
        for number in 0..20 {
            let commit = format!("\x01a{number}\0\x001\0A\0a@x\0\0s\0\0b\0\n1\t1\tfile{number}\0");
            reader.read(commit.as_bytes()).expect("a commit");
        }
        assert_eq!(reader.room(), 0);
        let entries = reader.finish().expect("commits");
        assert!((5..15).contains(&entries.len()), "{}", entries.len());
        for (number, entry) in entries.iter().enumerate() {
            assert_eq!((entry.id.clone(), entry.files), (format!("a{number}"), 1));
        }
    }

    #[test]
    fn a_long_body_is_cut_at_a_line() {
        assert_eq!(cut("ab\ncdé", 6), "ab");
        assert_eq!(cut("é", 1), "");
    }
}
