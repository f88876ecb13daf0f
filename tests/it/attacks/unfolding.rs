//! A short text that means much, and a long list of small things: what is said in a few bytes and
//! takes the age of the world to look through. What is too much is refused by counting, so these
//! tests have no clock; where nothing counts, they would run for minutes or for ever.

use std::time::{Duration, Instant};

use callboard_core::handler::schema;
use callboard_core::store::Dialect::{self, Sqlite};
use callboard_core::template;
use callboard_factory::diary::git::Git;
use minijinja::ErrorKind;
use serde_json::{Value as Json, json};

use super::attacks;
use crate::support::database::runtime;
use crate::support::factory::{DAY, Factory};
use crate::support::host::{Host, Ran};
use crate::support::repository::{GitFolder, repository};

attacks! {
    lists_in_lists: "lists of which each holds the one before ten times, written, joined, compared and looked up" => {
        shared_lists
    };
    a_repeated_list: "a list that is repeated a million million times" => { repeated_lists };
    a_long_text_many_times: "a list that holds one text of megabytes 90,000 times" => { shared_texts };
    errors_without_end: "a million parts, each of which fits none of its schema's choices" => { many_errors };
    a_long_line: "a template with a line of 70,000 columns" => { long_lines };
    a_value_against_a_wide_schema: "a value of a million parts against a schema of thousands" => { wide_values };
    a_reformatted_day: "120 commits of a day, each of which touches 100 files with long names" => {
        a_busy_day
    };
    a_tree_of_trees: "a commit of ten blobs that has a thousand million paths, remembered and told among others" => {
        both a_tree_bomb
    };
    stages_in_a_row: "a pipeline of 1,000 stages, each after the three before it" => { many_stages };
    stages_side_by_side: "a pipeline of 1,000 stages that all write the same keys" => { parallel_stages };
    stages_without_end: "a pipeline of 6,000 stages, and one with 20,000 needs" => { too_many_stages };
    mistakes_without_end: "a policy with 60,000 tables that nobody knows, and one of lines that are no TOML" => {
        many_mistakes
    };
}

/// `u`: 2 * 10^20 numbers, in twenty lists.
fn shared() -> String {
    let lists = ('a'..'u').zip('b'..='u').map(|(inner, outer)| {
        let ten = vec![inner.to_string(); 10].join(",");
        format!("{{% set {outer} = [{ten}] %}}")
    });
    format!("{{% set a = [1, 2] %}}{}", lists.collect::<String>())
}

/// What one stage may write the next one may read, and it is written.
fn a_busy_day() {
    let repository = repository();
    let mut stream = String::new();
    for commit in 0..120 {
        let at = 1_767_607_200 + commit * 60;
        let subject = format!("refactor: module {commit} is laid out anew");
        let who = format!("Ada <ada@example.org> {at} +0000");
        let length = subject.len();
        stream += &format!(
            "commit refs/heads/main\nauthor {who}\ncommitter {who}\ndata {length}\n{subject}\n"
        );
        for file in 0..100 {
            let path = format!(
                "src/main/java/com/example/project/module3/service/implementation/DefaultCustomerAccountService{file}.java"
            );
            let text = format!("{commit}\n");
            let length = text.len();
            stream += &format!("M 100644 inline {path}\ndata {length}\n{text}");
        }
        stream.push('\n');
    }
    repository.git(&["fast-import", "--quiet"], &stream);
    let factory = Factory::bare(Sqlite);
    let ran = factory.diary(repository.path(), DAY);
    assert_eq!(ran.code, 4, "{ran}");
}

/// Nine folders in each other, each ten times.
fn bomb(repository: &GitFolder) -> String {
    let blob = repository.git(&["hash-object", "-w", "--stdin"], "x\n");
    let mut line = format!("100644 blob {}", blob.trim());
    for _ in 0..9 {
        let entries: String = (0..10).map(|name| format!("{line}\t{name}\n")).collect();
        let tree = repository.git(&["mktree"], &entries);
        line = format!("040000 tree {}", tree.trim());
    }
    let tree = line.rsplit(' ').next().expect("a tree").to_owned();
    let day = "1767607200 +0000";
    let commit = format!(
        "tree {tree}\nparent {}\nauthor Eve <e@x> {day}\ncommitter Eve <e@x> {day}\n\nfeat: a thousand million files\n",
        repository.git(&["rev-parse", "HEAD"], "").trim()
    );
    let id = repository.git(&["hash-object", "-t", "commit", "-w", "--stdin"], &commit);
    repository.git(&["update-ref", "HEAD", id.trim()], "");
    id.trim().to_owned()
}

fn a_tree_bomb(dialect: Dialect) {
    let repository = repository();
    let at = |hour: u32| format!("2026-01-05T0{hour}:00:00Z");
    let before = repository.at(&at(8)).file("search.rs", "fn search() {}\n");
    let before = before.commit("feat: search the archive");
    let bomb = bomb(&repository);
    // Git reads what the commit of the bomb left in the folder as taken away.
    let path = repository.path().to_str().expect("a path");
    runtime().block_on(async {
        let until = Instant::now() + Duration::from_secs(120);
        // Less memory, and it ends the sooner.
        let git = Git::open(path, until).expect("a repository").within(96);
        let ids = [bomb.clone(), before.clone()];
        let looked = git.commits(&ids, &mut (1 << 20)).await.expect("commits");
        let told: Vec<_> = looked.entries.iter().map(|it| (&it.id, it.files)).collect();
        assert_eq!(told, [(&bomb, 0), (&before, 1)]);
        assert_eq!(looked.unlooked, std::slice::from_ref(&bomb));
    });
    let factory = Factory::bare(dialect);
    let remember = ["run", "remember", "--input", &format!("repository={path}")];
    let ran = factory.run(&remember);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(
        factory.count(&format!("commits WHERE id IN ('{bomb}', '{before}')")),
        2
    );
    let again = factory.run(&remember);
    assert!(again.to_string().contains("are known"), "{again}");
}

fn refused(text: &str) -> minijinja::Error {
    let rendered = template::bounded(text)
        .and_then(|text| template::on_deep_stack(|| template::environment().render_str(&text, ())));
    rendered.expect_err(text)
}

fn ends(text: &str) {
    let error = refused(text);
    assert_eq!(error.kind(), ErrorKind::OutOfFuel, "{text}: {error}");
}

fn shared_lists() {
    for use_of_it in [
        "{{ u }}",
        "{{ u ~ 'x' }}",
        "{{ 'x' ~ (u if u else 1) }}",
        "{{ u|string }}",
        "{{ u|tojson }}",
        "{{ u|pprint }}",
        "{{ [u]|join(',') }}",
        "{{ '%s'|format(u) }}",
        "{{ 1|default(u, true)|list|string }}{{ u|string }}",
        "{{ u == [t,t,t,t,t,t,t,t,t,[1]] }}",
        "{{ [u] in [[u], [t]] }}",
        "{{ 1 < u < 2 }}",
        "{{ [u, t]|sort }}",
        "{{ [u, u]|unique|length }}",
        "{{ [u, t]|min }}",
        "{{ {u: 1}|length }}",
        "{{ {1: 2}[u] }}",
        "{{ u is eq u }}",
        "{{ 1 is in u }}",
        "{{ dict(a=u)|string }}",
        "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(u) }}",
        "{% set x %}{{ u }}{% endset %}",
        "{% include u %}",
    ] {
        ends(&format!("{}{use_of_it}", shared()));
    }
}

fn shared_texts() {
    let long = "{% set a = 'y' * 8000000 %}{% set l = [a] * 9000 %}";
    for use_of_it in [
        "{{ l|join|length }}",
        "{{ l|sort|length }}",
        "{{ l|unique|length }}",
        "{{ 'x' in l }}",
        "{{ l == [1] }}",
        "{{ l|max }}",
        "{{ l|map('upper')|list|length }}",
        "{{ l|string|length }}",
        "{{ (l ~ 'x')|length }}",
        "{{ l|replace('y', 'z')|length }}",
    ] {
        ends(&format!("{long}{use_of_it}"));
    }
}

fn many_errors() {
    let choice = json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] });
    let items = json!({ "anyOf": [{ "type": "boolean" }, { "type": "object" }, choice] });
    let schema = schema::compiled(&json!({ "items": items })).expect("a schema");
    let value = |count: usize| Json::Array(vec![json!(1); count]);
    let misfit = schema.check(&value(10)).expect_err("it does not fit");
    assert_eq!(misfit.pointer, "/0", "{}", misfit.problem);
    let misfit = schema
        .check(&value(1_000_000))
        .expect_err("it does not fit");
    assert_eq!(misfit.pointer, "/0", "{}", misfit.problem);
    let fits = Json::Array(vec![json!("x"); 1_000_000]);
    assert!(schema.check(&fits).is_ok());
}

fn repeated_lists() {
    for text in [
        "{{ [1] * 1000000 * 1000000 }}",
        "{{ [1] * 1000000 * 1000000 ~ 'x' }}",
        "{{ ([1] * 1000000 * 1000000)|join }}",
        "{% set a = [1] %}ADD{{ a ~ 'x' }}",
    ] {
        let doubled = "{% set a = a + a %}".repeat(60);
        refused(&text.replace("ADD", &doubled));
    }
}

fn long_lines() {
    for text in [
        format!("{{# {} #}}", "x".repeat(70_000)),
        format!("{{{{ 1 }}}}{}{{{{ 2 }}}}", "x".repeat(70_000)),
        "{{a~a}}".repeat(9_000),
    ] {
        let error = template::bounded(&text).expect_err("it is refused");
        assert_eq!(error.kind(), ErrorKind::SyntaxError, "{error}");
        assert!(error.to_string().contains("break it"), "{error}");
    }
}

fn wide_values() {
    let number = json!({ "type": "number" });
    let schema = json!({ "items": { "anyOf": vec![number; 3_000] } });
    let schema = schema::compiled(&schema).expect("a schema");
    let value = |count: usize| Json::Array(vec![json!("x"); count]);
    assert!(schema.check(&json!([1, 2])).is_ok());
    let misfit = schema.check(&value(1_000_000)).expect_err("too much");
    assert!(misfit.problem.contains("too much"), "{}", misfit.problem);
}

fn workspace() -> Host {
    let host = Host::new();
    host.write("callboard.toml", "name = \"x\"\n");
    host
}

const HEAD: &str = "name = \"long\"\nbudget = \"10m\"\n[input.repository]\nrequired = true\n\
    [input.date]\nrequired = true\n";

/// `check` of a pipeline with stages that need what `needs` says.
fn check(stages: usize, needs: impl Fn(usize) -> Vec<usize>) -> Ran {
    let stages = (0..stages).map(|number| {
        let needs: Vec<_> = needs(number)
            .iter()
            .map(|need| format!("\"s{need}\""))
            .collect();
        format!(
            "[[stage]]\nid = \"s{number}\"\nhandler = \"content.collect_git\"\nneeds = [{}]\n",
            needs.join(",")
        )
    });
    let host = workspace();
    host.write(
        "pipelines/long.toml",
        format!("{HEAD}{}", stages.collect::<String>()),
    );
    host.run(&["check"])
}

fn many_stages() {
    let ran = check(1_000, |number| (number.saturating_sub(3)..number).collect());
    assert_eq!(ran.code, 1, "its keys clash: {ran}");
    assert!(ran.stdout.contains("references"), "{ran}");
    // Against the order in which they are written, and as dense as it may be.
    let ran = check(1_000, |number| {
        (number + 1..(number + 10).min(1_000)).collect()
    });
    assert!(ran.stdout.contains("references"), "{ran:?}");
}

fn parallel_stages() {
    let ran = check(1_000, |_| Vec::new());
    assert!(ran.stdout.contains("both write"), "{}", ran.stderr);
}

fn too_many_stages() {
    let ran = check(6_000, |_| Vec::new());
    assert!(
        ran.stderr.contains("6000 stages, and at most 1000"),
        "{ran:?}"
    );
    let ran = check(200, |number| (0..number).collect());
    assert!(ran.stderr.contains("and at most 10000"), "{ran:?}");
}

fn many_mistakes() {
    let tables: String = (0..60_000)
        .map(|number| format!("[[a{number}]]\n"))
        .collect();
    let lines = "x\n".repeat(200_000);
    // What is no TOML is read to its first mistake: the others are made by that.
    for (text, told) in [(tables, "mend the others first"), (lines, "is not TOML")] {
        let host = workspace();
        host.write("policies/wide.toml", text);
        let ran = host.run(&["check"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains(told), "{ran:?}");
        assert!(ran.stderr.len() < 50_000, "{} bytes", ran.stderr.len());
    }
}
