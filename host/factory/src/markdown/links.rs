//! The links and pictures of a text, by the parser that shows it.

use comrak::nodes::{Node, NodeValue};

use super::{Unshowable, parsed};

/// Where a text leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub url: String,
    /// The line, from 1.
    pub line: u32,
}

/// Its links and pictures, in their order.
pub fn links(text: &str) -> Result<Vec<Link>, Unshowable> {
    parsed(text, read)
}

fn read(root: Node<'_>) -> Vec<Link> {
    let links = root.descendants().filter_map(|node| {
        let data = node.data();
        let (NodeValue::Link(link) | NodeValue::Image(link)) = &data.value else {
            return None;
        };
        Some(Link {
            url: link.url.clone(),
            line: u32::try_from(data.sourcepos.start.line).unwrap_or_default(),
        })
    });
    links.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_their_lines_and_code_has_none() {
        let found = links(
            "a\n\n[x](https://a.example/) and ![p](b.png)\n\n`[y](https://c.example)` <https://d.example>",
        );
        let found = found
            .expect("links")
            .into_iter()
            .map(|it| (it.url, it.line));
        let wanted = [
            ("https://a.example/", 3),
            ("b.png", 3),
            ("https://d.example", 5),
        ];
        let wanted = wanted.map(|(url, line)| (url.to_owned(), line));
        assert_eq!(found.collect::<Vec<_>>(), wanted);
    }
}
