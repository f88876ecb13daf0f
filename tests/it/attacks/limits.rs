//! A guest's statements and values that outlive or outgrow a limit.

use super::attacks;

attacks! {}
