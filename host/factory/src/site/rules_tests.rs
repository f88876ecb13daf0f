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
        (
            BASE,
            "<p>{% macro tags(list) %}{% endmacro %}{% macro entry(post, level) %}{% endmacro %}\
             {% block body %}{% endblock %}{% block main %}{% endblock %}",
        ),
        (
            POST,
            "{% extends \"base.html\" %}\n{{ site.name }}{% block main %}{{ html }}{% endblock %}",
        ),
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
            "template post.html page @ site/post.html:2:52: `site.nam` is nothing that post.html has",
            "write `site.name`",
        ),
        (
            BASE,
            "<p>",
            "{{ site.name|nosuch }}",
            "template base.html page @ site/base.html:1:1: the page cannot be rendered: unknown filter",
            "write one of `abs`",
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
            "write one of `it.",
        ),
    ];
    each(&cases).await;
}

/// What is written into a branch of the front page that no sample takes; the miss and the mend.
const SLIPS: &[(&str, &str, &str)] = &[
    (
        "{{ post.titel }}",
        "`post.titel` is nothing that index.html has",
        "write `post.title`",
    ),
    (
        "{{ nope }}",
        "`nope` is nothing that index.html has",
        "write one of `links`, `page`",
    ),
    (
        "{{ post.title | upr }}",
        "there is no filter `upr`",
        "`upper`",
    ),
    (
        "{{ post.title.upr() }}",
        "`post.title.upr(…)`: a value has no methods",
        "write `post.title`, or",
    ),
    (
        "{{ post.title.upper() }}",
        "a value has no methods",
        "write `post.title | upper`",
    ),
    (
        "{% if post.title is strng %}{% endif %}",
        "there is no test `strng`",
        "write `string`",
    ),
    (
        "{{ rnge(3) }}",
        "there is no function and no macro `rnge`",
        "write `range(…)`",
    ),
    (
        "{{ entri(post, 3) }}",
        "there is no function and no macro `entri`",
        "write `entry(…)`",
    ),
    (
        "{{ entry(post, 3, 4) }}",
        "macro `entry` takes 2, and is given 3",
        "write `entry(post, level)`",
    ),
    (
        "{{ entry(post, levl=3) }}",
        "macro `entry` has no argument `levl`",
        "write `level`",
    ),
    ("{{ loop.indx }}", "`loop.indx`", "write `loop.index`"),
    (
        "{% set one = post %}{{ one.titel }}",
        "`one.titel`",
        "write `one.title`",
    ),
    (
        "{% for tag in post.tags %}{{ tag.nam }}{% endfor %}",
        "`tag.nam`",
        "write `tag.name`",
    ),
    (
        "{{ posts | map(attribute='titel') | join }}",
        "`titel`",
        "write `title`",
    ),
    (
        "{{ posts | map('upr') | join }}",
        "there is no filter `upr`",
        "write one of",
    ),
    (
        "{% if psots is defined %}{% endif %}",
        "`psots`",
        "write `posts`",
    ),
    (
        "{% from 'base.html' import entri %}",
        "base.html has no macro `entri`",
        "write `entry`",
    ),
    (
        "{% import 'base.html' as base %}{{ base.entri(post, 1) }}",
        "base.html has no macro `entri`",
        "write `base.entry`",
    ),
];

#[tokio::test]
async fn what_no_sample_takes_is_looked_at_too() {
    const FRONT: &str = "site/index.html";
    const AT: &str = "<h2><a href=\"{{ post.href }}\">";
    let line = bundled()["index.html"]
        .lines()
        .position(|line| line.contains(AT));
    let line = line.expect("a title") + 2;
    for (slip, problem, mend) in SLIPS {
        let mut files = good();
        let branch = format!("{{% if 'cart' in post.title %}}\n{slip}{{% endif %}}{AT}");
        replace(&mut files, FRONT, AT, &branch);
        let misses = misses(&files).await;
        let [(told, mended)] = &misses[..] else {
            panic!("{slip}: one cause is one miss: {misses:#?}")
        };
        assert!(told.contains(problem), "{slip}: {told}");
        assert!(told.contains(&format!("{FRONT}:{line}:")), "{slip}: {told}");
        assert!(mended.contains(mend), "{slip}: {mended}");
    }
}

/// What a page lacks and a template asks for first, or gives itself, is none of these.
#[tokio::test]
async fn what_is_asked_for_first_is_no_miss() {
    for asks in [
        "{% if post is defined %}{{ post.title }}{% endif %}",
        "{% if page.title == 'x' and post is defined and post.title %}{{ post.href }}{% endif %}",
        "{{ post.title if post is defined else page.title }}",
        "{% if post is undefined %}{% else %}{{ post.title }}{% endif %}",
        "{{ section | default('x') }}{% if section is defined %}{{ section }}{% endif %}",
        "{% if post is defined %}{{ html }}{% endif %}",
        "{% if number is defined and number > 1 %}{{ number }}/{{ pages }}{% endif %}",
        "{% set is_post = post is defined %}{% if is_post %}{{ post.title }}{% endif %}",
        "{{ page.title[0] }}{{ page.title[:1] }}",
        "{% macro m(p) %}{{ p.title if p is mapping else p }}{% endmacro %}{{ m(page) }}{{ m('x') }}",
        "{% macro n(x) %}{{ x.title | default(x.name) }}{% endmacro %}{{ n(page) }}",
        "{# {% include 'newsletter.html' %} #}{% raw %}{% include 'nope.html' %}{% endraw %}",
        "{% for one in [1] %}{% set outer = loop %}{{ outer.cycle('a', 'b') }}{% endfor %}",
    ] {
        let mut files = good();
        replace(&mut files, BASE, "<p>", &format!("<p>{asks}"));
        let set = "{% extends \"base.html\" %}{% set section = 'news' %}";
        replace(
            &mut files,
            "site/tag.html",
            "{% extends \"base.html\" %}",
            set,
        );
        assert_eq!(misses(&files).await, [], "{asks}");
    }
}

/// A block that no template above has, and a page without what it is about, are shown to nobody.
#[tokio::test]
async fn a_block_has_a_place_and_a_post_its_text() {
    each(&[
        (
            POST,
            "{% block main %}",
            "{% block mian %}",
            "template post.html page @ site/post.html:2:16: nobody is shown block `mian`",
            "write `{% block main %}`",
        ),
        (
            "site/tag.html",
            "{% block main %}",
            "{% block main %}{% block inner %}{% endblock %}{% endblock %}{% block qqqqqq %}",
            "nobody is shown block `qqqqqq`: base.html has no block of that name",
            "write one of `{% block body %}`, `{% block main %}`",
        ),
        (
            POST,
            "{{ html }}",
            "{{ post.title }}",
            "template post.html page @ site/post.html:1:1: the page of a post does not show its text",
            "write `{{ html }}`",
        ),
    ])
    .await;
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
