//! Histories that are made up: forms of messages times merges, squashes, reverts, releases, bots,
//! scripts and what breaks terminals. The built-in text of each holds for the verifier, and what it
//! says is what the generator did.

mod forms;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use callboard_factory::diary::bundle::Bundle;
use callboard_factory::diary::check::check;
use callboard_factory::diary::composer::compose;
use callboard_factory::diary::gather::{Gatherer, Landed};
use callboard_factory::diary::git::Git;
use callboard_factory::diary::looking::Looking;
use callboard_factory::draft::Draft;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tempfile::TempDir;

use self::forms::{FORMS, message};
use super::bench::{TEMPLATE, now};
use crate::support::database::runtime;

/// Midnight of the 25th of June 2026.
const MIDNIGHT: u64 = 1_782_345_600;
/// People, of whom the last is a bot.
const PEOPLE: [&str; 4] = [
    "Ann <ann@example.com>",
    "Bob <bob@example.com>",
    "Zoë Ünï <zoe@example.com>",
    "renovate[bot] <bot@example.com>",
];
const BOT: usize = 3;

/// What happens to the branch.
#[derive(Debug, Clone)]
enum Step {
    Commit {
        form: usize,
        person: usize,
    },
    Merge {
        form: usize,
        parts: Vec<usize>,
    },
    /// Take back a commit of the day, so many before.
    Revert {
        back: usize,
    },
    /// Bring back what the last step took back.
    Reapply,
    Release,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..FORMS, 0..PEOPLE.len()).prop_map(|(form, person)| Step::Commit { form, person }),
        3 => (0..MERGES, prop::collection::vec(0..FORMS, 1..4)).prop_map(|(form, parts)| Step::Merge { form, parts }),
        1 => (0..4_usize).prop_map(|back| Step::Revert { back }),
        1 => Just(Step::Reapply),
        1 => Just(Step::Release),
    ];
    prop::collection::vec(step, 1..20)
}

/// A change that landed, by a word that stands nowhere else.
#[derive(Debug, Clone)]
struct Landing {
    word: String,
    subject: String,
    mark: usize,
    people: Vec<usize>,
    request: Option<u64>,
    breaking: bool,
    stands: bool,
}

/// A history for `git fast-import`, and what is true of it.
#[derive(Default)]
struct Author {
    stream: Vec<u8>,
    mark: usize,
    head: usize,
    landings: Vec<Landing>,
    /// The landing that was taken back last, and the mark of what took it back.
    reverted: Option<(usize, usize, String)>,
    releases: Vec<String>,
    words: usize,
}

const MERGES: usize = 4;

impl Author {
    /// A word of letters that no other text has.
    fn word(&mut self) -> String {
        self.words += 1;
        let letter = |shift: usize| {
            char::from(b'a' + u8::try_from(self.words / shift % 26).unwrap_or_default())
        };
        format!("quokka{}{}", letter(26), letter(1))
    }

    /// A commit on some parents; gives its mark.
    fn write(&mut self, person: usize, message: &str, parents: &[usize]) -> usize {
        self.mark += 1;
        let (mark, at) = (self.mark, MIDNIGHT + 60 * self.mark as u64);
        let who = PEOPLE[person];
        let mut text = format!(
            "commit refs/heads/side{mark}\nmark :{mark}\nauthor {who} {at} +0000\ncommitter {who} {at} +0000\ndata {}\n{message}\n",
            message.len()
        );
        for (index, parent) in parents.iter().enumerate() {
            let word = if index == 0 { "from" } else { "merge" };
            text.push_str(&format!("{word} :{parent}\n"));
        }
        // A merge has the files of what it brings, which stand between its parents.
        let brought = match parents {
            [base, tip] => base + 1..tip + 1,
            _ => 0..0,
        };
        for file in brought.chain([mark]) {
            text.push_str(&format!(
                "M 100644 inline src/file{file}.rs\ndata 8\na\nb\nc\nd\n\n"
            ));
        }
        self.stream.extend(text.as_bytes());
        mark
    }

    fn land(&mut self, landing: Landing) {
        self.head = landing.mark;
        self.landings.push(landing);
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Commit { form, person } => self.commit(*form, *person),
            Step::Merge { form, parts } => self.merge(*form, parts),
            Step::Revert { back } => self.revert(*back),
            Step::Reapply => self.reapply(),
            Step::Release => {
                let version = format!("1.{}.0", self.releases.len() + 1);
                self.head = self.write(0, &format!("chore(main): release {version}"), &[self.head]);
                self.releases.push(version);
            }
        }
    }

    fn commit(&mut self, form: usize, person: usize) {
        let word = self.word();
        let number = 100 + self.words as u64;
        let (message, request, breaking) = message(form, &word, number);
        let mark = self.write(person, &message, &[self.head]);
        let subject = message.lines().next().unwrap_or_default().to_owned();
        self.land(Landing {
            word,
            subject,
            mark,
            people: people(form, person),
            request,
            breaking,
            stands: person != BOT,
        });
    }

    fn merge(&mut self, form: usize, parts: &[usize]) {
        let (base, mut tip) = (self.head, self.head);
        let mut brought = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            let word = self.word();
            let (message, request, breaking) = message(*part, &word, 100 + self.words as u64);
            tip = self.write(index % BOT, &message, &[tip]);
            let subject = message.lines().next().unwrap_or_default().to_owned();
            brought.push(Landing {
                word,
                subject,
                mark: tip,
                people: people(*part, index % BOT),
                request,
                breaking,
                stands: true,
            });
        }
        let word = self.word();
        let number = 100 + self.words as u64;
        let (message, request) = match form {
            0 => (
                format!("Merge pull request #{number} from ann/topic\n\nDraw {word} whole"),
                Some(number),
            ),
            1 => (
                format!(
                    "Merge branch 'topic' into 'main'\n\nDraw {word} whole\n\nSee merge request a/b!{number}"
                ),
                Some(number),
            ),
            2 => (
                format!("Draw {word} whole (#{number})\n\nPeople asked for it."),
                Some(number),
            ),
            _ => ("Merge branch 'topic'".to_owned(), None),
        };
        let mark = self.write(0, &message, &[base, tip]);
        if request.is_none() {
            self.landings.extend(brought);
            self.head = mark;
            return;
        }
        let mut people: Vec<usize> = brought
            .iter()
            .flat_map(|part| part.people.clone())
            .collect();
        people.dedup();
        self.land(Landing {
            word,
            subject: message,
            mark,
            people,
            request,
            breaking: false,
            stands: true,
        });
    }

    fn revert(&mut self, back: usize) {
        // Git takes back what stands on the branch itself and is no merge.
        let mut kept = self.landings.iter().enumerate().rev();
        let found = kept.find(|(_, it)| {
            it.stands && !it.subject.contains('\n') && it.people.first() != Some(&BOT)
        });
        let Some((place, landing)) = found.filter(|_| back < 3) else {
            return;
        };
        let subject = landing.subject.clone();
        let message = format!(
            "Revert \"{subject}\"\n\nThis reverts commit {}.",
            "f".repeat(40)
        );
        self.head = self.write(1, &message, &[self.head]);
        self.landings[place].stands = false;
        self.reverted = Some((place, self.head, subject));
    }

    fn reapply(&mut self) {
        let Some((place, _, subject)) = self.reverted.take() else {
            return;
        };
        let message = format!(
            "Reapply \"{subject}\"\n\nThis reverts commit {}.",
            "e".repeat(40)
        );
        self.head = self.write(1, &message, &[self.head]);
        self.landings[place].stands = true;
    }

    /// The repository in a folder.
    fn import(mut self, folder: &str) -> Self {
        self.stream
            .extend(format!("reset refs/heads/main\nfrom :{}\n\n", self.head).as_bytes());
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            git.args(["-C", folder])
                .args(arguments)
                .env("GIT_CONFIG_GLOBAL", "/dev/null");
            git
        };
        let made = git(&["init", "--quiet", "--initial-branch=main"])
            .status()
            .expect("git");
        assert!(made.success());
        let import = git(&["fast-import", "--quiet"])
            .stdin(Stdio::piped())
            .spawn();
        let mut import = import.expect("git");
        import
            .stdin
            .take()
            .expect("a pipe")
            .write_all(&self.stream)
            .expect("it reads");
        assert!(import.wait().expect("git").success());
        self
    }
}

/// Who wrote a message: one form has Bob beside its author.
fn people(form: usize, person: usize) -> Vec<usize> {
    let beside = (form == 7).then_some(1);
    std::iter::once(person).chain(beside).collect()
}

fn told(folder: &str) -> (Bundle, Draft) {
    runtime().block_on(async {
        let git = Git::open(folder, Instant::now() + Duration::from_mins(1)).expect("a repository");
        let identity = git.identity().await.expect("an identity");
        let landed = Landed::new(git.history().await.expect("a history"));
        let gatherer = Gatherer {
            identity: &identity,
            rules: &Looking::default().rules(),
            forge: None,
            limit: 1_000,
            now: now(),
        };
        let day = "2026-06-25".parse().expect("a day");
        let bundle = gatherer.bundle(&git, &landed, day).await.expect("a bundle");
        let draft = compose(&bundle, TEMPLATE).expect("a text");
        (bundle, draft)
    })
}

/// The words of the generator in a text.
fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.map(str::to_lowercase);
    words
        .filter(|word| word.len() == 8 && word.starts_with("quokka"))
        .collect()
}

/// Each claim is about the changes that it stands on.
fn claims_stand(draft: &Draft, bundle: &Bundle) {
    for claim in &draft.claims {
        let on = claim.on.iter().filter_map(|id| bundle.change(id));
        let own: String = on
            .flat_map(callboard_factory::diary::bundle::Change::commits)
            .map(|it| format!("{} {}\n", it.subject, it.body))
            .collect();
        assert!(
            words(&claim.plain).is_subset(&words(&own)),
            "{claim:?} of {own}"
        );
    }
}

/// What a post says is what happened.
fn holds(steps: &[Step]) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().display().to_string();
    let mut author = Author::default();
    let old = author.write(0, "Start", &[]);
    author.head = old;
    // The first is no part of the stories.
    author.landings.clear();
    for step in steps {
        author.take(step);
    }
    let author = author.import(&path);
    let (bundle, draft) = told(&path);
    if let Err(misses) = check(&draft, &bundle, TEMPLATE, &[]) {
        panic!("{misses:#?}\n{}", draft.markdown);
    }
    // Each change that stands is told, with its request; nothing else is.
    let kept: Vec<&Landing> = author.landings.iter().filter(|it| it.stands).collect();
    let text = &draft.markdown;
    let told = words(text);
    for landing in &kept {
        let line = text
            .lines()
            .find(|line| words(line).contains(&landing.word));
        let line = line.unwrap_or_else(|| panic!("{landing:?} is not in {text}"));
        if let Some(request) = landing.request {
            let cites = ["(PR #", "(MR !"].iter().any(|kind| {
                let cited = |end| line.contains(&format!("{kind}{request}{end}"));
                cited(')') || cited(',')
            });
            assert!(cites, "{line}");
        }
        assert_eq!(line.contains("Breaking: "), landing.breaking, "{line}");
    }
    for landing in author.landings.iter().filter(|it| !it.stands) {
        assert!(!told.contains(&landing.word), "{landing:?} in {text}");
    }
    for version in &author.releases {
        assert!(
            text.contains(&format!("{version} (`")) || text.contains(&format!("{version}, ")),
            "{version}: {text}"
        );
    }
    claims_stand(&draft, &bundle);
    // The counts are true: the first commit of all is the only other change.
    let changes = kept.len() + 1;
    assert_eq!(bundle.changes.len(), changes, "{text}");
    let mut people: BTreeSet<usize> = kept.iter().flat_map(|it| it.people.clone()).collect();
    people.insert(0);
    let noun = if people.len() == 1 {
        "person"
    } else {
        "people"
    };
    assert!(
        text.contains(&format!(" by {} {noun}", people.len())),
        "{people:?}: {text}"
    );
    let hidden = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{200b}' | '\u{202e}');
    assert_eq!(text.chars().find(|c| hidden(*c)), None, "{text:?}");
}

#[test]
fn a_made_up_history_is_told_as_it_was() {
    let cases = std::env::var("CALLBOARD_DIARY_CASES").ok();
    let cases = cases.and_then(|cases| cases.parse().ok()).unwrap_or(48);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let tested = TestRunner::new(config).run(&steps(), |steps| {
        holds(&steps);
        Ok(())
    });
    if let Err(error) = tested {
        panic!("{error}");
    }
}
