//! The same component on bare wasmtime: an engine, a linker, and nothing of Callboard.

use std::path::Path;
use std::time::Instant;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceTable, ResourceType};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use self::bindings::exports::callboard::plugin::handlers::{Call, Outcome};

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/0.1",
        inline: "package callboard:bench; world bench { export callboard:plugin/handlers@0.1.0; }",
        exports: { default: async },
    });
}

pub(crate) struct Bare {
    engine: Engine,
    prepared: bindings::BenchPre<State>,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl Bare {
    pub(crate) fn load(path: &Path) -> Self {
        let mut config = Config::new();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(
            PoolingAllocationConfig::default(),
        ));
        config.concurrency_support(false);
        let engine = Engine::new(&config).expect("an engine");
        let component = Component::from_file(&engine, path).expect("a component");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI");
        refuse(&engine, &component, &mut linker).expect("the other imports");
        let prepared = linker.instantiate_pre(&component).expect("it links");
        let prepared = bindings::BenchPre::new(prepared).expect("it exports handlers");
        Self { engine, prepared }
    }

    fn store(&self) -> Store<State> {
        let state = State {
            wasi: WasiCtx::builder().build(),
            table: ResourceTable::new(),
        };
        Store::new(&self.engine, state)
    }

    /// Microseconds a call with an instance of its own.
    pub(crate) async fn fresh(&self, calls: u32, handler: &str) -> f64 {
        let started = Instant::now();
        for _ in 0..calls {
            let mut store = self.store();
            let bench = self
                .prepared
                .instantiate_async(&mut store)
                .await
                .expect("an instance");
            once(&bench, &mut store, handler).await;
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    }

    /// Microseconds a call on one instance.
    pub(crate) async fn warm(&self, calls: u32, handler: &str) -> f64 {
        let mut store = self.store();
        let bench = self
            .prepared
            .instantiate_async(&mut store)
            .await
            .expect("an instance");
        let started = Instant::now();
        for _ in 0..calls {
            once(&bench, &mut store, handler).await;
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    }
}

async fn once(bench: &bindings::Bench, store: &mut Store<State>, handler: &str) {
    let call = Call {
        handler: handler.to_owned(),
        config: "{}".to_owned(),
        input: r#"{"message":"a text of some length, as a stage has it"}"#.to_owned(),
        run: "bench".to_owned(),
        stage: "bench".to_owned(),
        visit: 1,
        attempt: 1,
        remaining: 60_000,
        now: 0,
    };
    let handlers = bench.callboard_plugin_handlers();
    let outcome = handlers
        .call_handle(store, &call)
        .await
        .expect("it answers");
    assert!(matches!(outcome, Outcome::Done(_)), "it is done");
}

/// Every function of Callboard's own interfaces answers with an error: the handler calls none.
fn refuse(
    engine: &Engine,
    component: &Component,
    linker: &mut Linker<State>,
) -> wasmtime::Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            continue;
        };
        if !name.starts_with("callboard:") {
            continue;
        }
        let mut instance = linker.instance(name)?;
        for (export, item) in interface.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(_) => {
                    instance
                        .func_new(export, |_, _, _, _| Err(wasmtime::Error::msg("not here")))?;
                }
                ComponentItem::Resource(_) => {
                    instance.resource(export, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}
