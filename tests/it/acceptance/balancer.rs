//! What stands before workers that share one address: hands each new connection to the worker
//! that was named last.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// Listens on a port of its own until the test's process ends.
pub(super) struct Balancer {
    pub(super) port: u16,
    worker: Arc<AtomicU16>,
}

impl Balancer {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let worker = Arc::new(AtomicU16::default());
        let named = Arc::clone(&worker);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let worker = named.load(Ordering::Acquire);
                // No server listens there yet, or any more: the caller hears it, and calls again.
                join(stream, worker).ok();
            }
        });
        Self { port, worker }
    }

    /// Name the worker by its port.
    pub(super) fn name(&self, worker: u16) {
        self.worker.store(worker, Ordering::Release);
    }
}

fn join(caller: TcpStream, worker: u16) -> io::Result<()> {
    let worker = TcpStream::connect((Ipv4Addr::LOCALHOST, worker))?;
    for stream in [&caller, &worker] {
        stream.set_nodelay(true)?;
    }
    let back = (worker.try_clone()?, caller.try_clone()?);
    for (from, to) in [(caller, worker), back] {
        std::thread::spawn(move || pass_on(&from, &to));
    }
    Ok(())
}

/// Until either side has gone; then it is gone for both.
fn pass_on(mut from: &TcpStream, mut to: &TcpStream) {
    io::copy(&mut from, &mut to).ok();
    for stream in [from, to] {
        stream.shutdown(Shutdown::Both).ok();
    }
}
