"""k-means of one matrix in NumPy and in plain Python: the peers of `vectors.k-means`.

    kmeans.py DATA ROWS DIMENSIONS CLUSTERS ITERATIONS [--seed 1337] [--plain-rows 20]

DATA holds 32-bit little-endian floats row by row, already of length one. Both do what the host
does: k-means++ seeding, then Lloyd's iterations until no row changes its cluster, at most
ITERATIONS. Prints one line of JSON.

Plain Python would take most of an hour, so it assigns `--plain-rows` rows in one iteration and
the time is scaled to all rows; `plain_measured_rows` says so. `inertia` (the sum of squared
distances) shows that two programs did work of the same worth, whatever their seeds.
"""

import argparse
import json
import os
import time

import numpy as np


def squared_norms(rows):
    return np.einsum("ij,ij->i", rows, rows)


def seeds(rows, clusters, random):
    """k-means++: each next centre is drawn by its squared distance to the nearest so far."""
    norms = squared_norms(rows)
    chosen = [int(random.integers(len(rows)))]
    nearest = np.full(len(rows), np.inf, dtype=np.float64)
    for _ in range(1, clusters):
        last = chosen[-1]
        to_last = norms + norms[last] - 2.0 * (rows @ rows[last])
        nearest = np.minimum(nearest, np.maximum(to_last, 0.0))
        total = nearest.sum()
        if total <= 0.0:
            break
        drawn = np.searchsorted(np.cumsum(nearest), random.random() * total)
        chosen.append(int(min(drawn, len(rows) - 1)))
    return rows[chosen].copy()


def assign(rows, centres):
    """The nearest centre of each row, and the inertia."""
    distances = squared_norms(centres)[None, :] - 2.0 * (rows @ centres.T)
    assignment = distances.argmin(axis=1)
    least = distances[np.arange(len(rows)), assignment] + squared_norms(rows)
    return assignment, float(np.maximum(least, 0.0).sum(dtype=np.float64))


def means(rows, assignment, centres):
    """The mean of each cluster; an empty one keeps its centre."""
    counts = np.bincount(assignment, minlength=len(centres))
    order = np.argsort(assignment, kind="stable")
    filled = np.flatnonzero(counts)
    starts = np.concatenate(([0], np.cumsum(counts[filled])[:-1]))
    moved = centres.copy()
    moved[filled] = np.add.reduceat(rows[order], starts, axis=0) / counts[filled, None]
    return moved


def lloyd(rows, centres, iterations):
    assignment, inertia, done = None, 0.0, 0
    while done < iterations:
        following, inertia = assign(rows, centres)
        done += 1
        if assignment is not None and np.array_equal(following, assignment):
            break
        assignment = following
        centres = means(rows, assignment, centres)
    return centres, inertia, done


def plain_assign(rows, centres):
    """What `assign` does, by hand."""
    found = []
    for row in rows:
        best, least = 0, float("inf")
        for index, centre in enumerate(centres):
            distance = 0.0
            for a, b in zip(row, centre):
                distance += (a - b) * (a - b)
            if distance < least:
                best, least = index, distance
        found.append(best)
    return found


def timed(work):
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    for name in ("rows", "dimensions", "clusters", "iterations"):
        parser.add_argument(name, type=int)
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--plain-rows", type=int, default=20)
    asked = parser.parse_args()
    rows = np.fromfile(asked.data, dtype="<f4").reshape(asked.rows, asked.dimensions)
    random = np.random.default_rng(asked.seed)
    first, seeding = timed(lambda: seeds(rows, asked.clusters, random))
    (centres, inertia, done), iterating = timed(lambda: lloyd(rows, first, asked.iterations))
    sample = min(asked.plain_rows, asked.rows)
    some, all_centres = rows[:sample].tolist(), centres.tolist()
    found, plain = timed(lambda: plain_assign(some, all_centres))
    if sample:
        agreed, _ = assign(rows[:sample], centres)
        assert found == agreed.tolist(), "plain Python and NumPy disagree"
    print(json.dumps({
        "numpy": np.__version__,
        "threads": int(os.environ.get("OPENBLAS_NUM_THREADS", os.cpu_count() or 1)),
        "iterations": done,
        "inertia": inertia,
        "numpy_seeding_seconds": seeding,
        "numpy_iteration_seconds": iterating / done,
        "plain_iteration_seconds": plain * asked.rows / sample if sample else None,
        "plain_measured_rows": sample,
    }))


if __name__ == "__main__":
    main()
