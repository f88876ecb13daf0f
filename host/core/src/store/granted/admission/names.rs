//! Names: always quoted, so that none is a keyword, and each is what the tree says.

use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use super::{CheckResult, Rendering};
use crate::store::{Dialect, StoreError};

/// Begins the name of a subquery where it is sent. No table has such a name, so a subquery
/// never stands for a table, nor a table for a subquery, whatever the database sees where.
pub(in crate::store::granted) const SUBQUERY: &str = "with ";
/// PostgreSQL cuts longer names, and would read another one.
const LONGEST: usize = 63;

impl Rendering<'_> {
    /// A name as the database stores it.
    pub(super) fn stored(&self, ident: &Ident) -> Result<String, StoreError> {
        let Ident {
            value,
            quote_style,
            span: _,
        } = ident;
        if value.len() > LONGEST - SUBQUERY.len() || value.is_empty() {
            return Self::refuse("a name that is empty or longer than 58 bytes");
        }
        Ok(match (self.asker.dialect, quote_style) {
            (Dialect::Postgres, None) => value.to_ascii_lowercase(),
            _ => value.clone(),
        })
    }

    pub(super) fn name(&mut self, ident: &Ident) -> CheckResult {
        let name = self.stored(ident)?;
        self.quoted(&name);
        Ok(())
    }

    /// SQLite takes what is in double quotes for a text if there is no such column, but not
    /// what is in its other quotes.
    pub(super) fn quoted(&mut self, name: &str) {
        let quote = match self.asker.dialect {
            Dialect::Sqlite => "`",
            Dialect::Postgres => "\"",
        };
        let doubled = name.replace(quote, &quote.repeat(2));
        self.word(&format!("{quote}{doubled}{quote}"));
    }

    pub(super) fn names(&mut self, idents: &[Ident]) -> CheckResult {
        self.list(idents, Self::name)
    }

    /// The one part of a name that has no schema in front of it.
    pub(super) fn plain(name: &ObjectName) -> Result<&Ident, StoreError> {
        match name.0.as_slice() {
            [ObjectNamePart::Identifier(ident)] => Ok(ident),
            _ => Self::refuse("the name of a schema"),
        }
    }

    /// A column, perhaps of a table that is named.
    pub(super) fn column(&mut self, parts: &[Ident]) -> CheckResult {
        match parts {
            [column] => {
                self.seen(None, column)?;
                self.name(column)
            }
            [table, column] => {
                self.seen(Some(table), column)?;
                self.name(table)?;
                self.word(".");
                self.name(column)
            }
            _ => Self::refuse("the name of a schema"),
        }
    }

    /// A column of the table that is changed.
    pub(super) fn own_column(&mut self, name: &ObjectName) -> CheckResult {
        let column = Self::plain(name)?;
        self.name(column)
    }
}
