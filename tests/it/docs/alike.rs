//! When a line that was printed is the one that a page shows. What differs from run to run is
//! compared by its form; ids besides by standing for the same thing wherever they stand.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::support::host::FILTERS;

/// Where a reader of the pages is at home.
const HOME: &str = "/home/ada";

/// The form of a port.
const PORT: &str = "[port]";

/// What differs, and what is compared in its place; in this order.
static FORMS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let own = [
        // Lists show the ends of ids, revisions and components the beginnings of digests.
        (r"\b[0-9a-f]{6,12}\b", "[id]"),
        (r"\b[1-9]\d* s\b", "[duration]"),
        // Columns are as wide as what is in them.
        (r" {2,}", "  "),
    ];
    let all = FILTERS.iter().copied().chain(own);
    all.map(|(pattern, form)| (Regex::new(pattern).expect("a pattern"), form))
        .collect()
});

static IDS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"\b(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)?[0-9a-f]{6,12}\b";
    Regex::new(pattern).expect("a pattern")
});

/// What stands in a page for what was met in its run.
pub(super) struct Names {
    /// The folder of the run.
    folder: String,
    /// By what the page says.
    met: HashMap<String, String>,
}

impl Names {
    pub(super) fn new(folder: String) -> Self {
        Self {
            folder,
            met: HashMap::new(),
        }
    }

    /// Whether `printed` is the line `shown`; then ids that were not met yet are from now on.
    pub(super) fn alike(&mut self, shown: &str, printed: &str) -> bool {
        let here = self.at_home(printed);
        if form(shown) != form(&here) {
            return false;
        }
        let pairs: Vec<_> = ids(shown).zip(ids(&here)).collect();
        let same = pairs
            .iter()
            .all(|(shown, printed)| match self.met.get(*shown) {
                Some(met) => met == printed,
                None => !self.met.values().any(|met| met == printed),
            });
        if same {
            let pairs = pairs.into_iter();
            self.met
                .extend(pairs.map(|(shown, printed)| (shown.to_owned(), printed.to_owned())));
        }
        same
    }

    /// A command of the page, as it is run: about the ids that were met, in the folder of the run.
    pub(super) fn run(&self, command: &str) -> String {
        let met = IDS.replace_all(command, |id: &regex::Captures<'_>| {
            self.met.get(&id[0]).unwrap_or(&id[0].to_owned()).clone()
        });
        met.replace(HOME, &self.folder)
    }

    /// What was run or printed, as if it were at the reader's home.
    pub(super) fn at_home(&self, text: &str) -> String {
        text.replace(&self.folder, HOME)
    }

    /// What was printed as the line `shown` of the page. A port is a free one in the run only.
    pub(super) fn fresh(&self, shown: &str, printed: &str) -> String {
        let here = self.at_home(printed);
        let kept = form(shown).contains(PORT);
        if kept { shown } else { here.trim_end() }.to_owned()
    }

    /// What was printed, in the page's names.
    pub(super) fn shown(&self, printed: &str) -> String {
        let here = self.at_home(printed);
        let named = IDS.replace_all(&here, |id: &regex::Captures<'_>| {
            let name = self.met.iter().find(|(_, met)| **met == id[0]);
            name.map_or(id[0].to_owned(), |(name, _)| name.clone())
        });
        named.trim_end().to_owned()
    }
}

fn ids(line: &str) -> impl Iterator<Item = &str> {
    IDS.find_iter(line).map(|id| id.as_str())
}

fn form(line: &str) -> String {
    let start = line.trim_end().to_owned();
    FORMS.iter().fold(start, |line, (pattern, form)| {
        pattern.replace_all(&line, *form).into_owned()
    })
}

#[test]
fn what_differs_from_run_to_run_may_differ_and_nothing_else() {
    let mut names = Names::new("/tmp/x".to_owned());
    for (shown, printed, alike) in [
        ("run 6693de took 5 ms", "run 1a2b3c took 1.2 s", true),
        (" 6693de  gated", " 1a2b3c   gated", true),
        (" 6693de  gated", " 1a2b3c  paused", false),
        (" 6693de  gated", " 4d5e6f  gated", false),
        (" 777777  gated", " 1a2b3c  gated", false),
        ("posts 3", "posts 4", false),
        ("http://127.0.0.1:8710/", "http://127.0.0.1:40123/", true),
        ("http://127.0.0.1:8710/", "https://127.0.0.1:40123/", false),
        ("at 2026-03-02 10:00:00", "at 2027-04-03 11:12:13", true),
        ("on 2026-03-02", "on 2026-03-03", false),
        ("in /home/ada/factory", "in /tmp/x/factory", true),
        ("in /home/ada/factory", "in /home/eve/factory", false),
    ] {
        assert_eq!(names.alike(shown, printed), alike, "{shown}\n{printed}");
    }
    assert_eq!(names.run("show 6693de"), "show 1a2b3c");
    assert_eq!(names.shown("1a2b3c in /tmp/x/y"), "6693de in /home/ada/y");
}
