//! Values of templates, counted before they are looked into. A list may hold another ten times,
//! and that one a third: what takes a few lines to say takes the age of the world to write, to
//! compare or to sort. Writing is asked here by the formatter. Operators, filters, tests and
//! calls are not asked by anybody, so a template is written anew with [`FILTER`] on each of
//! their operands, at the places that its own parser gives.

use minijinja::machinery::ast::{BinOpKind, Call, CallArg, Expr, Stmt, UnaryOpKind};
use minijinja::machinery::{Span, Token, parse, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, State, Value};

/// The filter that counts what it is given, and gives it back.
pub(super) const FILTER: &str = "counted";
/// Tests that look at the outside of a value only; names that are not there have them, too.
const OUTSIDE: [&str; 3] = ["defined", "undefined", "none"];

/// Bytes of a text that cost as much as a part.
const BYTES: u64 = 64;

/// Take from the fuel of a rendering for each part of a value, as often as it is met; an error
/// if there is not enough.
pub(super) fn count(state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    let mut open = Vec::new();
    state.consume_fuel(length(value))?;
    unfold(value, &mut open);
    while let Some(mut parts) = open.pop() {
        let Some(part) = parts.next() else { continue };
        open.push(parts);
        state.consume_fuel(1 + length(&part))?;
        unfold(&part, &mut open);
    }
    Ok(())
}

/// What the length of a value costs that has no parts, as a text.
fn length(value: &Value) -> u64 {
    let text = value.as_str().map(str::len);
    let length = text.or_else(|| value.as_bytes().map(<[u8]>::len));
    length.unwrap_or_default() as u64 / BYTES
}

type ValueParts = Box<dyn Iterator<Item = Value>>;

fn unfold(value: &Value, open: &mut Vec<ValueParts>) {
    let is_map = value.kind() == ValueKind::Map;
    let folded = is_map || matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable);
    let Some(parts) = value.try_iter().ok().filter(|_| folded) else {
        return;
    };
    if !is_map {
        open.push(Box::new(parts));
        return;
    }
    let map = value.clone();
    open.push(Box::new(parts.flat_map(move |key| {
        let value = map.get_item(&key).unwrap_or_default();
        [key, value]
    })));
}

/// A template with its operands counted.
pub(super) fn rewritten(text: &str) -> Result<String, Error> {
    let tokens: Result<Vec<_>, _> = tokenize(text, false, SyntaxConfig::default()).collect();
    let tree = parse(text, "", SyntaxConfig::default())?;
    let mut writer = TemplateRewriter {
        tokens: tokens?,
        places: Vec::new(),
    };
    writer.statement(&tree)?;
    writer.places.sort_unstable();
    let mut written = String::with_capacity(text.len() + writer.places.len() * 12);
    let mut rest = 0;
    for (place, side) in writer.places {
        written.push_str(&text[rest..place]);
        match side {
            OperandSide::Start => written.push_str("(("),
            OperandSide::End => written.extend([")|", FILTER, ")"]),
        }
        rest = place;
    }
    written.push_str(&text[rest..]);
    Ok(written)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OperandSide {
    Start,
    End,
}

struct TemplateRewriter<'t> {
    tokens: Vec<(Token<'t>, Span)>,
    places: Vec<(usize, OperandSide)>,
}

type RewriteResult = Result<(), Error>;

impl TemplateRewriter<'_> {
    fn statements(&mut self, statements: &[Stmt<'_>]) -> RewriteResult {
        let mut each = statements.iter();
        each.try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: &Stmt<'_>) -> RewriteResult {
        match statement {
            Stmt::Template(it) => self.statements(&it.children),
            Stmt::EmitExpr(it) => self.inside(&it.expr),
            Stmt::EmitRaw(_) => Ok(()),
            Stmt::ForLoop(it) => {
                self.inside(&it.iter)?;
                it.filter_expr.iter().try_for_each(|it| self.inside(it))?;
                self.statements(&it.body)?;
                self.statements(&it.else_body)
            }
            Stmt::IfCond(it) => {
                self.inside(&it.expr)?;
                self.statements(&it.true_body)?;
                self.statements(&it.false_body)
            }
            Stmt::WithBlock(it) => {
                let mut given = it.assignments.iter();
                given.try_for_each(|(_, value)| self.inside(value))?;
                self.statements(&it.body)
            }
            Stmt::Set(it) => self.inside(&it.expr),
            Stmt::SetBlock(it) => {
                it.filter.iter().try_for_each(|it| self.filters(it))?;
                self.statements(&it.body)
            }
            Stmt::AutoEscape(it) => {
                self.inside(&it.enabled)?;
                self.statements(&it.body)
            }
            Stmt::FilterBlock(it) => {
                self.filters(&it.filter)?;
                self.statements(&it.body)
            }
            Stmt::Block(it) => self.statements(&it.body),
            Stmt::Import(it) => self.operand(&it.expr),
            Stmt::FromImport(it) => self.operand(&it.expr),
            Stmt::Extends(it) => self.operand(&it.name),
            Stmt::Include(it) => self.operand(&it.name),
            Stmt::Macro(it) => {
                it.defaults.iter().try_for_each(|it| self.inside(it))?;
                self.statements(&it.body)
            }
            Stmt::CallBlock(it) => {
                self.call(&it.call)?;
                let declared = &it.macro_decl;
                declared
                    .defaults
                    .iter()
                    .try_for_each(|it| self.inside(it))?;
                self.statements(&declared.body)
            }
            Stmt::Do(it) => self.call(&it.call),
        }
    }

    /// What stands in an expression whose value is not looked into here.
    fn inside(&mut self, expression: &Expr<'_>) -> RewriteResult {
        match expression {
            Expr::Var(_) | Expr::Const(_) => Ok(()),
            Expr::Slice(it) => {
                let bounds = [&it.start, &it.stop, &it.step];
                let mut bounds = bounds.into_iter().flatten();
                bounds.try_for_each(|bound| self.operand(bound))?;
                self.inside(&it.expr)
            }
            Expr::UnaryOp(it) => self.inside(&it.expr),
            Expr::BinOp(it) => match it.op {
                // Lists that are joined are copied, without being asked.
                BinOpKind::Add
                | BinOpKind::Mul
                | BinOpKind::Concat
                | BinOpKind::Eq
                | BinOpKind::Ne
                | BinOpKind::Lt
                | BinOpKind::Lte
                | BinOpKind::Gt
                | BinOpKind::Gte
                | BinOpKind::In => {
                    self.operand(&it.left)?;
                    self.operand(&it.right)
                }
                _ => {
                    self.inside(&it.left)?;
                    self.inside(&it.right)
                }
            },
            Expr::Compare(it) => {
                self.operand(&it.expr)?;
                it.ops.iter().try_for_each(|it| self.operand(&it.expr))
            }
            Expr::IfExpr(it) => {
                self.inside(&it.test_expr)?;
                self.inside(&it.true_expr)?;
                it.false_expr.iter().try_for_each(|it| self.inside(it))
            }
            Expr::Filter(it) => {
                it.expr.iter().try_for_each(|it| self.operand(it))?;
                self.arguments(&it.args)
            }
            Expr::Test(it) if OUTSIDE.contains(&it.name) => self.inside(&it.expr),
            Expr::Test(it) => {
                self.operand(&it.expr)?;
                self.arguments(&it.args)
            }
            Expr::GetAttr(it) => self.inside(&it.expr),
            Expr::GetItem(it) => {
                self.operand(&it.subscript_expr)?;
                self.inside(&it.expr)
            }
            Expr::Call(it) => self.call(it),
            Expr::List(it) => it.items.iter().try_for_each(|it| self.inside(it)),
            Expr::Tuple(it) => it.items.iter().try_for_each(|it| self.inside(it)),
            Expr::Map(it) => {
                it.keys.iter().try_for_each(|it| self.operand(it))?;
                it.values.iter().try_for_each(|it| self.inside(it))
            }
        }
    }

    /// Filters of a block, which are given a text.
    fn filters(&mut self, filter: &Expr<'_>) -> RewriteResult {
        let Expr::Filter(filter) = filter else {
            return self.inside(filter);
        };
        filter.expr.iter().try_for_each(|it| self.filters(it))?;
        self.arguments(&filter.args)
    }

    fn call(&mut self, call: &Call<'_>) -> RewriteResult {
        self.inside(&call.expr)?;
        self.arguments(&call.args)
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) -> RewriteResult {
        let mut each = arguments.iter();
        each.try_for_each(|argument| match argument {
            CallArg::Pos(it)
            | CallArg::Kwarg(_, it)
            | CallArg::PosSplat(it)
            | CallArg::KwargSplat(it) => self.operand(it),
        })
    }

    /// An expression whose value is looked into: it is counted, unless it can only be a number,
    /// a text or one of a few values. Of a choice, each value is.
    fn operand(&mut self, expression: &Expr<'_>) -> RewriteResult {
        match expression {
            Expr::BinOp(it) if matches!(it.op, BinOpKind::ScAnd | BinOpKind::ScOr) => {
                self.operand(&it.left)?;
                self.operand(&it.right)
            }
            Expr::IfExpr(it) => {
                self.inside(&it.test_expr)?;
                self.operand(&it.true_expr)?;
                it.false_expr.iter().try_for_each(|it| self.operand(it))
            }
            Expr::Const(_) | Expr::UnaryOp(_) | Expr::Compare(_) | Expr::Test(_) => {
                self.inside(expression)
            }
            Expr::BinOp(it) if !matches!(it.op, BinOpKind::Add | BinOpKind::Mul) => {
                self.inside(expression)
            }
            _ => {
                let (start, end) = self.region(expression)?;
                self.places.push((start, OperandSide::Start));
                self.places.push((end, OperandSide::End));
                self.inside(expression)
            }
        }
    }

    /// Where an expression stands, with the brackets that belong to it. A tree does not know
    /// those around its first part; the tokens do.
    fn region(&self, expression: &Expr<'_>) -> Result<(usize, usize), Error> {
        let (start, end) = (first(expression), expression.span().end_offset);
        let is_before = |place: u32| move |(_, span): &(Token<'_>, Span)| span.start_offset < place;
        let mut from = self.tokens.partition_point(is_before(start));
        let to = self.tokens.partition_point(is_before(end));
        let mut closed = self.tokens[from.min(to)..to].iter().map(open).sum::<i64>();
        while closed < 0 && from > 0 {
            from -= 1;
            closed += open(&self.tokens[from]);
        }
        let found = self.tokens.get(from).filter(|_| closed == 0 && from < to);
        let (_, span) = found.ok_or_else(|| {
            let what = "an expression is written in a way that can't be followed";
            Error::new(ErrorKind::SyntaxError, what)
        })?;
        Ok((span.start_offset as usize, end as usize))
    }
}

/// Brackets that a token opens.
fn open((token, _): &(Token<'_>, Span)) -> i64 {
    match token {
        Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => 1,
        Token::ParenClose | Token::BracketClose | Token::BraceClose => -1,
        _ => 0,
    }
}

/// Where the first part of an expression starts.
pub(super) fn first(expression: &Expr<'_>) -> u32 {
    match expression {
        Expr::Slice(it) => first(&it.expr),
        Expr::UnaryOp(it) if matches!(it.op, UnaryOpKind::Not) => first(&it.expr),
        Expr::BinOp(it) => first(&it.left),
        Expr::Compare(it) => first(&it.expr),
        Expr::IfExpr(it) => first(&it.true_expr),
        Expr::Filter(it) => it.expr.as_ref().map_or(it.span().start_offset, first),
        Expr::Test(it) => first(&it.expr),
        Expr::GetAttr(it) => first(&it.expr),
        Expr::GetItem(it) => first(&it.expr),
        Expr::Call(it) => first(&it.expr),
        Expr::Var(_)
        | Expr::Const(_)
        | Expr::UnaryOp(_)
        | Expr::List(_)
        | Expr::Tuple(_)
        | Expr::Map(_) => expression.span().start_offset,
    }
}
