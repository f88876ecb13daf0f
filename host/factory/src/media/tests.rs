//! Which picture is one that is kept.

use super::*;

#[test]
fn a_picture_that_is_fetched_from_elsewhere_is_none_that_is_kept() {
    let image = |src: &str| Image {
        src: src.to_owned(),
        alt: "x".to_owned(),
        width: 1,
        height: 1,
        mime: "image/png".to_owned(),
        bytes: 1,
    };
    let kept = format!("/media/{}.png", "0a".repeat(16));
    assert!(is_kept(&image(&kept)));
    for src in [
        "https://evil.example/track.png",
        "//evil.example/media/a.png",
        "javascript:alert(1)",
        "/media/../secret.png",
        "/media/a.html",
    ] {
        assert!(!is_kept(&image(src)), "{src}");
    }
}
