//! A slip is the name that is alone: one cause is told, everything else that says the name depends
//! on it, and with the mend of that one all answer.

use super::ground::{Ground, misses};
use super::{P, STAGE, each, mends};

const S: &str = "settings.toml";
const M: &str = "plugins/embeddings_collapse/plugin.toml";
const C: &str = "callboard.toml";

/// The only cause of a ground, and that its mend mends.
async fn one_cause(ground: Ground, cause: &str) {
    let roll = ground.roll().await;
    let told = |(it, _): &(&crate::rollcall::Reference, _)| format!("{} {}", it.referrer, it.key);
    let causes: Vec<String> = roll.causes().iter().map(told).collect();
    assert_eq!(causes, [cause], "{:#?}", misses(&ground).await);
    mends::settles(ground).await.expect("all answer");
}

#[tokio::test]
async fn an_input_that_others_name_too_is_the_slip() {
    let limits = "[limits]\nkey = \"day\"\nat_once = 1\n";
    let when = "id = \"publish\"\nwhen = [{ key = \"day\", present = true }]";
    let schedule =
        format!("[[schedule]]\ncron = \"0 6 * * *\"\ninput = {{ day = \"d\" }}\n{STAGE}");
    for (from, to) in [
        ("[input.day]", format!("{limits}[input.day]")),
        ("id = \"publish\"", when.to_owned()),
        (STAGE, schedule),
    ] {
        let mut ground = Ground::good();
        ground.replace(P, from, &to);
        assert_eq!(misses(&ground).await, [], "{to}");
        ground.replace(P, "[input.day]", "[input.dya]");
        one_cause(ground, "pipeline diary input.dya").await;
    }
}

#[tokio::test]
async fn a_name_that_nobody_else_says_is_the_slip_and_not_the_input() {
    let mut ground = Ground::good();
    let limits = "[limits]\nkey = \"extar\"\nat_once = 1\n[input.extra]\n[input.day]";
    ground.replace(P, "[input.day]", limits);
    one_cause(ground, "pipeline diary limits.key").await;
}

#[tokio::test]
async fn a_declaration_that_nobody_names_is_the_slip() {
    let asked = |owner: &str| {
        format!(
            "[[{owner}.credentials]]\nname = \"glossary.key\"\nto = \"https://a.example\"\n\n\
                 [[{owner}.http]]\nhost = \"a.example\"\n\n"
        )
    };
    let declared = "[\"glossary.key\"]\ntype = \"secret\"\ndescription = \"k\"\n";
    let ground = |declared: &str| {
        let mut ground = Ground::good();
        ground.replace(M, "[ask.settings]", &(asked("ask") + "[ask.settings]"));
        let limits = "[limits.embeddings_collapse]";
        let granted = asked("grants.embeddings_collapse");
        ground.replace(C, limits, &(granted + limits));
        ground.write(S, &(declared.to_owned() + &ground.text(S)));
        ground
    };
    assert_eq!(misses(&ground(declared)).await, []);
    let slip = ground(&declared.replace("glossary", "glossray"));
    one_cause(slip, "settings.toml key").await;
    // What a handler's contract reads is no slip either.
    let mut slip = Ground::good();
    slip.replace(S, "\"memory.size\"", "\"memory.sise\"");
    one_cause(slip, "settings.toml key").await;
    let mut slip = Ground::good();
    slip.replace(S, "\"roles.critic.url\"", "\"roles.crtic.url\"");
    one_cause(slip, "settings.toml key").await;
}

/// What the program reads itself has a contract, as what a handler reads has one.
#[tokio::test]
async fn what_the_program_reads_is_declared_as_that() {
    let secret = "type = \"secret\"";
    each(&[
        (S, secret, "type = \"string\"", "settings.toml type @ settings.toml:23:1: `roles.critic.key` is declared as string, and whoever asks a model reads it as secret", "write `type = \"secret\"`"),
        (S, "type = \"model\"", "type = \"csv\"", "settings.toml type @ settings.toml:13:1: `roles.critic.model` is declared as csv, and whoever asks a model reads it as model", "write `type = \"model\"`"),
        (S, "\"roles.critic.key\"", "\"roles.crtic.key\"", "settings.toml key @ settings.toml:22:2: no handler asks a role `crtic`", "write `[\"roles.critic.key\"]`"),
        (S, "\"roles.critic.key\"", "\"roles.critic.kye\"", "settings.toml key @ settings.toml:22:2: a role has `url`, `model`, `key`, `provider` and `fallback`, and no `kye`", "write `[\"roles.critic.key\"]`"),
    ])
    .await;
    // A setting that is read as a text is not made a secret.
    let mut ground = Ground::good();
    let asks = "[[ask.credentials]]\nname = \"roles.critic.model\"\nto = \"https://a.example\"\n\n[[ask.http]]\nhost = \"a.example\"\n\n[ask.settings]";
    ground.replace(M, "[ask.settings]", asks);
    let misses = misses(&ground).await;
    let told = misses
        .iter()
        .find(|(text, _)| text.contains("is a setting of the type model"));
    assert!(
        told.is_some_and(|(_, mend)| mend.starts_with("name a secret")),
        "{misses:#?}"
    );
}
