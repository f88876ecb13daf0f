//! `publish.markdown_folder`: a post as a document of a folder, and what somebody did there meanwhile.

use std::fs;

use callboard_core::store::Dialect;
use callboard_factory::front_matter;
use serde_json::Value as Json;

use crate::support::factory::{BARE, DAY, Factory, board, on_each};
use crate::support::host::Ran;

const STAGE: &str = "\n[[stage]]\nid = \"folder\"\nhandler = \"publish.markdown_folder\"\nNEEDS\ntimeout = \"30s\"\n\
    on.rejected = \"end\"\nconfig = { folder = \"content/posts\", front_matter = \"FORM\" }\n";

/// A factory whose diary is written into a folder, too, and that can write a post there by itself.
fn factory(dialect: Dialect, form: &str) -> Factory {
    let stage = STAGE.replace("FORM", form);
    let factory = Factory::bare_written(dialect);
    let pipeline = factory.read("pipelines/dev_diary.toml");
    let last = stage.replace("NEEDS", "needs = [\"publish\"]");
    factory.write("pipelines/dev_diary.toml", pipeline + &last);
    let alone = "name = \"to_folder\"\ndescription = \"Writes a post into the folder.\"\nbudget = \"1h\"\n\n\
        [input.slug]\nrequired = true\ndescription = \"The end of its address.\"\n";
    let alone = format!("{alone}{}", stage.replace("NEEDS\n", ""));
    factory.write("pipelines/to_folder.toml", alone);
    factory
}

/// One with a post that is published, and its address.
pub(crate) fn published(dialect: Dialect) -> (Factory, String) {
    published_as(dialect, "toml")
}

/// The same with heads in a language.
pub(crate) fn published_as(dialect: Dialect, form: &str) -> (Factory, String) {
    let factory = factory(dialect, form);
    factory.ok(&["apply"]);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", &factory.task(), "--by", "Ada"]);
    let slug = factory.texts("SELECT slug FROM posts", "slug").remove(0);
    (factory, slug)
}

/// What came of writing a post into the folder.
pub(crate) fn again(factory: &Factory, slug: &str) -> Json {
    factory.run(&["run", "to_folder", "--input", &format!("slug={slug}")]);
    let id = factory.json(&["runs", "list", "--limit", "1"])[0]["id"].clone();
    let shown = factory.json(&["runs", "show", id.as_str().expect("an id")]);
    shown["stages"][0]["outcome"].clone()
}

fn names(factory: &Factory) -> Vec<String> {
    let folder = factory.workspace().join("content/posts");
    let names = fs::read_dir(folder).expect("a folder").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    names.sort();
    names
}

on_each!(
    a_published_post_is_a_document_that_follows_it_and_can_be_brought_elsewhere,
    |dialect: Dialect| {
        let (factory, slug) = published(dialect);
        let path = format!("content/posts/{slug}.md");
        let first = factory.read(&path);
        assert!(
            first.starts_with("+++\n") && first.contains("(PR #7)"),
            "{first}"
        );
        assert!(first.contains("approved_by = \"Ada\""), "{first}");
        // The workspace does not take it for a mistake.
        factory.ok(&["check"]);
        let same = again(&factory, &slug);
        assert_eq!(
            (&same["outcome"], &same["effects"]),
            (&"done".into(), &serde_json::json!({})),
            "{same:#}"
        );
        assert_eq!(factory.read(&path), first);
        // Another installation has it as it was.
        let other = Factory::bare(dialect);
        let folder = factory.workspace().join("content/posts");
        let folder = folder.to_str().expect("a path");
        let said = other.ok(&["posts", "import", folder, "--yes"]);
        assert!(
            said.contains("1 posts imported") && !said.contains("left out"),
            "{said}"
        );
        let (here, there) = (["posts", "show", &slug], ["posts", "show", &slug]);
        let (here, there) = (factory.json(&here), other.json(&there));
        for key in [
            "title",
            "markdown",
            "excerpt",
            "tags",
            "subject",
            "written_by",
            "covers",
            "approved_by",
        ] {
            assert_eq!(here[key], there[key], "{key}");
        }
        // Another address, and none.
        factory.ok(&["posts", "retitle", &slug, "The lamp", "--slug", "lamp"]);
        let moved = again(&factory, "lamp");
        assert_eq!(moved["effects"]["documents_removed"], 1, "{moved:#}");
        assert_eq!(names(&factory), ["lamp.md"]);
        let text = factory.read("content/posts/lamp.md");
        assert!(
            text.contains(&format!("aliases = [\"/posts/{slug}\"]")),
            "{text}"
        );
        factory.ok(&["posts", "remove", "lamp"]);
        let gone = again(&factory, "lamp");
        assert_eq!(gone["effects"]["documents_removed"], 1, "{gone:#}");
        assert!(names(&factory).is_empty());
        assert_eq!(again(&factory, "lamp")["outcome"], "nothing-to-do");
    }
);

on_each!(
    what_looks_like_the_end_of_a_head_ends_none_and_what_stays_is_told,
    |dialect: Dialect| {
        for form in ["toml", "yaml"] {
            let (factory, slug) = published_as(dialect, form);
            let fence = if form == "toml" { "+++" } else { "---" };
            let sql = format!(
                "UPDATE posts SET excerpt = 'One line' || CHR(10) || '{fence}' || CHR(10) || 'draft = true', \
                seo_title = '\"\"\"' || CHR(10) || '{fence}' || CHR(10) WHERE slug = '{slug}'"
            );
            let sql = match dialect {
                Dialect::Sqlite => sql.replace("CHR(", "char("),
                Dialect::Postgres => sql,
            };
            assert_eq!(factory.execute(&sql), 1);
            let came = again(&factory, &slug);
            assert_eq!(came["effects"]["documents_written"], 1, "{came:#}");
            let path = format!("content/posts/{slug}.md");
            let document = factory.read(&path);
            let (head, _) = front_matter::parted(&document).expect("it is read back");
            let said = head.expect("a head")["description"].clone();
            assert_eq!(
                said,
                format!("One line\n{fence}\ndraft = true"),
                "{document}"
            );
            factory.ok(&["posts", "retitle", &slug, "Other title", "--slug", &slug]);
            let came = again(&factory, &slug);
            assert_eq!(came["effects"]["documents_written"], 1, "{came:#}");
            // A head that was broken since is not passed over once the post is to be gone.
            let whole = factory.read(&path);
            factory.write(&path, whole.replacen('\n', "\n]\n", 1));
            factory.ok(&["posts", "unpublish", &slug]);
            let came = again(&factory, &slug);
            assert_eq!(came["rule"], "foreign", "{came:#}");
            let detail = came["detail"].as_str().expect("a detail");
            assert!(
                detail.contains("is still there") && detail.contains(&path),
                "{detail}"
            );
            // Nor is one that was edited.
            factory.write(&path, format!("{whole}More.\n"));
            let came = again(&factory, &slug);
            assert_eq!(came["rule"], "edited", "{came:#}");
            factory.write(&path, &whole);
            let came = again(&factory, &slug);
            assert_eq!(came["effects"]["documents_removed"], 1, "{came:#}");
            assert!(names(&factory).is_empty());
        }
    }
);

#[test]
fn what_somebody_wrote_there_is_left_as_it_is_and_said() {
    let (factory, slug) = published(Dialect::Sqlite);
    let path = format!("content/posts/{slug}.md");
    let edited = factory.read(&path).replace("(PR #7)", "(PR #7, at last)");
    factory.write(&path, &edited);
    let came = again(&factory, &slug);
    assert_eq!(
        (&came["outcome"], &came["rule"]),
        (&"rejected".into(), &"edited".into()),
        "{came:#}"
    );
    assert!(
        came["detail"].as_str().is_some_and(|it| it.contains(&path)),
        "{came:#}"
    );
    assert_eq!(factory.read(&path), edited);
    // Its post has another address now: the edited one stays, and that is told.
    factory.ok(&["posts", "retitle", &slug, "The lamp", "--slug", "lamp"]);
    let came = again(&factory, "lamp");
    assert_eq!(came["outcome"], "done", "{came:#}");
    assert!(came["fallbacks"].to_string().contains(&path), "{came:#}");
    assert_eq!(factory.read(&path), edited);
    factory.write("content/posts/lamp.md", "# Mine\n");
    let came = again(&factory, "lamp");
    assert_eq!(came["rule"], "foreign", "{came:#}");
    // No link is followed.
    let outside = factory.workspace().join("outside.txt");
    fs::write(&outside, "untouched").expect("written");
    let place = factory.workspace().join("content/posts/lamp.md");
    fs::remove_file(&place).expect("removed");
    std::os::unix::fs::symlink(&outside, &place).expect("a link");
    let came = again(&factory, "lamp");
    assert_eq!(came["outcome"], "failed", "{came:#}");
    assert!(came.to_string().contains("lamp.md is a link"), "{came:#}");
    assert_eq!(fs::read_to_string(&outside).expect("there"), "untouched");
}

/// What `check` says of a folder in the place of the one that is written into.
fn checked(factory: &Factory, folder: &str) -> Ran {
    let (file, own) = ("pipelines/dev_diary.toml", "folder = \"content/posts\"");
    let other = format!("folder = \"{folder}\"");
    factory.edit(file, own, &other);
    let checked = factory.run(&["check"]);
    factory.edit(file, &other, own);
    checked
}

#[test]
fn what_can_be_no_folder_of_posts_is_a_miss_where_it_is_written() {
    let factory = factory(Dialect::Sqlite, "toml");
    factory.write("notes/today.txt", "a file");
    factory.write(".callboardignore", "notes/\n");
    let long = "x".repeat(256);
    for folder in [
        "../beside",
        "site/posts",
        "pipelines",
        "a/../b",
        "callboard.toml",
        "callboard.key",
        "callboard.key/posts",
        "settings.toml/x",
        ".callboardignore",
        "notes/today.txt",
        "notes/today.txt/posts",
        "~/blog",
        ".git/posts",
        "blog/.GIT",
        &long,
    ] {
        let checked = checked(&factory, folder);
        assert_eq!(checked.code, 1, "{folder}: {checked}");
        for part in ["config.folder", "pipelines/dev_diary.toml:"] {
            assert!(checked.to_string().contains(part), "{folder}: {checked}");
        }
    }
}

#[test]
fn what_can_be_no_folder_for_posts_of_callboard_toml_is_a_miss_there() {
    let factory = factory(Dialect::Sqlite, "toml");
    for (into, problem) in [
        ("relative", "is no whole path"),
        (".", "is no whole path"),
        ("~/blog", "begins with `~`"),
        ("/srv/../etc", "leads elsewhere"),
        ("/", "is all of this machine"),
        ("/srv/blog/.git", "where git keeps"),
        ("/dev/null/posts", "`/dev/null` is there, and is no folder"),
    ] {
        factory.write(
            "callboard.toml",
            format!("publish_into = [\"{into}\"]\n{BARE}"),
        );
        let checked = factory.run(&["check"]);
        let said = checked.to_string();
        let is_told = said.contains(problem) && said.contains("callboard.toml:1:");
        assert!(checked.code == 1 && is_told, "{into}: {checked}");
    }
}

#[test]
fn a_folder_outside_of_the_workspace_is_written_only_if_the_operator_says_so() {
    let factory = factory(Dialect::Sqlite, "toml");
    let outside = tempfile::tempdir().expect("a folder");
    let path = outside.path().join("posts");
    let shown = path.display().to_string();
    let checked = checked(&factory, &shown);
    let mend = format!("publish_into = [\"{shown}\"]");
    assert!(
        checked.code == 1 && checked.to_string().contains(&mend),
        "{checked}"
    );
    let allowed = format!("publish_into = [\"{}\"]\n{BARE}", outside.path().display());
    factory.write("callboard.toml", allowed);
    factory.edit(
        "pipelines/dev_diary.toml",
        "folder = \"content/posts\"",
        &format!("folder = \"{shown}\""),
    );
    factory.ok(&["apply"]);
    assert_eq!(factory.diary(board().path(), DAY).code, 4);
    factory.ok(&["tasks", "approve", &factory.task()]);
    let slug = factory.texts("SELECT slug FROM posts", "slug").remove(0);
    assert!(path.join(format!("{slug}.md")).is_file());
}

/// What counts is where a path leads: a link out of what is allowed leads nowhere, and one into it does.
#[test]
fn a_folder_is_held_by_where_it_leads() {
    let factory = factory(Dialect::Sqlite, "toml");
    let home = tempfile::tempdir().expect("a folder");
    let home = fs::canonicalize(home.path()).expect("a path");
    let path = |name: &str| home.join(name);
    for name in ["allowed", "elsewhere"] {
        fs::create_dir_all(path(name)).expect("a folder");
    }
    let link = |to: &std::path::Path, at: &std::path::Path| {
        std::os::unix::fs::symlink(to, at).expect("a link");
    };
    link(&path("elsewhere"), &path("allowed/out"));
    link(&path("allowed"), &path("in"));
    link(&path("nowhere"), &path("allowed/dangling"));
    let allowed = path("allowed").display().to_string();
    factory.write(
        "callboard.toml",
        format!("publish_into = [\"{allowed}\"]\n{BARE}"),
    );
    let checked = |folder: &str| {
        let (old, new) = ("content/posts".to_owned(), folder.to_owned());
        let swap = |old: &str, new: &str| {
            let (old, new) = (format!("folder = \"{old}\""), format!("folder = \"{new}\""));
            factory.edit("pipelines/to_folder.toml", &old, &new);
        };
        swap(&old, &new);
        let checked = factory.run(&["check"]);
        swap(&new, &old);
        let told = checked.to_string();
        (
            checked.code,
            told.split_whitespace().collect::<Vec<_>>().join(" "),
        )
    };
    let shown = |name: &str| path(name).display().to_string();
    for fine in [shown("allowed/posts"), shown("in/posts")] {
        let (code, told) = checked(&fine);
        assert_eq!(code, 0, "{fine}: {told}");
    }
    let elsewhere = shown("elsewhere/posts");
    for (folder, why) in [
        (shown("allowed/out/posts"), format!("leads to {elsewhere}")),
        (
            shown("allowed/dangling/posts"),
            "cannot be looked up".to_owned(),
        ),
        (
            shown("allowed/../elsewhere"),
            "is no folder below".to_owned(),
        ),
    ] {
        let (code, told) = checked(&folder);
        assert!(code == 1 && told.contains(&why), "{folder}: {told}");
    }
    // A folder of the workspace that is a link is where it leads to.
    link(&path("elsewhere"), &factory.workspace().join("content"));
    factory.write(".callboardignore", "content\n");
    let (code, told) = checked("content/posts");
    assert!(
        code == 1 && told.contains(&format!("publish_into = [\"{elsewhere}\"]")),
        "{told}"
    );
}

#[test]
fn a_document_that_is_larger_than_any_post_is_not_read() {
    let (factory, slug) = published(Dialect::Sqlite);
    let large = "x".repeat((8 << 20) + 1);
    factory.write("content/posts/large.md", &large);
    let came = again(&factory, &slug);
    assert_eq!(came["outcome"], "done", "{came:#}");
    factory.write(format!("content/posts/{slug}.md"), &large);
    let came = again(&factory, &slug);
    assert_eq!(came["rule"], "foreign", "{came:#}");
    assert!(
        came["detail"].to_string().contains("larger than 1 MiB"),
        "{came:#}"
    );
}
