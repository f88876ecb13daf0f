//! Each template that does not hold together is a miss, with its place and its mend.

use std::sync::Arc;

use callboard_core::registry::Registry;
use callboard_core::rollcall::{Reference, RollScope};
use callboard_core::settings::Snapshot;
use callboard_core::store::Store;
use callboard_core::workspace::{Definitions, Files};

use crate::site::bundled;

const BASE: &str = "site/base.html";
const POST: &str = "site/post.html";

/// The bundled site, with a page of a post that is short.
fn good() -> Files {
    let site = bundled();
    let site = site
        .iter()
        .map(|(name, text)| (format!("site/{name}"), text.clone().into()));
    let mut files: Files = site.collect();
    let short = [
        ("callboard.toml", "name = \"x\""),
        (BASE, "<p>{% block body %}{% endblock %}"),
        (POST, "{% extends \"base.html\" %}\n{{ site.name }}"),
        ("site/site.css", "@media{#a{top:0}}"),
    ];
    files.extend(short.map(|(path, text)| (path.to_owned(), text.into())));
    files
}

fn replace(files: &mut Files, path: &str, old: &str, new: &str) {
    let text = String::from_utf8(files[path].clone()).expect("a text");
    assert!(text.contains(old), "{path} has no {old}");
    files.insert(path.to_owned(), text.replace(old, new).into());
}

/// What does not answer: who refers, the place and the problem; and the mend.
async fn misses(files: &Files) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("t.db").display());
    let store = Store::open(&url).await.expect("a store");
    let definitions = Arc::new(Definitions::parse(files).expect("definitions"));
    let references = super::list(&RollScope {
        folder: folder.path(),
        definitions: &definitions,
        registry: &Registry::native().expect("a registry"),
        refused: &[],
        store: &store,
        settings: &Snapshot::new([].into(), [].into(), [].into()),
        native_files: &[],
    });
    references.iter().filter_map(told).collect()
}

fn told(reference: &Reference) -> Option<(String, String)> {
    let miss = reference.miss.as_ref()?;
    let place = reference.place.as_ref().expect("a place");
    let Reference { referrer, key, .. } = reference;
    let told = format!("{referrer} {key} @ {place}: {}", miss.problem);
    Some((told, miss.mend.clone()))
}

#[tokio::test]
async fn what_holds_together_answers() {
    assert_eq!(misses(&good()).await, []);
}

#[tokio::test]
async fn a_mistake_in_a_template_is_one_miss_with_its_mend() {
    let cases = [
        (
            POST,
            "base.html",
            "bas.html",
            "template post.html extends @ site/post.html:1:1: there is no template site/bas.html",
            "write `base.html`",
        ),
        (
            POST,
            "{{ site.name }}",
            "\n{% block body %}\n{{ post.titel }}{% endblock %}",
            "template post.html page @ site/post.html:4:1: the page cannot be rendered: undefined value: `post.titel` is undefined",
            "write `post.title`",
        ),
        (
            POST,
            "{{ site.name }}",
            "{% block body %}{% if post.minutes > 999 %}{{ site.nam }}{% endif %}{% endblock %}",
            "template post.html page @ site/post.html:2:1: the page cannot be rendered: undefined value: `site.nam` is undefined",
            "write `site.name`",
        ),
        (
            BASE,
            "<p>",
            "{{ site.name|nosuch }}",
            "template base.html page @ site/base.html:1:1: the page cannot be rendered: unknown filter",
            "correct the template",
        ),
        (
            POST,
            "{{ site.name }}",
            "{{ site.name",
            "template post.html template @ site/post.html:2:1: the template does not compile",
            "correct the template",
        ),
        (
            BASE,
            "{% block body %}",
            "{% block body",
            "template base.html template @ site/base.html:1:1: the template does not compile",
            "correct the template",
        ),
    ];
    each(&cases).await;
}

/// The first post of a site, and of a tag, stands alone.
#[tokio::test]
async fn a_page_that_takes_a_second_post_for_granted_is_missed() {
    const MAIN: &str = "{% block main %}";
    const SECOND: &str = "{% block body %}{% if posts %}{{ posts[1].title }}{% endif %}{% endblock %}\
        {% block main %}";
    let undefined = "`posts[1]` is undefined";
    each(&[
        ("site/tag.html", MAIN, SECOND, undefined, ""),
        ("site/index.html", MAIN, SECOND, undefined, ""),
        ("site/archive.html", MAIN, SECOND, undefined, ""),
    ])
    .await;
}

/// What a page has is offered from the place in which the name was looked for, and not what
/// another page has.
#[tokio::test]
async fn a_name_is_offered_what_its_page_has() {
    let cases = [
        (
            "site/index.html",
            "{% extends \"base.html\" %}",
            "{% extends \"base.html\" %}{{ site.titel }}",
            "`site.titel` is undefined",
            "write one of `site.description`, `site.name`",
        ),
        (
            "site/index.html",
            "{% block main %}",
            "{% block body %}{{ post.title }}{% endblock %}{% block main %}",
            "template index.html page @ site/index.html:2:1: the page cannot be rendered",
            "go through the list, `{% for post in posts %} … {% endfor %}`",
        ),
        (
            "site/archive.html",
            "{% block main %}",
            "{% block body %}{% if posts %}{{ posts[0].tags[7].name }}{% endif %}{% endblock %}{% block main %}",
            "`posts[0].tags[7]` is undefined",
            "go through the list, `{% for tag in posts[0].tags %} … {% endfor %}`",
        ),
        (
            "site/archive.html",
            "{% block main %}",
            "{% block body %}{% for post in posts %}{{ post.qqqqqqqq }}{% endfor %}{% endblock %}{% block main %}",
            "`post.qqqqqqqq` is undefined",
            "write one of `post.",
        ),
        (
            "site/archive.html",
            "{% block main %}",
            "{% block body %}{% for it in posts %}{{ it.qqqqqqqq }}{% endfor %}{% endblock %}{% block main %}",
            "`it.qqqqqqqq` is undefined",
            "correct the template",
        ),
    ];
    each(&cases).await;
}

/// A file, a text and what is in its place; the miss and the mend.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

async fn each(cases: &[Case]) {
    for (file, old, new, expected, mend) in cases {
        let mut files = good();
        replace(&mut files, file, old, new);
        let misses = misses(&files).await;
        let [(told, mended)] = &misses[..] else {
            panic!("{new}: one cause is one miss: {misses:#?}")
        };
        assert!(told.contains(expected), "{told}");
        assert!(mended.contains(mend), "{mended}");
    }
}

#[tokio::test]
async fn a_template_that_the_host_renders_has_to_be_there() {
    let mut files = good();
    files.remove(POST);
    let misses = misses(&files).await;
    let expected = "site templates @ site/post.html:1:1: there is no template site/post.html";
    assert!(misses[0].0.contains(expected), "{misses:#?}");
}

#[tokio::test]
async fn a_file_where_a_page_is_would_never_be_seen() {
    let mut files = good();
    files.insert("site/posts/a.png".to_owned(), vec![1]);
    let misses = misses(&files).await;
    assert!(
        misses[0].0.contains("/posts is a page of the site"),
        "{misses:#?}"
    );
}

#[tokio::test]
async fn a_template_that_no_page_renders_is_missed() {
    for path in ["about.html", "posts/x.html", "console.html"] {
        let mut files = good();
        files.insert(format!("site/{path}"), b"<p>".to_vec());
        let expected =
            format!("site files @ site/{path}:1:1: no page renders it, and nobody serves it");
        let told: Vec<_> = misses(&files)
            .await
            .into_iter()
            .map(|miss| miss.0)
            .collect();
        assert_eq!(told, [expected]);
        replace(
            &mut files,
            BASE,
            "<p>",
            &format!("{{% include \"{path}\" %}}"),
        );
        assert_eq!(misses(&files).await, []);
    }
}

#[tokio::test]
async fn only_what_a_site_serves_is_served() {
    for (path, served) in [
        ("logo.PNG", true),
        ("fonts/a.woff2", true),
        ("robots.txt", true),
        ("callboard.db", false),
        ("CNAME", false),
        ("a.html.bak", false),
    ] {
        let mut files = good();
        files.insert(format!("site/{path}"), vec![1]);
        let misses = misses(&files).await;
        assert_eq!(misses.is_empty(), served, "{path}: {misses:#?}");
    }
}
