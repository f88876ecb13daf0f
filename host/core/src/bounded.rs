//! The one way to read something whole: never more of it than is said. A file may be of any size, whoever put it
//! there, and what is in memory at once is what a process can end of. Clippy refuses every other way in the code
//! of the host (`disallowed-methods`).

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// All of a source that has `most` bytes at most; with more it is an error of the kind `FileTooLarge`.
pub fn whole(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let bytes = beginning(source, most.saturating_add(1))?;
    if bytes.len() as u64 > most {
        let problem = format!("it has more than {most} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, problem));
    }
    Ok(bytes)
}

/// The text of a source that has `most` bytes at most, such as standard input.
pub fn text(source: impl Read, most: u64) -> io::Result<String> {
    String::from_utf8(whole(source, most)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is no text in UTF-8"))
}

/// The text of a file of `most` bytes at most.
pub fn text_of(path: &Path, most: u64) -> io::Result<String> {
    text(File::open(path)?, most)
}

/// The first bytes of a source, `most` at most.
#[expect(clippy::disallowed_methods, reason = "this is the bounded reader")]
pub fn beginning(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first bytes of what is heard, `most` at most.
#[expect(clippy::disallowed_methods, reason = "this is the bounded reader")]
pub async fn heard(source: impl AsyncRead + Unpin, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_is_said() {
        assert_eq!(whole(&b"four"[..], 4).expect("it fits"), b"four");
        let error = whole(io::repeat(0), 1000).expect_err("endless");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it has more than 1000 bytes");
        assert_eq!(beginning(io::repeat(7), 3).expect("read"), [7, 7, 7]);
        let error = text(&b"\xff"[..], 4).expect_err("no text");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn what_is_heard_has_an_end() {
        let heard = heard(tokio::io::repeat(7), 3).await.expect("read");
        assert_eq!(heard, [7, 7, 7]);
    }
}
