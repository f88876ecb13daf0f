//! A guest's SQL with the check switched off: what the server itself holds.

use super::attacks;

attacks! {}
