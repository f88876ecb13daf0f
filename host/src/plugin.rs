//! Plugins: packaged components that give handlers.

pub mod manifest;
