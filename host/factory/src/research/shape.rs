//! The shape of the tree that a text of HTML becomes, by the reader's own rules and without the tree:
//! how many elements it has, how deep they nest, and how much text stands how deep. Which end closes
//! what, and what is made anew, no count of tags tells.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use callboard_core::blocking::{ComputeBudget, TimeOver};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::tree_builder::{ElementFlags, NodeOrText, QuirksMode, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, ExpandedName, ParseOpts, QualName, parse_document};

/// The most nodes of a page that are no text.
const NODES: usize = 50_000;
/// The most of them that are in one another.
const DEPTH: usize = 512;
/// The most bytes of text, each as often as there are elements around it: those who look for the text
/// of a page ask each element for all that is in it.
const WORK: usize = 256 << 20;
/// Bytes between two looks at the clock.
const PIECE: usize = 1 << 10;

/// Whether a text becomes a tree that can be looked through, or why it does not.
pub(super) fn bounded(html: &str, clock: &mut ComputeBudget) -> Result<(), String> {
    let opts = ParseOpts {
        tree_builder: TreeBuilderOpts {
            scripting_enabled: false,
            ..TreeBuilderOpts::default()
        },
        ..ParseOpts::default()
    };
    let mut parser = parse_document(TreeShape::default(), opts);
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        rest = after;
        // Much more may come of a piece than its bytes, so each is a look at the clock.
        let left = clock.spend(usize::MAX);
        left.map_err(|TimeOver| TimeOver.to_string())?;
        parser.process(StrTendril::from(piece));
        parser.tokenizer.sink.sink.holds()?;
    }
    parser.finish()
}

/// A node, as what is above it.
struct TreeNode {
    name: QualName,
    above: RefCell<Option<Handle>>,
    below: RefCell<Vec<Handle>>,
}

type Handle = Rc<TreeNode>;

/// What was counted so far.
struct TreeShape {
    document: Handle,
    nodes: RefCell<Vec<Handle>>,
    work: Cell<usize>,
    deepest: Cell<usize>,
}

impl Default for TreeShape {
    fn default() -> Self {
        Self {
            document: node(QualName::new(None, "".into(), "".into())),
            nodes: RefCell::default(),
            work: Cell::default(),
            deepest: Cell::default(),
        }
    }
}

fn node(name: QualName) -> Handle {
    Rc::new(TreeNode {
        name,
        above: RefCell::default(),
        below: RefCell::default(),
    })
}

/// How many nodes are above one; no more are looked for than there may be.
fn depth(of: &Handle) -> usize {
    let mut above = of.above.borrow().clone();
    let mut depth = 0;
    while let Some(next) = above.filter(|_| depth <= DEPTH) {
        depth += 1;
        let higher = next.above.borrow().clone();
        above = higher;
    }
    depth
}

fn take_out(of: &Handle) {
    if let Some(above) = of.above.take() {
        above.below.borrow_mut().retain(|it| !Rc::ptr_eq(it, of));
    }
}

impl TreeShape {
    /// Whether it is within the bounds.
    fn holds(&self) -> Result<(), String> {
        let problem = if self.nodes.borrow().len() > NODES {
            "more elements"
        } else if self.deepest.get() > DEPTH {
            "elements that nest deeper"
        } else if self.work.get() > WORK {
            "more text in more elements"
        } else {
            return Ok(());
        };
        Err(format!("it has {problem} than any page that is read"))
    }

    fn made(&self, name: QualName) -> Handle {
        let made = node(name);
        self.nodes.borrow_mut().push(Rc::clone(&made));
        made
    }

    fn put(&self, above: &Handle, what: NodeOrText<Handle>) {
        match what {
            NodeOrText::AppendNode(node) => {
                take_out(&node);
                above.below.borrow_mut().push(Rc::clone(&node));
                node.above.replace(Some(Rc::clone(above)));
                self.deepest.set(self.deepest.get().max(depth(&node)));
            }
            NodeOrText::AppendText(text) => {
                let work = text.len().saturating_mul(depth(above));
                self.work.set(self.work.get().saturating_add(work));
            }
        }
    }
}

/// What points up and down would stay for ever.
impl Drop for TreeShape {
    fn drop(&mut self) {
        self.document.below.take();
        for node in self.nodes.take() {
            node.above.take();
            node.below.take();
        }
    }
}

impl TreeSink for TreeShape {
    type Handle = Handle;
    type Output = Result<(), String>;
    type ElemName<'a> = ExpandedName<'a>;

    /// What was moved as a whole is as deep as it is now.
    fn finish(self) -> Self::Output {
        let deepest = self.nodes.borrow().iter().map(depth).max();
        self.deepest
            .set(self.deepest.get().max(deepest.unwrap_or_default()));
        self.holds()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Rc::clone(&self.document)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, _: Vec<Attribute>, _: ElementFlags) -> Handle {
        self.made(name)
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.made(self.document.name.clone())
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.made(self.document.name.clone())
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.put(parent, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Handle,
        before: &Handle,
        child: NodeOrText<Handle>,
    ) {
        let above = element.above.borrow().clone();
        self.put(above.as_ref().unwrap_or(before), child);
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// What is in a template is counted as what is in any element.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        Rc::clone(target)
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, what: NodeOrText<Handle>) {
        let above = sibling.above.borrow().clone();
        self.put(above.as_ref().unwrap_or(&self.document), what);
    }

    fn add_attrs_if_missing(&self, _: &Handle, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, target: &Handle) {
        take_out(target);
    }

    fn reparent_children(&self, of: &Handle, above: &Handle) {
        for node in of.below.take() {
            node.above.replace(Some(Rc::clone(above)));
            above.below.borrow_mut().push(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn told(html: &str) -> String {
        let mut clock = ComputeBudget::until(Instant::now() + Duration::from_secs(120));
        bounded(html, &mut clock).err().unwrap_or_default()
    }

    #[test]
    fn a_page_as_people_write_it_is_read() {
        let items = "<li>one<li>two<dl><dt>a<dd>b<dt>c<dd>d</dl>".repeat(2_000);
        let rows = "<tr><td>a<td>b".repeat(5_000);
        let page = format!("<!doctype html><p>a<p>b<ul>{items}</ul><table>{rows}</table>");
        assert_eq!(told(&page), "");
        assert_eq!(told(&format!("<p>{}", "words ".repeat(500_000))), "");
    }

    #[test]
    fn what_would_make_a_tree_without_end_is_refused() {
        let open: String = (0..2_000).map(|at| format!("<b a={at}>")).collect();
        let shallow: String = (0..400).map(|at| format!("<b a={at}>")).collect();
        for (html, why) in [
            (format!("<p>{open}"), "nest deeper"),
            (
                format!("<p>{shallow}{}", "<p>x".repeat(100_000)),
                "more elements",
            ),
            ("<i>".repeat(60_000), "nest deeper"),
            ("<p>x".repeat(100_000), "more elements"),
            ("<!---->".repeat(100_000), "more elements"),
            ("<div>".repeat(45_000), "nest deeper"),
            // None of these closes the one before, though each can end by itself.
            ("<li><dd>".repeat(20_000), "nest deeper"),
            ("<rt>".repeat(20_000), "nest deeper"),
            ("<optgroup>".repeat(20_000), "nest deeper"),
            ("<table><tr><td>".repeat(300), "nest deeper"),
            ("<template>".repeat(20_000), "nest deeper"),
            (
                format!("{}{}", "<div>".repeat(500), "x".repeat(2 << 20)),
                "more text",
            ),
        ] {
            let told = told(&html);
            assert!(told.contains(why), "{html:.60}: {told}");
        }
        let mut over = ComputeBudget::until(Instant::now());
        assert!(bounded("<p>x", &mut over).is_err());
    }
}
