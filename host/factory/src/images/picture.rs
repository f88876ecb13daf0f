//! A picture, taken apart within bounds and written anew: as wide as it is shown, without what
//! else was in its file, and named by what it is.

use std::io::Cursor;
use std::sync::{Mutex, PoisonError};

use callboard_core::foreign_reader;
use callboard_core::settings::hex;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use sha2::{Digest as _, Sha256};

use super::cause::{PictureCause, PictureTrouble};

/// The most bytes of a file that is taken.
pub const BYTES: usize = 24 << 20;
/// The most pixels of a picture that is taken.
pub const PIXELS: u64 = 40_000_000;
/// The most memory that taking it apart may need.
const MEMORY: u64 = 512 << 20;
/// How well a JPEG is written, of 100.
const QUALITY: u8 = 85;
/// The most bytes of a picture that is kept, and given to readers.
const KEPT: usize = 8 << 20;
/// How much higher than wide it may be.
const HEIGHTS: u32 = 4;
/// Digits of the digest in a name.
const DIGITS: usize = 32;
/// What is kept, as the ending of its name and as a media type.
const KINDS: [(ImageFormat, &str, &str); 3] = [
    (ImageFormat::Png, "png", "image/png"),
    (ImageFormat::Jpeg, "jpg", "image/jpeg"),
    (ImageFormat::WebP, "webp", "image/webp"),
];

static ALONE: Mutex<()> = Mutex::new(());

/// A picture as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub bytes: Vec<u8>,
    pub width: u32,
    pub height: u32,
    pub mime: &'static str,
    /// SHA-256 of the bytes.
    pub digest: String,
    ending: &'static str,
}

impl Picture {
    /// What is kept of a file: the picture, at most `width` pixels wide.
    pub fn read(bytes: &[u8], width: u32) -> Result<Self, PictureTrouble> {
        // One at a time: each may take half a gigabyte while it is taken apart.
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let made = foreign_reader::read("pictures", || read(bytes, width));
        made.unwrap_or_else(|broken| Err(PictureTrouble::new(PictureCause::NotAnImage, broken)))
    }

    /// Its name in the store, which says what it is.
    pub fn name(&self) -> String {
        let digits = self.digest.get(..DIGITS).unwrap_or(&self.digest);
        format!("{digits}.{}", self.ending)
    }
}

/// The media type of a name that a picture has; `None` if it is no such name.
pub fn mime(name: &str) -> Option<&'static str> {
    let (digits, ending) = name.split_once('.')?;
    let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let named = digits.len() == DIGITS && digits.bytes().all(hexadecimal);
    let kind = KINDS.iter().find(|(_, known, _)| *known == ending)?;
    named.then_some(kind.2)
}

fn read(bytes: &[u8], width: u32) -> Result<Picture, PictureTrouble> {
    let (image, format) = decoded(bytes)?;
    let height = width.saturating_mul(HEIGHTS);
    let image = if image.width() > width || image.height() > height {
        image.resize(width, height, FilterType::CatmullRom)
    } else {
        image
    };
    let (bytes, format) = kept(&image, format)?;
    let kind = KINDS.iter().find(|(known, ..)| *known == format);
    let (_, ending, mime) = kind.ok_or_else(|| unknown(format))?;
    Ok(Picture {
        width: image.width(),
        height: image.height(),
        digest: hex(&Sha256::digest(&bytes)),
        bytes,
        mime,
        ending,
    })
}

fn decoded(bytes: &[u8]) -> Result<(DynamicImage, ImageFormat), PictureTrouble> {
    if bytes.len() > BYTES {
        let detail = format!("{} bytes, and {BYTES} are taken", bytes.len());
        return Err(PictureTrouble::new(PictureCause::TooLarge, detail));
    }
    let format = image::guess_format(bytes)
        .map_err(|_| PictureTrouble::new(PictureCause::NotAnImage, "neither PNG, JPEG nor WebP"))?;
    if !KINDS.iter().any(|(known, ..)| *known == format) {
        return Err(unknown(format));
    }
    let reader = || {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::default();
        limits.max_alloc = Some(MEMORY);
        reader.limits(limits);
        reader
    };
    // What it says of itself costs nothing; only then is it taken apart.
    let (width, height) = reader().into_dimensions().map_err(broken)?;
    if u64::from(width) * u64::from(height) > PIXELS {
        let detail = format!("{width} by {height} pixels, and {PIXELS} are taken");
        return Err(PictureTrouble::new(PictureCause::TooLarge, detail));
    }
    Ok((reader().decode().map_err(broken)?, format))
}

/// A picture as it is written, in its own format if that is not too large for readers.
fn kept(
    image: &DynamicImage,
    format: ImageFormat,
) -> Result<(Vec<u8>, ImageFormat), PictureTrouble> {
    for format in [format, ImageFormat::Jpeg] {
        let bytes = encoded(image, format)?;
        if bytes.len() <= KEPT {
            return Ok((bytes, format));
        }
    }
    let detail = format!("it takes more than {KEPT} bytes, however it is written");
    Err(PictureTrouble::new(PictureCause::TooLarge, detail))
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>, PictureTrouble> {
    let mut bytes = Vec::new();
    let written = match format {
        ImageFormat::Jpeg => {
            // It has no transparency.
            let plain = image.to_rgb8();
            plain.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        }
        // Eight bits a channel are what is shown, and what the encoder of WebP takes.
        _ if image.color().has_alpha() => {
            let plain = DynamicImage::from(image.to_rgba8());
            plain.write_to(&mut Cursor::new(&mut bytes), format)
        }
        _ => {
            let plain = DynamicImage::from(image.to_rgb8());
            plain.write_to(&mut Cursor::new(&mut bytes), format)
        }
    };
    let failed = |error| {
        PictureTrouble::new(
            PictureCause::NotAnImage,
            format!("it can't be written: {error}"),
        )
    };
    written.map_err(failed)?;
    Ok(bytes)
}

fn unknown(format: ImageFormat) -> PictureTrouble {
    let detail = format!("{format:?}, and PNG, JPEG and WebP are taken");
    PictureTrouble::new(PictureCause::NotAnImage, detail)
}

fn broken(error: image::ImageError) -> PictureTrouble {
    let cause = match error {
        image::ImageError::Limits(_) => PictureCause::TooLarge,
        _ => PictureCause::NotAnImage,
    };
    PictureTrouble::new(cause, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let image = DynamicImage::from(image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([x.to_le_bytes()[0], y.to_le_bytes()[0], 7])
        }));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("a picture");
        bytes.into_inner()
    }

    #[test]
    fn a_picture_keeps_its_kind_and_loses_its_width() {
        for (format, mime, ending) in [
            (ImageFormat::Png, "image/png", ".png"),
            (ImageFormat::Jpeg, "image/jpeg", ".jpg"),
            (ImageFormat::WebP, "image/webp", ".webp"),
        ] {
            let picture = Picture::read(&file(64, 32, format), 32).expect("a picture");
            assert_eq!((picture.width, picture.height), (32, 16));
            assert_eq!(
                (picture.mime, super::mime(&picture.name())),
                (mime, Some(mime))
            );
            assert!(picture.name().ends_with(ending), "{}", picture.name());
            let again = Picture::read(&file(64, 32, format), 32).expect("a picture");
            assert_eq!(again, picture, "the same is kept under the same name");
            let small = Picture::read(&file(8, 8, format), 32).expect("a picture");
            assert_eq!(small.width, 8, "none is made wider");
        }
    }

    #[test]
    fn what_else_is_in_the_file_is_not_kept() {
        let mut bytes = file(8, 8, ImageFormat::Png);
        bytes.extend_from_slice(b"<script>alert(1)</script>");
        let picture = Picture::read(&bytes, 8).expect("a picture");
        let kept = String::from_utf8_lossy(&picture.bytes).into_owned();
        assert!(!kept.contains("script"), "{kept}");
    }

    #[test]
    fn what_is_no_picture_or_too_much_of_one_has_its_name() {
        let whole = file(64, 64, ImageFormat::Png);
        let half = &whole[..whole.len() / 2];
        for (bytes, cause) in [
            (&b"I am a PNG, believe me"[..], PictureCause::NotAnImage),
            (
                &b"\x89PNG\r\n\x1a\nand then a text"[..],
                PictureCause::NotAnImage,
            ),
            (half, PictureCause::NotAnImage),
            (b"GIF89a\x01\0\x01\0", PictureCause::NotAnImage),
            (&bomb(), PictureCause::TooLarge),
            (&vec![0; BYTES + 1], PictureCause::TooLarge),
        ] {
            let trouble = Picture::read(bytes, 64).expect_err("refused");
            assert_eq!(trouble.cause, cause, "{trouble}");
        }
    }

    /// Rows of noise that take turns: little in the file of whoever sees the period, much written anew.
    #[test]
    fn what_is_kept_is_bounded_and_not_only_what_came() {
        let noise = |at: u32| {
            at.wrapping_mul(2_654_435_761)
                .rotate_left(at % 31)
                .to_le_bytes()[1]
        };
        let image = image::RgbImage::from_fn(2000, 2400, |x, y| {
            let at = (x + 2000 * y).wrapping_mul(747_796_405);
            image::Rgb([noise(at), noise(at ^ 0x55), noise(at ^ 0xaa00)])
        });
        let mut bytes = Cursor::new(Vec::new());
        image
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("a picture");
        let picture = Picture::read(bytes.get_ref(), 2000).expect("a picture");
        assert!(bytes.get_ref().len() > KEPT && picture.bytes.len() <= KEPT);
        assert_eq!(picture.mime, "image/jpeg");
        let high = Picture::read(&file(8, 4000, ImageFormat::Png), 64).expect("a picture");
        assert_eq!(high.height, 64 * HEIGHTS, "as high as it may be");
        let deep = image::ImageBuffer::<image::Rgba<u16>, _>::new(8, 8);
        let mut bytes = Cursor::new(Vec::new());
        deep.write_to(&mut bytes, ImageFormat::Png)
            .expect("a picture");
        let kept = Picture::read(bytes.get_ref(), 8).expect("a picture");
        let color = image::load_from_memory(&kept.bytes)
            .expect("a picture")
            .color();
        assert_eq!(color, image::ColorType::Rgba8);
    }

    /// A file of a kilobyte that says it has 60,000 by 60,000 pixels.
    fn bomb() -> Vec<u8> {
        let mut bytes = file(8, 8, ImageFormat::Png);
        let size = 60_000_u32.to_be_bytes();
        bytes[16..20].copy_from_slice(&size);
        bytes[20..24].copy_from_slice(&size);
        let sum = crc(&bytes[12..29]).to_be_bytes();
        bytes[29..33].copy_from_slice(&sum);
        bytes
    }

    fn crc(bytes: &[u8]) -> u32 {
        let step = |sum: u32, _| (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
        !bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), step)
        })
    }

    #[test]
    fn only_what_a_picture_can_be_called_is_a_name() {
        for name in [
            "../x.png",
            "a.png",
            "",
            "x",
            &format!("{}.svg", "a".repeat(32)),
        ] {
            assert_eq!(super::mime(name), None, "{name}");
        }
    }
}
