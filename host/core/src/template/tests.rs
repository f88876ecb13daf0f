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
