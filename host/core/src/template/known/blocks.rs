//! Templates that extend others: their blocks take the places of those above them, and one that no template
//! above has is shown to nobody.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::machinery::Span;
use minijinja::machinery::ast::{Block, Expr};

use super::source::{TemplateParent, TemplateSource, named};
use super::{Walk, parts};

/// Templates that extend one another, at most.
const CHAIN: usize = 20;

/// A block, and the template in which it stands.
pub(super) type PlacedBlock<'w> = (&'w Block<'w>, &'w TemplateSource<'w>);

impl<'w> Walk<'w> {
    /// A page: a template, those above it, and their blocks where these are rendered.
    pub(super) fn page(&mut self, source: &'w TemplateSource<'w>) {
        let chain = self.chain(source);
        for (at, below) in chain.iter().enumerate() {
            for (block, span, outermost) in below.blocks() {
                self.blocks
                    .entry(block.name)
                    .or_default()
                    .push((block, below));
                if outermost && !self.is_open {
                    self.shown((block, span), &chain[at..]);
                }
            }
        }
        for (at, source) in chain.iter().enumerate() {
            // Blocks of a template that extends another are not rendered where they stand.
            self.extends = at + 1 < chain.len() || self.is_open;
            self.within(source, |walk| walk.statement(&source.tree));
        }
        if self.is_open {
            self.extends = false;
            for (block, source) in self.blocks.values().flatten().copied().collect::<Vec<_>>() {
                self.within(source, |walk| {
                    walk.scoped(|walk| walk.statements(&block.body));
                });
            }
        }
    }

    /// A template, the one that it extends, and so on.
    fn chain(&mut self, first: &'w TemplateSource<'w>) -> Vec<&'w TemplateSource<'w>> {
        let mut chain = vec![first];
        let mut last = first;
        loop {
            let next = match last.above() {
                TemplateParent::Nothing => return chain,
                TemplateParent::Named(name) => self.sources.get(name),
                TemplateParent::Unknown => None,
            };
            let Some(next) = next.filter(|_| chain.len() < CHAIN) else {
                // What stands there is known when it is rendered, or told as missing.
                self.is_open = true;
                return chain;
            };
            chain.push(next);
            last = next;
        }
    }

    /// Whether a block of the first of a chain is rendered.
    fn shown(&mut self, (block, span): (&Block<'_>, Span), chain: &[&'w TemplateSource<'w>]) {
        let [own, above @ ..] = chain else { return };
        let own: &'w TemplateSource<'w> = own;
        if above.is_empty() || chain.iter().any(|it| it.calls(block.name)) {
            return;
        }
        let blocks = above.iter().flat_map(|it| it.blocks());
        let known: BTreeSet<&str> = blocks.map(|(block, ..)| block.name).collect();
        if known.contains(block.name) {
            return;
        }
        let names = above.iter().map(|it| it.name);
        let names = names.collect::<Vec<_>>().join(" nor ");
        let problem = format!(
            "nobody is shown block `{}`: {names} has no block of that name",
            block.name
        );
        let mend = parts::one_of(block.name, known.iter().copied(), |known| {
            format!("`{{% block {known} %}}`")
        });
        let at = own.text.get(..span.start_offset as usize);
        let at = at.and_then(|before| before.rfind("{%"));
        self.within(own, |walk| {
            walk.found(at.unwrap_or_default(), problem, mend);
        });
    }

    /// A block where it is rendered: the one that is the furthest below.
    pub(super) fn block(&mut self, block: &'w Block<'w>) {
        if self.extends {
            return;
        }
        let placed = self.blocks.get(block.name).and_then(|all| all.first());
        let (body, source) = placed.copied().unwrap_or((block, self.source));
        self.rendered.push((block.name, 0));
        self.within(source, |walk| {
            walk.scoped(|walk| walk.statements(&body.body));
        });
        self.rendered.pop();
    }

    /// The block that the one which is rendered now stands in the place of.
    pub(super) fn overridden(&mut self) {
        let Some((name, level)) = self.rendered.last().copied() else {
            return;
        };
        let above = self.blocks.get(name).and_then(|all| all.get(level + 1));
        if let Some((block, source)) = above.copied() {
            self.rendered.push((name, level + 1));
            self.within(source, |walk| {
                walk.scoped(|walk| walk.statements(&block.body));
            });
            self.rendered.pop();
        }
    }

    /// Another template in the place of this one's tag.
    pub(super) fn include(&mut self, name: &Expr<'_>) {
        let source = named(name).and_then(|name| self.sources.get(name));
        let Some(source) = source.filter(|_| self.included < CHAIN) else {
            return;
        };
        self.included += 1;
        let (macros, blocks) = (self.macros.clone(), std::mem::take(&mut self.blocks));
        let (open, extends) = (self.is_open, self.extends);
        self.scoped(|walk| walk.page(source));
        (self.macros, self.blocks) = (macros, blocks);
        (self.is_open, self.extends) = (open, extends);
        self.included -= 1;
    }
}

pub(super) type Blocks<'w> = BTreeMap<&'w str, Vec<PlacedBlock<'w>>>;
