//! Values as PostgreSQL takes and gives them.

use sqlx::encode::IsNull;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgColumn, PgRow, PgTypeInfo, Postgres};
use sqlx::{AssertSqlSafe, Column, Encode, Row as _, Type, TypeInfo, ValueRef};

use crate::store::{StoreError, StoreErrorKind};
use crate::value::{Statement, Value};

/// PostgreSQL's epoch, 2000-01-01, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// A NULL whose type PostgreSQL infers from where it stands.
struct Untyped;

impl Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(705))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, sqlx::error::BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// The types of parameters, as [`bound`] binds them.
pub(in crate::store) fn kinds(params: &[Value]) -> Vec<PgTypeInfo> {
    let kind = |value: &Value| match value {
        Value::Null => Untyped::type_info(),
        Value::Boolean(_) => <bool as Type<Postgres>>::type_info(),
        Value::Integer(_) => <i64 as Type<Postgres>>::type_info(),
        Value::Real(_) => <f64 as Type<Postgres>>::type_info(),
        Value::Text(_) | Value::Other { .. } => <String as Type<Postgres>>::type_info(),
        Value::Blob(_) | Value::Vector(_) => <Vec<u8> as Type<Postgres>>::type_info(),
        Value::Timestamp(_) => PgTimestamp::type_info(),
        Value::Json(_) => JsonText::type_info(),
    };
    params.iter().map(kind).collect()
}

type PostgresQuery = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

/// A statement with its parameters bound.
pub(in crate::store) fn bound(statement: Statement) -> PostgresQuery {
    let sql = with_types(&statement);
    let query = sqlx::query(AssertSqlSafe(sql));
    statement
        .params
        .into_iter()
        .fold(query, |query, value| match value {
            Value::Null => query.bind(Untyped),
            Value::Boolean(flag) => query.bind(flag),
            Value::Integer(number) => query.bind(number),
            Value::Real(number) => query.bind(number),
            Value::Text(text) | Value::Other { text, .. } => query.bind(text),
            Value::Blob(bytes) => query.bind(bytes),
            Value::Timestamp(number) => query.bind(PgTimestamp(number)),
            Value::Json(text) => query.bind(JsonText(text)),
            Value::Vector(vector) => query.bind(Value::vector_bytes(&vector)),
        })
}

/// The text with the kinds of its parameters in a comment. Connections keep prepared
/// statements by their text alone: without it, 1.5 would be sent to a statement that was
/// prepared for 1, as the integer that has the same bytes.
fn with_types(statement: &Statement) -> String {
    let kinds: String = statement.params.iter().map(kind_letter).collect();
    if kinds.is_empty() {
        return statement.sql.clone();
    }
    // On a line of its own: the text may end in a comment.
    format!("{}\n/* {kinds} */", statement.sql)
}

fn kind_letter(value: &Value) -> char {
    match value {
        Value::Null => 'n',
        Value::Boolean(_) => 'b',
        Value::Integer(_) => 'i',
        Value::Real(_) => 'r',
        Value::Text(_) | Value::Other { .. } => 't',
        Value::Blob(_) | Value::Vector(_) => 'x',
        Value::Timestamp(_) => 's',
        Value::Json(_) => 'j',
    }
}

/// A `timestamptz`, from microseconds since 1970.
struct PgTimestamp(i64);

/// The first moment of PostgreSQL, counted from its epoch.
const FIRST: i64 = -211_813_488_000_000_000;

impl Type<Postgres> for PgTimestamp {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1184))
    }
}

impl Encode<'_, Postgres> for PgTimestamp {
    fn encode_by_ref(
        &self,
        buffer: &mut PgArgumentBuffer,
    ) -> Result<IsNull, sqlx::error::BoxDynError> {
        let moment = self.0.checked_sub(EPOCH).filter(|moment| *moment >= FIRST);
        let moment = moment.ok_or("PostgreSQL has no time before the year -4712")?;
        buffer.extend_from_slice(&moment.to_be_bytes());
        Ok(IsNull::No)
    }
}

/// A `json`, which a `jsonb` column takes as well.
struct JsonText(String);

impl Type<Postgres> for JsonText {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(114))
    }
}

impl Encode<'_, Postgres> for JsonText {
    fn encode_by_ref(
        &self,
        buffer: &mut PgArgumentBuffer,
    ) -> Result<IsNull, sqlx::error::BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

pub(in crate::store) fn decode(row: &PgRow) -> Result<Vec<Value>, StoreError> {
    (0..row.len())
        .map(|index| decode_column(row, index))
        .collect()
}

fn decode_column(row: &PgRow, index: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "BOOL" => Value::Boolean(row.try_get(index)?),
        "INT2" => Value::Integer(i64::from(row.try_get::<i16, _>(index)?)),
        "INT4" => Value::Integer(i64::from(row.try_get::<i32, _>(index)?)),
        "INT8" => Value::Integer(row.try_get(index)?),
        "FLOAT4" => Value::Real(f64::from(row.try_get::<f32, _>(index)?)),
        "FLOAT8" => Value::Real(row.try_get(index)?),
        "BYTEA" => Value::Blob(row.try_get(index)?),
        "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => {
            Value::Text(row.try_get_unchecked(index)?)
        }
        "JSON" => Value::Json(row.try_get_unchecked(index)?),
        "JSONB" => Value::Json(jsonb(&row.try_get_unchecked::<Vec<u8>, _>(index)?)?),
        "TIMESTAMPTZ" | "TIMESTAMP" => Value::Timestamp(
            row.try_get_unchecked::<i64, _>(index)?
                .saturating_add(EPOCH),
        ),
        "VOID" => Value::Null,
        _ => return Err(unknown(row.column(index))),
    })
}

/// Refuse a column of a type that has no value here.
pub(in crate::store) fn known(column: &PgColumn) -> Result<(), StoreError> {
    match column.type_info().name() {
        "BOOL" | "INT2" | "INT4" | "INT8" | "FLOAT4" | "FLOAT8" | "BYTEA" | "TEXT" | "VARCHAR"
        | "CHAR" | "NAME" | "UNKNOWN" | "JSON" | "JSONB" | "TIMESTAMPTZ" | "TIMESTAMP" | "VOID" => {
            Ok(())
        }
        _ => Err(unknown(column)),
    }
}

fn unknown(column: &PgColumn) -> StoreError {
    let (name, kind) = (column.name(), column.type_info().name());
    let text = format!(
        "column `{name}` is of type {kind}, which has no value here; cast it, e.g. `{name}::text`"
    );
    StoreError::new(StoreErrorKind::Statement, text)
}

/// The text of a `jsonb`, which comes after the number of its version.
fn jsonb(bytes: &[u8]) -> Result<String, StoreError> {
    match bytes.split_first() {
        Some((1, text)) => String::from_utf8(text.to_vec())
            .map_err(|_| StoreError::internal("a jsonb that is not UTF-8")),
        _ => Err(StoreError::internal("a jsonb of an unknown version")),
    }
}
