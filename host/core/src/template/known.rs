//! Templates against the shape of what they are given and against their language: each filter, test, function
//! and macro is one that there is, no method is called, a block has a place to be shown in, and what a value
//! has in one sample is known of all, in loops, macros and branches that no sample reaches. Where a shape
//! can't be followed, nothing is said.

mod asked;
mod blocks;
mod calls;
mod parts;
mod source;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::machinery::ast::{
    BinOpKind, Expr, Filter, ForLoop, IfExpr, Spanned, Stmt, WithBlock,
};
use minijinja::{Environment, Error};

use self::blocks::Blocks;
use self::calls::KnownMacro;
use self::source::{TemplateSource, named};
use self::words::Word;
use super::shape::ValueShape;

/// Expressions and statements that are looked at, macros anew at each call.
const LOOKS: u32 = 200_000;
/// What each round of a loop has.
const ROUND: [&str; 11] = [
    "depth",
    "depth0",
    "first",
    "index",
    "index0",
    "last",
    "length",
    "nextitem",
    "previtem",
    "revindex",
    "revindex0",
];

/// A name that is nothing of what a template is given, or of its language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger {
    /// The template in which it stands.
    pub template: String,
    /// Counted from 1.
    pub line: usize,
    pub column: usize,
    pub problem: String,
    pub mend: String,
}

/// What a template is given.
#[derive(Debug, Clone)]
pub struct Given {
    /// What is said to lack a name, such as "a page".
    pub owner: String,
    pub has: ValueShape,
    /// What any that shares its templates is given: names that may be asked for by `is defined`.
    pub may_have: ValueShape,
}

impl Given {
    /// Of a template that stands alone.
    pub fn of(owner: &str, has: ValueShape) -> Self {
        Self {
            owner: owner.to_owned(),
            may_have: has.clone(),
            has,
        }
    }
}

/// The names of a template that are nothing of what it is `given` or of its language, in their order, with
/// those of the templates that it extends, includes or imports from `texts`. The texts have been found
/// [`bounded`](super::bounded), and this is called on a deep stack.
pub fn strangers(
    environment: &Environment<'static>,
    texts: &BTreeMap<&str, &str>,
    (name, given): (&str, &Given),
) -> Result<Vec<Stranger>, Error> {
    let mut sources = BTreeMap::new();
    for (name, text) in texts {
        sources.insert(*name, TemplateSource::read(environment, (*name, *text))?);
    }
    let Some(first) = sources.get(name) else {
        return Ok(Vec::new());
    };
    let mut walk = Walk {
        environment,
        functions: functions(environment),
        assigned: sources.values().flat_map(TemplateSource::names).collect(),
        sources: &sources,
        source: first,
        given,
        scopes: vec![BTreeMap::new()],
        guards: Vec::new(),
        macros: BTreeMap::new(),
        modules: BTreeMap::new(),
        blocks: BTreeMap::new(),
        rendered: Vec::new(),
        extends: false,
        is_open: false,
        calls: 0,
        included: 0,
        left: LOOKS,
        found: BTreeSet::new(),
    };
    walk.page(first);
    Ok(walk.found.into_iter().collect())
}

/// The functions of an environment, each with what it gives.
fn functions<'e>(environment: &'e Environment<'_>) -> BTreeMap<&'e str, ValueShape> {
    let gives = |name: &str| match name {
        "range" => ValueShape::List(Arc::new(ValueShape::Plain)),
        _ => ValueShape::Any,
    };
    let globals = environment.globals();
    globals.map(|(name, _)| (name, gives(name))).collect()
}

struct Walk<'w> {
    environment: &'w Environment<'static>,
    functions: BTreeMap<&'w str, ValueShape>,
    /// Names that any of the templates gives.
    assigned: BTreeSet<&'w str>,
    sources: &'w BTreeMap<&'w str, TemplateSource<'w>>,
    /// The one that is looked at.
    source: &'w TemplateSource<'w>,
    given: &'w Given,
    scopes: Vec<BTreeMap<&'w str, ValueShape>>,
    /// Names and paths that the conditions around this say are there.
    guards: Vec<Vec<String>>,
    macros: BTreeMap<&'w str, KnownMacro<'w>>,
    /// Templates that were imported as a whole, by their names here.
    modules: BTreeMap<&'w str, &'w TemplateSource<'w>>,
    /// The blocks of a page by their names, from the furthest below on.
    blocks: Blocks<'w>,
    /// Blocks that are rendered, in one another, each with how far above it stands.
    rendered: Vec<(&'w str, usize)>,
    /// Whether blocks are rendered elsewhere.
    extends: bool,
    /// Whether there is a template above that is not known.
    is_open: bool,
    calls: usize,
    included: usize,
    left: u32,
    found: BTreeSet<Stranger>,
}

impl<'w> Walk<'w> {
    /// Whether one more may be looked at.
    fn may_look(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }

    fn statements(&mut self, statements: &'w [Stmt<'w>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn scoped(&mut self, work: impl FnOnce(&mut Self)) {
        self.scopes.push(BTreeMap::new());
        work(self);
        self.scopes.pop();
    }

    /// What stands in another template.
    fn within(&mut self, source: &'w TemplateSource<'w>, work: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.source, source);
        work(self);
        self.source = before;
    }

    fn statement(&mut self, statement: &'w Stmt<'w>) {
        if !self.may_look() {
            return;
        }
        match statement {
            Stmt::Template(it) => self.statements(&it.children),
            Stmt::EmitRaw(_) => {}
            Stmt::EmitExpr(it) => self.looks([&it.expr]),
            Stmt::ForLoop(it) => self.repeated(it),
            Stmt::IfCond(it) => {
                self.look(&it.expr);
                self.guarded((&it.expr, true), |walk| walk.statements(&it.true_body));
                self.guarded((&it.expr, false), |walk| walk.statements(&it.false_body));
            }
            Stmt::WithBlock(it) => self.scoped(|walk| walk.with(it)),
            Stmt::Set(it) => {
                let value = self.look(&it.expr);
                self.bind(&it.target, value);
            }
            Stmt::SetBlock(it) => {
                self.looks(&it.filter);
                self.scoped(|walk| walk.statements(&it.body));
                self.bind(&it.target, ValueShape::Plain);
            }
            Stmt::AutoEscape(it) => {
                self.look(&it.enabled);
                self.statements(&it.body);
            }
            Stmt::FilterBlock(it) => {
                self.look(&it.filter);
                self.statements(&it.body);
            }
            Stmt::Block(it) => self.block(it),
            Stmt::Include(it) => self.include(&it.name),
            Stmt::Extends(_) => {}
            other => self.declared(other),
        }
    }

    /// What brings macros, or calls one.
    fn declared(&mut self, statement: &'w Stmt<'w>) {
        match statement {
            Stmt::Macro(it) => {
                let known = KnownMacro {
                    declared: it,
                    source: self.source,
                };
                self.macros.insert(it.name, known);
                self.name(it.name, ValueShape::Any);
                self.looks(&it.defaults);
                self.called(known, &BTreeMap::new());
            }
            Stmt::CallBlock(it) => {
                self.call(&it.call);
                let known = KnownMacro {
                    declared: &it.macro_decl,
                    source: self.source,
                };
                self.called(known, &BTreeMap::new());
            }
            Stmt::Do(it) => {
                self.call(&it.call);
            }
            Stmt::Import(it) => {
                self.include(&it.expr);
                self.bind(&it.name, ValueShape::Any);
                let source = named(&it.expr).and_then(|name| self.sources.get(name));
                self.modules.extend(variable(&it.name).zip(source));
            }
            Stmt::FromImport(it) => {
                self.include(&it.expr);
                self.import(&it.expr, &it.names);
            }
            _ => {}
        }
    }

    fn repeated(&mut self, loops: &'w ForLoop<'w>) {
        let element = self.look(&loops.iter).element();
        self.scoped(|walk| {
            walk.bind(&loops.target, element);
            let round = ROUND.map(|name| (name.to_owned(), ValueShape::Any));
            walk.name("loop", ValueShape::Parts(Arc::new(round.into())));
            walk.looks(&loops.filter_expr);
            walk.statements(&loops.body);
        });
        self.statements(&loops.else_body);
    }

    fn with(&mut self, block: &'w WithBlock<'w>) {
        for (target, value) in &block.assignments {
            let value = self.look(value);
            self.bind(target, value);
        }
        self.statements(&block.body);
    }

    fn looks(&mut self, expressions: impl IntoIterator<Item = &'w Expr<'w>>) {
        for expression in expressions {
            self.look(expression);
        }
    }

    /// What an expression gives, with all looked at that it names.
    fn look(&mut self, expression: &'w Expr<'w>) -> ValueShape {
        if !self.may_look() {
            return ValueShape::Any;
        }
        match expression {
            Expr::Const(it) if it.value.as_str().is_some() => return ValueShape::Plain,
            Expr::Const(_) => {}
            Expr::Var(it) => return self.variable(it.id, it.span().start_offset, false),
            Expr::GetAttr(it) => {
                let owner = self.look(&it.expr);
                let end = it.span().end_offset as usize;
                let at = end.saturating_sub(it.name.len());
                return self.part(owner, it.name, (expression, at));
            }
            Expr::GetItem(it) => {
                let owner = self.look(&it.expr);
                self.look(&it.subscript_expr);
                return self.item(owner, &it.subscript_expr, expression);
            }
            Expr::Slice(it) => {
                let bounds = [&it.start, &it.stop, &it.step];
                self.looks(bounds.into_iter().flatten());
                return self.look(&it.expr);
            }
            Expr::IfExpr(it) => return self.either(it),
            Expr::BinOp(it) => {
                let left = self.look(&it.left);
                let holds = !matches!(it.op, BinOpKind::ScOr);
                let right = self.guarded((&it.left, holds), |walk| walk.look(&it.right));
                match it.op {
                    BinOpKind::ScOr => return left.or_other(&right),
                    BinOpKind::Concat => return ValueShape::Plain,
                    _ => {}
                }
            }
            Expr::Filter(it) => return self.filter(it),
            Expr::Call(it) => return self.call(it),
            Expr::UnaryOp(it) => self.looks([&it.expr]),
            Expr::Compare(it) => {
                self.look(&it.expr);
                self.looks(it.ops.iter().map(|it| &it.expr));
            }
            Expr::Test(it) => {
                if matches!(it.name, "defined" | "undefined") {
                    self.ask(&it.expr);
                } else {
                    self.look(&it.expr);
                }
                self.word(Word::Test, it.name, it.span().start_offset as usize);
                self.arguments(&it.args);
            }
            Expr::List(it) => self.looks(&it.items),
            Expr::Tuple(it) => self.looks(&it.items),
            Expr::Map(it) => {
                self.looks(&it.keys);
                self.looks(&it.values);
            }
        }
        ValueShape::Any
    }

    /// What is known of one of two values.
    fn either(&mut self, choice: &'w IfExpr<'w>) -> ValueShape {
        let test = &choice.test_expr;
        self.look(test);
        let value = self.guarded((test, true), |walk| walk.look(&choice.true_expr));
        let Some(other) = &choice.false_expr else {
            return value;
        };
        let other = self.guarded((test, false), |walk| walk.look(other));
        value.or_other(&other)
    }

    fn filter(&mut self, filter: &'w Spanned<Filter<'w>>) -> ValueShape {
        let given = match (&filter.expr, filter.name) {
            (Some(given), "default" | "d") => self.ask(given),
            (Some(given), _) => self.look(given),
            (None, _) => ValueShape::Plain,
        };
        let start = filter.span().start_offset as usize;
        self.word(Word::Filter, filter.name, start);
        self.attributes(filter.name, &given, &filter.args);
        if matches!(filter.name, "default" | "d") {
            // Looked at as what stands behind a condition.
            self.guards.push(Vec::new());
            self.arguments(&filter.args);
            self.guards.pop();
        } else {
            self.arguments(&filter.args);
        }
        words::filtered(filter.name, given)
    }

    /// Give a name a value. What may be one of two shapes is not known.
    fn name(&mut self, name: &'w str, shape: ValueShape) {
        let scope = self.scopes.last_mut();
        let Some(scope) = scope else { return };
        let shape = match scope.remove(name) {
            Some(known) => known.or_other(&shape),
            None => shape,
        };
        scope.insert(name, shape);
    }

    fn bind(&mut self, target: &'w Expr<'w>, shape: ValueShape) {
        match target {
            Expr::Var(it) => self.name(it.id, shape),
            Expr::List(it) => it
                .items
                .iter()
                .for_each(|it| self.bind(it, ValueShape::Any)),
            Expr::Tuple(it) => it
                .items
                .iter()
                .for_each(|it| self.bind(it, ValueShape::Any)),
            _ => {}
        }
    }
}

fn variable<'e>(name: &'e Expr<'_>) -> Option<&'e str> {
    match name {
        Expr::Var(it) => Some(it.id),
        _ => None,
    }
}
