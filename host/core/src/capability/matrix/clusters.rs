//! Lloyd's k-means with k-means++ seeding, deterministic under a seed.

use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

use super::{LANES, Matrix, WORTH_A_THREAD, add, divided, dot};
use crate::blocking::{ComputeBudget, TimeOver};

/// The cluster of each row: at most `clusters` groups.
pub fn k_means(
    matrix: &Matrix,
    clusters: usize,
    seed: u64,
    max_iterations: u32,
    clock: &mut ComputeBudget,
) -> Result<Vec<u32>, TimeOver> {
    let mut centers = seeded(matrix, clusters, seed, clock)?;
    let mut nearest = assigned(matrix, &centers, clock)?;
    for _ in 0..max_iterations {
        update(matrix, &nearest, &mut centers, clock)?;
        let next = assigned(matrix, &centers, clock)?;
        if next == nearest {
            break;
        }
        nearest = next;
    }
    Ok(nearest)
}

/// A small generator of random numbers that is the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to 1, without 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Centers chosen among the rows, each with a chance that grows with the square of its
/// distance from those chosen before. Fewer than asked if the rows are not that different.
fn seeded(
    matrix: &Matrix,
    clusters: usize,
    seed: u64,
    clock: &mut ComputeBudget,
) -> Result<Matrix, TimeOver> {
    let mut random = SplitMix(seed);
    let rows = matrix.rows();
    let mut centers = Matrix::default();
    let mut distances = vec![f64::INFINITY; rows];
    let lengths = squares(matrix, clock)?;
    while centers.rows() < clusters.min(rows) {
        clock.spend(rows)?;
        let Some(chosen) = choose(&distances, centers.rows() == 0, &mut random) else {
            break;
        };
        // It is one of them, so it fits the others.
        let Ok(row) = matrix.row(chosen) else { break };
        if centers.push(String::new(), row).is_err() {
            break;
        }
        let products = products(matrix, row, clock)?;
        for (index, distance) in distances.iter_mut().enumerate() {
            let square = lengths[index] + lengths[chosen] - 2.0 * products[index];
            *distance = distance.min(f64::from(square.max(0.0)));
        }
        distances[chosen] = 0.0;
    }
    Ok(centers)
}

/// The square of every row's length.
fn squares(matrix: &Matrix, clock: &mut ComputeBudget) -> Result<Vec<f32>, TimeOver> {
    let rows = matrix.each_row(clock);
    rows.map(|row| row.map(|row| dot(row, row))).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "an index below the number of rows"
)]
fn choose(distances: &[f64], first: bool, random: &mut SplitMix) -> Option<usize> {
    let fraction = random.fraction();
    if first {
        return (!distances.is_empty()).then_some((fraction * distances.len() as f64) as usize);
    }
    let total: f64 = distances.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let mut left = fraction * total;
    let found = distances.iter().position(|distance| {
        left -= distance;
        left < 0.0
    });
    found.or_else(|| distances.iter().rposition(|distance| *distance > 0.0))
}

/// The product of every row with `other`.
fn products(matrix: &Matrix, other: &[f32], clock: &ComputeBudget) -> Result<Vec<f32>, TimeOver> {
    by_rows(matrix, matrix.elements(), clock, |row, clock| {
        clock.spend(row.len()).map(|()| dot(row, other))
    })
}

/// The nearest center of every row: the smallest |c|² − 2x·c, since |x|² is the same for all.
fn assigned(
    matrix: &Matrix,
    centers: &Matrix,
    clock: &mut ComputeBudget,
) -> Result<Vec<u32>, TimeOver> {
    let lengths = squares(centers, clock)?;
    let work = matrix.elements().saturating_mul(centers.rows());
    by_rows(matrix, work, clock, |row, clock| {
        nearest(row, centers, &lengths, clock)
    })
}

fn nearest(
    row: &[f32],
    centers: &Matrix,
    lengths: &[f32],
    clock: &mut ComputeBudget,
) -> Result<u32, TimeOver> {
    let mut best = (f32::INFINITY, 0);
    let centers = centers.each_row(clock).zip(lengths).zip(0_u32..);
    for ((center, length), index) in centers {
        let distance = length - 2.0 * dot(row, center?);
        if distance < best.0 {
            best = (distance, index);
        }
    }
    Ok(best.1)
}

/// `compute` of every row, on several threads if the work is worth it. Rows do not depend on
/// each other, so threads do not change the answer.
fn by_rows<T: Send + Default + Clone>(
    matrix: &Matrix,
    work: usize,
    clock: &ComputeBudget,
    compute: impl Fn(&[f32], &mut ComputeBudget) -> Result<T, TimeOver> + Sync,
) -> Result<Vec<T>, TimeOver> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(work / WORTH_A_THREAD + 1).min(LANES);
    let share = matrix.rows().div_ceil(threads).max(1);
    let mut answers = vec![T::default(); matrix.rows()];
    let width = matrix.dimensions.max(1);
    std::thread::scope(|scope| {
        let parts = answers
            .chunks_mut(share)
            .zip(matrix.values.chunks(share * width));
        let mut at_work = Vec::new();
        for (answers, rows) in parts {
            let (compute, mut clock) = (&compute, clock.clone());
            let mut fill = move || {
                for (answer, row) in answers.iter_mut().zip(rows.chunks_exact(width)) {
                    *answer = compute(row, &mut clock)?;
                }
                Ok(())
            };
            if threads == 1 {
                fill()?;
            } else {
                at_work.push(scope.spawn(fill));
            }
        }
        let ended = |thread: ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        at_work.into_iter().try_for_each(ended)
    })?;
    Ok(answers)
}

/// Move every center to the mean of its rows; one without rows stays.
fn update(
    matrix: &Matrix,
    nearest: &[u32],
    centers: &mut Matrix,
    clock: &mut ComputeBudget,
) -> Result<(), TimeOver> {
    let width = matrix.dimensions;
    let mut sums = vec![0.0_f64; centers.values.len()];
    let mut counts = vec![0_usize; centers.rows()];
    for (row, cluster) in matrix.each_row(clock).zip(nearest) {
        let cluster = *cluster as usize;
        counts[cluster] += 1;
        add(&mut sums[cluster * width..(cluster + 1) * width], row?);
    }
    for (cluster, count) in counts
        .into_iter()
        .enumerate()
        .filter(|(_, count)| *count > 0)
    {
        let range = cluster * width..(cluster + 1) * width;
        centers.values[range.clone()].copy_from_slice(&divided(&sums[range], count));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::tests::later;
    use super::*;

    /// `groups` clouds of points, far from each other.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "small numbers"
    )]
    fn clouds(groups: usize, each: usize, width: usize) -> Matrix {
        let mut random = SplitMix(7);
        let mut matrix = Matrix::default();
        for index in 0..groups * each {
            let middle = (index % groups) as f64 * 100.0;
            let row: Vec<_> = (0..width)
                .map(|_| (middle + random.fraction()) as f32)
                .collect();
            matrix.push(index.to_string(), &row).expect("row");
        }
        matrix
    }

    #[test]
    fn clouds_are_found() {
        let matrix = clouds(5, 40, 33);
        let found = k_means(&matrix, 5, 1, 50, &mut later()).expect("in time");
        for (index, cluster) in found.iter().enumerate() {
            assert_eq!(*cluster, found[index % 5], "row {index}");
        }
        let distinct: std::collections::BTreeSet<_> = found[..5].iter().collect();
        assert_eq!(distinct.len(), 5);
    }

    #[test]
    fn the_same_seed_gives_the_same_answer_on_any_number_of_threads() {
        // Enough work for several threads.
        let matrix = clouds(3, 700, 64);
        let first = k_means(&matrix, 20, 42, 20, &mut later()).expect("in time");
        assert_eq!(k_means(&matrix, 20, 42, 20, &mut later()), Ok(first));
    }

    #[test]
    fn every_row_is_nearest_to_its_own_center() {
        let matrix = clouds(4, 25, 10);
        let centers = seeded(&matrix, 6, 3, &mut later()).expect("in time");
        let naive = |row: &[f32]| {
            let square = |center: &[f32]| -> f64 {
                row.iter()
                    .zip(center)
                    .map(|(x, c)| f64::from(x - c).powi(2))
                    .sum()
            };
            let squares: Vec<_> = (0..centers.rows())
                .map(|at| square(centers.row(at).expect("a center")))
                .collect();
            squares.iter().copied().fold(f64::INFINITY, f64::min)
        };
        let clusters = assigned(&matrix, &centers, &mut later()).expect("in time");
        for (at, cluster) in clusters.into_iter().enumerate() {
            let row = matrix.row(at).expect("a row");
            let center = centers.row(cluster as usize).expect("center");
            let own: f64 = row
                .iter()
                .zip(center)
                .map(|(x, c)| f64::from(x - c).powi(2))
                .sum();
            assert!(own <= naive(row) + 0.5, "{own} {}", naive(row));
        }
    }

    #[test]
    fn odd_sizes_are_harmless() {
        assert_eq!(
            k_means(&Matrix::default(), 3, 0, 5, &mut later()),
            Ok(Vec::new())
        );
        let same = Matrix::new(vec![String::new(); 4], 2, vec![1.0; 8]).expect("matrix");
        assert_eq!(k_means(&same, 3, 0, 5, &mut later()), Ok(vec![0; 4]));
        let wide = clouds(2, 2, 3);
        assert_eq!(
            k_means(&wide, 100, 0, 5, &mut later())
                .expect("in time")
                .len(),
            4
        );
        let mut over = ComputeBudget::until(Instant::now());
        assert_eq!(k_means(&wide, 2, 0, 5, &mut over), Err(TimeOver));
    }
}
