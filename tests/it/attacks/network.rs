//! A peer, a client, a credential that is sent elsewhere.

use super::attacks;

attacks! {}
