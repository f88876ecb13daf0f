//! A component that is large, slow to compile, or says too much.

use super::attacks;

attacks! {}
