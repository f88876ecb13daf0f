//! Queries: WITH, SELECT, VALUES, and what connects and orders them.

use sqlparser::ast::{
    Cte, CteAsMaterialized, Distinct, Expr, Fetch, GroupByExpr, LimitClause, NamedWindowDefinition,
    NamedWindowExpr, Offset, OffsetRows, OrderBy, OrderByExpr, OrderByKind, OrderByOptions,
    OrderBySort, Query, Select, SelectFlavor, SelectItem, SelectItemQualifiedWildcardKind, SetExpr,
    SetOperator, SetQuantifier, Values, WildcardAdditionalOptions, With,
};

use super::super::catalog::ColumnNames;
use super::growth::Keeps;
use super::names::SUBQUERY;
use super::scope::NamedSubquery;
use super::{CheckResult, Rendering};
use crate::store::{Dialect, StoreError};

impl Rendering<'_> {
    /// Gives the columns that it is known to give.
    pub(super) fn query(&mut self, query: &Query) -> Result<ColumnNames, StoreError> {
        let seen = self.named.len();
        let given = self.in_level(|this| this.query_with(query));
        // What it names is not seen outside of it.
        self.named.truncate(seen);
        given
    }

    fn query_with(&mut self, query: &Query) -> Result<ColumnNames, StoreError> {
        let (awaiting, keeps) = (self.awaiting.take(), std::mem::take(&mut self.keeps));
        let Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        Self::without(!locks.is_empty(), "FOR UPDATE or FOR SHARE")?;
        let more = for_clause.is_some() || settings.is_some() || format_clause.is_some();
        Self::without(more || !pipe_operators.is_empty(), "this kind of query")?;
        if let Some(with) = with {
            self.with(with)?;
        }
        let given = self.body(body, awaiting, keeps)?;
        if let Some(order) = order_by {
            self.ordered(order)?;
        }
        if let Some(limit) = limit_clause {
            self.limit(limit)?;
        }
        if let Some(fetch) = fetch {
            self.fetch(fetch)?;
        }
        Ok(given)
    }

    /// Each subquery sees those before it, and itself if it is recursive.
    pub(super) fn with(&mut self, with: &With) -> CheckResult {
        let With {
            with_token: _,
            recursive,
            cte_tables,
        } = with;
        self.word("WITH");
        if *recursive {
            self.word("RECURSIVE");
        }
        self.list(cte_tables, |this, table| this.subquery(table, *recursive))
    }

    fn subquery(&mut self, table: &Cte, recursive: bool) -> CheckResult {
        let Cte {
            alias,
            query,
            from,
            materialized,
            closing_paren_token: _,
        } = table;
        Self::without(from.is_some() || alias.at.is_some(), "this kind of WITH")?;
        let name = self.stored(&alias.name)?;
        self.quoted(&format!("{SUBQUERY}{name}"));
        self.alias_columns(&alias.columns)?;
        self.word("AS");
        match materialized {
            Some(CteAsMaterialized::Materialized) => self.word("MATERIALIZED"),
            Some(CteAsMaterialized::NotMaterialized) => self.word("NOT MATERIALIZED"),
            None => {}
        }
        let written = self.written(&alias.columns)?;
        let at = self.named.len();
        if recursive {
            self.named.push(NamedSubquery {
                name: name.clone(),
                columns: written.clone().unwrap_or_default(),
                is_written: written.is_some(),
                width: 0,
            });
            self.awaiting = Some(at);
            self.keeps = Keeps::Distinct;
        }
        let given = self.in_parentheses(|this| this.query(query))?;
        self.named.truncate(at);
        self.named.push(NamedSubquery {
            name,
            is_written: written.is_some(),
            columns: written.unwrap_or(given),
            width: self.width,
        });
        Ok(())
    }

    /// `awaiting` is a subquery that may read what it gives in the part after this one.
    fn body(
        &mut self,
        body: &SetExpr,
        awaiting: Option<usize>,
        keeps: Keeps,
    ) -> Result<ColumnNames, StoreError> {
        match body {
            SetExpr::Select(select) => self.select(select, keeps),
            SetExpr::Query(query) => self.in_parentheses(|this| {
                this.keeps = keeps;
                this.query(query)
            }),
            SetExpr::Values(values) => self.values(values),
            SetExpr::SetOperation {
                left,
                op,
                set_quantifier,
                right,
            } => {
                let keeps = match (keeps, set_quantifier) {
                    (Keeps::Distinct, SetQuantifier::All) => Keeps::Nothing,
                    (Keeps::Distinct, _) => Keeps::Rows,
                    _ => keeps,
                };
                let given = self.in_level(|this| this.body(left, None, keeps))?;
                if let Some(named) = awaiting.and_then(|at| self.named.get_mut(at)) {
                    if !named.is_written {
                        named.columns = given.clone();
                    }
                    named.width = self.width;
                }
                self.word(match op {
                    SetOperator::Union => "UNION",
                    SetOperator::Except => "EXCEPT",
                    SetOperator::Intersect => "INTERSECT",
                    SetOperator::Minus => return Self::refuse("MINUS (write EXCEPT)"),
                });
                match set_quantifier {
                    SetQuantifier::All => self.word("ALL"),
                    SetQuantifier::None => {}
                    SetQuantifier::Distinct => self.postgres_only("UNION DISTINCT")?,
                    _ => return Self::refuse("BY NAME"),
                }
                self.in_level(|this| this.body(right, None, keeps))?;
                Ok(given)
            }
            SetExpr::Table(_) => Self::refuse("TABLE (write SELECT * FROM)"),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Self::refuse("a change of rows inside a query")
            }
        }
    }

    fn values(&mut self, values: &Values) -> Result<ColumnNames, StoreError> {
        let Values {
            explicit_row,
            value_keyword,
            rows,
        } = values;
        Self::without(
            *explicit_row || *value_keyword,
            "ROW or VALUE (write VALUES)",
        )?;
        self.word("VALUES");
        let (before, mut largest) = (self.needs, self.needs);
        self.list(rows, |this, row| {
            // The server works out one after the other.
            this.needs = before;
            this.in_parentheses(|this| this.row(&row.content))?;
            largest = largest.larger(this.needs);
            Ok(())
        })?;
        self.needs = largest;
        self.width = rows.first().map_or(0, |row| row.content.len());
        let named = (1..=self.width).map(|at| format!("column{at}").into());
        Ok(ColumnNames::new(named.collect()))
    }

    fn select(&mut self, select: &Select, keeps: Keeps) -> Result<ColumnNames, StoreError> {
        let Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        Self::without(into.is_some(), "SELECT INTO")?;
        let hints = !optimizer_hints.is_empty() || select_modifiers.is_some() || top.is_some();
        let views = exclude.is_some() || !lateral_views.is_empty() || value_table_mode.is_some();
        let clauses = prewhere.is_some() || qualify.is_some() || !connect_by.is_empty();
        let sorts = !cluster_by.is_empty() || !distribute_by.is_empty() || !sort_by.is_empty();
        let odd = *flavor != SelectFlavor::Standard || projection.is_empty();
        Self::without(
            hints || views || clauses || sorts || odd,
            "this kind of SELECT",
        )?;
        self.word("SELECT");
        self.distinct(distinct.as_ref())?;
        let stored = self.gives_what_is_stored(select);
        self.items(projection, if stored { Keeps::Nothing } else { keeps })?;
        if !from.is_empty() {
            self.word("FROM");
            self.list(from, Self::joined)?;
        }
        self.condition(selection.as_ref())?;
        self.grouped(group_by)?;
        self.filter("HAVING", having.as_ref())?;
        self.windows(named_window)?;
        self.given(projection)
    }

    fn windows(&mut self, windows: &[NamedWindowDefinition]) -> CheckResult {
        if windows.is_empty() {
            return Ok(());
        }
        self.word("WINDOW");
        self.list(windows, |this, window| {
            this.name(&window.0)?;
            this.word("AS");
            match &window.1 {
                NamedWindowExpr::WindowSpec(window) => this.window(window),
                NamedWindowExpr::NamedWindow(_) => Self::refuse("a window of two names"),
            }
        })
    }

    /// A keyword and a condition, if there is one.
    pub(super) fn filter(
        &mut self,
        word: &str,
        condition: Option<&sqlparser::ast::Expr>,
    ) -> CheckResult {
        let Some(condition) = condition else {
            return Ok(());
        };
        self.word(word);
        self.expression(condition)
    }

    fn distinct(&mut self, distinct: Option<&Distinct>) -> CheckResult {
        match distinct {
            None => {}
            Some(Distinct::All) => self.word("ALL"),
            Some(Distinct::Distinct) => self.word("DISTINCT"),
            Some(Distinct::On(of)) => {
                self.postgres_only("DISTINCT ON")?;
                self.word("DISTINCT ON");
                self.in_parentheses(|this| this.expressions(of))?;
            }
        }
        Ok(())
    }

    pub(super) fn items(&mut self, items: &[SelectItem], keeps: Keeps) -> CheckResult {
        self.list(items, |this, item| match item {
            SelectItem::UnnamedExpr(expression) => {
                this.item(expression, keeps)?;
                this.as_labelled(expression, keeps)
            }
            SelectItem::ExprWithAlias { expr, alias } => {
                this.item(expr, keeps)?;
                this.word("AS");
                this.name(alias)
            }
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
                if keeps == Keeps::Rows && this.asker.dialect == Dialect::Postgres =>
            {
                Self::refuse("`*` in a subquery whose rows are kept (name its columns)")
            }
            SelectItem::Wildcard(options) => this.everything(options),
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                let table = Self::plain(name)?;
                this.name(table)?;
                this.word(".");
                this.everything(options)
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _)
            | SelectItem::ExprWithAliases { .. } => Self::refuse("this kind of column"),
        })
    }

    /// What a query gives, and keeps if it does.
    fn item(&mut self, expression: &Expr, keeps: Keeps) -> CheckResult {
        match keeps {
            Keeps::Rows => self.kept_beside(expression),
            Keeps::Nothing | Keeps::Distinct => self.expression(expression),
        }
    }

    /// The name that a column has by itself, whatever is written in its place.
    fn as_labelled(&mut self, expression: &Expr, keeps: Keeps) -> CheckResult {
        let is_itself = keeps != Keeps::Rows && is_column(expression);
        if self.asker.dialect == Dialect::Postgres
            && !is_itself
            && let Some(label) = self.label(expression)?
        {
            self.word("AS");
            self.quoted(&label);
        }
        Ok(())
    }

    fn everything(&mut self, options: &WildcardAdditionalOptions) -> CheckResult {
        let WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        let excluded = opt_ilike.is_some() || opt_exclude.is_some() || opt_except.is_some();
        let renamed = opt_replace.is_some() || opt_rename.is_some() || opt_alias.is_some();
        Self::without(excluded || renamed, "`*` with options")?;
        self.word("*");
        Ok(())
    }

    fn grouped(&mut self, group_by: &GroupByExpr) -> CheckResult {
        match group_by {
            GroupByExpr::Expressions(by, modifiers) if modifiers.is_empty() => {
                if by.is_empty() {
                    return Ok(());
                }
                self.word("GROUP BY");
                self.expressions(by)
            }
            _ => Self::refuse("this kind of GROUP BY"),
        }
    }

    fn ordered(&mut self, order: &OrderBy) -> CheckResult {
        let OrderBy { kind, interpolate } = order;
        match kind {
            OrderByKind::Expressions(by) if interpolate.is_none() => self.order_by(by),
            _ => Self::refuse("this kind of ORDER BY"),
        }
    }

    /// ORDER BY, if there is anything to order by.
    pub(super) fn order_by(&mut self, by: &[OrderByExpr]) -> CheckResult {
        self.ordered_by(by, Self::expression)
    }

    pub(super) fn ordered_by(
        &mut self,
        by: &[OrderByExpr],
        mut each: impl FnMut(&mut Self, &Expr) -> CheckResult,
    ) -> CheckResult {
        if by.is_empty() {
            return Ok(());
        }
        self.word("ORDER BY");
        self.list(by, |this, by| {
            let OrderByExpr {
                expr,
                options: OrderByOptions { sort, nulls_first },
                with_fill,
            } = by;
            Self::without(with_fill.is_some(), "WITH FILL")?;
            each(this, expr)?;
            match sort {
                None => {}
                Some(OrderBySort::Asc) => this.word("ASC"),
                Some(OrderBySort::Desc) => this.word("DESC"),
                Some(OrderBySort::Using(_)) => return Self::refuse("ORDER BY … USING"),
            }
            match nulls_first {
                None => {}
                Some(true) => this.word("NULLS FIRST"),
                Some(false) => this.word("NULLS LAST"),
            }
            Ok(())
        })
    }

    fn limit(&mut self, limit: &LimitClause) -> CheckResult {
        let (limit, offset) = match limit {
            LimitClause::LimitOffset {
                limit,
                offset,
                limit_by,
            } => {
                Self::without(!limit_by.is_empty(), "LIMIT … BY")?;
                (
                    limit.as_ref(),
                    offset.as_ref().map(|Offset { value, rows }| (value, rows)),
                )
            }
            LimitClause::OffsetCommaLimit { offset, limit } => {
                (Some(limit), Some((offset, &OffsetRows::None)))
            }
        };
        self.filter("LIMIT", limit)?;
        self.filter("OFFSET", offset.map(|(value, _)| value))?;
        match offset {
            Some((_, OffsetRows::Row | OffsetRows::Rows)) => {
                self.postgres_only("OFFSET … ROWS")?;
                self.word("ROWS");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fetch(&mut self, fetch: &Fetch) -> CheckResult {
        let Fetch {
            with_ties,
            percent,
            quantity,
        } = fetch;
        self.postgres_only("FETCH FIRST")?;
        Self::without(*percent, "FETCH … PERCENT")?;
        self.word("FETCH FIRST");
        if let Some(quantity) = quantity {
            self.in_parentheses(|this| this.expression(quantity))?;
        }
        self.word(if *with_ties {
            "ROWS WITH TIES"
        } else {
            "ROWS ONLY"
        });
        Ok(())
    }
}

/// Whether an expression is a column and nothing else.
pub(super) fn is_column(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Identifier(_) | Expr::CompoundIdentifier(_)
    )
}
