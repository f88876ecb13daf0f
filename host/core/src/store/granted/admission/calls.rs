//! Calls of functions from the list, those with a form of their own among them.

use sqlparser::ast::{
    CeilFloorKind, DateTimeField, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgOperator, FunctionArgumentClause, FunctionArgumentList, FunctionArguments,
    ObjectName, OrderByExpr, TrimWhereField, WindowFrame, WindowFrameBound, WindowFrameUnits,
    WindowSpec, WindowType,
};

use super::super::{denial, functions};
use super::{Done, Rendering};
use crate::store::{Dialect, StoreError};

/// Functions that are written without parentheses.
const BARE: [&str; 3] = ["current_date", "current_time", "current_timestamp"];

impl Rendering<'_> {
    /// The name of a function on the list, as the list writes it.
    pub(super) fn callee(&mut self, name: &ObjectName) -> Result<&'static str, StoreError> {
        let known = Self::plain(name)
            .ok()
            .and_then(|name| functions::called(&name.value));
        let Some(known) = known else {
            let text = denial::function(&name.to_string());
            return Err(denial::denied(text));
        };
        if functions::is_of_vectors(known) {
            self.schema_of_vectors();
        }
        self.word(known);
        Ok(known)
    }

    /// Where the extension for vectors is: nothing else that is found there is meant.
    pub(super) fn schema_of_vectors(&mut self) {
        let schema = self.catalog().and_then(|catalog| catalog.vectors.clone());
        if let Some(schema) = schema {
            self.quoted(&schema);
            self.word(".");
        }
    }

    pub(super) fn call(&mut self, function: &Function) -> Done {
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
        self.callee(name)?;
        match args {
            FunctionArguments::List(list) => self.in_parentheses(|this| this.arguments(list))?,
            FunctionArguments::Subquery(query) => {
                drop(self.in_parentheses(|this| this.in_parentheses(|this| this.query(query)))?);
            }
            FunctionArguments::None if BARE.iter().any(|bare| self.text.ends_with(bare)) => {}
            FunctionArguments::None => return Self::refuse("a function without parentheses"),
        }
        self.within(within_group)?;
        if let Some(filter) = filter {
            self.word("FILTER");
            self.in_parentheses(|this| this.filter("WHERE", Some(filter)))?;
        }
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

    fn within(&mut self, order: &[OrderByExpr]) -> Done {
        if order.is_empty() {
            return Ok(());
        }
        self.postgres_only("WITHIN GROUP")?;
        self.word("WITHIN GROUP");
        self.in_parentheses(|this| this.order_by(order))
    }

    fn arguments(&mut self, list: &FunctionArgumentList) -> Done {
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
        self.list(args, Self::argument)?;
        match clauses.as_slice() {
            [] => Ok(()),
            [FunctionArgumentClause::OrderBy(by)] => self.order_by(by),
            _ => Self::refuse("this kind of call"),
        }
    }

    pub(super) fn argument(&mut self, argument: &FunctionArg) -> Done {
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

    pub(super) fn window(&mut self, window: &WindowSpec) -> Done {
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

    fn frame(&mut self, frame: &WindowFrame) -> Done {
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

    fn bound(&mut self, bound: &WindowFrameBound) -> Done {
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
    pub(super) fn special_call(&mut self, expression: &Expr) -> Done {
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
                self.postgres_only("OVERLAY")?;
                self.word("OVERLAY");
                self.in_parentheses(|this| {
                    this.infix(expr, "PLACING", overlay_what)?;
                    this.filter("FROM", Some(overlay_from))?;
                    this.filter("FOR", overlay_for.as_deref())
                })
            }
            _ => Self::refuse("this kind of expression"),
        }
    }

    fn simple_call(&mut self, name: &str, argument: &Expr) -> Done {
        self.word(name);
        self.in_parentheses(|this| this.expression(argument))
    }

    fn substring(&mut self, of: &Expr, from: Option<&Expr>, length: Option<&Expr>) -> Done {
        let Some(from) = from else {
            return Self::refuse("SUBSTRING without a place (write substr(TEXT, FROM, FOR))");
        };
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
    ) -> Done {
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
