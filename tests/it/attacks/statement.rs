//! A guest's SQL: texts that two readers read differently.

use super::attacks;

attacks! {}
