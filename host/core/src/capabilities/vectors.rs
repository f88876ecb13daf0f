//! `vectors`: matrices that the host holds, and arithmetic on them at native speed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{HasData, Resource};

use crate::blocking::{self, ComputeBudget, TimeOver, Unanswered};
use crate::capability::matrix::{self, Matrix, ShapeError, SharedMatrix};
use crate::capability::types::{Value, statement};
use crate::capability::{Access, Capability, InstanceState, LimitHit, Opens, denial, heard, raise};
use crate::store::granted::QueryLimits;
use crate::store::{StoreError, StoreErrorKind};
use crate::value;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1",
        inline: "package callboard:vectors-host; world imports { import callboard:plugin/vectors@0.1.0; }",
        imports: { default: async | trappable },
        with: {
            "callboard:plugin/types": crate::capability::types::interface,
            "callboard:plugin/vectors.matrix": crate::capability::matrix::SharedMatrix,
        },
    });
}
use bindings::callboard::plugin::vectors::{self, VectorError};

inventory::submit! {
    Capability {
        interface: "vectors",
        link: |linker| vectors::add_to_linker::<_, VectorsCapability>(linker, |state| VectorsCapability(state)),
        granted: |grants| grants.vectors,
        mend: Opens::Flag,
    }
}

/// Marks the error of a query that gives more elements than are left.
/// Bytes of memory that a vector in a text may take.
const TREE: u64 = 64 << 20;
const TOO_MANY: &str = "too many elements";

type VectorResult<T> = wasmtime::Result<Result<T, VectorError>>;

struct VectorsCapability<'a>(&'a mut InstanceState);

impl HasData for VectorsCapability<'static> {
    type Data<'a> = VectorsCapability<'a>;
}

impl From<ShapeError> for VectorError {
    fn from(error: ShapeError) -> Self {
        VectorError::Shape(error.0)
    }
}

impl VectorsCapability<'_> {
    /// Count the call, and give the matrix.
    fn matrix(&mut self, handle: &Resource<SharedMatrix>) -> wasmtime::Result<Arc<Matrix>> {
        self.0.host_call()?;
        Ok(Arc::clone(&self.0.table.get(handle)?.0))
    }

    /// Elements that may still be taken.
    fn elements_left(&self) -> usize {
        let limit = self.0.access.limits.vector_elements as usize;
        limit.saturating_sub(self.0.vector_elements)
    }

    fn too_large(&self) -> VectorError {
        let limit = self.0.access.limits.vector_elements;
        VectorError::TooLarge(format!(
            "the matrices of one call may hold {limit} elements; drop some, or {}",
            raise(&self.0.access.plugin, "vector_elements")
        ))
    }

    /// Why nothing is held for a plugin that is not granted it.
    fn denied(&self) -> Option<VectorError> {
        let denial = denial(&self.0.access, "vectors")?;
        let denial = format!("plugin `{}`: {denial}", self.0.access.plugin);
        let denied = StoreError::new(StoreErrorKind::Denied, denial);
        Some(VectorError::Database(denied.into()))
    }

    fn hold(&mut self, matrix: Matrix) -> Result<Resource<SharedMatrix>, VectorError> {
        let elements = matrix.elements();
        if elements > self.elements_left() {
            return Err(self.too_large());
        }
        let too_many =
            |_| VectorError::TooLarge("too many handles in one call; drop some first".to_owned());
        let handle = self
            .0
            .table
            .push(SharedMatrix(Arc::new(matrix)))
            .map_err(too_many)?;
        self.0.vector_elements += elements;
        Ok(handle)
    }
}

/// The rows of a query as a matrix of at most `limit` elements.
async fn queried(
    access: Result<Arc<Access>, StoreError>,
    statement: value::Statement,
    timeout: Duration,
    limit: usize,
) -> Result<Matrix, StoreError> {
    let mut matrix = Matrix::default();
    let mut add = |_: &[String], row: Vec<value::Value>| {
        let (label, vector) = labelled(row)?;
        let wrong = |error: ShapeError| StoreError::new(StoreErrorKind::Statement, error.0);
        matrix.push(label, &vector).map_err(wrong)?;
        if matrix.elements() > limit {
            return Err(StoreError::new(StoreErrorKind::TooLarge, TOO_MANY));
        }
        Ok(())
    };
    let access = access?;
    let database = access.database().await?;
    database.each(statement, timeout, &mut add).await?;
    Ok(matrix)
}

/// A label and a vector: the two columns of a row.
fn labelled(row: Vec<value::Value>) -> Result<(String, Vec<f32>), StoreError> {
    let wrong = |text: &str| StoreError::new(StoreErrorKind::Statement, text);
    let Ok([label, vector]) = <[value::Value; 2]>::try_from(row) else {
        return Err(wrong(
            "a matrix takes a label and a vector: select exactly these two columns",
        ));
    };
    let label = match label {
        value::Value::Text(text) => text,
        value::Value::Integer(number) => number.to_string(),
        _ => {
            return Err(wrong(
                "the first column, the label, is neither a text nor an integer",
            ));
        }
    };
    let vector = match &vector {
        value::Value::Blob(bytes) => value::Value::vector_of(bytes),
        value::Value::Text(text) | value::Value::Json(text) => value::json_in(text, TREE).ok(),
        _ => None,
    };
    vector.map(|vector| (label, vector)).ok_or_else(|| {
        wrong("the second column holds no vector: neither bytes of 32-bit floats nor a list of numbers")
    })
}

/// Compute away from the threads that serve calls, until the time of the call is over.
async fn compute<T: Send + 'static>(
    until: Instant,
    work: impl FnOnce(&mut ComputeBudget) -> Result<T, TimeOver> + Send + 'static,
) -> wasmtime::Result<T> {
    let computed = blocking::compute(until, work).await;
    computed.map_err(|problem| match problem {
        Unanswered::TimeOver(_) => LimitHit::Time.into(),
        Unanswered::Lost(_) => problem.into(),
    })
}

impl vectors::Host for VectorsCapability<'_> {}

impl vectors::HostMatrix for VectorsCapability<'_> {
    async fn from_query(
        &mut self,
        sql: String,
        params: Vec<Value>,
    ) -> VectorResult<Resource<SharedMatrix>> {
        let left = self.0.host_call()?;
        if let Some(denied) = self.denied() {
            return Ok(Err(denied));
        }
        let timeout = QueryLimits::of(&self.0.access.limits, left).timeout;
        let (opening, asked) = (heard::opening(&sql), statement(sql, params));
        let access = self.0.outside_transaction();
        let found = queried(access, asked, timeout, self.elements_left()).await;
        match found {
            Ok(matrix) => Ok(self.hold(matrix)),
            Err(error) if error.message == TOO_MANY => Ok(Err(self.too_large())),
            Err(error) => Ok(Err(VectorError::Database(
                self.0.about(&opening, error).into(),
            ))),
        }
    }

    async fn from_values(
        &mut self,
        labels: Vec<String>,
        dimensions: u32,
        values: Vec<f32>,
    ) -> VectorResult<Resource<SharedMatrix>> {
        self.0.host_call()?;
        if let Some(denied) = self.denied() {
            return Ok(Err(denied));
        }
        match Matrix::new(labels, dimensions as usize, values) {
            Ok(matrix) => Ok(self.hold(matrix)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn rows(&mut self, handle: Resource<SharedMatrix>) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.matrix(&handle)?.rows())?)
    }

    async fn dimensions(&mut self, handle: Resource<SharedMatrix>) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.matrix(&handle)?.dimensions())?)
    }

    async fn labels(&mut self, handle: Resource<SharedMatrix>) -> wasmtime::Result<Vec<String>> {
        Ok(self.matrix(&handle)?.labels().to_vec())
    }

    async fn row(&mut self, handle: Resource<SharedMatrix>, index: u32) -> VectorResult<Vec<f32>> {
        let matrix = self.matrix(&handle)?;
        Ok(matrix
            .row(index as usize)
            .map(<[f32]>::to_vec)
            .map_err(Into::into))
    }

    async fn normalize(&mut self, handle: Resource<SharedMatrix>) -> wasmtime::Result<()> {
        self.0.host_call()?;
        let held = self.0.table.get_mut(&handle)?;
        let mut matrix = std::mem::take(&mut held.0);
        let done = compute(self.0.caller.deadline, move |clock| {
            Arc::make_mut(&mut matrix).normalize(clock)?;
            Ok(matrix)
        });
        let done = done.await?;
        self.0.table.get_mut(&handle)?.0 = done;
        Ok(())
    }

    async fn k_means(
        &mut self,
        handle: Resource<SharedMatrix>,
        clusters: u32,
        seed: u64,
        max_iterations: u32,
    ) -> VectorResult<Vec<u32>> {
        let matrix = self.matrix(&handle)?;
        if clusters == 0 || matrix.rows() == 0 {
            let text = "k-means needs at least one row and one cluster";
            return Ok(Err(VectorError::Shape(text.to_owned())));
        }
        let found = compute(self.0.caller.deadline, move |clock| {
            matrix::k_means(&matrix, clusters as usize, seed, max_iterations, clock)
        });
        Ok(Ok(found.await?))
    }

    async fn mean(
        &mut self,
        handle: Resource<SharedMatrix>,
        rows: Vec<u32>,
    ) -> VectorResult<Vec<f32>> {
        let matrix = self.matrix(&handle)?;
        let mean = compute(self.0.caller.deadline, move |clock| {
            matrix.mean(&rows, clock)
        });
        Ok(mean.await?.map_err(Into::into))
    }

    async fn nearest(
        &mut self,
        handle: Resource<SharedMatrix>,
        target: Vec<f32>,
        count: u32,
    ) -> VectorResult<Vec<(u32, f32)>> {
        let matrix = self.matrix(&handle)?;
        let nearest = compute(self.0.caller.deadline, move |clock| {
            matrix.nearest(&target, count as usize, clock)
        });
        let nearest = nearest.await?;
        let narrow = |(row, alike)| Ok((u32::try_from(row)?, alike));
        match nearest {
            Ok(nearest) => nearest
                .into_iter()
                .map(narrow)
                .collect::<wasmtime::Result<_>>()
                .map(Ok),
            Err(error) => Ok(Err(error.into())),
        }
    }

    async fn drop(&mut self, handle: Resource<SharedMatrix>) -> wasmtime::Result<()> {
        let held = self.0.table.delete(handle)?;
        self.0.vector_elements = self.0.vector_elements.saturating_sub(held.0.elements());
        Ok(())
    }
}
