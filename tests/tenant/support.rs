//! Databases of a test's own, as the other tests have them.

#[expect(dead_code, reason = "the other tests ask for more")]
#[path = "../it/support/database.rs"]
pub(crate) mod database;
#[path = "../it/support/keeper.rs"]
mod keeper;
#[path = "../it/support/postgres.rs"]
pub(crate) mod postgres;
#[path = "../it/support/shared.rs"]
mod shared;

use self::shared::{lock_file, shared_folder};
