//! A text that moves the cursor, forges a line or turns its direction.

use super::attacks;

attacks! {}
