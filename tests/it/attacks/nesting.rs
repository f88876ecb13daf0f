//! Input that a recursive reader follows too deep. Each is read on a stack as large as that of the
//! threads that the program works on; a reader that recurses further takes the process down.

use callboard_core::config::Config;
use callboard_core::handler::schema;
use callboard_core::template;
use callboard_factory::tables::posts::Post;
use serde_json::{Value as Json, json};

use super::attacks;
use crate::site::{post, site};

attacks! {
    nested_markdown: "a post of a hundred thousand quotes, lists, brackets or stars in one another" => {
        markdown
    };
    nested_templates: "a template with thousands of brackets, blocks or signs in one another" => {
        templates_as_written
    };
    endless_templates: "a template that includes itself, and a macro that calls itself" => {
        templates_as_rendered
    };
    nested_json: "JSON of a hundred thousand lists in one another" => { json_of_peers };
    nested_toml: "a file of the workspace with thousands of lists in one another" => { toml_of_files };
    circular_schemas: "a contract whose schema refers to itself" => { schemas };
}

/// The stack of a worker of the program's runtime.
const STACK: usize = 2 << 20;
const DEEP: usize = 100_000;

fn on_a_worker(read: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(read);
    thread.expect("a thread").join().expect("it reads");
}

fn markdown() {
    for piece in [
        "> ",
        "- ",
        "1. ",
        "*a ",
        "**a ",
        "[",
        "![",
        "~~a ",
        "`",
        "<b>",
        "<a href=x>",
        "| a ",
    ] {
        on_a_worker(move || {
            let deep = Post {
                markdown: piece.repeat(DEEP / 10),
                ..post(1)
            };
            shown_or_told(&deep);
        });
    }
    let steps: String = (0..500)
        .map(|step| format!("{}- a\n", "  ".repeat(step)))
        .collect();
    on_a_worker(move || {
        let deep = Post {
            markdown: steps,
            ..post(1)
        };
        shown_or_told(&deep);
    });
}

/// A page, or the reason why there is none.
fn shown_or_told(deep: &Post) {
    if let Err(error) = site().post(deep) {
        let told = error.to_string();
        assert!(told.contains("cannot be shown"), "{told}");
    }
}

/// As the site and prompts are: whatever comes of it, it ends.
fn render(text: &str) {
    let bounded = template::bounded(text);
    drop(bounded.and_then(|text| {
        template::on_deep_stack(|| {
            let mut environment = template::environment();
            environment.add_template("self.html", &text)?;
            environment.get_template("self.html")?.render(())
        })
    }));
}

fn templates_as_written() {
    for (open, close) in [
        ("{{ (", ") }}"),
        ("{{ [", "] }}"),
        ("{{ {1:", "} }}"),
        ("{{ not ", "1 }}"),
        ("{{ -", "1 }}"),
    ] {
        let (sign, end) = (&open[3..], &close[..1]);
        let end = if end == "1" { "" } else { end };
        let text = format!("{{{{ {}1{} }}}}", sign.repeat(DEEP), end.repeat(DEEP));
        on_a_worker(move || render(&text));
    }
    for (open, close) in [
        ("{% if 1 %}", "{% endif %}"),
        ("{% for a in [1] %}", "{% endfor %}"),
        ("{% with a = 1 %}", "{% endwith %}"),
        ("{% filter upper %}", "{% endfilter %}"),
    ] {
        let text = format!("{}{}", open.repeat(DEEP), close.repeat(DEEP));
        on_a_worker(move || render(&text));
        let text = format!("{}{}", open.repeat(140), close.repeat(140));
        on_a_worker(move || render(&text));
    }
    for link in [
        "1 + ",
        "a.b | upper | ",
        "'a' ~ ",
        "1 if 1 else ",
        "1 == ",
        "a and ",
    ] {
        let text = format!("{{% set a = 'x' %}}{{{{ {}upper }}}}", link.repeat(DEEP));
        on_a_worker(move || render(&text));
    }
    for link in [".a", "[0]", "()", "|upper"] {
        let text = format!("{{{{ a{} }}}}", link.repeat(DEEP));
        on_a_worker(move || render(&text));
    }
}

fn templates_as_rendered() {
    for text in [
        "{% include 'self.html' %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% extends 'self.html' %}",
        "{% set ns = namespace() %}{% for a in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
    ] {
        on_a_worker(move || render(text));
    }
    let sets = format!("{}{{{{ x }}}}", "{%set x=[x]%}".repeat(19_000));
    on_a_worker(move || render(&format!("{{% set x = 1 %}}{sets}")));
}

fn json_of_peers() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let text = format!("{}1{}", open.repeat(DEEP), close.repeat(DEEP));
        on_a_worker(move || {
            serde_json::from_str::<Json>(&text).expect_err("it is too deep");
        });
    }
}

fn toml_of_files() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!(
            "name = \"x\"\nlimits = {}1{}",
            open.repeat(DEEP),
            close.repeat(DEEP)
        );
        on_a_worker(move || {
            toml::from_str::<Config>(&text).expect_err("it is too deep");
        });
    }
    let text = format!("name = \"x\"\n[{}a]\n", "a.".repeat(DEEP));
    on_a_worker(move || {
        toml::from_str::<Config>(&text).expect_err("it is too deep");
    });
}

fn schemas() {
    let deep = (0..60).fold(
        json!({ "type": "object" }),
        |inner, _| json!({ "allOf": [inner] }),
    );
    for schema in [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({ "anyOf": [{ "not": { "$ref": "#" } }] }),
        json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } } }),
        json!({ "properties": { "a": { "$ref": "#" } } }),
        json!({ "$dynamicRef": "#x", "$dynamicAnchor": "x" }),
        json!({ "unevaluatedProperties": { "$ref": "#" }, "allOf": [{ "$ref": "#" }] }),
        deep,
    ] {
        on_a_worker(move || {
            let refused = schema::compiled(&schema).err().expect("it is refused");
            let parts = ["refers to itself", "is not followed", "levels deep"];
            assert!(parts.iter().any(|part| refused.contains(part)), "{refused}");
        });
    }
}
