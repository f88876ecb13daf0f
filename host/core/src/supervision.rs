//! The tasks of this process that have to go on for as long as it does: the worker, the
//! heartbeat, the committers, the listeners. All are watched here. One that ends by itself is begun
//! anew, a few times and ever more slowly; one that does not stay is given up, and then the process
//! is to end, since without it a daemon would go on and do nothing.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often a task is begun anew within [`WINDOW`].
pub const AGAIN: usize = 5;
/// A task that stayed for so long has done well.
const WINDOW: Duration = Duration::from_secs(600);
/// The first pause before a task is begun anew; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Falls that are remembered for readers that come late.
const REMEMBERED: usize = 64;

/// A task that ended though it was not told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fall {
    pub task: &'static str,
    /// `panicked: …` or `returned`.
    pub how: String,
    /// It is not begun anew: the process can't go on.
    pub given_up: bool,
}

/// What fell in this process, the newest last, with how many fell before the first of them.
#[derive(Debug, Default)]
struct Fallen {
    before: usize,
    falls: VecDeque<Fall>,
}

static FALLEN: LazyLock<watch::Sender<Fallen>> = LazyLock::new(watch::Sender::default);

/// Reads of each task of the process that falls, from the first on.
pub struct Falls {
    read: usize,
    fallen: watch::Receiver<Fallen>,
}

/// What falls in this process, and has fallen.
pub fn falls() -> Falls {
    Falls {
        read: 0,
        fallen: FALLEN.subscribe(),
    }
}

impl Falls {
    /// Wait for the next one.
    pub async fn next(&mut self) -> Fall {
        loop {
            {
                let fallen = self.fallen.borrow_and_update();
                let read = self.read.max(fallen.before);
                if let Some(fall) = fallen.falls.get(read - fallen.before) {
                    self.read = read + 1;
                    return fall.clone();
                }
            }
            if self.fallen.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

fn tell(fall: Fall) {
    let Fall {
        task,
        how,
        given_up,
    } = &fall;
    tracing::error!(
        task,
        how,
        given_up,
        "a task of this process ended by itself"
    );
    FALLEN.send_modify(|fallen| {
        fallen.falls.push_back(fall);
        if fallen.falls.len() > REMEMBERED {
            fallen.falls.pop_front();
            fallen.before += 1;
        }
    });
}

/// Keep a task going. `begin` makes it, anew each time; `told` says whether one that returned
/// was to. Needs a runtime.
pub fn keep<F>(
    task: &'static str,
    told: impl Fn() -> bool + Send + 'static,
    mut begin: impl FnMut() -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        let mut falls: VecDeque<Instant> = VecDeque::new();
        loop {
            let ended = AssertUnwindSafe(async { begin().await }).catch_unwind();
            let how = match ended.await {
                Ok(()) if told() => return,
                Ok(()) => "returned".to_owned(),
                Err(panic) => panicked(&*panic),
            };
            falls.retain(|fall| fall.elapsed() < WINDOW);
            let given_up = falls.len() >= AGAIN;
            tell(Fall {
                task,
                how,
                given_up,
            });
            if given_up {
                return;
            }
            let doublings = u32::try_from(falls.len()).unwrap_or(u32::MAX);
            falls.push_back(Instant::now());
            tokio::time::sleep(FIRST_PAUSE * 2_u32.saturating_pow(doublings)).await;
        }
    })
}

/// A task that can't be begun anew: if it panics, the process can't go on.
pub async fn vital<T>(task: &'static str, work: impl Future<Output = T>) -> T {
    watched(task, true, work).await
}

/// A task that ends by itself when it has done its work: a panic is told, and costs no more.
pub async fn once<T>(task: &'static str, work: impl Future<Output = T>) -> T {
    watched(task, false, work).await
}

async fn watched<T>(task: &'static str, given_up: bool, work: impl Future<Output = T>) -> T {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => {
            let how = panicked(&*panic);
            tell(Fall {
                task,
                how,
                given_up,
            });
            std::panic::resume_unwind(panic)
        }
    }
}

/// What a panic says, for a person.
pub fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a text"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// The falls of one task; those of other tests in this process are theirs.
    async fn next_of(falls: &mut Falls, task: &str) -> Fall {
        loop {
            let fall = falls.next().await;
            if fall.task == task {
                return fall;
            }
        }
    }

    #[tokio::test]
    async fn a_task_that_does_not_stay_is_begun_anew_and_in_the_end_given_up() {
        let mut falls = falls();
        let task = keep("one that falls", || false, || async { panic!("no") });
        for turn in 0..=AGAIN {
            let fall = next_of(&mut falls, "one that falls").await;
            assert_eq!(
                (fall.how.as_str(), fall.given_up),
                ("panicked: no", turn == AGAIN)
            );
        }
        task.await.expect("it has ended");
    }

    #[tokio::test]
    async fn a_task_that_returns_has_to_have_been_told() {
        static TURNS: AtomicUsize = AtomicUsize::new(0);
        let mut falls = falls();
        let told = || TURNS.load(Ordering::Relaxed) == 2;
        let task = keep("one that returns", told, || async {
            TURNS.fetch_add(1, Ordering::Relaxed);
        });
        task.await.expect("it has ended");
        let fall = next_of(&mut falls, "one that returns").await;
        assert_eq!((fall.how.as_str(), fall.given_up), ("returned", false));
        assert_eq!(TURNS.load(Ordering::Relaxed), 2);
    }
}
