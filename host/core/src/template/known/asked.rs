//! What a condition says of a name: behind `x is defined` it may be used, whatever else is known.

use minijinja::machinery::ast::{BinOpKind, Expr, UnaryOpKind};

/// Names and paths that are there if an expression holds, or if it does not.
pub(super) fn there(expression: &Expr<'_>, holds: bool) -> Vec<String> {
    match expression {
        Expr::Test(it) if it.name == "defined" && holds => path(&it.expr).into_iter().collect(),
        Expr::Test(it) if it.name == "undefined" && !holds => path(&it.expr).into_iter().collect(),
        Expr::UnaryOp(it) if matches!(it.op, UnaryOpKind::Not) => there(&it.expr, !holds),
        Expr::BinOp(it) => match (&it.op, holds) {
            (BinOpKind::ScAnd, true) | (BinOpKind::ScOr, false) => {
                let mut both = there(&it.left, holds);
                both.extend(there(&it.right, holds));
                both
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A name, or a path of names.
pub(super) fn path(expression: &Expr<'_>) -> Option<String> {
    match expression {
        Expr::Var(it) => Some(it.id.to_owned()),
        Expr::GetAttr(it) => Some(format!("{}.{}", path(&it.expr)?, it.name)),
        Expr::GetItem(it) => match &it.subscript_expr {
            Expr::Const(key) => Some(format!("{}.{}", path(&it.expr)?, key.value.as_str()?)),
            _ => None,
        },
        _ => None,
    }
}
