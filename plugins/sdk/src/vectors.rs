//! Matrices that the host holds, so that vectors stay out of the sandbox.

use std::fmt;

use crate::bindings::callboard::plugin::vectors as host;
use crate::db::{self, Value};

/// Why the host could not do what was asked of a matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Rows of different length, an index out of range, an empty matrix.
    Shape(String),
    /// More than the limits allow.
    TooLarge(String),
    /// The query behind it.
    Database(db::Error),
}

/// A matrix with its row labels, held by the host until it is dropped.
#[derive(Debug)]
pub struct Matrix(host::Matrix);

impl Matrix {
    /// Rows of a query that selects a label and a vector, in this order.
    pub fn from_query(
        statement: &str,
        params: impl IntoIterator<Item = Value>,
    ) -> Result<Self, Error> {
        let params: Vec<Value> = params.into_iter().collect();
        Ok(Self(host::Matrix::from_query(statement, &params)?))
    }

    /// `values` row by row; its length is `labels` times `dimensions`.
    pub fn from_values(labels: &[String], dimensions: u32, values: &[f32]) -> Result<Self, Error> {
        Ok(Self(host::Matrix::from_values(labels, dimensions, values)?))
    }

    /// How many rows it has.
    pub fn rows(&self) -> u32 {
        self.0.rows()
    }

    /// How long each row is.
    pub fn dimensions(&self) -> u32 {
        self.0.dimensions()
    }

    /// The label of each row.
    pub fn labels(&self) -> Vec<String> {
        self.0.labels()
    }

    /// One row.
    pub fn row(&self, index: u32) -> Result<Vec<f32>, Error> {
        Ok(self.0.row(index)?)
    }

    /// Scale every row to length one. A row of zeros stays as it is.
    pub fn normalize(&self) {
        self.0.normalize();
    }

    /// The cluster of each row, of at most `clusters`. The same matrix and seed give the
    /// same answer everywhere.
    pub fn k_means(
        &self,
        clusters: u32,
        seed: u64,
        max_iterations: u32,
    ) -> Result<Vec<u32>, Error> {
        Ok(self.0.k_means(clusters, seed, max_iterations)?)
    }

    /// The mean of the named rows.
    pub fn mean(&self, rows: &[u32]) -> Result<Vec<f32>, Error> {
        Ok(self.0.mean(rows)?)
    }

    /// The `count` rows most alike to `target` by cosine, best first.
    pub fn nearest(&self, target: &[f32], count: u32) -> Result<Vec<(u32, f32)>, Error> {
        Ok(self.0.nearest(target, count)?)
    }
}

impl From<host::VectorError> for Error {
    fn from(error: host::VectorError) -> Self {
        match error {
            host::VectorError::Shape(text) => Error::Shape(text),
            host::VectorError::TooLarge(text) => Error::TooLarge(text),
            host::VectorError::Database(error) => Error::Database(error.into()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Shape(text) | Error::TooLarge(text) => f.write_str(text),
            Error::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}
