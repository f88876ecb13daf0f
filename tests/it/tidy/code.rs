//! Reading Rust: the tokens of a text and the paths among them, and its functions. The
//! tokens are those of macros, too, whose insides no syntax tree has.

use proc_macro2::{Delimiter, LineColumn, Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

/// A word, a mark or a literal.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) start: LineColumn,
    last_line: usize,
    /// How many modules it is in whose braces are in this text.
    depth: usize,
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let stream: Result<TokenStream, _> = text.parse();
    let stream = stream.unwrap_or_else(|error| panic!("{error}: {text}"));
    flatten(stream, 0, &mut found);
    found
}

fn file(text: &str) -> syn::File {
    syn::parse_file(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn flatten(stream: TokenStream, depth: usize, found: &mut Vec<Token>) {
    let token = |text: String, span: Span| Token {
        text,
        start: span.start(),
        last_line: span.end().line,
        depth,
    };
    for tree in stream {
        let TokenTree::Group(group) = tree else {
            found.push(token(tree.to_string(), tree.span()));
            continue;
        };
        let (open, close) = match group.delimiter() {
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            _ => ("(", ")"),
        };
        let before = found.iter().rev().nth(1);
        let in_module = open == "{" && before.is_some_and(|it| it.text == "mod");
        found.push(token(open.to_owned(), group.span_open()));
        flatten(group.stream(), depth + usize::from(in_module), found);
        found.push(token(close.to_owned(), group.span_close()));
    }
}

/// The lines on which a few tokens stand side by side, written with spaces between them.
pub(super) fn lines_of(tokens: &[Token], wanted: &str) -> Vec<usize> {
    let wanted: Vec<&str> = wanted.split(' ').collect();
    let windows = tokens.windows(wanted.len());
    let found = windows.filter(|them| them.iter().map(|it| &it.text).eq(&wanted));
    found.map(|them| them[0].start.line).collect()
}

/// A text with the items under `#[cfg(test)]` left empty.
pub(super) fn without_tests(text: &str) -> String {
    let lines = text.lines().collect();
    let mut tests = Tests { lines };
    tests.visit_file(&file(text));
    tests.lines.iter().flat_map(|line| [line, "\n"]).collect()
}

struct Tests<'t> {
    lines: Vec<&'t str>,
}

impl Tests<'_> {
    /// Whether an item is for tests, which are taken out.
    fn takes(&mut self, item: Span) -> bool {
        let lines = &mut self.lines[item.start().line - 1..item.end().line];
        let is_mark = |line: &&&str| line.trim_start().starts_with(['#', '/']);
        let mut marks = lines.iter().take_while(is_mark);
        let is_of_tests = marks.any(|line| line.trim() == "#[cfg(test)]");
        if is_of_tests {
            lines.fill("");
        }
        is_of_tests
    }
}

impl<'ast> Visit<'ast> for Tests<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !self.takes(item.span()) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        if !self.takes(item.span()) {
            visit::visit_impl_item(self, item);
        }
    }
}

/// A path as it is written, each name with its line; of a group in braces, one path a member.
#[derive(Clone)]
pub(super) struct Named<'t> {
    names: Vec<(&'t str, usize)>,
    depth: usize,
    /// Whether it is what `use` names.
    pub(super) is_import: bool,
}

impl<'t> Named<'t> {
    pub(super) fn names(&self) -> impl Iterator<Item = &'t str> {
        self.names.iter().map(|(name, _)| *name)
    }

    pub(super) fn first(&self) -> &'t str {
        self.names[0].0
    }

    /// The line of a name.
    pub(super) fn line(&self, index: usize) -> usize {
        self.names[index.min(self.names.len() - 1)].1
    }

    /// The path from the root of the crate, if this one says how to get there from `module`, and the
    /// line of its first name.
    pub(super) fn told_from_root(&self, module: &[&'t str]) -> Option<(Vec<&'t str>, usize)> {
        let climbs = self.names().take_while(|name| *name == "super").count();
        let (kept, skipped) = match self.first() {
            "crate" => (0, 1),
            "super" => ((module.len() + self.depth).checked_sub(climbs)?, climbs),
            _ => return None,
        };
        // A shorter climb stays in the modules of this text.
        let mut path = module.get(..kept)?.to_vec();
        path.extend(self.names().skip(skipped));
        Some((path, self.line(skipped)))
    }
}

/// Every path of two names and more.
pub(super) fn paths(tokens: &[Token]) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let begun = Named {
            names: Vec::new(),
            depth: tokens[at].depth,
            is_import: at > 0 && tokens[at - 1].text == "use",
        };
        at = path(tokens, at, begun, &mut found);
    }
    found.retain(|path| path.names.len() > 1);
    found
}

/// Reads on a path at `at`; gives where the next one may begin.
fn path<'t>(
    tokens: &'t [Token],
    mut at: usize,
    mut begun: Named<'t>,
    found: &mut Vec<Named<'t>>,
) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |it| it.text.as_str());
    let is_name = |at| text(at).starts_with(|it: char| it.is_alphabetic() || it == '_');
    let mut goes_on = !begun.names.is_empty();
    while is_name(at) {
        begun.names.push((text(at), tokens[at].start.line));
        goes_on = (text(at + 1), text(at + 2)) == (":", ":");
        if !goes_on {
            break;
        }
        at += 3;
    }
    if text(at) != "{" || !goes_on {
        found.push(begun);
        return at + 1;
    }
    while !["}", ""].contains(&text(at)) {
        at = path(tokens, at + 1, begun.clone(), found);
        // `name as other` is the name.
        while ![",", "}", ""].contains(&text(at)) {
            at += 1;
        }
    }
    at + 1
}

/// A function, and how many lines its body has, without comments and empty lines.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) body: usize,
}

/// The functions of a text that have a body.
pub(super) fn functions(text: &str) -> Vec<Function> {
    let (tokens, found) = (tokens(text), Vec::new());
    let mut functions = Functions { tokens, found };
    functions.visit_file(&file(text));
    functions.found
}

struct Functions {
    tokens: Vec<Token>,
    found: Vec<Function>,
}

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (open, close) = (body.brace_token.span.open(), body.brace_token.span.close());
        let within = |it: &&Token| it.start > open.start() && it.start < close.start();
        let tokens = self.tokens.iter().filter(within);
        let mut lines: Vec<usize> = tokens.flat_map(|it| it.start.line..=it.last_line).collect();
        lines.dedup();
        self.found.push(Function {
            name: signature.ident.to_string(),
            line: signature.ident.span().start().line,
            body: lines.len(),
        });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, it: &'ast syn::ItemFn) {
        self.add(&it.sig, &it.block);
        visit::visit_item_fn(self, it);
    }

    fn visit_impl_item_fn(&mut self, it: &'ast syn::ImplItemFn) {
        self.add(&it.sig, &it.block);
        visit::visit_impl_item_fn(self, it);
    }

    fn visit_trait_item_fn(&mut self, it: &'ast syn::TraitItemFn) {
        if let Some(body) = &it.default {
            self.add(&it.sig, body);
        }
        visit::visit_trait_item_fn(self, it);
    }
}
