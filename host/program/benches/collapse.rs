//! The collapse of 10,000 vectors of 768 dimensions into 1,250 clusters: the arithmetic of the
//! `vectors` interface beside NumPy and plain Python in the same run, and the whole plugin,
//! with its database. Prints a Markdown table.
//!
//! `CALLBOARD_BENCH_PYTHON` names a Python with NumPy; without it those rows are left out.
//! `CALLBOARD_BENCH_ROWS` is for a quicker look.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::cast_precision_loss, reason = "counts of rows are small")]

#[path = "plugin/host.rs"]
mod host;
#[path = "../../../tests/it/support/nothing.rs"]
mod nothing;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use callboard_core::blocking::ComputeBudget;
use callboard_core::capability::matrix::{Matrix, k_means};
use callboard_core::handler::{AnyHandler as _, Call};
use callboard_core::outcome::{Outcome, Patch};
use callboard_core::plugin;
use callboard_core::store::Store;
use callboard_core::value::{Statement, Value};
use serde_json::{Value as Json, json};

const DIMENSIONS: usize = 768;
const MEMBERS: usize = 8;
const ITERATIONS: u32 = 5;
const SEED: u64 = 1337;

#[tokio::main]
async fn main() {
    let rows = std::env::var("CALLBOARD_BENCH_ROWS").ok();
    let rows: usize = rows.and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let clusters = rows.div_ceil(MEMBERS);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut matrix = matrix(rows);
    matrix.normalize(&mut clock()).expect("in time");
    println!(
        "{rows} vectors of {DIMENSIONS} dimensions, {clusters} clusters, at most {ITERATIONS} iterations\n"
    );
    println!("| what | seconds |\n|---|---|");
    let native = native(&matrix, clusters);
    println!("| `vectors.k-means`, native code in the host | {native:.2} |");
    if let Some(peer) = python(folder.path(), &matrix, clusters) {
        report(&peer);
    }
    let plugin = plugin_run(folder.path(), &matrix).await;
    println!(
        "| the plugin `embeddings_collapse`, whole: SQLite, k-means, {clusters} transactions at most | {plugin:.2} |"
    );
}

/// Vectors with a few directions in common, so that there is something to cluster.
fn matrix(rows: usize) -> Matrix {
    let mut state = SEED;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5
    };
    let centres: Vec<f32> = (0..64 * DIMENSIONS).map(|_| random()).collect();
    let labels = (0..rows).map(|row| format!("row-{row:06}")).collect();
    let values = (0..rows).flat_map(|row| {
        let start = row % 64 * DIMENSIONS;
        let centre = &centres[start..start + DIMENSIONS];
        centre
            .iter()
            .map(|value| value + random())
            .collect::<Vec<_>>()
    });
    Matrix::new(labels, DIMENSIONS, values.collect()).expect("a matrix")
}

fn clock() -> ComputeBudget {
    ComputeBudget::until(Instant::now() + Duration::from_secs(3600))
}

fn native(matrix: &Matrix, clusters: usize) -> f64 {
    let started = Instant::now();
    let assigned = k_means(matrix, clusters, SEED, ITERATIONS, &mut clock()).expect("clusters");
    assert_eq!(assigned.len(), matrix.rows());
    started.elapsed().as_secs_f64()
}

/// The same in NumPy and plain Python, if there is one to ask.
fn python(folder: &Path, matrix: &Matrix, clusters: usize) -> Option<Json> {
    let python = std::env::var_os("CALLBOARD_BENCH_PYTHON")?;
    let data = folder.join("matrix.f32");
    let bytes: Vec<u8> = (0..matrix.rows())
        .flat_map(|row| Value::vector_bytes(matrix.row(row).expect("a row")))
        .collect();
    std::fs::write(&data, bytes).expect("the matrix is written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bench/kmeans.py");
    let numbers = [matrix.rows(), DIMENSIONS, clusters, ITERATIONS as usize];
    let output = Command::new(python)
        .arg(script)
        .arg(data)
        .args(numbers.map(|number| number.to_string()))
        .output()
        .expect("python starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(serde_json::from_slice(&output.stdout).expect("a line of JSON"))
}

fn report(peer: &Json) {
    let number = |key: &str| peer[key].as_f64().unwrap_or(f64::NAN);
    let iterations = number("iterations");
    let whole = number("numpy_seeding_seconds") + iterations * number("numpy_iteration_seconds");
    let threads = &peer["threads"];
    println!("| NumPy, the same ({iterations:.0} iterations, {threads} threads) | {whole:.2} |");
    let plain = iterations * number("plain_iteration_seconds");
    println!(
        "| plain Python, the same iterations without the seeding, scaled from {} rows | {plain:.0} |",
        peer["plain_measured_rows"]
    );
}

/// The shipped plugin on a table of the same vectors.
async fn plugin_run(folder: &Path, matrix: &Matrix) -> f64 {
    let url = format!("sqlite:{}", folder.join("collapse.db").display());
    let store = Store::open(&url).await.expect("a store");
    fill(&store, matrix).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/embeddings_collapse");
    let component = component(&folder);
    let (plugin, contracts) = host::load(&folder, &component, Some(store.clone())).await;
    let handler = plugin::handler(Arc::new(plugin), contracts[0].clone());
    let config = json!({
        "source_table": "commits", "age_days": 0, "cluster_size": MEMBERS,
        "batch_size": matrix.rows(), "max_iterations": ITERATIONS, "seed": SEED,
    });
    let call: Call = host::call(Duration::from_secs(1800));
    let started = Instant::now();
    let outcome = handler.call(&call, config, Patch::new()).await;
    let seconds = started.elapsed().as_secs_f64();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    seconds
}

fn component(folder: &Path) -> PathBuf {
    host::guests()
        .join(folder.file_name().expect("a name"))
        .with_extension("wasm")
}

async fn fill(store: &Store, matrix: &Matrix) {
    let sql = "INSERT INTO embeddings (id, source_table, source_id, content_hash, chunk_index, \
        text_preview, embedding_model, dimensions, embedding, metadata, writer, is_summary, \
        created_at, updated_at) VALUES ($1, 'commits', $1, $1, 0, $1, 'bench', $2, $3, '{}', \
        'bench', FALSE, 0, 0)";
    let dimensions = i64::try_from(DIMENSIONS).expect("small");
    let inserts: Vec<Statement> = (0..matrix.rows())
        .map(|row| {
            let values = matrix.row(row).expect("a row");
            let label = &matrix.labels()[row];
            Statement::new(sql)
                .bind(label)
                .bind(dimensions)
                .bind(Value::vector_bytes(values))
        })
        .collect();
    let filled = store.write(move |transaction| {
        Box::pin(async move {
            for insert in inserts {
                transaction.execute(insert).await?;
            }
            Ok(())
        })
    });
    filled.await.expect("the table is filled");
}
