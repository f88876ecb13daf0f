//! Addresses that are not as the site writes them.

use super::{Server, post};

#[tokio::test]
async fn the_address_of_a_page_in_an_export_leads_to_the_page() {
    let server = Server::with((1..40).map(post)).await;
    for (path, page) in [
        ("/archive/", "../archive"),
        ("/archive/2/", "../2"),
        ("/posts/post-1/", "../post-1"),
        ("/tags/rust/", "../rust"),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 308, "{path}");
        assert_eq!(answer.header("location"), page, "{path}");
        let page = path.trim_end_matches('/');
        assert_eq!(server.get(page).await.status, 200, "{page}");
    }
    for path in [
        "//",
        "//archive/",
        "/nowhere/",
        "//evil.example/",
        "/posts//",
    ] {
        let answer = server.get(path).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (404, ""),
            "{path}"
        );
    }
}
