//! The one engine of the process, and how a plugin gets loaded into it.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig,
};

use super::manifest::Manifest;
use super::{Plugin, PluginError, bindings, component};
use crate::capability::{self, Access, InstanceState};
use crate::config::Limits;
use crate::grants::Grants;
use crate::settings::hex;
use crate::store::Store;

/// How often running guests are asked to let others go on.
const TICK: Duration = Duration::from_millis(10);
/// Instances that live at a time, in all plugins together.
const INSTANCES: u32 = 100;
/// Frames of a trap that are kept.
const FRAMES: usize = 12;

/// The engine that compiles and runs components. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    /// Compiled components by the digest of their bytes. A cache on disk would stand here.
    compiled: Mutex<HashMap<String, Component>>,
    /// The instances that the pool has room for.
    slots: Arc<Semaphore>,
}

impl Runtime {
    /// The runtime of this process; the first call makes it.
    pub fn new() -> Result<Self, PluginError> {
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        if let Some(runtime) = RUNTIME.get() {
            return Ok(runtime.clone());
        }
        let runtime = Self::start().map_err(|error| PluginError::Runtime(format!("{error:#}")))?;
        Ok(RUNTIME.get_or_init(|| runtime).clone())
    }

    fn start() -> wasmtime::Result<Self> {
        let engine = Engine::new(&config())?;
        let weak = engine.weak();
        std::thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(move || tick(&weak))?;
        let shared = Shared {
            engine,
            compiled: Mutex::default(),
            slots: Arc::new(Semaphore::new(INSTANCES as usize)),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub(super) fn slots(&self) -> Arc<Semaphore> {
        Arc::clone(&self.shared.slots)
    }

    /// Load a plugin. `grants` are what it asks for and the operator allows.
    pub async fn load(
        &self,
        manifest: &Manifest,
        bytes: &[u8],
        grants: Grants,
        limits: Limits,
        store: Option<Store>,
    ) -> Result<Plugin, PluginError> {
        let name = manifest.name.get_ref().clone();
        component::check_version(&name, manifest.wit.get_ref())?;
        component::check_kind(&name, bytes)?;
        let digest = hex(&Sha256::digest(bytes));
        let component = self.compile(&name, &digest, bytes).await?;
        component::check_imports(&name, &component, self.engine(), &grants)?;
        let linked = self.link(&name, &component, &grants)?;
        let calls = Arc::new(Semaphore::new(limits.concurrent_calls.max(1) as usize));
        let access = Arc::new(Access::new(&name, grants, limits, store));
        let version = manifest.version.clone();
        let runtime = self.clone();
        Ok(Plugin {
            name,
            version,
            digest,
            access,
            runtime,
            component,
            linked,
            calls,
        })
    }

    async fn compile(
        &self,
        plugin: &str,
        digest: &str,
        bytes: &[u8],
    ) -> Result<Component, PluginError> {
        if let Some(known) = self.compiled().get(digest) {
            return Ok(known.clone());
        }
        let failed = |cause: String| PluginError::Compile {
            plugin: plugin.to_owned(),
            cause,
        };
        let (engine, bytes) = (self.engine().clone(), bytes.to_vec());
        let compiled = tokio::task::spawn_blocking(move || Component::new(&engine, bytes));
        let compiled = compiled.await.map_err(|error| failed(error.to_string()))?;
        let component = compiled.map_err(|error| failed(format!("{error:#}")))?;
        self.compiled().insert(digest.to_owned(), component.clone());
        Ok(component)
    }

    fn compiled(&self) -> std::sync::MutexGuard<'_, HashMap<String, Component>> {
        self.shared
            .compiled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn link(
        &self,
        plugin: &str,
        component: &Component,
        grants: &Grants,
    ) -> Result<bindings::PluginPre<InstanceState>, PluginError> {
        let link = || {
            let mut linker = self.linker()?;
            capability::link_granted(&mut linker, grants)?;
            bindings::PluginPre::new(linker.instantiate_pre(component)?)
        };
        link().map_err(|error| PluginError::Link {
            plugin: plugin.to_owned(),
            cause: format!("{error:#}"),
        })
    }

    /// A linker with an empty WASI: no files, no environment, no sockets.
    pub(super) fn linker(&self) -> wasmtime::Result<Linker<InstanceState>> {
        let mut linker = Linker::new(self.engine());
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        Ok(linker)
    }
}

fn tick(engine: &EngineWeak) {
    loop {
        std::thread::sleep(TICK);
        match engine.upgrade() {
            Some(engine) => engine.increment_epoch(),
            None => break,
        }
    }
}

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 10)
        .total_memories(INSTANCES * 2)
        .total_tables(INSTANCES * 4)
        .total_stacks(INSTANCES)
        .max_core_instances_per_component(200)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(4 << 20)
        .table_elements(40_000)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(64 << 10)
        .decommit_batch_size(32)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .wasm_memory64(false)
        .relaxed_simd_deterministic(true)
        .wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES))
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}
