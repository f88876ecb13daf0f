//! Texts as vectors without a model: words, word pairs and letter triples, hashed with a sign
//! into a fixed number of places. Alike words give alike vectors; nothing is downloaded.

/// The name of this embedding, stored with each vector.
pub const MODEL: &str = "builtin-hash-256";
/// How many places a vector has.
pub const DIMENSIONS: usize = 256;

/// The vector of a text; its length is 1.
pub fn embed(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0_f32; DIMENSIONS];
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    for word in &words {
        add(&mut vector, &[word], 1.0);
        for triple in triples(word) {
            add(&mut vector, &["3", &triple], 0.4);
        }
    }
    for pair in words.windows(2) {
        add(&mut vector, &["2", pair[0], pair[1]], 0.6);
    }
    normalise(vector)
}

fn triples(word: &str) -> Vec<String> {
    let letters: Vec<char> = std::iter::once('^')
        .chain(word.chars())
        .chain(std::iter::once('$'))
        .collect();
    letters
        .windows(3)
        .map(|triple| triple.iter().collect())
        .collect()
}

fn add(vector: &mut [f32], parts: &[&str], weight: f32) {
    let hash = hash(parts);
    let places = vector.len() as u64;
    let place = usize::try_from(hash % places).unwrap_or_default();
    vector[place] += if hash >> 63 == 0 { weight } else { -weight };
}

/// FNV-1a over the parts, then mixed so that the high bits are as good as the low ones.
fn hash(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.bytes().chain([0])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 32;
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Scaled to length 1; a text without a letter points along the first place.
fn normalise(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        for x in &mut vector {
            *x /= length;
        }
    } else {
        vector[0] = 1.0;
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(a: &str, b: &str) -> f32 {
        embed(a).iter().zip(embed(b)).map(|(x, y)| x * y).sum()
    }

    #[test]
    fn alike_texts_are_near_and_others_far() {
        let same = likeness("retry stale sockets once", "retry stale socket");
        let other = likeness("retry stale sockets once", "document the licence of fonts");
        assert!(same > 0.5 && other < 0.3, "{same} {other}");
        assert!((likeness("a", "a") - 1.0).abs() < 1e-5);
    }

    #[test]
    fn every_text_has_length_one() {
        for text in ["", "!!!", "日本語", "one two three"] {
            let length: f32 = embed(text).iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-4, "{text:?} {length}");
            assert_eq!(embed(text), embed(text));
        }
    }
}
