//! Which rows are candidates, and what is known about them.

use std::collections::BTreeMap;

use callboard_plugin::Stop;
use callboard_plugin::db::{self, Row, RowError, params};
use callboard_plugin::vectors::Matrix;

use crate::config::Config;

/// Candidates of one model. Vectors of different models say nothing about each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pool {
    pub model: String,
    pub dimensions: i64,
    pub candidates: u64,
}

/// What a summary has to know about a row that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub id: String,
    pub source_id: String,
    pub preview: String,
    pub writer: String,
    pub updated_at: i64,
}

const POOLS: &str = "\
    SELECT embedding_model, dimensions, COUNT(*) AS candidates FROM embeddings \
    WHERE source_table = $1 AND is_summary = FALSE AND created_at < $2 \
    GROUP BY embedding_model, dimensions ORDER BY embedding_model, dimensions";

const VECTORS: &str = "\
    SELECT id, embedding FROM embeddings \
    WHERE source_table = $1 AND is_summary = FALSE AND created_at < $2 \
    AND embedding_model = $3 AND dimensions = $4 ORDER BY id LIMIT $5";

const MEMBERS: &str = "\
    SELECT id, source_id, text_preview, writer, updated_at FROM embeddings \
    WHERE source_table = $1 AND is_summary = FALSE AND created_at < $2 \
    AND embedding_model = $3 AND dimensions = $4 ORDER BY id LIMIT $5";

/// The pools of a source table, one a model.
pub(crate) fn list(config: &Config, cutoff: i64) -> Result<Vec<Pool>, Stop> {
    let rows = db::query(POOLS, params![&config.source_table, cutoff])?;
    let pools = rows.iter().map(|row| {
        Ok(Pool {
            model: row.text("embedding_model")?,
            dimensions: row.integer("dimensions")?,
            candidates: row.count("candidates")?,
        })
    });
    pools.collect()
}

/// The first `limit` candidates of a pool: their vectors, at the host and of length one, and
/// for each row of the matrix what is known about it. `None` stands for a row that went
/// away between the two queries.
pub(crate) fn load(
    config: &Config,
    pool: &Pool,
    cutoff: i64,
    limit: u32,
) -> Result<(Matrix, Vec<Option<Member>>), Stop> {
    let params = params![
        &config.source_table,
        cutoff,
        &pool.model,
        pool.dimensions,
        limit
    ];
    let rows = db::query(MEMBERS, params.clone())?;
    let matrix = Matrix::from_query(VECTORS, params)?;
    matrix.normalize();
    let members: Result<BTreeMap<String, Member>, RowError> = rows
        .iter()
        .map(|row| member(row).map(|member| (member.id.clone(), member)))
        .collect();
    let mut members = members?;
    let in_order = matrix
        .labels()
        .iter()
        .map(|id| members.remove(id))
        .collect();
    Ok((matrix, in_order))
}

/// The members of a cluster, or nothing if one of them is not known.
pub(crate) fn pick<'a>(members: &'a [Option<Member>], rows: &[u32]) -> Option<Vec<&'a Member>> {
    rows.iter()
        .map(|row| members.get(*row as usize)?.as_ref())
        .collect()
}

fn member(row: Row<'_>) -> Result<Member, RowError> {
    Ok(Member {
        id: row.text("id")?,
        source_id: row.text("source_id")?,
        preview: row
            .get::<Option<String>>("text_preview")?
            .unwrap_or_default(),
        writer: row.get::<Option<String>>("writer")?.unwrap_or_default(),
        updated_at: row.integer("updated_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_with_an_unknown_row_is_not_picked() {
        let member = Member {
            id: "a".to_owned(),
            source_id: "a".to_owned(),
            preview: String::new(),
            writer: String::new(),
            updated_at: 0,
        };
        let members = [Some(member.clone()), None];
        assert_eq!(pick(&members, &[0]), Some(vec![&member]));
        assert_eq!(pick(&members, &[0, 1]), None);
    }
}
