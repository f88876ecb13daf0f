//! Ctrl-C, SIGTERM and SIGHUP where a command takes care of them itself, and a reader of its output that
//! has gone: it is told to stop, and ends in good order with the exit code for that.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use callboard_core::supervision;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::output;

/// How many commands of this process take care of signals at present.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);

/// Whether a command takes care itself of what asks it to stop.
pub(super) fn is_handled() -> bool {
    LISTENERS.load(Ordering::Relaxed) > 0
}

/// What asked the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Terminate,
    /// The terminal has gone, or the operator reloads what runs as a service.
    HangUp,
    /// What the command says cannot be written any more, with the exit code for it.
    Unheard(Exit),
}

impl Signal {
    /// As a shell has it: 128 and the number of the signal.
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
            Self::HangUp => Exit::HungUp,
            Self::Unheard(exit) => exit,
        }
    }
}

/// Hears what asks the command to stop, until it is dropped.
pub(super) struct Listener {
    /// Cancelled by the first of them.
    pub(super) stop: CancellationToken,
    heard: Arc<OnceLock<Signal>>,
    task: tokio::task::AbortHandle,
}

impl Listener {
    /// From now on. Needs a runtime.
    pub(super) fn start() -> Self {
        LISTENERS.fetch_add(1, Ordering::Relaxed);
        let stop = CancellationToken::new();
        let heard: Arc<OnceLock<Signal>> = Arc::default();
        // At once: a signal that comes before this listens ends the process.
        let mut interrupt = signal(SignalKind::interrupt()).ok();
        let mut terminate = signal(SignalKind::terminate()).ok();
        let mut hang_up = signal(SignalKind::hangup()).ok();
        let (told, keep) = (stop.clone(), Arc::clone(&heard));
        let listens = async move {
            let signal = tokio::select! {
                () = came(&mut interrupt) => Signal::Interrupt,
                () = came(&mut terminate) => Signal::Terminate,
                () = came(&mut hang_up) => Signal::HangUp,
                exit = output::until_lost() => Signal::Unheard(exit),
            };
            keep.get_or_init(|| signal);
            told.cancel();
        };
        let task = tokio::spawn(supervision::vital("who hears signals", listens));
        Self {
            stop,
            heard,
            task: task.abort_handle(),
        }
    }

    /// The signal that came, if one did.
    pub(super) fn heard(&self) -> Option<Signal> {
        self.heard.get().copied()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
        // One that came is taken care of, although the command has ended by now.
        if self.heard.get().is_none() {
            LISTENERS.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

async fn came(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
