//! Matrices of 32-bit floats, and the arithmetic on them. Pure.
//!
//! Every sum is taken in a fixed order, whatever the number of threads, so the same input
//! gives the same answer everywhere. The inner loop has 16 independent lanes, which compilers
//! turn into vector instructions. There is no way over the rows without a clock.

mod clusters;

use std::sync::Arc;

use crate::blocking::{ComputeBudget, TimeOver};

pub use self::clusters::k_means;

const LANES: usize = 16;
/// Multiplications that are worth a second thread.
const WORTH_A_THREAD: usize = 1 << 21;

/// A matrix with a label for each row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    labels: Vec<String>,
    dimensions: usize,
    values: Vec<f32>,
    /// What the labels take, in values.
    labelled: usize,
}

/// A matrix behind a guest's handle. It is shared with the thread that computes on it.
pub struct SharedMatrix(pub Arc<Matrix>);

/// Rows of different length, an index out of range, a value that is no number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(pub String);

/// What there is unless the rows asked for do not fit.
pub type Shaped<T> = Result<T, ShapeError>;

impl Matrix {
    pub fn new(
        labels: Vec<String>,
        dimensions: usize,
        values: Vec<f32>,
    ) -> Result<Self, ShapeError> {
        if labels.len().checked_mul(dimensions) != Some(values.len()) {
            let text = format!(
                "{} values do not make {} rows of {dimensions}",
                values.len(),
                labels.len()
            );
            return Err(ShapeError(text));
        }
        let mut matrix = Self {
            labels: Vec::new(),
            dimensions,
            values: Vec::new(),
            labelled: labels.iter().map(|label| size(label)).sum(),
        };
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(ShapeError(format!(
                "the value at {at} is not a finite number"
            )));
        }
        matrix.labels = labels;
        matrix.values = values;
        Ok(matrix)
    }

    /// Append a row; the first one sets the number of dimensions.
    pub fn push(&mut self, label: String, row: &[f32]) -> Result<(), ShapeError> {
        if self.labels.is_empty() {
            self.dimensions = row.len();
        }
        if row.len() != self.dimensions {
            let text = format!(
                "row `{label}` has {} dimensions, the rows before it {}",
                row.len(),
                self.dimensions
            );
            return Err(ShapeError(text));
        }
        if row.iter().any(|value| !value.is_finite()) {
            return Err(ShapeError(format!(
                "row `{label}` has a value that is not a finite number"
            )));
        }
        self.labelled += size(&label);
        self.labels.push(label);
        self.values.extend_from_slice(row);
        Ok(())
    }

    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many values it holds; a label counts as the values that would take its place.
    pub fn elements(&self) -> usize {
        self.values.len() + self.labelled
    }

    pub fn row(&self, index: usize) -> Result<&[f32], ShapeError> {
        if index >= self.rows() {
            return Err(ShapeError(format!(
                "there is no row {index}; there are {}",
                self.rows()
            )));
        }
        let start = index * self.dimensions;
        Ok(&self.values[start..start + self.dimensions])
    }

    /// Every row, for as long as there is time.
    fn each_row(
        &self,
        clock: &mut ComputeBudget,
    ) -> impl Iterator<Item = Result<&[f32], TimeOver>> {
        let rows = self.values.chunks_exact(self.dimensions.max(1));
        rows.map(|row| clock.spend(row.len()).map(|()| row))
    }

    /// Scale every row to length one; a row of zeros stays as it is.
    pub fn normalize(&mut self, clock: &mut ComputeBudget) -> Result<(), TimeOver> {
        for row in self.values.chunks_exact_mut(self.dimensions.max(1)) {
            clock.spend(row.len())?;
            let length = dot(row, row).sqrt();
            if length > 0.0 {
                for value in row {
                    *value /= length;
                }
            }
        }
        Ok(())
    }

    /// The mean of some rows.
    pub fn mean(
        &self,
        rows: &[u32],
        clock: &mut ComputeBudget,
    ) -> Result<Shaped<Vec<f32>>, TimeOver> {
        if rows.is_empty() {
            return Ok(Err(ShapeError("the mean of no rows".to_owned())));
        }
        let mut sums = vec![0.0_f64; self.dimensions];
        for index in rows {
            clock.spend(self.dimensions)?;
            match self.row(*index as usize) {
                Ok(row) => add(&mut sums, row),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(divided(&sums, rows.len())))
    }

    /// The rows most alike to `target` by cosine, best first.
    pub fn nearest(
        &self,
        target: &[f32],
        count: usize,
        clock: &mut ComputeBudget,
    ) -> Result<Shaped<Vec<(usize, f32)>>, TimeOver> {
        if target.len() != self.dimensions {
            let text = format!(
                "the target has {} dimensions, the matrix {}",
                target.len(),
                self.dimensions
            );
            return Ok(Err(ShapeError(text)));
        }
        let length = dot(target, target).sqrt();
        let alike = |row: &[f32]| {
            let lengths = length * dot(row, row).sqrt();
            if lengths > 0.0 {
                dot(row, target) / lengths
            } else {
                0.0
            }
        };
        let rows = self.each_row(clock).map(|row| row.map(alike));
        let mut all = rows
            .enumerate()
            .map(|(at, alike)| Ok((at, alike?)))
            .collect::<Result<Vec<_>, TimeOver>>()?;
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(count);
        Ok(Ok(all))
    }
}

/// The place that a label takes in memory, in values.
fn size(label: &str) -> usize {
    (size_of::<String>() + label.len()).div_ceil(size_of::<f32>())
}

/// The sum of products.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let rest: f32 = rest.map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0] + rest
}

fn add(sums: &mut [f64], row: &[f32]) {
    sums.iter_mut()
        .zip(row)
        .for_each(|(sum, value)| *sum += f64::from(*value));
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a mean of floats is a float"
)]
fn divided(sums: &[f64], count: usize) -> Vec<f32> {
    sums.iter().map(|sum| (sum / count as f64) as f32).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn matrix(rows: &[&[f32]]) -> Matrix {
        let mut matrix = Matrix::default();
        for (index, row) in rows.iter().enumerate() {
            matrix.push(index.to_string(), row).expect("row");
        }
        matrix
    }

    pub(super) fn later() -> ComputeBudget {
        ComputeBudget::until(Instant::now() + Duration::from_secs(60))
    }

    #[test]
    fn nothing_goes_on_when_the_time_is_over() {
        let mut some = matrix(&[&[3.0, 4.0]]);
        let over = || ComputeBudget::until(Instant::now());
        assert_eq!(some.mean(&[0], &mut over()), Err(TimeOver));
        assert_eq!(some.nearest(&[1.0, 0.0], 1, &mut over()), Err(TimeOver));
        assert_eq!(some.normalize(&mut over()), Err(TimeOver));
        assert_eq!(k_means(&some, 1, 0, 1, &mut over()), Err(TimeOver));
    }

    #[test]
    fn dot_is_the_sum_of_products() {
        for length in [0_u8, 1, 15, 16, 17, 100] {
            let a: Vec<_> = (0..length).map(f32::from).collect();
            let b: Vec<_> = (0..length).map(|x| f32::from(x % 3)).collect();
            let naive: f32 = a.iter().zip(&b).map(|(x, y)| x * y).sum();
            assert!(
                (dot(&a, &b) - naive).abs() <= naive.abs() * 1e-6,
                "{length}"
            );
        }
    }

    #[test]
    fn shapes_are_checked() {
        assert!(Matrix::new(vec!["a".into()], 2, vec![1.0]).is_err());
        assert!(Matrix::new(vec!["a".into()], 1, vec![f32::NAN]).is_err());
        assert!(Matrix::new(vec!["a".into()], usize::MAX, vec![1.0]).is_err());
        let mut two = matrix(&[&[1.0, 2.0]]);
        assert!(two.push("b".into(), &[1.0]).is_err());
        assert!(two.row(1).is_err());
        let mut clock = later();
        assert!(two.mean(&[], &mut clock).expect("in time").is_err());
        assert!(two.mean(&[1], &mut clock).expect("in time").is_err());
        assert!(
            two.nearest(&[1.0], 1, &mut clock)
                .expect("in time")
                .is_err()
        );
    }

    #[test]
    fn labels_take_place_too() {
        let mut one = Matrix::new(vec!["x".repeat(4000)], 1, vec![1.0]).expect("a matrix");
        assert!(one.elements() > 1000);
        let before = one.elements();
        one.push("y".repeat(400), &[1.0]).expect("a row");
        assert!(one.elements() > before + 100);
    }

    #[test]
    fn rows_have_means_lengths_and_neighbours() {
        let mut some = matrix(&[&[3.0, 4.0], &[0.0, 0.0], &[0.0, 2.0]]);
        let mut clock = later();
        assert_eq!(some.mean(&[0, 2], &mut clock), Ok(Ok(vec![1.5, 3.0])));
        some.normalize(&mut clock).expect("in time");
        assert_eq!(some.row(0), Ok([0.6_f32, 0.8].as_slice()));
        assert_eq!(some.row(1), Ok([0.0_f32, 0.0].as_slice()));
        let best = some.nearest(&[0.0, 5.0], 2, &mut clock).expect("in time");
        let best = best.expect("nearest");
        assert_eq!(best.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 0]);
        assert!((best[0].1 - 1.0).abs() < 1e-6);
    }
}
