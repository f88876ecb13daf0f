//! Templates as trees: what each of them hands on to others, and the one that it extends.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::machinery::ast::{Block, Expr, Macro, Stmt};
use minijinja::machinery::{Span, parse};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error};

/// What a template extends.
pub(super) enum TemplateParent<'s> {
    Nothing,
    Named(&'s str),
    /// It is decided when it is rendered.
    Unknown,
}

/// A template that is looked through.
pub(super) struct TemplateSource<'w> {
    pub(super) name: &'w str,
    pub(super) text: &'w str,
    pub(super) tree: Stmt<'w>,
    /// Names that the template does not give itself, at one place at least.
    pub(super) undeclared: BTreeSet<String>,
}

impl<'w> TemplateSource<'w> {
    pub(super) fn read(
        environment: &Environment<'_>,
        (name, text): (&'w str, &'w str),
    ) -> Result<Self, Error> {
        let tree = parse(text, "", SyntaxConfig::default())?;
        let compiled = environment.template_from_str(text)?;
        let undeclared = compiled.undeclared_variables(false);
        Ok(Self {
            name,
            text,
            tree,
            undeclared: undeclared.into_iter().collect(),
        })
    }

    fn own(&self) -> &[Stmt<'w>] {
        children(&self.tree)
    }

    pub(super) fn above(&self) -> TemplateParent<'_> {
        let named = self.own().iter().find_map(|statement| match statement {
            Stmt::Extends(it) => {
                Some(named(&it.name).map_or(TemplateParent::Unknown, TemplateParent::Named))
            }
            _ => None,
        });
        named.unwrap_or_else(|| {
            let mut all = Vec::new();
            every(&self.tree, &mut all);
            let mut all = all.into_iter();
            if all.any(|statement| matches!(statement, Stmt::Extends(_))) {
                TemplateParent::Unknown
            } else {
                TemplateParent::Nothing
            }
        })
    }

    /// All blocks, wherever they stand, each with whether it stands in no other.
    pub(super) fn blocks(&self) -> Vec<(&Block<'w>, Span, bool)> {
        let mut found = Vec::new();
        blocks(&self.tree, true, &mut found);
        found
    }

    /// The macros that it declares for whoever imports it.
    pub(super) fn macros(&self) -> BTreeMap<&'w str, &Macro<'w>> {
        let macros = self.own().iter().filter_map(|statement| match statement {
            Stmt::Macro(it) => Some((it.name, &**it)),
            _ => None,
        });
        macros.collect()
    }

    /// Names that it gives anywhere.
    pub(super) fn names(&self) -> BTreeSet<&'w str> {
        let mut all = Vec::new();
        every(&self.tree, &mut all);
        let mut names = BTreeSet::new();
        for statement in all {
            match statement {
                Stmt::Macro(it) => drop(names.insert(it.name)),
                Stmt::Set(it) => target(&it.target, &mut names),
                Stmt::SetBlock(it) => target(&it.target, &mut names),
                Stmt::Import(it) => target(&it.name, &mut names),
                Stmt::FromImport(it) => {
                    let each = it.names.iter();
                    each.for_each(|(name, alias)| {
                        target(alias.as_ref().unwrap_or(name), &mut names);
                    });
                }
                _ => {}
            }
        }
        names
    }

    /// Blocks that it renders by `self.NAME()`.
    pub(super) fn calls(&self, block: &str) -> bool {
        self.text.contains(&format!("self.{block}("))
    }
}

/// The template that an expression names by a text.
pub(super) fn named<'e>(name: &'e Expr<'_>) -> Option<&'e str> {
    match name {
        Expr::Const(it) => it.value.as_str(),
        _ => None,
    }
}

fn target<'w>(expression: &Expr<'w>, names: &mut BTreeSet<&'w str>) {
    match expression {
        Expr::Var(it) => drop(names.insert(it.id)),
        Expr::List(it) => it.items.iter().for_each(|it| target(it, names)),
        Expr::Tuple(it) => it.items.iter().for_each(|it| target(it, names)),
        _ => {}
    }
}

fn children<'s, 'w>(tree: &'s Stmt<'w>) -> &'s [Stmt<'w>] {
    match tree {
        Stmt::Template(it) => &it.children,
        _ => &[],
    }
}

/// What stands in a statement.
fn bodies<'s, 'w>(statement: &'s Stmt<'w>) -> [&'s [Stmt<'w>]; 2] {
    match statement {
        Stmt::Template(it) => [&it.children, &[]],
        Stmt::ForLoop(it) => [&it.body, &it.else_body],
        Stmt::IfCond(it) => [&it.true_body, &it.false_body],
        Stmt::WithBlock(it) => [&it.body, &[]],
        Stmt::SetBlock(it) => [&it.body, &[]],
        Stmt::AutoEscape(it) => [&it.body, &[]],
        Stmt::FilterBlock(it) => [&it.body, &[]],
        Stmt::Block(it) => [&it.body, &[]],
        Stmt::Macro(it) => [&it.body, &[]],
        Stmt::CallBlock(it) => [&it.macro_decl.body, &[]],
        _ => [&[], &[]],
    }
}

fn every<'s, 'w>(statement: &'s Stmt<'w>, found: &mut Vec<&'s Stmt<'w>>) {
    found.push(statement);
    for body in bodies(statement) {
        for inner in body {
            every(inner, found);
        }
    }
}

fn blocks<'s, 'w>(
    statement: &'s Stmt<'w>,
    outermost: bool,
    found: &mut Vec<(&'s Block<'w>, Span, bool)>,
) {
    let is_block = if let Stmt::Block(it) = statement {
        found.push((it, it.span(), outermost));
        true
    } else {
        false
    };
    for body in bodies(statement) {
        for inner in body {
            blocks(inner, outermost && !is_block, found);
        }
    }
}
