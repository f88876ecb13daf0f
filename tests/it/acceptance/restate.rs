//! A Restate server of the test's own, on loopback, with its data in a temporary folder.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::balancer::Balancer;
use crate::support::daemon::{eventually, get};
use crate::support::factory::Factory;

/// Names the server's program; `./just restate` sets it.
const SERVER: &str = "CALLBOARD_RESTATE_SERVER";

pub(super) struct Server {
    program: PathBuf,
    folder: TempDir,
    child: RefCell<Option<Child>>,
    /// Where it listens: ingress, admin, and what other nodes would call.
    ports: [u16; 3],
    workers: Balancer,
    /// Where the worker that was started last listens.
    worker: Cell<u16>,
}

/// A port that no process has just now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// The line of `callboard.toml` that says where a worker takes its turns.
fn listen(port: u16) -> String {
    format!("listen = \"127.0.0.1:{port}\"\n")
}

impl Server {
    /// A server that answers.
    pub(super) fn start() -> Self {
        let program = std::env::var_os(SERVER).unwrap_or_else(|| {
            panic!("{SERVER} names no Restate server; `./just restate` installs one")
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ports = [(); 3].map(|()| free_port());
        let [ingress, admin, _] = ports;
        // A connection that does not answer is given up at once, and not after a minute.
        let config = format!(
            "bind-ip = \"127.0.0.1\"\nrocksdb-total-memory-size = \"128 MiB\"\n\
             default-num-partitions = 2\n\
             [ingress]\nbind-address = \"127.0.0.1:{ingress}\"\n\
             [admin]\nbind-address = \"127.0.0.1:{admin}\"\n\
             [worker.invoker]\nhttp2-keep-alive-interval = \"1s\"\n\
             http2-keep-alive-timeout = \"2s\"\n"
        );
        std::fs::write(folder.path().join("restate.toml"), config).expect("a temporary folder");
        let server = Self {
            program: program.into(),
            folder,
            child: RefCell::default(),
            ports,
            workers: Balancer::new(),
            worker: Cell::default(),
        };
        server.up();
        server
    }

    /// Start its process, and wait until it answers.
    fn up(&self) {
        let folder = self.folder.path();
        let mut log = File::options();
        let log = log.append(true).create(true).open(folder.join("log"));
        let log = log.expect("a temporary folder");
        let node = self.ports[2];
        let mut command = Command::new(&self.program);
        command
            .env("RESTATE_CONFIG", folder.join("restate.toml"))
            .env("RESTATE_BASE_DIR", folder.join("data"))
            .env("RESTATE_BIND_ADDRESS", format!("127.0.0.1:{node}"))
            .env("DO_NOT_TRACK", "1")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        let child = command.spawn().expect("the server starts");
        self.child.replace(Some(child));
        eventually("the server answers", || self.answers().then_some(()));
    }

    fn answers(&self) -> bool {
        let [ingress, admin, _] = self.ports;
        let asked = [(admin, "/health"), (ingress, "/restate/health")];
        asked.into_iter().all(|(port, path)| {
            let address: SocketAddr = ([127, 0, 0, 1], port).into();
            TcpStream::connect(address).is_ok() && get(address, path).status == 200
        })
    }

    fn down(&self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Kill it, and start it again.
    pub(super) fn restart(&self) {
        self.down();
        self.up();
    }

    /// The same, with everything gone that it stored.
    pub(super) fn lose_data(&self) {
        self.down();
        std::fs::remove_dir_all(self.folder.path().join("data")).expect("its data");
        self.up();
    }

    /// What `callboard.toml` says of it. No lease runs out while a test lasts: it is the server
    /// that has to notice when a worker has gone.
    pub(super) fn rules(&self) -> String {
        let ([ingress, admin, _], workers) = (self.ports, self.workers.port);
        format!(
            "[engine]\nlease = \"1h\"\n[engine.restate]\ningress = \"http://127.0.0.1:{ingress}\"\n\
             admin = \"http://127.0.0.1:{admin}\"\nadvertise = \"http://127.0.0.1:{workers}\"\n{}",
            listen(self.worker.get())
        )
    }

    /// The next worker that is started listens elsewhere, and gets the turns from now on.
    pub(super) fn expect_worker(&self, factory: &Factory) {
        let port = free_port();
        let before = self.worker.replace(port);
        factory.edit("callboard.toml", &listen(before), &listen(port));
        self.workers.name(port);
    }
}

impl Drop for Server {
    #[expect(
        clippy::print_stderr,
        reason = "a test that failed shows the server's log"
    )]
    fn drop(&mut self) {
        self.down();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            let log = log.unwrap_or_default();
            let from = log.len().saturating_sub(4000);
            eprintln!("the server said:\n{}", log.get(from..).unwrap_or_default());
        }
    }
}
