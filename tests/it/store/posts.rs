//! `posts`: published, removed, and about one subject once.

use callboard_core::store::{Store, StoreErrorKind, timestamp};
use callboard_factory::tables::posts::{self, Post};

use super::kind;
use crate::support::database::on_both;

fn post(number: i64) -> Post {
    Post {
        id: format!("id-{number}"),
        slug: format!("slug-{number}"),
        subject: format!("dev_diary:r:{number}"),
        task: "task".to_owned(),
        title: "A title".to_owned(),
        excerpt: "What it's about".to_owned(),
        markdown: "# A title\n\n\"text\"".to_owned(),
        tags: vec!["diary".to_owned(), "rust".to_owned()],
        written_by: "composer".to_owned(),
        covers: "2026-01-02".to_owned(),
        featured: None,
        seo_title: String::new(),
        removed: false,
        published_at: timestamp(number * 1_000_000),
        updated_at: timestamp(number * 1_000_000),
        edited_by: String::new(),
        approved_by: String::new(),
        approved_at: None,
    }
}

async fn publish(store: &Store, post: &Post) {
    assert_eq!(
        store
            .execute(posts::insert(post))
            .await
            .expect("it is published"),
        1
    );
}

on_both!(
    a_post_comes_back_as_it_was_published,
    async |store: Store, _url| {
        let mut bare = post(2);
        bare.tags.clear();
        for it in [post(1), bare] {
            publish(&store, &it).await;
            assert_eq!(
                posts::by_slug(&store, &it.slug).await.expect("found"),
                Some(it.clone())
            );
            assert_eq!(
                store
                    .read_first(posts::about(&it.subject))
                    .await
                    .expect("found"),
                Some(it)
            );
        }
        assert_eq!(posts::by_slug(&store, "nothing").await.expect("none"), None);
        let none = store.read_first(posts::about("nothing")).await;
        assert_eq!(none.expect("none"), None);
    }
);

on_both!(
    the_newest_posts_come_first_page_by_page,
    async |store: Store, _url| {
        for number in 1..=5 {
            publish(&store, &post(number)).await;
        }
        let slugs = async |limit, offset| {
            let page = posts::newest(&store, limit, offset).await.expect("a page");
            page.into_iter().map(|post| post.slug).collect::<Vec<_>>()
        };
        assert_eq!(slugs(2, 0).await, ["slug-5", "slug-4"]);
        assert_eq!(slugs(2, 4).await, ["slug-1"]);
        assert_eq!(slugs(2, 6).await, Vec::<String>::new());
        assert_eq!(posts::count(&store).await.expect("a number"), 5);
    }
);

on_both!(
    a_removed_post_is_off_the_site_and_its_address_remembers_it,
    async |store: Store, _url| {
        publish(&store, &post(1)).await;
        publish(&store, &post(2)).await;
        let remove = || posts::remove("slug-1", timestamp(9_000_000));
        assert_eq!(store.execute(remove()).await.expect("it is removed"), 1);
        assert_eq!(store.execute(remove()).await.expect("it was removed"), 0);
        let kept = posts::by_slug(&store, "slug-1")
            .await
            .expect("found")
            .expect("its row stays");
        assert!(kept.removed);
        assert_eq!(
            (kept.updated_at, kept.published_at),
            (timestamp(9_000_000), timestamp(1_000_000))
        );
        assert_eq!(posts::count(&store).await.expect("a number"), 1);
        assert_eq!(
            posts::newest(&store, 10, 0).await.expect("a page"),
            [post(2)]
        );
    }
);

on_both!(
    a_second_post_about_a_subject_is_refused_even_if_the_first_was_removed,
    async |store: Store, _url| {
        publish(&store, &post(1)).await;
        store
            .execute(posts::remove("slug-1", timestamp(2)))
            .await
            .expect("it is removed");
        let same_subject = Post {
            id: "other".to_owned(),
            slug: "other".to_owned(),
            ..post(1)
        };
        assert_eq!(
            kind(store.execute(posts::insert(&same_subject)).await),
            StoreErrorKind::Duplicate
        );
        let same_slug = Post {
            slug: "slug-1".to_owned(),
            ..post(3)
        };
        assert_eq!(
            kind(store.execute(posts::insert(&same_slug)).await),
            StoreErrorKind::Duplicate
        );
    }
);

on_both!(
    posts_are_found_by_a_whole_tag,
    async |store: Store, _url| {
        for (number, tags) in [(1, "a,ab"), (2, "b"), (3, "a")] {
            let tags = tags.split(',').map(str::to_owned).collect();
            publish(
                &store,
                &Post {
                    tags,
                    ..post(number)
                },
            )
            .await;
        }
        let tagged = async |tag, limit| {
            let found = posts::tagged(&store, tag, limit).await.expect("posts");
            found.into_iter().map(|post| post.slug).collect::<Vec<_>>()
        };
        assert_eq!(tagged("a", 10).await, ["slug-3", "slug-1"]);
        assert_eq!(tagged("a", 1).await, ["slug-3"]);
        assert_eq!(tagged("ab", 10).await, ["slug-1"]);
        for tag in ["", "a,ab", "%", "c"] {
            assert_eq!(tagged(tag, 10).await, Vec::<String>::new(), "{tag}");
        }
    }
);
