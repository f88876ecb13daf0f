//! Pages and feeds of a site, with posts that mean no good among them.

use jiff::Timestamp;

use super::*;

fn info(address: &str) -> SiteInfo {
    SiteInfo {
        name: "The <Board>".to_owned(),
        description: "What we shipped & why".to_owned(),
        address: Url::parse(address).expect("an address"),
    }
}

fn site() -> Site {
    Site::new(info("https://example.com/"), &bundled()).expect("the bundled site")
}

pub(super) fn post(number: u32) -> Post {
    let day = i64::from(number);
    Post {
        id: format!("id-{number:04}"),
        slug: format!("post-{number}"),
        title: format!("Post {number}"),
        tags: vec!["rust".to_owned(), "c++ / x".to_owned()],
        published_at: Timestamp::from_second(1_760_000_000 + day * 86_400).expect("a time"),
        ..view::sample()
    }
}

fn hostile() -> Post {
    let script = "</script><script>alert('x')</script>\"><b>";
    Post {
        title: script.to_owned(),
        excerpt: script.to_owned(),
        markdown: format!("{script}\n\n]]> \u{8}\u{0} end"),
        tags: vec![script.to_owned()],
        written_by: script.to_owned(),
        covers: script.to_owned(),
        featured: None,
        seo_title: String::new(),
        edited_by: script.to_owned(),
        approved_by: script.to_owned(),
        approved_at: Some(Timestamp::UNIX_EPOCH),
        ..post(1)
    }
}

#[test]
fn a_hostile_post_stays_text_on_every_page() {
    let (site, posts) = (site(), [hostile()]);
    let pages = [
        site.index(&posts),
        site.post(&posts[0]),
        site.archive(&posts, 1, 1),
        site.tag(&posts[0].title, &posts),
    ];
    for page in pages {
        let page = page.expect("a page");
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert!(page.contains("The &lt;Board&gt;"), "{page}");
    }
}

#[test]
fn a_hostile_post_keeps_the_feeds_well_formed() {
    let (site, posts) = (site(), [hostile(), post(2)]);
    let xml = site.rss(&posts).expect("a feed");
    let channel = rss::Channel::read_from(xml.as_bytes()).expect(&xml);
    assert_eq!(channel.items.len(), 2);
    assert_eq!(channel.items[0].title(), Some(posts[0].title.as_str()));
    let content = channel.items[0].content().expect("content");
    assert!(
        content.contains("]]&gt;") && !content.contains("<script"),
        "{content}"
    );
    assert!(!xml.contains('\u{8}'), "{xml}");
    let json = site.json_feed(&posts).expect("a feed");
    let json: serde_json::Value = serde_json::from_str(&json).expect("json");
    assert_eq!(json["items"][1]["url"], "https://example.com/posts/post-2");
}

#[test]
fn the_feed_says_where_it_lives() {
    let site = Site::new(info("https://example.com/blog/"), &bundled()).expect("a site");
    let xml = site.rss(&[post(1)]).expect("a feed");
    assert!(
        xml.contains("href=\"https://example.com/blog/feed.xml\" rel=\"self\""),
        "{xml}"
    );
    let channel = rss::Channel::read_from(xml.as_bytes()).expect(&xml);
    let guid = channel.items[0].guid().expect("a guid");
    assert_eq!(guid.value, "https://example.com/blog/posts/post-1");
    assert_eq!(
        channel.items[0].pub_date(),
        Some("Fri, 10 Oct 2025 08:53:20 GMT")
    );
}

#[test]
fn the_sitemap_names_every_post() {
    let xml = site().sitemap(&[post(1), post(2)]);
    assert_eq!(xml.matches("<loc>").count(), 4, "{xml}");
    assert!(
        xml.contains("<loc>https://example.com/posts/post-2</loc><lastmod>1970-01-01T00:00:00Z")
    );
}

#[test]
fn links_start_at_the_path_of_the_address() {
    let site = Site::new(info("https://example.com/blog"), &bundled()).expect("a site");
    let page = site.index(&[post(1)]).expect("a page");
    for link in [
        "\"/blog/posts/post-1\"",
        "\"/blog/archive\"",
        "\"/blog/tags/c%2B%2B%20%2F%20x\"",
    ] {
        assert!(page.contains(link), "{link}: {page}");
    }
    assert!(
        page.contains("rel=\"canonical\" href=\"https://example.com/blog/\""),
        "{page}"
    );
}

#[test]
fn a_site_without_posts_says_so() {
    let page = site().index(&[]).expect("a page");
    assert!(page.contains("Nothing has been published yet"), "{page}");
    assert!(site().archive(&[], 1, 1).is_ok());
}

#[test]
fn a_missing_template_is_named() {
    let mut files = bundled();
    files.remove("tag.html");
    let error = Site::new(info("https://example.com"), &files).expect_err("no tag.html");
    assert!(error.to_string().contains("`tag.html`"), "{error}");
}

#[test]
fn a_misspelt_name_is_found_before_anyone_reads_it() {
    for broken in [
        "a\n{{ page.titel }}",
        "a\n{% if %}",
        "a\n{{ posts | shuffle }}",
    ] {
        let mut files = bundled();
        files.insert("archive.html".to_owned(), broken.to_owned());
        let error = Site::new(info("https://example.com"), &files).expect_err(broken);
        assert!(
            error
                .to_string()
                .contains("`archive.html` of the site, line 2"),
            "{error}"
        );
    }
}

#[test]
fn what_wrote_a_post_is_said_in_words() {
    assert_eq!(view::writer("built-in composer"), "the built-in composer");
    assert_eq!(view::writer("Ada Lovelace"), "Ada Lovelace");
    assert_eq!(view::writer("model qwen3"), "the model qwen3");
    let both = view::writer("model qwen3, model smol");
    assert!(both.contains("qwen3") && both.contains("smol"), "{both}");
}
