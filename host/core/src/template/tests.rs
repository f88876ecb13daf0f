//! What a rendering may use up, and that counting it changes nothing else.

use minijinja::context;

use super::*;

fn render(text: &str) -> Result<String, Error> {
    let text = bounded(text)?;
    let posts = context! { posts => [context! { title => "A" }, context! { title => "B" }] };
    on_deep_stack(|| environment().render_str(&text, posts))
}

#[test]
fn a_rendering_ends_however_long_its_loops_are() {
    let loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
    let doubled = format!("{{% set x = 'xx' %}}{}", "{% set x = x ~ x %}".repeat(40));
    for text in [loops, &doubled, "{{ 'x' * 9999999999 }}"] {
        let error = render(text).expect_err("an error");
        assert_eq!(error.kind(), ErrorKind::OutOfFuel, "{text:.40}: {error}");
        assert!(reason(&error).contains("loop over less"), "{error}");
    }
}

/// What is written anew says what was written.
#[test]
fn counting_changes_nothing_of_what_a_template_says() {
    for (text, said) in [
        ("{{ (1 + 2 * 3) ~ 'x' }}", "7x"),
        ("{{ (1 + 2) * 3 == 9 }}", "True"),
        (
            "{{ (not posts or posts)|length ~ -(posts|length)|abs }}",
            "22",
        ),
        (
            "{{ ((posts[0]).title|lower ~ ((posts))[1].title)|upper }}",
            "AB",
        ),
        (
            "{{ 'a' if posts|length > 1 and not 'x' in ['y'] else 'b' }}",
            "a",
        ),
        (
            "{{ 1 is not eq 2 }}{{ 1 is eq(posts|length) }}{{ x is defined }}",
            "TrueFalseFalse",
        ),
        (
            "{{ 1 < posts|length <= 2 }}{{ 1 not in [posts|length, 3] }}",
            "TrueTrue",
        ),
        ("{{ {'a': (1, 2)[posts|length - 1]}['a'] }}", "2"),
        (
            "{{ x|default('none') }}{{ posts|map(attribute='title')|join(', ') }}",
            "noneA, B",
        ),
        (
            "{% for p in posts if p.title != 'A' %}{{ loop.index ~ p.title }}{% endfor %}",
            "1B",
        ),
        ("{% filter upper|replace('A', 'b') %}a{% endfilter %}", "b"),
        (
            "{% set x | upper %}a{% endset %}{{ x }}{% set a, b = 1, 2 %}{{ a ~ b }}",
            "A12",
        ),
        (
            "{% macro m(a, b=[1]|length) %}{{ a ~ b ~ caller() }}{% endmacro %}\
          {% call m(posts|length) %}!{% endcall %}",
            "21!",
        ),
        (
            "{{ (posts|first).title }}{{ (posts + posts)|length }}{{ posts[:1]|length }}",
            "A41",
        ),
    ] {
        let rendered = render(text).unwrap_or_else(|error| panic!("{text}: {error:#}"));
        assert_eq!(rendered, said, "{text}: {}", bounded(text).expect("a text"));
    }
}

#[test]
fn a_mistake_is_told_as_it_was_written() {
    let error = render("{{ posts }}\n{{ (posts|firsst) ~ 'x' }}").expect_err("no such filter");
    assert_eq!(error.line(), Some(2), "{error}");
    let text = format!("{{# {} #}}", "x".repeat(70_000));
    assert!(reason(&bounded(&text).expect_err("too long")).contains("line 1"));
}

/// What is wrong with `page.html` beside others, and with what it is given.
fn strange(texts: &[(&str, &str)]) -> Vec<String> {
    let texts = texts.iter().copied().collect();
    let page = serde_json::json!({ "post": { "title": "A", "tags": [{ "name": "a" }] } });
    let given = Given::of("page.html", ValueShape::of([page]));
    let found =
        on_deep_stack(|| strangers(&environment(), &texts, ("page.html", &given))).expect("trees");
    let told = |it: Stranger| format!("{}:{}:{} {}", it.template, it.line, it.column, it.problem);
    found.into_iter().map(told).collect()
}

/// Templates that name one another are read with what each is given there.
#[test]
fn a_template_is_read_with_those_that_it_names() {
    const BASE: &str = "{% macro one(of) %}{{ of.title }}{% endmacro %}{% set word = 'w' %}\
        {% block main %}{{ nope }}{% endblock %}{% block end %}{{ word }}{% endblock %}";
    let answers = [
        "{% extends 'base.html' %}{% block main %}{{ one(post) }}{{ word }}{% endblock %}",
        "{% from 'base.html' import one as it %}{{ it(post) }}",
        "{% import 'base.html' as all %}{{ all.one(post) }}{{ all.word }}",
        "{% for tag in post.tags %}{% include 'tag.html' %}{{ loop.cycle('a', 'b') }}{% endfor %}",
        "{% include 'absent.html' ignore missing %}",
        "{% set parent = 'base.html' %}{% extends parent %}{% block main %}{{ one(post) }}{% endblock %}",
        "{% macro list(of) %}{{ of.x if of is mapping }}{{ caller() }}{% endmacro %}{% call list(post.tags[0].name) %}{% endcall %}",
    ];
    let tag = ("tag.html", "{{ tag.name }}");
    for text in answers {
        let base = BASE.replace("{{ nope }}", "");
        let found = strange(&[("page.html", text), ("base.html", &base), tag]);
        assert_eq!(found, Vec::<String>::new(), "{text}");
    }
    for (text, problem) in [
        (
            "{% extends 'base.html' %}{% block end %}{{ super() }}{% endblock %}",
            "base.html:1:87 `nope` is nothing that page.html has",
        ),
        (
            "{% extends 'base.html' %}{% block main %}{{ super() }}{% endblock %}",
            "base.html:1:87 `nope` is nothing that page.html has",
        ),
        (
            "{% extends 'base.html' %}\n{% block main %}{{ one(post.tags[0]) }}{% endblock %}",
            "base.html:1:26 `of.title` is nothing that page.html has",
        ),
        (
            "{% for tag in [post] %}{% include 'tag.html' %}{% endfor %}{{ tag.name }}",
            "page.html:1:63 `tag` is nothing that page.html has",
        ),
        (
            "{% extends 'base.html' %}{% block main %}{% endblock %}{% block ende %}{% endblock %}",
            "page.html:1:56 nobody is shown block `ende`: base.html has no block of that name",
        ),
    ] {
        let found = strange(&[("page.html", text), ("base.html", BASE), tag]);
        assert!(found.contains(&problem.to_owned()), "{text}: {found:#?}");
    }
}
