//! `posts import` of a folder: documents of other programs, with what they say and what is wrong with them.

use callboard_core::store::Dialect;

use super::refuses;
use crate::support::factory::{Factory, on_each};
use crate::support::pictures::png;

on_each!(
    a_folder_of_markdown_is_imported_whole_or_not_at_all,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        let outside = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            let path = outside.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("written");
        };
        let folder = outside.path().to_str().expect("a path");
        write(
            "2026-03-02-lamp.md",
            "---\ntitle: 'The lamp: lit'\ntags: [sea, light]\nauthor: Ada\ndescription: |\n  Two\n  lines.\nlayout: post\nredirect_from:\n  - /posts/old-lamp/\n  - /2026/03/02/lamp/\n---\n\nText.\n\n![A](lamp.png)\n",
        );
        write(
            "fog/index.md",
            "+++\ndate = 2026-03-03T08:00:00+02:00\ntags = \"sea\"\ndraft = true\n+++\n# Fog\n\nMore.\n",
        );
        let dry = factory.ok(&["posts", "import", folder]);
        assert!(dry.contains("2 posts would be imported"), "{dry}");
        for left in [
            "`layout` is read by nothing",
            "`/2026/03/02/lamp/` is no address",
            "the picture `lamp.png` is not brought along",
        ] {
            assert!(
                dry.contains(&format!("2026-03-02-lamp.md: {left}")),
                "{dry}"
            );
        }
        assert_eq!(factory.count("posts"), 0);
        factory.ok(&["posts", "import", folder, "--yes", "--by", "Ben"]);
        let lamp = factory.json(&["posts", "show", "old-lamp"]);
        assert_eq!(lamp["slug"], "lamp");
        assert_eq!(lamp["title"], "The lamp: lit");
        assert_eq!(lamp["excerpt"], "Two\nlines.");
        assert_eq!(lamp["written_by"], "Ada");
        assert_eq!(lamp["published_at"], "2026-03-02T00:00:00Z");
        let fog = factory.json(&["posts", "show", "fog"]);
        assert_eq!(
            (&fog["title"], &fog["status"]),
            (&"Fog".into(), &"unpublished".into())
        );
        assert_eq!(
            (&fog["markdown"], &fog["published_at"]),
            (&"More.\n".into(), &"2026-03-03T06:00:00Z".into())
        );
        let again = factory.ok(&["posts", "import", folder, "--yes"]);
        assert!(
            again.contains("0 posts imported, 2 were here already"),
            "{again}"
        );
        factory.ok(&["posts", "export", "out"]);
        let page = factory.read("out/posts/lamp/index.html");
        assert!(
            page.contains("Ada") && !page.contains("built-in composer"),
            "{page}"
        );
        // What is wrong with any of them keeps all of them, and each is told by its file.
        write(
            "good.md",
            "---\ntitle: Good\ndate: 2026-03-04\n---\nText.\n",
        );
        for (name, text, said) in [
            ("none.md", "# No head\n", "none.md: it has no front matter"),
            (
                "broken.md",
                "---\ntitle: a\n  b: c: d\n---\n",
                "broken.md: its front matter: ",
            ),
            (
                "undated.md",
                "+++\ntitle = \"A\"\n+++\nText.\n",
                "undated.md: its front matter has no `date`",
            ),
            (
                "when.md",
                "---\ntitle: A\ndate: soon\n---\nText.\n",
                "when.md: `date`: `soon` is no time",
            ),
            (
                "untitled.md",
                "---\ndate: 2026-03-04\n---\nText.\n",
                "untitled.md, `untitled`: it has no title",
            ),
            (
                "twice.md",
                "---\ntitle: A\nslug: lamp\ndate: 2026-03-04\n---\nText.\n",
                "address `lamp` is there twice",
            ),
            (
                "odd.md",
                "---\ntitle: A\nslug: ../x\ndate: 2026-03-04\n---\nText.\n",
                "odd.md, `../x`: `../x` is no address",
            ),
            (
                "list.md",
                "---\ntitle: [A]\ndate: 2026-03-04\n---\nText.\n",
                "list.md: `title` is no text",
            ),
        ] {
            write(name, text);
            refuses(
                &factory,
                &["posts", "import", folder, "--yes"],
                2,
                &["nothing is imported", said],
            );
            std::fs::remove_file(outside.path().join(name)).expect("removed");
            assert_eq!(factory.count("posts"), 2, "{name}");
        }
        let kept = factory.ok(&["posts", "import", folder, "--yes"]);
        assert!(kept.contains("new: good\n"), "{kept}");
    }
);

on_each!(
    pictures_beside_documents_are_brought_along_and_what_is_none_is_named,
    |dialect: Dialect| {
        let factory = Factory::bare(dialect);
        let outside = tempfile::tempdir().expect("a folder");
        let write = |name: &str, bytes: &[u8]| {
            let path = outside.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("written");
        };
        let text = "---\ntitle: Lamp\ndate: 2026-03-04\nimage: img/head.png\n---\n\
            ![A lamp](lamp.png)\n\n![Root](/img/root.png)\n\n![Gone](gone.png)\n\n\
            ![Out](../secret.png)\n\n![Text](text.png)\n\n![Far](https://a.example/x.png)\n\n![Link](link.png)\n";
        write("lamp.md", text.as_bytes());
        write("lamp.png", &png(64, 32, 1));
        write("img/root.png", &png(64, 32, 2));
        write("img/head.png", &png(64, 32, 3));
        write("text.png", b"no picture");
        let secret = outside.path().with_extension("secret.png");
        std::fs::write(&secret, png(64, 32, 4)).expect("written");
        std::os::unix::fs::symlink(&secret, outside.path().join("link.png")).expect("a link");
        let folder = outside.path().to_str().expect("a path");
        let dry = factory.ok(&["posts", "import", folder]);
        for (left, why) in [
            ("gone.png", "not"),
            ("../secret.png", "it is outside of the folder"),
            ("text.png", "neither PNG, JPEG nor WebP"),
            ("link.png", "link"),
        ] {
            let told = format!("the picture `{left}` is not brought along: ");
            let line = dry.lines().find(|line| line.contains(&told));
            assert!(line.is_some_and(|line| line.contains(why)), "{left}: {dry}");
        }
        assert!(!factory.workspace().join("media").exists());
        factory.ok(&["posts", "import", folder, "--yes"]);
        let lamp = factory.json(&["posts", "show", "lamp"]);
        let markdown = lamp["markdown"].as_str().expect("a text");
        let kept = |markdown: &str| markdown.matches("](/media/").count();
        assert_eq!(kept(markdown), 2, "{markdown}");
        assert!(markdown.contains("![Gone](gone.png)"), "{markdown}");
        assert_eq!(lamp["featured"]["alt"], "Lamp");
        assert_eq!(factory.count("media WHERE provider = 'import'"), 3);
        let files = std::fs::read_dir(factory.workspace().join("media")).expect("a folder");
        let pictures = files.flatten().filter(|it| it.path().extension().is_some());
        assert_eq!(pictures.count(), 3);
        let again = factory.ok(&["posts", "import", folder, "--yes"]);
        assert!(
            again.contains("0 posts imported, 1 were here already"),
            "{again}"
        );
        factory.ok(&["posts", "export", "out"]);
        let page = factory.read("out/posts/lamp/index.html");
        assert!(page.contains("media/"), "{page}");
        std::fs::remove_file(secret).expect("removed");
    }
);
