//! The names of a template against the shape of what it is given: what a value has in one sample is known
//! of all, in loops, macros and branches that no sample reaches. Where a shape can't be followed, nothing
//! is said.

use std::collections::{BTreeMap, BTreeSet};

use super::shape::Shape;
use crate::near_name::nearest;
use minijinja::machinery::ast::{BinOpKind, Call, CallArg, Expr, ForLoop, Macro, Stmt, WithBlock};
use minijinja::machinery::parse;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error};

/// Expressions and statements that are looked at, macros anew at each call.
const LOOKS: u32 = 200_000;
/// Macros in one another that are followed.
const CALLS: usize = 8;
/// Filters that leave a list the list that it is.
const KEEP: [&str; 8] = [
    "list",
    "sort",
    "reverse",
    "unique",
    "select",
    "reject",
    "selectattr",
    "rejectattr",
];
/// Filters that give one of a list.
const PICK: [&str; 4] = ["first", "last", "min", "max"];

/// A name that is nothing of what a template is given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger {
    /// Counted from 1, in bytes.
    pub line: usize,
    pub column: usize,
    pub problem: String,
    pub mend: String,
}

/// The names of a template that are nothing of `given`, in their order; `owner` is what is said to lack
/// them, such as "a page". The text has been found [`bounded`](super::bounded), and this is called on a deep
/// stack.
pub fn strangers(
    environment: &Environment<'_>,
    text: &str,
    (owner, given): (&str, &Shape),
) -> Result<Vec<Stranger>, Error> {
    let tree = parse(text, "", SyntaxConfig::default())?;
    let compiled = environment.template_from_str(text)?;
    let functions: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let mut undeclared = compiled.undeclared_variables(false);
    undeclared.retain(|name| !functions.contains(name.as_str()));
    let mut walk = Walk {
        text,
        owner,
        given,
        undeclared: undeclared.into_iter().collect(),
        scopes: vec![BTreeMap::new()],
        macros: BTreeMap::new(),
        calls: 0,
        left: LOOKS,
        found: BTreeSet::new(),
    };
    walk.statement(&tree);
    Ok(walk.found.into_iter().collect())
}

struct Walk<'w> {
    text: &'w str,
    owner: &'w str,
    given: &'w Shape,
    /// Names that the template does not give itself, at one place at least.
    undeclared: BTreeSet<String>,
    scopes: Vec<BTreeMap<&'w str, Shape>>,
    macros: BTreeMap<&'w str, &'w Macro<'w>>,
    calls: usize,
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
                self.statements(&it.true_body);
                self.statements(&it.false_body);
            }
            Stmt::WithBlock(it) => self.scoped(|walk| walk.given(it)),
            Stmt::Set(it) => {
                let value = self.look(&it.expr);
                self.bind(&it.target, value);
            }
            Stmt::SetBlock(it) => {
                self.looks(&it.filter);
                self.scoped(|walk| walk.statements(&it.body));
                self.bind(&it.target, Shape::Plain);
            }
            Stmt::AutoEscape(it) => {
                self.look(&it.enabled);
                self.statements(&it.body);
            }
            Stmt::FilterBlock(it) => {
                self.look(&it.filter);
                self.statements(&it.body);
            }
            Stmt::Block(it) => self.scoped(|walk| walk.statements(&it.body)),
            Stmt::Macro(it) => {
                self.macros.insert(it.name, it);
                self.name(it.name, Shape::Any);
                self.looks(&it.defaults);
                self.called(it, &BTreeMap::new());
            }
            Stmt::CallBlock(it) => {
                self.call(&it.call);
                self.called(&it.macro_decl, &BTreeMap::new());
            }
            Stmt::Do(it) => {
                self.call(&it.call);
            }
            Stmt::Import(it) => self.bind(&it.name, Shape::Any),
            Stmt::FromImport(it) => {
                for (name, alias) in &it.names {
                    self.bind(alias.as_ref().unwrap_or(name), Shape::Any);
                }
            }
            Stmt::Extends(_) | Stmt::Include(_) => {}
        }
    }

    fn repeated(&mut self, loops: &'w ForLoop<'w>) {
        let element = self.look(&loops.iter).element();
        self.scoped(|walk| {
            walk.bind(&loops.target, element);
            walk.name("loop", Shape::Any);
            walk.looks(&loops.filter_expr);
            walk.statements(&loops.body);
        });
        self.statements(&loops.else_body);
    }

    fn given(&mut self, block: &'w WithBlock<'w>) {
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
    fn look(&mut self, expression: &'w Expr<'w>) -> Shape {
        if !self.may_look() {
            return Shape::Any;
        }
        match expression {
            Expr::Const(_) => return Shape::Any,
            Expr::Var(it) => return self.variable(it.id, it.span().start_offset),
            Expr::GetAttr(it) => {
                let owner = self.look(&it.expr);
                let end = it.span().end_offset as usize;
                return self.part(
                    owner,
                    it.name,
                    (expression, end.saturating_sub(it.name.len())),
                );
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
            Expr::IfExpr(it) => {
                self.look(&it.test_expr);
                let other = it.false_expr.as_ref();
                return self.either(&it.true_expr, other);
            }
            Expr::BinOp(it) if matches!(it.op, BinOpKind::ScOr) => {
                return self.either(&it.left, Some(&it.right));
            }
            Expr::BinOp(it) => self.looks([&it.left, &it.right]),
            Expr::Filter(it) => {
                let given = it.expr.as_ref().map_or(Shape::Any, |it| self.look(it));
                self.arguments(&it.args);
                return self.filtered(it.name, given, it.args.first());
            }
            Expr::Call(it) => return self.call(it),
            Expr::UnaryOp(it) => self.looks([&it.expr]),
            Expr::Compare(it) => {
                self.look(&it.expr);
                self.looks(it.ops.iter().map(|it| &it.expr));
            }
            Expr::Test(it) => {
                self.look(&it.expr);
                self.arguments(&it.args);
            }
            Expr::List(it) => self.looks(&it.items),
            Expr::Tuple(it) => self.looks(&it.items),
            Expr::Map(it) => {
                self.looks(&it.keys);
                self.looks(&it.values);
            }
        }
        Shape::Any
    }

    /// What is known of one of two values.
    fn either(&mut self, value: &'w Expr<'w>, other: Option<&'w Expr<'w>>) -> Shape {
        let value = self.look(value);
        match other {
            Some(other) => value.or_other(&self.look(other)),
            None => value,
        }
    }

    fn arguments(&mut self, arguments: &'w [CallArg<'w>]) -> Vec<(Option<&'w str>, Shape)> {
        let each = arguments.iter().map(|argument| match argument {
            CallArg::Pos(it) => (None, self.look(it)),
            CallArg::Kwarg(name, it) => (Some(*name), self.look(it)),
            CallArg::PosSplat(it) | CallArg::KwargSplat(it) => {
                self.look(it);
                (Some(""), Shape::Any)
            }
        });
        each.collect()
    }

    fn call(&mut self, call: &'w Call<'w>) -> Shape {
        let given = self.arguments(&call.args);
        match &call.expr {
            Expr::Var(it) => {
                if let Some(called) = self.macros.get(it.id).copied() {
                    let is_plain = given.iter().all(|(name, _)| *name != Some(""));
                    let unnamed = given.iter().filter(|(name, _)| name.is_none());
                    let by_place = called.args.iter().zip(unnamed);
                    let by_place =
                        by_place.filter_map(|(name, (_, it))| Some((variable(name)?, it)));
                    let by_name = given.iter().filter_map(|(name, it)| Some(((*name)?, it)));
                    let all = by_place.chain(by_name).filter(|_| is_plain);
                    let all = all.map(|(name, shape)| (name, shape.clone())).collect();
                    self.called(called, &all);
                } else {
                    self.look(&call.expr);
                }
            }
            // The last name is a method's.
            Expr::GetAttr(it) => self.looks([&it.expr]),
            other => self.looks([other]),
        }
        Shape::Any
    }

    /// The body of a macro, with what it is given as far as that is known.
    fn called(&mut self, called: &'w Macro<'w>, given: &BTreeMap<&'w str, Shape>) {
        if self.calls == CALLS {
            return;
        }
        self.calls += 1;
        self.scoped(|walk| {
            let own = called.args.iter().filter_map(variable);
            for name in own.chain(["caller", "varargs", "kwargs"]) {
                walk.name(name, given.get(name).cloned().unwrap_or(Shape::Any));
            }
            walk.statements(&called.body);
        });
        self.calls -= 1;
    }

    /// Give a name a value. What may be one of two shapes is not known.
    fn name(&mut self, name: &'w str, shape: Shape) {
        let scope = self.scopes.last_mut();
        let Some(scope) = scope else { return };
        let shape = match scope.remove(name) {
            Some(known) => known.or_other(&shape),
            None => shape,
        };
        scope.insert(name, shape);
    }

    fn bind(&mut self, target: &'w Expr<'w>, shape: Shape) {
        match target {
            Expr::Var(it) => self.name(it.id, shape),
            Expr::List(it) => it.items.iter().for_each(|it| self.bind(it, Shape::Any)),
            Expr::Tuple(it) => it.items.iter().for_each(|it| self.bind(it, Shape::Any)),
            _ => {}
        }
    }

    fn variable(&mut self, name: &str, start: u32) -> Shape {
        let mut scopes = self.scopes.iter().rev();
        if let Some(shape) = scopes.find_map(|scope| scope.get(name)) {
            return shape.clone();
        }
        let Shape::Parts(parts) = self.given else {
            return Shape::Any;
        };
        if let Some(shape) = parts.get(name) {
            return shape.clone();
        }
        if self.undeclared.contains(name) {
            self.stranger(name, start as usize, (String::new(), name, parts));
        }
        Shape::Any
    }

    fn filtered(&mut self, name: &str, given: Shape, first: Option<&'w CallArg<'w>>) -> Shape {
        if let (true, Some(CallArg::Pos(asked))) = (name.ends_with("ectattr"), first)
            && let Expr::Const(it) = asked
            && let (Some(part), Shape::Parts(parts)) = (it.value.as_str(), given.element())
            && !part.contains('.')
            && !parts.contains_key(part)
        {
            let part = &*part.to_owned();
            let start = it.span().start_offset as usize;
            self.stranger(part, start, (String::new(), part, &parts));
        }
        if KEEP.contains(&name) {
            given
        } else if PICK.contains(&name) {
            given.element()
        } else {
            Shape::Any
        }
    }

    fn item(&mut self, owner: Shape, asked: &Expr<'_>, whole: &Expr<'_>) -> Shape {
        let name = match asked {
            Expr::Const(it) => it.value.as_str().map(str::to_owned),
            _ => None,
        };
        let start = super::counted::first(whole) as usize;
        match (name, owner) {
            (Some(name), owner) => self.part(owner, &name, (whole, start)),
            (None, Shape::Plain) => self.part(Shape::Plain, "", (whole, start)),
            (None, owner) => owner.element(),
        }
    }

    /// What a name leads to in what an expression before it gives.
    fn part(&mut self, owner: Shape, name: &str, (whole, at): (&Expr<'_>, usize)) -> Shape {
        let from = super::counted::first(whole) as usize;
        let to = whole.span().end_offset as usize;
        let written = self.text.get(from..to).unwrap_or(name).to_owned();
        let before = written.strip_suffix(&format!(".{name}"));
        let before = before
            .or_else(|| Some(written.rsplit_once('[')?.0))
            .unwrap_or("it");
        match &owner {
            Shape::Any => return Shape::Any,
            Shape::Parts(parts) => {
                if let Some(shape) = parts.get(name) {
                    return shape.clone();
                }
                self.stranger(&written, at, (format!("{before}."), name, parts));
            }
            Shape::Plain => {
                let problem = format!(
                    "`{written}`: `{before}` is a text, a number or a yes or no, and has no parts"
                );
                self.found(at, problem, format!("write `{before}`"));
            }
            Shape::List(_) => {
                let problem = format!("`{written}`: `{before}` is a list");
                let mend = format!("go through it, `{{% for one in {before} %}} … {{% endfor %}}`");
                self.found(at, problem, mend);
            }
        }
        Shape::Any
    }

    fn stranger(
        &mut self,
        written: &str,
        at: usize,
        (before, name, parts): (String, &str, &BTreeMap<String, Shape>),
    ) {
        let problem = format!("`{written}` is nothing that {} has", self.owner);
        let mend = if let Some(near) = nearest(name, parts.keys().map(String::as_str)) {
            format!("write `{before}{near}`")
        } else {
            let known = parts.keys().map(|known| format!("`{before}{known}`"));
            format!("write one of {}", known.collect::<Vec<_>>().join(", "))
        };
        self.found(at, problem, mend);
    }

    fn found(&mut self, at: usize, problem: String, mend: String) {
        let before = self.text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        self.found.insert(Stranger {
            line: before.matches('\n').count() + 1,
            column: line.len() + 1,
            problem,
            mend,
        });
    }
}

fn variable<'e>(name: &'e Expr<'e>) -> Option<&'e str> {
    match name {
        Expr::Var(it) => Some(it.id),
        _ => None,
    }
}
