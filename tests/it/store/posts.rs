//! `posts`: published, removed, and about one subject once.

use callboard_core::store::{Store, StoreErrorKind, timestamp};
use callboard_core::value::{Statement, Value};
use callboard_factory::tables::post_slugs::{self, PostSlug};
use callboard_factory::tables::posts::{self, POSTS, Post, PostEvent, PostMove, PostStatus};
use callboard_factory::tables::transitions::{At, Happening, StoredWord};

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
        status: PostStatus::Published,
        scheduled_at: None,
        run: String::new(),
        published_at: timestamp(number * 1_000_000),
        updated_at: timestamp(number * 1_000_000),
        edited_by: String::new(),
        approved_by: String::new(),
        approved_at: None,
    }
}

async fn publish(store: &Store, post: &Post) {
    for statement in posts::insert(post, "Ada", "because") {
        assert_eq!(store.execute(statement).await.expect("it is published"), 1);
    }
}

/// The row of a post.
fn first(post: &Post) -> Statement {
    posts::insert(post, "", "").remove(0)
}

fn happening(event: PostEvent, moment: i64) -> Happening<'static, PostEvent> {
    Happening {
        event,
        who: "Ada",
        detail: "because",
        at: At::Moment(timestamp(moment)),
    }
}

async fn moved(store: &Store, id: &str, happening: &Happening<'_, PostEvent>) -> [u64; 2] {
    // What is scheduled has a time, and nothing else has.
    let time = [("scheduled_at", Value::from(timestamp(9)))];
    let set: &[_] = match happening.event {
        PostEvent::Schedule => &time,
        _ => &[],
    };
    let [step, note] = posts::step(id, happening, set);
    let step = store.execute(step).await.expect("a move");
    [step, store.execute(note).await.expect("its note")]
}

on_both!(
    every_event_in_every_status_does_what_the_table_says,
    async |store: Store, _url| {
        for (number, event) in (0..).zip(PostEvent::ALL) {
            for (place, status) in (0..).zip(PostStatus::ALL) {
                let post = post(number * 10 + place);
                publish(&store, &post).await;
                let sql = "UPDATE posts SET status = $2, scheduled_at = CASE $2 WHEN 'scheduled' THEN 9 END \
                    WHERE id = $1";
                let there = Statement::new(sql).bind(&post.id).bind(status.word());
                assert_eq!(store.execute(there).await.expect("a status"), 1);
                let said = moved(&store, &post.id, &happening(*event, 2)).await;
                let now = store.read_first(posts::one(&post.id)).await;
                let now = now.expect("read").expect("a post").status;
                let history = posts::history(&store, &post.id).await.expect("read");
                let Some(to) = POSTS.to(Some(*status), *event) else {
                    assert_eq!((said, now, history.len()), ([0, 0], *status, 1));
                    continue;
                };
                assert_eq!((said, now), ([1, 1], to), "{event:?} {status:?}");
                let wanted = PostMove {
                    step: 2,
                    from_status: Some(*status),
                    to_status: to,
                    event: *event,
                    slug: post.slug,
                    title: post.title,
                    who: "Ada".to_owned(),
                    detail: "because".to_owned(),
                    at: timestamp(2),
                };
                assert_eq!(history[1], wanted);
            }
        }
    }
);

on_both!(
    an_address_that_a_post_had_is_no_other_posts,
    async |store: Store, _url| {
        publish(&store, &post(1)).await;
        let own = |slug: &str, post: &str| {
            post_slugs::take(&PostSlug {
                slug: slug.to_owned(),
                post: post.to_owned(),
                since: timestamp(5),
            })
        };
        store.execute(own("new", "id-1")).await.expect("taken");
        let retitle = happening(PostEvent::Retitle, 5);
        let [step, note] = posts::step("id-1", &retitle, &[("slug", "new".into())]);
        store.execute(step).await.expect("a move");
        store.execute(note).await.expect("its note");
        for address in ["slug-1", "new"] {
            let found = posts::by_slug(&store, address).await.expect("found");
            assert_eq!(found.expect("the post").slug, "new");
        }
        assert_eq!(
            post_slugs::moved(&store).await.expect("read"),
            [("slug-1".to_owned(), "new".to_owned())]
        );
        let thief = Post {
            slug: "slug-1".to_owned(),
            ..post(2)
        };
        let [row, address, _] = posts::insert(&thief, "", "").try_into().expect("three");
        store.execute(row).await.expect("a row of its own");
        assert_eq!(
            kind(store.execute(address).await),
            StoreErrorKind::Duplicate
        );
    }
);

on_both!(
    only_the_run_of_its_schedule_publishes_a_post_and_once,
    async |store: Store, _url| {
        let kept = Post {
            status: PostStatus::Unpublished,
            ..post(1)
        };
        publish(&store, &kept).await;
        let schedule = async |run: &str| {
            let set = [("run", run.into()), ("scheduled_at", timestamp(7).into())];
            let [step, note] = posts::step("id-1", &happening(PostEvent::Schedule, 3), &set);
            assert_eq!(store.execute(step).await.expect("a move"), 1);
            assert_eq!(store.execute(note).await.expect("its note"), 1);
        };
        let due = async |run: &str| {
            let [step, note] = posts::publish_due(run, timestamp(8));
            let step = store.execute(step).await.expect("a move");
            [step, store.execute(note).await.expect("its note")]
        };
        schedule("first").await;
        schedule("second").await;
        assert_eq!(
            due("first").await,
            [0, 0],
            "another run has taken its place"
        );
        assert_eq!(due("second").await, [1, 1]);
        assert_eq!(due("second").await, [0, 0], "once");
        let published = posts::by_slug(&store, "slug-1").await.expect("read");
        let published = published.expect("a post");
        assert_eq!(
            (
                published.status,
                published.published_at,
                published.scheduled_at
            ),
            (PostStatus::Published, timestamp(8), None)
        );
    }
);

on_both!(
    only_what_is_scheduled_has_a_time,
    async |store: Store, _url| {
        let kept = Post {
            status: PostStatus::Unpublished,
            ..post(1)
        };
        publish(&store, &kept).await;
        let unscheduled = store.execute(Statement::new("UPDATE posts SET scheduled_at = 7"));
        assert_eq!(kind(unscheduled.await), StoreErrorKind::Constraint);
        for event in [
            PostEvent::Lapse,
            PostEvent::Unpublish,
            PostEvent::Publish,
            PostEvent::Remove,
        ] {
            let back = posts::step("id-1", &happening(PostEvent::Unpublish, 2), &[]);
            for statement in back {
                store.execute(statement).await.expect("a move, or none");
            }
            let set = [("run", "run".into()), ("scheduled_at", timestamp(7).into())];
            for statement in posts::step("id-1", &happening(PostEvent::Schedule, 3), &set) {
                assert_eq!(store.execute(statement).await.expect("a move"), 1);
            }
            for statement in posts::step("id-1", &happening(PostEvent::Edit, 4), &[]) {
                assert_eq!(store.execute(statement).await.expect("a move"), 1);
            }
            let edited = posts::by_slug(&store, "slug-1").await.expect("read");
            let edited = edited.expect("a post");
            assert_eq!(edited.scheduled_at, Some(timestamp(7)), "an edit keeps it");
            for statement in posts::step("id-1", &happening(event, 5), &[]) {
                assert_eq!(store.execute(statement).await.expect("a move"), 1);
            }
            let left = posts::by_slug(&store, "slug-1").await.expect("read");
            assert_eq!(left.expect("a post").scheduled_at, None, "{event:?}");
        }
    }
);

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
        let remove = happening(PostEvent::Remove, 9_000_000);
        assert_eq!(moved(&store, "id-1", &remove).await, [1, 1]);
        assert_eq!(moved(&store, "id-1", &remove).await, [0, 0]);
        let kept = posts::by_slug(&store, "slug-1")
            .await
            .expect("found")
            .expect("its row stays");
        assert_eq!(kept.status, PostStatus::Removed);
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
        let remove = happening(PostEvent::Remove, 2);
        assert_eq!(moved(&store, "id-1", &remove).await, [1, 1]);
        let same_subject = Post {
            id: "other".to_owned(),
            slug: "other".to_owned(),
            ..post(1)
        };
        assert_eq!(
            kind(store.execute(first(&same_subject)).await),
            StoreErrorKind::Duplicate
        );
        let same_slug = Post {
            slug: "slug-1".to_owned(),
            ..post(3)
        };
        assert_eq!(
            kind(store.execute(first(&same_slug)).await),
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
