//! What is shown of posts and what has happened to them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use callboard_core::operations::UnreadableRow;

use crate::tables::posts::{Post, PostEvent, PostMove, PostStatus};

/// What an export came to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ExportView {
    /// How many files.
    pub files: usize,
    /// All of them together.
    pub bytes: u64,
    /// Addresses that posts had before, and that lead on to the ones they have.
    pub redirects: usize,
    /// Posts that cannot be read or shown, and are left out.
    pub left_out: Vec<UnreadableRow>,
    /// Slugs that are no names of folders: their posts are left out, too.
    pub no_folders: Vec<String>,
    /// Names of pictures that posts show and the media store does not have.
    pub no_pictures: Vec<String>,
    /// The address that feeds, sitemap and canonical links lead to, if it is the one of this
    /// machine because the workspace names none.
    pub leads_to: Option<String>,
}

/// What a post is now.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MovedPost {
    /// Whether anything changed: what it was to be, it may have been before.
    pub changed: bool,
    /// The post.
    pub post: Post,
}

/// One move of a post, or a change of what is shown of it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "PostMove")]
pub struct PostMoveView {
    /// Counted from 1.
    pub step: i64,
    /// Where it was; nowhere, if it began.
    pub from: Option<PostStatus>,
    /// Where it is from then on.
    pub to: PostStatus,
    /// What happened.
    pub event: PostEvent,
    /// Its address from then on.
    pub slug: String,
    /// Its title from then on.
    pub title: String,
    /// Who did it; nobody, if it came of itself.
    pub who: String,
    /// What there is to say of it.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

impl From<PostMove> for PostMoveView {
    fn from(it: PostMove) -> Self {
        Self {
            step: it.step,
            from: it.from_status,
            to: it.to_status,
            event: it.event,
            slug: it.slug,
            title: it.title,
            who: it.who,
            detail: it.detail,
            at: it.at,
        }
    }
}
