//! Ids that follow from what they name, so that a repeated call gives the same.

use sha2::{Digest, Sha256};

/// A UUID (version 8) from the hash of some parts. Its first characters tell it from others,
/// unlike those of a UUID that begins with the time.
pub fn derived(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// SHA-256 of a text, in hexadecimal digits.
pub fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_their_parts() {
        assert_eq!(derived(&["a", "b"]), derived(&["a", "b"]));
        assert_ne!(derived(&["ab"]), derived(&["a", "b"]));
        assert_eq!(derived(&["a"]).len(), 36);
        assert!(hash("").starts_with("e3b0c442"));
    }
}
