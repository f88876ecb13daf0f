//! S17: another revision has other defaults. What nobody chose follows them, what somebody chose stays, and the
//! history says which was which.

use serde_json::Value as Json;

use crate::support::factory::{Factory, on_each};

/// Declarations of before and after: a default that changes, one that comes, and one that stays.
const BEFORE: &str = "\n[\"feed.words\"]\ntype = \"integer\"\ndefault = \"20\"\ndescription = \"d\"\n\
    \n[\"feed.name\"]\ntype = \"string\"\ndescription = \"d\"\n\
    \n[\"feed.kind\"]\ntype = \"string\"\ndefault = \"atom\"\ndescription = \"d\"\n";

fn value(factory: &Factory, key: &str) -> String {
    let shown = factory.json(&["settings", "get", key]);
    shown["value"].as_str().unwrap_or_default().to_owned()
}

fn history(factory: &Factory, key: &str) -> Vec<(String, Json, Json)> {
    let history = factory.json(&["settings", "history", key]);
    let changes = history.as_array().expect("a list").iter();
    let change = |it: &Json| {
        let event = it["event"].as_str().expect("an event").to_owned();
        (event, it["was"].clone(), it["becomes"].clone())
    };
    changes.map(change).collect()
}

on_each!(
    a_value_that_nobody_chose_follows_the_default_of_the_revision,
    |dialect| {
        let factory = Factory::bare_written(dialect);
        let rest = factory.read("settings.toml");
        factory.write("settings.toml", format!("{rest}{BEFORE}"));
        factory.ok(&["apply"]);
        for (key, text) in [
            ("feed.words", "20"),
            ("feed.name", ""),
            ("feed.kind", "rss"),
        ] {
            factory.ok(&["settings", "set", key, text, "--by", "Ada"]);
        }
        // A blank that no command writes, such as an older program left behind.
        factory.execute("UPDATE settings SET value = '' WHERE key = 'feed.words'");
        let later = BEFORE
            .replace("\"20\"", "\"30\"")
            .replace("\"atom\"", "\"json\"");
        let later = later.replace(
            "[\"feed.name\"]\ntype = \"string\"\n",
            "[\"feed.name\"]\ntype = \"string\"\ndefault = \"News\"\n",
        );
        factory.write("settings.toml", format!("{rest}{later}"));
        let applied = factory.json(&["apply"]);
        assert_eq!(
            applied["settings"].as_array().map(Vec::len),
            Some(2),
            "{applied}"
        );
        assert_eq!(value(&factory, "feed.words"), "30");
        assert_eq!(value(&factory, "feed.name"), "News");
        assert_eq!(value(&factory, "feed.kind"), "rss", "somebody chose it");
        let follow = ("follow".to_owned(), "".into(), Json::Null);
        assert_eq!(history(&factory, "feed.name")[0], follow);
        let repair = ("repair".to_owned(), "".into(), Json::Null);
        assert_eq!(history(&factory, "feed.words")[0], repair);
        let set = ("set".to_owned(), Json::Null, "20".into());
        assert_eq!(history(&factory, "feed.words")[1], set);
        assert_eq!(history(&factory, "feed.kind").len(), 1);
        // The way back takes nothing away, whatever was chosen meanwhile.
        factory.ok(&["settings", "set", "feed.words", "30"]);
        factory.ok(&["revisions", "rollback", "1"]);
        assert_eq!(history(&factory, "feed.words")[0].0, "set");
        factory.write("settings.toml", format!("{rest}{BEFORE}"));
        assert_eq!(value(&factory, "feed.words"), "30");
        assert_eq!(value(&factory, "feed.kind"), "rss");
    }
);
