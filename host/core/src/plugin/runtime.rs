//! The one engine of the process, and how a component gets into it: from what this process has
//! at hand, from the cache of this machine, or from the compiler, in this order.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::{OnceCell, Semaphore};
use wasmtime::component::Linker;
use wasmtime::{Engine, EngineWeak};

use super::cache::Cache;
use super::code::Code;
use super::compile::{Compiler, Order};
use super::manifest::Manifest;
use super::source::ComponentSource;
use super::{Plugin, PluginError, bindings, component, engine};
use crate::blocking;
use crate::capability::{self, Access, InstanceState};
use crate::config::CallLimits;
use crate::grants::Grants;
use crate::handler::Contract;
use crate::settings::hex;
use crate::shared_cache::SharedCache;
use crate::store::Store;

/// How often running guests are asked to let others go on.
const TICK: Duration = Duration::from_millis(10);
/// Components that stay in memory though no plugin at hand uses them.
const IDLE: usize = 0;

/// A component that is compiled and linked, ready to be instantiated. What it is granted is
/// asked when it calls, so all plugins of the same component share it.
pub(super) type LinkedComponent = bindings::PluginPre<InstanceState>;

/// The engine that runs components, and what it runs. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<SharedRuntime>,
}

struct SharedRuntime {
    /// Made when a guest is first called: most commands call none.
    host: OnceLock<Result<GuestHost, PluginError>>,
    cache: OnceLock<Option<Arc<Cache>>>,
    /// Components by the digest of their bytes and the bounds that they were compiled in.
    components: SharedCache<String, LinkedComponent>,
    compiler: Compiler,
    /// The instances that the pool has room for.
    slots: Arc<Semaphore>,
}

/// Where guests run.
struct GuestHost {
    engine: Engine,
    linker: Linker<InstanceState>,
    fingerprint: u64,
}

impl Runtime {
    /// The runtime of this process.
    pub fn new() -> Self {
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        let make = || Self {
            shared: Arc::new(SharedRuntime {
                host: OnceLock::new(),
                cache: OnceLock::new(),
                components: SharedCache::new(IDLE),
                compiler: Compiler::new(),
                slots: Arc::new(Semaphore::new(engine::INSTANCES as usize)),
            }),
        };
        RUNTIME.get_or_init(make).clone()
    }

    fn host(&self) -> Result<&GuestHost, PluginError> {
        let make = || GuestHost::open().map_err(|error| PluginError::Runtime(format!("{error:#}")));
        self.shared
            .host
            .get_or_init(make)
            .as_ref()
            .map_err(Clone::clone)
    }

    fn cache(&self) -> Option<Arc<Cache>> {
        let open = || Cache::of_user().map(Arc::new);
        self.shared.cache.get_or_init(open).clone()
    }

    pub(super) fn engine(&self) -> Result<&Engine, PluginError> {
        Ok(&self.host()?.engine)
    }

    pub(super) fn slots(&self) -> Arc<Semaphore> {
        Arc::clone(&self.shared.slots)
    }

    /// A plugin that is compiled when it is first asked or called. `grants` are what it asks
    /// for and the operator allows.
    pub fn plugin(
        &self,
        manifest: &Manifest,
        source: ComponentSource,
        grants: Grants,
        limits: CallLimits,
        store: Option<Store>,
    ) -> Result<Plugin, PluginError> {
        let name = manifest.name.get_ref().clone();
        component::check_version(manifest.wit.get_ref())?;
        let calls = Arc::new(Semaphore::new(limits.concurrent_calls.max(1) as usize));
        Ok(Plugin {
            version: manifest.version.clone(),
            source,
            access: Arc::new(Access::new(&name, grants, limits, store)),
            name,
            runtime: self.clone(),
            linked: OnceCell::new(),
            calls,
        })
    }

    /// The component of a plugin, compiled and linked.
    pub(super) async fn linked(
        &self,
        plugin: &str,
        source: &ComponentSource,
        limits: &CallLimits,
    ) -> Result<Arc<LinkedComponent>, PluginError> {
        let digest = source.digest();
        let bounds = bounds(&limits.compile);
        let make = async || {
            let host = self.host()?;
            let name = format!("{digest}.{:016x}{bounds}.code", host.fingerprint);
            if let Some(code) = self.kept(&name).await
                && let Ok(component) = Code::vouched_for(code).component(&host.engine)
            {
                return link(host, &component);
            }
            let bytes = source.bytes().await?;
            component::check_kind(&bytes)?;
            component::check_imports(&bytes)?;
            let order = Order {
                plugin: plugin.to_owned(),
                bytes,
                limits: limits.compile,
                name,
                cache: self.cache(),
            };
            let code = self.shared.compiler.compile(order).await?;
            let component = code.component(&host.engine);
            let component = component.map_err(|error| PluginError::Compile {
                cause: format!("{error:#}"),
            })?;
            link(host, &component)
        };
        let key = format!("{digest}.{bounds}");
        self.shared.components.get(key, make).await
    }

    /// What a component said of itself to a host of this contract, if that is known here.
    pub(super) async fn contracts(
        &self,
        digest: &str,
        limits: &CallLimits,
    ) -> Option<Vec<Contract>> {
        let content = self.kept(&contracts_name(digest, limits)).await?;
        serde_json::from_slice(&content).ok()
    }

    pub(super) async fn keep_contracts(
        &self,
        digest: &str,
        limits: &CallLimits,
        contracts: &[Contract],
    ) {
        if let (Some(cache), Ok(content)) = (self.cache(), serde_json::to_vec(contracts)) {
            let name = contracts_name(digest, limits);
            drop(blocking::wait(move || cache.keep(&name, &content)).await);
        }
    }

    async fn kept(&self, name: &str) -> Option<Vec<u8>> {
        let (cache, name) = (self.cache()?, name.to_owned());
        let read = blocking::wait(move || cache.read(&name)).await;
        read.ok().flatten()
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self::new()
    }
}

/// Bounds as a part of a name: what was made within others is not what these let through.
fn bounds(limits: &impl fmt::Debug) -> String {
    let digest = Sha256::digest(format!("{limits:?}"));
    hex(&digest)[..16].to_owned()
}

/// What a plugin said depends on it, on what this version of the host understands, and on what
/// it may be made of and say.
fn contracts_name(digest: &str, limits: &CallLimits) -> String {
    let mut contract = Sha256::new();
    contract.update(env!("CARGO_PKG_VERSION"));
    contract.update(include_str!("../../../../wit/0.1/handlers.wit"));
    let fingerprint = hex(&contract.finalize());
    let bounds = bounds(&(limits.compile, limits.describe));
    format!("{digest}.{}{bounds}.contracts", &fingerprint[..16])
}

impl GuestHost {
    fn open() -> wasmtime::Result<Self> {
        let engine = engine::running()?;
        let weak = engine.weak();
        std::thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(move || tick(&weak))?;
        let mut linker = Linker::new(&engine);
        // An empty WASI: no files, no environment, no sockets.
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        capability::link(&mut linker)?;
        Ok(Self {
            fingerprint: engine::fingerprint(&engine),
            engine,
            linker,
        })
    }
}

fn link(
    host: &GuestHost,
    component: &wasmtime::component::Component,
) -> Result<LinkedComponent, PluginError> {
    let linked = host.linker.instantiate_pre(component);
    let linked = linked.and_then(bindings::PluginPre::new);
    linked.map_err(|error| PluginError::Link {
        cause: format!("{error:#}"),
    })
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

#[cfg(test)]
mod tests {
    use wasm_encoder as wasm;

    use super::*;

    /// A component that imports one interface and does nothing with it.
    /// A component that takes a name for a function. A linker that knows the name for something
    /// else says what it is.
    fn importing(import: &str) -> Vec<u8> {
        let mut types = wasm::ComponentTypeSection::new();
        let none: [(&str, wasm::ComponentValType); 0] = [];
        types.function().params(none).result(None);
        let mut imports = wasm::ComponentImportSection::new();
        imports.import(import, wasm::ComponentTypeRef::Func(0));
        let mut component = wasm::Component::new();
        component.section(&types);
        component.section(&imports);
        component.finish()
    }

    #[test]
    fn every_interface_of_wasi_that_is_let_in_is_linked() {
        let runtime = Runtime::new();
        let host = runtime.host().expect("a host");
        let known = |import: &str| {
            let component = wasmtime::component::Component::new(&host.engine, importing(import));
            let linked = host.linker.instantiate_pre(&component.expect(import));
            format!("{:#}", linked.err().expect("it is no function"))
        };
        for (package, interfaces) in component::WASI {
            for interface in *interfaces {
                let answer = known(&format!("{package}/{interface}@0.2.6"));
                assert!(answer.ends_with("found instance"), "{interface}: {answer}");
            }
        }
        let answer = known("wasi:keyvalue/store@0.2.0");
        assert!(answer.ends_with("is missing"), "{answer}");
    }
}
