//! A draft that a person sends back pays only for the pictures that are wanted anew.

use callboard_core::store::Dialect;

use super::press::{TOPIC, factory, press, role, run};
use crate::support::factory::{Factory, on_each};
use crate::support::pictures::PictureServer;
use crate::support::scripted::{Scripted, wanted};

const NOTES: &str = "notes=The weather was written down every evening.";

fn illustrated(dialect: Dialect, press: &Scripted, pictures: &PictureServer) -> Factory {
    let factory = factory(dialect, press);
    role(&factory, "vision", &press.url("/"), "eye");
    factory.ok(&["settings", "set", "images.provider", "sdxl"]);
    factory.ok(&["settings", "set", "images.url", &pictures.url()]);
    factory
}

/// How often a model was asked for what pictures are to show, and what it was shown.
fn planned(press: &Scripted) -> Vec<String> {
    let asked = press.asked().into_iter();
    let plans = asked.filter(|asked| wanted(asked).contains(&"pictures".to_owned()));
    plans.map(|asked| asked.body).collect()
}

/// How often a model looked at a picture.
fn looked(press: &Scripted) -> usize {
    let asked = press.asked();
    let looks = asked
        .iter()
        .filter(|asked| asked.body.contains("image_url"));
    looks.count()
}

on_each!(
    a_person_who_sends_a_text_back_keeps_its_pictures_and_one_who_wants_others_gets_them,
    |dialect: Dialect| {
        let (press, pictures) = (press(), PictureServer::sdxl());
        let factory = illustrated(dialect, &press, &pictures);
        let gate = "gate = \"publish this post?\"";
        let parts = "regenerate = { text = \"revise\", pictures = \"plan_pictures\", files = \"make_pictures\" }";
        factory.edit(
            "pipelines/canonical_blog.toml",
            gate,
            &format!("{gate}\n{parts}"),
        );
        for stage in ["plan_pictures", "make_pictures"] {
            let id = format!("id = \"{stage}\"");
            factory.edit(
                "pipelines/canonical_blog.toml",
                &id,
                &format!("{id}\nmax_visits = 9"),
            );
        }
        factory.ok(&["apply"]);
        let ran = run(
            &factory,
            &[TOPIC, &format!("urls={}", press.url("/lamp")), NOTES],
        );
        assert_eq!(ran.code, 4, "{ran}");
        let again = |part: &str| {
            let task = factory.task();
            let ran = factory.run(&[
                "tasks",
                "regenerate",
                &task,
                "--part",
                part,
                "--feedback",
                "again",
            ]);
            assert_eq!(ran.code, 4, "it stands before its gate again: {ran}");
            (
                pictures.generations().len(),
                planned(&press).len(),
                looked(&press),
            )
        };
        assert_eq!(
            (pictures.generations().len(), planned(&press).len()),
            (2, 1)
        );
        assert_eq!(again("text"), (2, 1, 2), "the text is as it was");
        assert_eq!(again("pictures"), (4, 2, 4), "others are wanted");
        assert_eq!(again("files"), (6, 2, 6), "of the same plan");
        assert_eq!(again("text"), (6, 2, 6));
    }
);
