//! Compile a component, in a process of its own: the program runs itself once more, bounded in
//! memory and time by the system, and gives back compiled code. Whatever a component does to the
//! compiler, it does to that process.

pub mod child;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;

use super::PluginError;
use super::cache::Cache;
use super::code::Code;
use super::scan::{self, ScanRefusal};
use crate::config::{CompileLimits, raise};
use crate::launch::{self, LaunchBounds};
use crate::{blocking, bounded};

/// Compilers at a time; each uses a few processors.
const AT_ONCE: usize = 2;
/// Processors that one compiler uses.
const THREADS: &str = "4";
/// The most bytes of compiled code.
const LARGEST: u64 = 512 << 20;
/// The most bytes of what a compiler says that went wrong.
const SAID: u64 = 4 << 10;

/// The program that is run to compile.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Say which program compiles: one that begins with [`child::asked`]. The first word counts.
pub fn use_program(path: PathBuf) {
    PROGRAM.get_or_init(|| path);
}

/// A component that is to be compiled.
pub(super) struct Order {
    /// Whose component it is, for the mend of a bound.
    pub(super) plugin: String,
    pub(super) bytes: Arc<[u8]>,
    pub(super) limits: CompileLimits,
    /// The name of the compiled code in the cache.
    pub(super) name: String,
    pub(super) cache: Option<Arc<Cache>>,
}

type Compilation = Shared<BoxFuture<'static, Result<Arc<Code>, PluginError>>>;

/// What is being compiled now, by its name in the cache.
#[derive(Clone)]
pub(super) struct Compiler {
    under_way: Arc<Mutex<BTreeMap<String, Compilation>>>,
    turns: Arc<Semaphore>,
}

impl Compiler {
    pub(super) fn new() -> Self {
        Self {
            under_way: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Compile once for all who ask meanwhile. It goes on when no call waits any more, so that a
    /// call with a short deadline finds it done the next time.
    pub(super) async fn compile(&self, order: Order) -> Result<Arc<Code>, PluginError> {
        let under_way = {
            let mut all = self
                .under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let name = order.name.clone();
            let begin = || self.begin(order);
            all.entry(name).or_insert_with(begin).clone()
        };
        under_way.await
    }

    fn begin(&self, order: Order) -> Compilation {
        let name = order.name.clone();
        let (compiler, ended) = (
            self.clone(),
            ListedCompilation(Arc::clone(&self.under_way), name),
        );
        let task = tokio::spawn(async move {
            let _ended = ended;
            let turn = compiler.turns.acquire().await;
            let made = carry_out(order).await;
            drop(turn);
            made.map(Arc::new)
        });
        let made = async move {
            task.await.unwrap_or_else(|error| {
                let cause = format!("the compiler was given up: {error}");
                Err(PluginError::Compile { cause })
            })
        };
        made.boxed().shared()
    }
}

/// Takes its compilation off the list, however it ends.
struct ListedCompilation(Arc<Mutex<BTreeMap<String, Compilation>>>, String);

impl Drop for ListedCompilation {
    fn drop(&mut self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&self.1);
    }
}

async fn carry_out(order: Order) -> Result<Code, PluginError> {
    let Order {
        plugin,
        bytes,
        limits,
        name,
        cache,
    } = order;
    let failed = |refused: ScanRefusal| {
        let cause = match refused.bound {
            None => refused.problem,
            Some(bound) => format!(
                "{}; {} if the plugin is to be trusted",
                refused.problem,
                raise(&plugin, &format!("compile.{bound}"))
            ),
        };
        PluginError::Compile { cause }
    };
    let scanned = Arc::clone(&bytes);
    let scanned = blocking::wait(move || scan::scan(&scanned, &limits)).await;
    let scanned = scanned.unwrap_or_else(|error| Err(error.to_string().into()));
    let made = match scanned {
        Ok(()) => in_child(bytes, limits).await,
        Err(problem) => Err(problem),
    };
    let code = Code::vouched_for(made.map_err(failed)?);
    let kept = blocking::wait(move || {
        if let Some(cache) = cache {
            cache.keep(&name, code.bytes());
        }
        code
    });
    kept.await
        .map_err(|error| PluginError::Runtime(error.to_string()))
}

/// The output of the child, or why there is none.
async fn in_child(bytes: Arc<[u8]>, limits: CompileLimits) -> Result<Vec<u8>, ScanRefusal> {
    let program = PROGRAM
        .get()
        .ok_or_else(|| "no program is named that compiles".to_owned())?;
    let bounds = LaunchBounds {
        memory_mib: limits.memory_mib.into(),
        seconds: limits.seconds.into(),
    };
    let mut child = launch::command(program, bounds)
        .arg(child::ASKED)
        .env("RAYON_NUM_THREADS", THREADS)
        .spawn()
        .map_err(|error| format!("the compiler {} does not start: {error}", program.display()))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err("the compiler has no pipes".to_owned().into());
    };
    let talk = async {
        let give = async move {
            // A compiler that ends early says why.
            drop(stdin.write_all(&bytes).await);
        };
        let ((), code, said) = tokio::join!(
            give,
            bounded::heard(stdout, LARGEST + 1),
            bounded::heard(stderr, SAID)
        );
        let code = code.map_err(|error| format!("the compiler is not heard: {error}"))?;
        let said = said.unwrap_or_default();
        let status = child.wait().await.map_err(|error| error.to_string())?;
        Ok::<_, String>((status, code, String::from_utf8_lossy(&said).into_owned()))
    };
    let longest = Duration::from_secs(limits.seconds.into());
    let answered = tokio::time::timeout(longest, talk).await;
    let (status, code, said) = answered.map_err(|_| too_long(&limits))??;
    match status.success() {
        true if code.len() as u64 > LARGEST => {
            Err(format!("compiled it is larger than {} MiB", LARGEST >> 20).into())
        }
        true => Ok(code),
        false => Err(cause(status, &said, &limits)),
    }
}

fn too_long(limits: &CompileLimits) -> ScanRefusal {
    ScanRefusal {
        problem: format!("it takes more than {} s", limits.seconds),
        bound: Some("seconds"),
    }
}

/// Why a compiler ended without code.
fn cause(status: ExitStatus, said: &str, limits: &CompileLimits) -> ScanRefusal {
    if status.code().is_some() {
        return said.trim().to_owned().into();
    }
    if said.contains("memory allocation of") {
        return ScanRefusal {
            problem: format!("it takes more than {} MiB of memory", limits.memory_mib),
            bound: Some("memory_mib"),
        };
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        let time = [rustix::process::Signal::XCPU, rustix::process::Signal::KILL];
        if time
            .iter()
            .any(|signal| status.signal() == Some(signal.as_raw()))
        {
            return too_long(limits);
        }
    }
    format!("the compiler ended with {status}: its types nest too deep, or it is made to harm")
        .into()
}
