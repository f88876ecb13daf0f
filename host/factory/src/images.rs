//! Pictures for a text: which it is to have, how a server is asked for one, what its answers mean,
//! and what is kept of them. No IO.

pub mod cause;
pub mod picture;
pub mod plan;
pub mod provider;
mod said;

pub use self::cause::{PictureCause, PictureTrouble};
pub use self::picture::Picture;
pub use self::plan::{PlannedPicture, WhichPicture};
pub use self::provider::{PictureProvider, PictureRequest};
