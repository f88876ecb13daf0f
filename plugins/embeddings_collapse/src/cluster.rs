//! Which rows belong together.

use std::collections::BTreeMap;

/// Below two clusters everything would be one, however unlike.
pub(crate) const LEAST_CLUSTERS: u32 = 2;

/// The number of clusters for a pool: it grows with the pool, so that a cluster has about
/// `cluster_size` members.
pub(crate) fn count(rows: u32, cluster_size: u32) -> u32 {
    rows.div_ceil(cluster_size).max(LEAST_CLUSTERS)
}

/// The rows of each cluster with more than one, in the order of their first row.
pub(crate) fn group(assignment: &[u32]) -> Vec<Vec<u32>> {
    let mut clusters: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, cluster) in (0..).zip(assignment) {
        clusters.entry(*cluster).or_default().push(row);
    }
    let mut clusters: Vec<Vec<u32>> = clusters
        .into_values()
        .filter(|rows| rows.len() > 1)
        .collect();
    clusters.sort();
    clusters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_grow_with_the_pool() {
        assert_eq!(count(3, 8), 2);
        assert_eq!(count(17, 8), 3);
        assert_eq!(count(500, 8), 63);
    }

    #[test]
    fn a_pool_of_three_or_more_always_has_two_rows_alike() {
        for rows in 3..200 {
            assert!(count(rows, 2) < rows);
        }
    }

    #[test]
    fn singletons_stay() {
        assert_eq!(group(&[4, 0, 4, 1, 0, 4]), [vec![0, 2, 5], vec![1, 4]]);
        assert!(group(&[0, 1, 2]).is_empty());
    }
}
