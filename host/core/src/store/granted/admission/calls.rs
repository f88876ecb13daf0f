//! Calls of functions from the list, those with a form of their own among them.

use sqlparser::ast::{
    CeilFloorKind, DateTimeField, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgOperator, FunctionArgumentClause, FunctionArgumentList, FunctionArguments,
    ObjectName, OrderByExpr, TrimWhereField, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowSpec, WindowType,
};

use super::super::denial;
use super::super::functions::{self, FunctionResult};
use super::{CheckResult, Rendering};
use crate::store::{Dialect, StoreError};

/// Functions that are written without parentheses.
const BARE: [&str; 3] = ["current_date", "current_time", "current_timestamp"];

impl Rendering<'_> {
    /// A function on the list, as the list writes it, and what it makes.
    pub(super) fn callee(
        &self,
        name: &ObjectName,
    ) -> Result<(&'static str, FunctionResult), StoreError> {
        let known = Self::plain(name)
            .ok()
            .and_then(|name| functions::called(&name.value))
            .filter(|(_, makes)| {
                self.asker.dialect == Dialect::Sqlite || *makes != FunctionResult::Elsewhere
            });
        known.ok_or_else(|| denial::denied(denial::function(&name.to_string())))
    }

    pub(super) fn function(&mut self, (name, makes): (&'static str, FunctionResult)) {
        self.varies(name);
        if makes == FunctionResult::Own && self.asker.dialect == Dialect::Postgres {
            return self.hosts(name);
        }
        if functions::is_of_vectors(name) {
            self.schema_of_vectors();
        }
        self.word(name);
    }

    /// Where the extension for vectors is: nothing else that is found there is meant.
    pub(super) fn schema_of_vectors(&mut self) {
        let schema = self.catalog().and_then(|catalog| catalog.vectors.clone());
        if let Some(schema) = schema {
            self.quoted(&schema);
            self.word(".");
        }
    }

    pub(super) fn call(&mut self, function: &Function) -> CheckResult {
        let Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment,
            over,
        } = function;
        let odd = *uses_odbc_syntax || *parameters != FunctionArguments::None;
        Self::without(odd || null_treatment.is_some(), "this kind of call")?;
        let callee = self.callee(name)?;
        let arguments = match args {
            FunctionArguments::List(list) => list.args.len(),
            _ => 0,
        };
        self.made((callee.1, arguments), |this| {
            this.function(callee);
            this.called_with(callee, args)?;
            this.within(within_group)?;
            if let Some(filter) = filter {
                this.word("FILTER");
                this.in_parentheses(|this| this.filter("WHERE", Some(filter)))?;
            }
            this.over(over.as_ref())
        })
    }

    fn called_with(
        &mut self,
        (name, makes): (&'static str, FunctionResult),
        args: &FunctionArguments,
    ) -> CheckResult {
        match args {
            FunctionArguments::List(list) => {
                self.in_parentheses(|this| this.arguments(makes, list))
            }
            FunctionArguments::Subquery(query) if !matches!(makes, FunctionResult::Gathered) => {
                self.in_parentheses(|this| this.in_parentheses(|this| this.query(query)))
                    .map(drop)
            }
            FunctionArguments::None if BARE.contains(&name) => Ok(()),
            FunctionArguments::None => Self::refuse("a function without parentheses"),
            FunctionArguments::Subquery(_) => Self::refuse("an aggregate of a subquery"),
        }
    }

    fn over(&mut self, over: Option<&WindowType>) -> CheckResult {
        match over {
            None => Ok(()),
            Some(WindowType::NamedWindow(name)) => {
                self.word("OVER");
                self.name(name)
            }
            Some(WindowType::WindowSpec(window)) => {
                self.word("OVER");
                self.window(window)
            }
        }
    }

    fn within(&mut self, order: &[OrderByExpr]) -> CheckResult {
        if order.is_empty() {
            return Ok(());
        }
        self.postgres_only("WITHIN GROUP")?;
        self.word("WITHIN GROUP");
        self.in_parentheses(|this| this.order_by(order))
    }

    fn arguments(&mut self, makes: FunctionResult, list: &FunctionArgumentList) -> CheckResult {
        let FunctionArgumentList {
            duplicate_treatment,
            args,
            clauses,
        } = list;
        match duplicate_treatment {
            None => {}
            Some(DuplicateTreatment::Distinct) => self.word("DISTINCT"),
            Some(DuplicateTreatment::All) => return Self::refuse("ALL in a call"),
        }
        self.made_of(makes, args)?;
        match clauses.as_slice() {
            [] => Ok(()),
            // What is gathered once may be ordered by nothing but what it is, word by word.
            [FunctionArgumentClause::OrderBy(by)] if makes == FunctionResult::Gathered => self
                .ordered_by(by, |this, of| {
                    let is_first = args.first().and_then(plain) == Some(of);
                    let is_one = args.iter().any(|one| plain(one) == Some(of));
                    match (is_first, is_one) {
                        (true, _) => this.kept(of),
                        (_, true) => this.kept_beside(of),
                        _ => this.expression(of),
                    }
                }),
            [FunctionArgumentClause::OrderBy(by)] => self.order_by(by),
            _ => Self::refuse("this kind of call"),
        }
    }

    /// Arguments, each as what is made of it needs it.
    pub(super) fn made_of(&mut self, makes: FunctionResult, args: &[FunctionArg]) -> CheckResult {
        let last = args.len().saturating_sub(1);
        let mut at = 0..args.len();
        self.list(args, |this, argument| {
            let at = at.next().unwrap_or_default();
            match (makes, plain(argument)) {
                (FunctionResult::Gathered, Some(of)) if at == 0 => this.kept(of),
                (FunctionResult::Gathered, Some(of)) => this.kept_beside(of),
                (FunctionResult::Gathered, None) => Self::refuse("this kind of argument"),
                (FunctionResult::Laid, Some(of)) if at == last && at > 0 => this.template(of),
                (FunctionResult::Laid, None) => Self::refuse("this kind of argument"),
                _ => this.argument(argument),
            }
        })
    }

    pub(super) fn argument(&mut self, argument: &FunctionArg) -> CheckResult {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => self.expression(expression),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {
                self.word("*");
                Ok(())
            }
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(expression),
                operator: FunctionArgOperator::RightArrow,
            } => {
                self.postgres_only("an argument with a name")?;
                self.name(name)?;
                self.word("=>");
                self.expression(expression)
            }
            _ => Self::refuse("this kind of argument"),
        }
    }

    pub(super) fn window(&mut self, window: &WindowSpec) -> CheckResult {
        let WindowSpec {
            window_name,
            partition_by,
            order_by,
            window_frame,
        } = window;
        self.in_parentheses(|this| {
            if let Some(name) = window_name {
                this.name(name)?;
            }
            if !partition_by.is_empty() {
                this.word("PARTITION BY");
                this.expressions(partition_by)?;
            }
            this.order_by(order_by)?;
            match window_frame {
                Some(frame) => this.frame(frame),
                None => Ok(()),
            }
        })
    }

    fn frame(&mut self, frame: &WindowFrame) -> CheckResult {
        let WindowFrame {
            units,
            start_bound,
            end_bound,
        } = frame;
        self.word(match units {
            WindowFrameUnits::Rows => "ROWS",
            WindowFrameUnits::Range => "RANGE",
            WindowFrameUnits::Groups => "GROUPS",
        });
        let Some(end) = end_bound else {
            return self.bound(start_bound);
        };
        self.word("BETWEEN");
        self.bound(start_bound)?;
        self.word("AND");
        self.bound(end)
    }

    fn bound(&mut self, bound: &WindowFrameBound) -> CheckResult {
        let (distance, word) = match bound {
            WindowFrameBound::CurrentRow => {
                self.word("CURRENT ROW");
                return Ok(());
            }
            WindowFrameBound::Preceding(distance) => (distance, "PRECEDING"),
            WindowFrameBound::Following(distance) => (distance, "FOLLOWING"),
        };
        match distance {
            Some(distance) => self.expression(distance)?,
            None => self.word("UNBOUNDED"),
        }
        self.word(word);
        Ok(())
    }

    /// Functions whose arguments are not parted by commas alone.
    pub(super) fn special_call(&mut self, expression: &Expr) -> CheckResult {
        match expression {
            Expr::Extract {
                field,
                syntax: _,
                expr,
            } => {
                self.postgres_only("EXTRACT")?;
                self.word("EXTRACT");
                self.in_parentheses(|this| {
                    this.field(field)?;
                    this.filter("FROM", Some(expr))
                })
            }
            Expr::Ceil {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.simple_call("ceil", expr),
            Expr::Floor {
                expr,
                field: CeilFloorKind::DateTimeField(DateTimeField::NoDateTime),
            } => self.simple_call("floor", expr),
            Expr::Position { expr, r#in } => {
                self.postgres_only("POSITION")?;
                self.word("POSITION");
                self.in_parentheses(|this| this.infix(expr, "IN", r#in))
            }
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                special: _,
                shorthand: _,
            } => self.substring(expr, substring_from.as_deref(), substring_for.as_deref()),
            Expr::Trim {
                trim_where,
                trim_what,
                expr,
                trim_characters,
            } => self.trim(
                trim_where.as_ref(),
                trim_what.as_deref(),
                expr,
                trim_characters.as_deref(),
            ),
            Expr::Overlay {
                expr,
                overlay_what,
                overlay_from,
                overlay_for,
            } => {
                let end = overlay_for.as_deref();
                self.overlay((expr, overlay_what), overlay_from, end)
            }
            _ => Self::refuse("this kind of expression"),
        }
    }

    fn overlay(
        &mut self,
        (of, what): (&Expr, &Expr),
        from: &Expr,
        length: Option<&Expr>,
    ) -> CheckResult {
        self.postgres_only("OVERLAY")?;
        self.needs_calls(1)?;
        self.hosts("overlay");
        self.in_parentheses(|this| {
            this.infix(of, ",", what)?;
            this.filter(",", Some(from))?;
            this.filter(",", length)
        })
    }

    fn simple_call(&mut self, name: &str, argument: &Expr) -> CheckResult {
        self.word(name);
        self.in_parentheses(|this| this.expression(argument))
    }

    fn substring(&mut self, of: &Expr, from: Option<&Expr>, length: Option<&Expr>) -> CheckResult {
        let Some(from) = from else {
            return Self::refuse("SUBSTRING without a place (write substr(TEXT, FROM, FOR))");
        };
        self.needs_calls(1)?;
        self.word("substr");
        self.in_parentheses(|this| {
            this.infix(of, ",", from)?;
            match length {
                Some(length) => this.filter(",", Some(length)),
                None => Ok(()),
            }
        })
    }

    fn trim(
        &mut self,
        place: Option<&TrimWhereField>,
        what: Option<&Expr>,
        of: &Expr,
        characters: Option<&[Expr]>,
    ) -> CheckResult {
        self.needs_calls(1)?;
        self.word(match place {
            None | Some(TrimWhereField::Both) if self.asker.dialect == Dialect::Sqlite => "trim",
            None | Some(TrimWhereField::Both) => "btrim",
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
        });
        let what = match (what, characters) {
            (what, None) => what,
            (None, Some([only])) => Some(only),
            _ => return Self::refuse("this kind of TRIM"),
        };
        self.in_parentheses(|this| {
            this.expression(of)?;
            this.filter(",", what)
        })
    }
}

/// An argument that is an expression and nothing else.
fn plain(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
        _ => None,
    }
}
