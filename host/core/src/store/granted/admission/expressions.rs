//! Expressions. Words and marks stand in the order in which the guest wrote them, so each
//! database groups them by its own rules.

use sqlparser::ast::{
    AccessExpr, Array, BinaryOperator, CaseWhen, CastKind, Expr, Ident, Interval, ObjectName,
    Query, Subscript, TypedString, UnaryOperator, Value,
};

use super::growth::Keeps;
use super::{CheckResult, Rendering};
use crate::store::{Dialect, StoreError};

/// Orders of texts that may be named.
const COLLATIONS: [&str; 6] = ["BINARY", "NOCASE", "RTRIM", "C", "POSIX", "default"];

/// Operators that may make a value as long as what they are given.
const MAKING: [&str; 6] = ["||", "->", "->>", "#>", "#>>", "#-"];

/// Operators of the extension for vectors.
const OF_VECTORS: [&str; 3] = ["<->", "<=>", "<#>"];

impl Rendering<'_> {
    pub(super) fn expressions(&mut self, expressions: &[Expr]) -> CheckResult {
        self.list(expressions, Self::expression)
    }

    /// One row of values, which are stored as they are.
    pub(super) fn row(&mut self, values: &[Expr]) -> CheckResult {
        self.list(values, |this, value| match value {
            Expr::Value(value) => this.value(&value.value),
            value => this.expression(value),
        })
    }

    pub(super) fn expression(&mut self, expression: &Expr) -> CheckResult {
        match expression {
            Expr::Identifier(ident) if self.is_default(ident) => {
                self.word("DEFAULT");
                Ok(())
            }
            Expr::Identifier(ident) => {
                self.operand()?;
                self.needs_columns(1)?;
                self.seen(None, ident)?;
                self.name(ident)
            }
            Expr::CompoundIdentifier(parts) => {
                self.operand()?;
                self.needs_columns(1)?;
                self.column(parts)
            }
            Expr::Value(value) => {
                if let Value::Placeholder(_) = value.value {
                    self.operand()?;
                }
                self.value(&value.value)
            }
            Expr::Nested(inner) => self.in_parentheses(|this| this.expression(inner)),
            Expr::BinaryOp { left, op, right } => {
                let operator = self.binary(op)?;
                if MAKING.contains(&operator) {
                    self.needs_calls(1)?;
                }
                self.infix(left, operator, right)
            }
            Expr::UnaryOp { op, expr } => {
                let operator = Self::unary(*op)?;
                self.word(operator);
                self.expression(expr)
            }
            Expr::Function(function) => self.call(function),
            Expr::Subquery(query) => self.in_parentheses(|this| this.query(query)).map(drop),
            Expr::Tuple(parts) => self.elements(parts, false, |this| {
                this.in_parentheses(|this| this.expressions(parts))
            }),
            _ if is_test(expression) => self.test(expression),
            _ => self.form(expression),
        }
    }

    /// A word that is no column where PostgreSQL takes it.
    fn is_default(&self, ident: &Ident) -> bool {
        let default = ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default");
        default && self.asker.dialect == Dialect::Postgres
    }

    pub(super) fn infix(&mut self, left: &Expr, operator: &str, right: &Expr) -> CheckResult {
        self.expression(left)?;
        self.operator(operator);
        self.expression(right)
    }

    /// What is no operator of the server's own is one of the extension for vectors, and as tightly
    /// bound with its schema as without.
    fn operator(&mut self, operator: &str) {
        if operator == "||" {
            return self.concatenation();
        }
        let catalog = self.catalog();
        let of_vectors = OF_VECTORS.contains(&operator);
        let has_vectors = catalog.is_some_and(|catalog| catalog.vectors.is_some());
        if !(of_vectors && has_vectors) {
            return self.word(operator);
        }
        self.word("OPERATOR (");
        self.schema_of_vectors();
        self.word(operator);
        self.word(")");
    }

    fn postfix(&mut self, left: &Expr, operator: &str) -> CheckResult {
        self.expression(left)?;
        self.word(operator);
        Ok(())
    }

    /// A condition of several words.
    fn test(&mut self, expression: &Expr) -> CheckResult {
        match expression {
            Expr::IsNull(of) => self.postfix(of, "IS NULL"),
            Expr::IsNotNull(of) => self.postfix(of, "IS NOT NULL"),
            Expr::IsTrue(of) => self.postfix(of, "IS TRUE"),
            Expr::IsNotTrue(of) => self.postfix(of, "IS NOT TRUE"),
            Expr::IsFalse(of) => self.postfix(of, "IS FALSE"),
            Expr::IsNotFalse(of) => self.postfix(of, "IS NOT FALSE"),
            Expr::IsDistinctFrom(left, right) => self.infix(left, "IS DISTINCT FROM", right),
            Expr::IsNotDistinctFrom(left, right) => self.infix(left, "IS NOT DISTINCT FROM", right),
            Expr::InList {
                expr,
                list,
                negated,
            } => {
                self.postfix(expr, if *negated { "NOT IN" } else { "IN" })?;
                self.in_parentheses(|this| this.expressions(list))
            }
            Expr::InSubquery {
                expr,
                subquery,
                negated,
            } => {
                self.postfix(expr, if *negated { "NOT IN" } else { "IN" })?;
                self.kept_rows(subquery)
            }
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => {
                self.postfix(expr, if *negated { "NOT BETWEEN" } else { "BETWEEN" })?;
                self.infix(low, "AND", high)
            }
            Expr::Exists { subquery, negated } => self.exists(subquery, *negated, false),
            _ => self.pattern(expression),
        }
    }

    /// A subquery whose rows are compared with.
    fn kept_rows(&mut self, subquery: &Query) -> CheckResult {
        self.in_parentheses(|this| {
            this.keeps = Keeps::Rows;
            this.query(subquery)
        })
        .map(drop)
    }

    fn pattern(&mut self, expression: &Expr) -> CheckResult {
        let (word, negated, expr, pattern, escape) = match expression {
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => ("LIKE", negated, expr, pattern, escape_char),
            Expr::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => ("ILIKE", negated, expr, pattern, escape_char),
            Expr::SimilarTo {
                negated,
                expr,
                pattern,
                escape_char,
            } => ("SIMILAR TO", negated, expr, pattern, escape_char),
            _ => return Self::refuse("this kind of condition"),
        };
        if word != "LIKE" {
            self.postgres_only(word)?;
        }
        self.expression(expr)?;
        if *negated {
            self.word("NOT");
        }
        self.word(word);
        self.expression(pattern)?;
        self.filter("ESCAPE", escape.as_deref())
    }

    /// What has a form of its own.
    fn form(&mut self, expression: &Expr) -> CheckResult {
        match expression {
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr,
                data_type,
                format: None,
            } => {
                let is_there = matches!(**expr, Expr::Value(_));
                self.converted(data_type, is_there, |this| this.expression(expr))
            }
            Expr::TypedString(TypedString {
                data_type,
                value,
                uses_odbc_syntax: false,
            }) => {
                self.postgres_only("a text after its type")?;
                self.converted(data_type, true, |this| this.value(&value.value))
            }
            Expr::Interval(interval) => self.interval(interval),
            Expr::Case {
                case_token: _,
                end_token: _,
                operand,
                conditions,
                else_result,
            } => self.case(operand.as_deref(), conditions, else_result.as_deref()),
            Expr::Collate { expr, collation } => {
                self.expression(expr)?;
                self.collation(collation)
            }
            Expr::AtTimeZone {
                timestamp,
                time_zone,
            } => {
                self.postgres_only("AT TIME ZONE")?;
                self.infix(timestamp, "AT TIME ZONE", time_zone)
            }
            Expr::AnyOp {
                left,
                compare_op,
                right,
                is_some: _,
            } => self.of_all(left, compare_op, "ANY", right),
            Expr::AllOp {
                left,
                compare_op,
                right,
            } => self.of_all(left, compare_op, "ALL", right),
            Expr::Array(Array { elem, named }) => self.array(elem, *named),
            Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            _ => self.special_call(expression),
        }
    }

    pub(super) fn cast(
        &mut self,
        to: &sqlparser::ast::DataType,
        of: impl FnOnce(&mut Self) -> CheckResult,
    ) -> Result<(), StoreError> {
        self.word("CAST");
        self.in_parentheses(|this| {
            of(this)?;
            this.word("AS");
            this.data_type(to)
        })
    }

    fn interval(&mut self, interval: &Interval) -> CheckResult {
        self.postgres_only("INTERVAL")?;
        let Interval {
            value,
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        } = interval
        else {
            return Self::refuse("INTERVAL with fields (write INTERVAL '1 day')");
        };
        let Expr::Value(value) = &**value else {
            return Self::refuse("INTERVAL of what is no text");
        };
        self.word("INTERVAL");
        self.value(&value.value)
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> CheckResult {
        self.word("CASE");
        if let Some(operand) = operand {
            self.expression(operand)?;
        }
        for CaseWhen { condition, result } in conditions {
            self.filter("WHEN", Some(condition))?;
            self.filter("THEN", Some(result))?;
        }
        self.filter("ELSE", otherwise)?;
        self.word("END");
        Ok(())
    }

    fn collation(&mut self, name: &ObjectName) -> CheckResult {
        let name = Self::plain(name)?.value.as_str();
        let known = COLLATIONS
            .iter()
            .find(|known| known.eq_ignore_ascii_case(name));
        let Some(known) = known else {
            return Self::refuse(&format!("the collation `{name}`"));
        };
        self.word("COLLATE");
        self.quoted(known);
        Ok(())
    }

    fn of_all(
        &mut self,
        left: &Expr,
        operator: &BinaryOperator,
        which: &str,
        right: &Expr,
    ) -> CheckResult {
        self.postgres_only(which)?;
        let operator = self.binary(operator)?;
        self.postfix(left, operator)?;
        self.word(which);
        match right {
            Expr::Subquery(subquery) => self.kept_rows(subquery),
            Expr::Nested(_) => self.expression(right),
            _ => self.in_parentheses(|this| this.expression(right)),
        }
    }

    fn array(&mut self, elements: &[Expr], named: bool) -> CheckResult {
        self.postgres_only("ARRAY")?;
        self.elements(elements, named, |this| {
            if named {
                this.word("ARRAY");
            }
            this.word("[");
            this.expressions(elements)?;
            this.word("]");
            Ok(())
        })
    }

    fn access(&mut self, root: &Expr, chain: &[AccessExpr]) -> CheckResult {
        self.postgres_only("a subscript")?;
        self.needs_calls(1)?;
        self.expression(root)?;
        for access in chain {
            self.word("[");
            match access {
                AccessExpr::Subscript(Subscript::Index { index }) => self.expression(index)?,
                AccessExpr::Subscript(Subscript::Slice {
                    lower_bound,
                    upper_bound,
                    stride: None,
                }) => {
                    if let Some(lower) = lower_bound {
                        self.expression(lower)?;
                    }
                    self.word(":");
                    if let Some(upper) = upper_bound {
                        self.expression(upper)?;
                    }
                }
                _ => return Self::refuse("a part of a value"),
            }
            self.word("]");
        }
        Ok(())
    }

    fn unary(operator: UnaryOperator) -> Result<&'static str, StoreError> {
        Ok(match operator {
            UnaryOperator::Plus => "+",
            UnaryOperator::Minus => "-",
            UnaryOperator::Not => "NOT",
            UnaryOperator::BitwiseNot => "~",
            other => return Self::refuse(&format!("the operator `{other}`")),
        })
    }

    fn binary(&self, operator: &BinaryOperator) -> Result<&'static str, StoreError> {
        let known = common(operator).or_else(|| match self.asker.dialect {
            Dialect::Sqlite => of_sqlite(operator),
            Dialect::Postgres => of_postgres(operator),
        });
        match known {
            Some(known) => Ok(known),
            None => Self::refuse(&format!("the operator `{operator}`")),
        }
    }
}

fn is_test(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::Between { .. }
            | Expr::Exists { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::SimilarTo { .. }
    )
}

fn common(operator: &BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::Plus => "+",
        BinaryOperator::Minus => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::StringConcat => "||",
        BinaryOperator::Gt => ">",
        BinaryOperator::Lt => "<",
        BinaryOperator::GtEq => ">=",
        BinaryOperator::LtEq => "<=",
        BinaryOperator::Eq => "=",
        BinaryOperator::NotEq => "<>",
        BinaryOperator::And => "AND",
        BinaryOperator::Or => "OR",
        BinaryOperator::BitwiseOr => "|",
        BinaryOperator::BitwiseAnd => "&",
        BinaryOperator::PGBitwiseShiftLeft => "<<",
        BinaryOperator::PGBitwiseShiftRight => ">>",
        BinaryOperator::Arrow => "->",
        BinaryOperator::LongArrow => "->>",
        _ => return None,
    })
}

fn of_sqlite(operator: &BinaryOperator) -> Option<&'static str> {
    matches!(operator, BinaryOperator::Glob).then_some("GLOB")
}

fn of_postgres(operator: &BinaryOperator) -> Option<&'static str> {
    Some(match operator {
        BinaryOperator::PGExp => "^",
        BinaryOperator::PGBitwiseXor => "#",
        BinaryOperator::PGOverlap => "&&",
        BinaryOperator::PGRegexMatch => "~",
        BinaryOperator::PGRegexIMatch => "~*",
        BinaryOperator::PGRegexNotMatch => "!~",
        BinaryOperator::PGRegexNotIMatch => "!~*",
        BinaryOperator::PGLikeMatch => "~~",
        BinaryOperator::HashArrow => "#>",
        BinaryOperator::HashLongArrow => "#>>",
        BinaryOperator::AtArrow => "@>",
        BinaryOperator::ArrowAt => "<@",
        BinaryOperator::HashMinus => "#-",
        BinaryOperator::AtQuestion => "@?",
        BinaryOperator::AtAt => "@@",
        BinaryOperator::Question => "?",
        BinaryOperator::QuestionAnd => "?&",
        BinaryOperator::QuestionPipe => "?|",
        BinaryOperator::Overlaps => "OVERLAPS",
        BinaryOperator::Spaceship => "<=>",
        BinaryOperator::LtDashGt => "<->",
        BinaryOperator::Custom(name) if name == "<#>" => "<#>",
        BinaryOperator::Custom(name) if name == "<->" => "<->",
        BinaryOperator::Custom(name) if name == "<=>" => "<=>",
        _ => return None,
    })
}
