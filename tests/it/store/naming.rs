//! Short forms of ids: of few and of many, what a list shows is what a person may type.

use callboard_core::store::Store;
use callboard_core::store::named::{NameMatch, RUN, Short, find};

use super::runs::{queue, run};
use crate::support::database::on_both;

/// More than are looked up one by one.
const MANY: usize = 150;

on_both!(
    a_long_list_shows_what_a_short_one_does_and_each_form_is_found,
    async |store: Store, _url| {
        // Ends that begin alike, and beginnings that are others' ends.
        let ids: Vec<String> = (0..MANY)
            .map(|number| match number % 3 {
                0 => format!("01a204a3-1a73-74cf-98f8-6693de{number:06x}"),
                1 => format!("{number:08x}-1a73-74cf-98f8-{number:06x}aaaaaa"),
                _ => format!("01a204a3-1a73-74cf-98f8-bbbbbb{number:06x}"),
            })
            .collect();
        let runs: Vec<_> = ids.iter().map(|id| run(id)).collect();
        queue(&store, &runs).await;
        let names = async |ids: &[String]| {
            let ids = ids.iter().map(String::as_str);
            Short::of(&store, &RUN, ids).await.expect("it answers")
        };
        let all = names(&ids).await;
        for some in ids.chunks(50) {
            let few = names(some).await;
            for id in some {
                let short = all.show(id);
                assert_eq!(short, few.show(id));
                assert!(short.len() <= 12, "{short}");
                let found = find(&store, &RUN, short).await.expect("it answers");
                assert_eq!(found, NameMatch::One(id.clone()));
            }
        }
    }
);
