//! The built-in embedder: words and their character trigrams, hashed into a vector. It needs
//! no model and no download; texts with words in common lie near each other.

use sha2::{Digest, Sha256};

/// The name its vectors are kept under. Another way to hash is another name.
pub const MODEL: &str = "builtin-hash-256";
const DIMENSIONS: usize = 256;

/// The vector of a text, of length one; zeros for a text without words.
pub fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    let lower = text.to_lowercase();
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        add(&mut vector, word, 1.0);
        let letters: Vec<char> = format!("^{word}$").chars().collect();
        for trigram in letters.windows(3) {
            add(&mut vector, &trigram.iter().collect::<String>(), 0.3);
        }
    }
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}

/// Add a feature at the place, and with the sign, that its hash says.
fn add(vector: &mut [f32], feature: &str, weight: f32) {
    let hash = Sha256::digest(feature);
    let place = usize::from(hash[0]) % vector.len();
    let sign = if hash[1] & 1 == 0 { 1.0 } else { -1.0 };
    vector[place] += sign * weight;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &str, b: &str) -> f32 {
        embed(a).iter().zip(embed(b)).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn like_texts_are_nearer_than_unlike_ones() {
        let text = "fix the lease of a run that waits";
        assert!((likeness(text, text) - 1.0).abs() < 1e-5);
        let like = likeness(text, "fix leases of waiting runs");
        let unlike = likeness(text, "draw a new logo for spring");
        assert!(like > unlike + 0.1, "{like} {unlike}");
        assert!(embed("").iter().all(|x| *x == 0.0));
    }
}
