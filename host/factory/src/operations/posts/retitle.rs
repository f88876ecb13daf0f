//! Another title, and another address with it. The one before leads to the new one for good.

use callboard_core::app::App;
use callboard_core::operations::{Actor, OperationError};
use callboard_core::store::{StoreError, StoreErrorKind, Transaction};
use callboard_core::value::Value;

use super::steps::{again, allowed, now, raced};
use super::{MovedPost, found};
use crate::slug;
use crate::tables::post_slugs::{self, PostSlug};
use crate::tables::posts::{self, Post, PostEvent};
use crate::tables::transitions::{At, Happening};

/// The longest address that a person may give.
const LONGEST: usize = 120;
/// The longest title, in bytes, as the table has it.
const TITLE: usize = 1000;
/// How often an address is looked for that others take at the same time.
const TRIES: usize = 5;

/// How a post is to be called.
#[derive(Debug, Clone)]
pub struct NewTitle {
    pub title: String,
    /// Its address; without one it follows from the title.
    pub slug: Option<String>,
}

/// What became of it in the transaction.
enum RetitleResult {
    Done,
    /// The post is not where it was.
    Raced,
    /// The address is another post's, or was: its id.
    Of(String),
}

/// Give a post another title and address. What search engines were shown as its title goes with the old one.
pub async fn retitle(
    app: &App,
    wanted: &str,
    new: NewTitle,
    by: &Actor,
) -> Result<MovedPost, OperationError> {
    let new = sound(new)?;
    let post = found(app, wanted).await?;
    allowed(&post, PostEvent::Retitle)?;
    let is_so = new.slug.as_ref().is_none_or(|slug| *slug == post.slug);
    if post.title == new.title && is_so {
        return Ok(MovedPost {
            changed: false,
            post,
        });
    }
    for _ in 0..TRIES {
        let (old, wanted, by) = (post.clone(), new.clone(), by.clone());
        let taken = app.store().write(move |transaction| {
            Box::pin(async move { take(transaction, &old, &wanted, &by).await })
        });
        match taken.await {
            Ok(RetitleResult::Done) => {
                return Ok(MovedPost {
                    changed: true,
                    post: again(app, &post).await?,
                });
            }
            Ok(RetitleResult::Raced) => return Err(raced(&post)),
            Ok(RetitleResult::Of(other)) => return Err(of_another(app, &new, &other).await?),
            // Another post got the address in the same moment.
            Err(error) if error.kind == StoreErrorKind::Duplicate => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(raced(&post))
}

/// A title is a line of text, an address the words of one.
fn sound(mut new: NewTitle) -> Result<NewTitle, OperationError> {
    new.title = new.title.trim().to_owned();
    if new.title.is_empty() || new.title.contains(char::is_control) || new.title.len() > TITLE {
        let problem = format!("a title is one line of text, of at most {TITLE} bytes");
        return Err(OperationError::usage(problem));
    }
    if let Some(address) = &new.slug {
        let words = slug::words(address, LONGEST);
        if words != *address || words.is_empty() {
            let problem = format!("`{address}` is no address of a post");
            let mend = match words.as_str() {
                "" => "small letters, digits and hyphens make one".to_owned(),
                words => format!("`{words}` is one"),
            };
            return Err(OperationError::usage(problem).mend(mend));
        }
    }
    Ok(new)
}

/// Choose the address and move the post, as both are in this transaction.
async fn take(
    transaction: &mut Transaction<'_>,
    old: &Post,
    new: &NewTitle,
    by: &Actor,
) -> Result<RetitleResult, StoreError> {
    let address = if let Some(slug) = &new.slug {
        let owner = transaction.read_first(post_slugs::owner(slug)).await?;
        if let Some(other) = owner.filter(|owner| owner.post != old.id) {
            return Ok(RetitleResult::Of(other.post));
        }
        slug.clone()
    } else {
        let base = slug::of_post(&new.title, &old.covers);
        let taken = transaction.read(post_slugs::beginning(&base)).await?;
        let others = taken.into_iter().filter(|it| it.post != old.id);
        let others: Vec<String> = others.map(|it| it.slug).collect();
        slug::free(&base, &others)
    };
    let at = now();
    if transaction
        .read_first(post_slugs::owner(&address))
        .await?
        .is_none()
    {
        let own = PostSlug {
            slug: address.clone(),
            post: old.id.clone(),
            since: at,
        };
        transaction.execute(post_slugs::take(&own)).await?;
    }
    let was = format!("was `{}` at `{}`", old.title, old.slug);
    let detail = match by.reason.as_str() {
        "" => was,
        reason => format!("{was}: {reason}"),
    };
    let happening = Happening {
        event: PostEvent::Retitle,
        who: &by.name,
        detail: &detail,
        at: At::Moment(at),
    };
    let mut set = vec![
        ("title", Value::from(new.title.as_str())),
        ("slug", address.into()),
    ];
    if new.title != old.title {
        set.push(("seo_title", Value::from("")));
    }
    let [moved, note] = posts::step(&old.id, &happening, &set);
    let moved = transaction.execute(moved).await? == 1;
    transaction.execute(note).await?;
    Ok(if moved {
        RetitleResult::Done
    } else {
        RetitleResult::Raced
    })
}

/// Whose address it is, or was.
async fn of_another(
    app: &App,
    new: &NewTitle,
    other: &str,
) -> Result<OperationError, OperationError> {
    let slug = new.slug.as_deref().unwrap_or_default();
    let other = app.store().read_first(posts::one(other)).await?;
    let problem = match other {
        Some(other) if other.slug != slug => format!(
            "`{slug}` was the address of post `{}`, and leads there",
            other.slug
        ),
        _ => format!("`{slug}` is the address of another post"),
    };
    Ok(OperationError::usage(problem).mend("choose another with --slug"))
}
