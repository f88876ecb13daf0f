//! Input that a recursive reader follows too deep.

use super::attacks;

attacks! {}
