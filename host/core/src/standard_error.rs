//! Standard error, to which one thread writes what all others say. A reader that stands still (a
//! terminal on Ctrl-S, a pipe that no process empties) holds up that thread and no other: what has
//! no room is dropped, and how much it was is said as soon as there is room again.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value as Json;

/// How many bytes wait at most for the reader.
const ROOM: usize = 1 << 20;
/// How long the end of a process waits for a reader that takes nothing.
const PATIENCE: Duration = Duration::from_secs(1);

static QUEUE: Queue = Queue::new();

/// Whether each line is a JSON document.
static DOCUMENTS: AtomicBool = AtomicBool::new(false);

/// Where what is said goes; each write is kept, or dropped, as a whole.
#[derive(Debug, Clone, Copy)]
pub struct StandardError;

impl Write for StandardError {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if QUEUE.begin() {
            let writes = || QUEUE.write_to(&mut io::stderr());
            let thread = std::thread::Builder::new().name("standard error".to_owned());
            if thread.spawn(writes).is_err() {
                // The next one asks for a thread again.
                QUEUE.waiting().begun = false;
                return io::stderr().write(bytes);
            }
        }
        QUEUE.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From now on what is said here by itself is a document on a line of its own.
pub fn write_documents() {
    DOCUMENTS.store(true, Ordering::Relaxed);
}

/// Wait until all is written, as long as its reader takes some of it: for the end of a process.
pub fn written() {
    QUEUE.written();
}

struct Queue {
    waiting: Mutex<WaitingPieces>,
    changed: Condvar,
}

struct WaitingPieces {
    begun: bool,
    pieces: VecDeque<Vec<u8>>,
    /// Of all pieces, the one that is being written as well.
    bytes: usize,
    /// How many pieces had no room since this was last said.
    dropped: u64,
}

impl Queue {
    const fn new() -> Self {
        let waiting = WaitingPieces {
            begun: false,
            pieces: VecDeque::new(),
            bytes: 0,
            dropped: 0,
        };
        Self {
            waiting: Mutex::new(waiting),
            changed: Condvar::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, WaitingPieces> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True once: then the thread that writes is still to be started.
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.waiting().begun, true)
    }

    fn put(&self, piece: &[u8]) {
        let mut waiting = self.waiting();
        // One that is larger than all room is told where nothing else waits.
        if waiting.bytes > 0 && waiting.bytes + piece.len() > ROOM {
            waiting.dropped += 1;
            return;
        }
        waiting.say_dropped();
        waiting.push(piece.to_vec());
        drop(waiting);
        self.changed.notify_all();
    }

    /// Write what comes, for ever. Who reads no errors is told none.
    fn write_to(&self, to: &mut impl Write) {
        let mut waiting = self.waiting();
        loop {
            match waiting.pieces.pop_front() {
                Some(piece) => {
                    drop(waiting);
                    to.write_all(&piece).and_then(|()| to.flush()).ok();
                    waiting = self.waiting();
                    waiting.bytes -= piece.len();
                    if waiting.pieces.is_empty() {
                        waiting.say_dropped();
                    }
                    self.changed.notify_all();
                }
                None => waiting = waited(self.changed.wait(waiting)),
            }
        }
    }

    fn written(&self) {
        let mut waiting = self.waiting();
        while waiting.bytes > 0 {
            let before = waiting.bytes;
            let (now, waited) = waited(self.changed.wait_timeout(waiting, PATIENCE));
            waiting = now;
            if waited.timed_out() && waiting.bytes >= before {
                return;
            }
        }
    }
}

impl WaitingPieces {
    fn push(&mut self, piece: Vec<u8>) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
    }

    fn say_dropped(&mut self) {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            self.push(told(dropped, DOCUMENTS.load(Ordering::Relaxed)).into_bytes());
        }
    }
}

fn waited<T>(answer: Result<T, PoisonError<T>>) -> T {
    answer.unwrap_or_else(PoisonError::into_inner)
}

fn told(dropped: u64, document: bool) -> String {
    let message = format!("{dropped} lines are missing here: nobody read them in time");
    if !document {
        return format!("warning: {message}\n");
    }
    let line = Json::from_iter([
        ("timestamp", Timestamp::now().to_string()),
        ("level", "WARN".to_owned()),
        ("target", "callboard_core::standard_error".to_owned()),
        ("message", message),
    ]);
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// Takes a piece only when it is read.
    struct Slow(SyncSender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
            self.0.send(bytes.to_vec()).map_err(gone)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (&'static Queue, Receiver<Vec<u8>>) {
        let (queue, (send, reads)) = (&*Box::leak(Box::new(Queue::new())), sync_channel(0));
        std::thread::spawn(move || queue.write_to(&mut Slow(send)));
        (queue, reads)
    }

    #[test]
    fn what_has_no_room_is_counted_and_nobody_waits() {
        let (queue, reads) = slow();
        let piece = vec![b'.'; ROOM / 4];
        for _ in 0..7 {
            queue.put(&piece);
        }
        // The reader stands still: the end does not wait for it.
        queue.written();
        let take = || String::from_utf8(reads.recv().expect("a piece")).expect("UTF-8");
        for _ in 0..4 {
            assert_eq!(take().len(), piece.len());
        }
        assert_eq!(take(), told(3, false));
        queue.put(b"on it goes\n");
        assert_eq!(take(), "on it goes\n");
    }

    #[test]
    fn the_end_waits_for_a_reader_that_reads() {
        let (queue, reads) = slow();
        let counts = std::thread::spawn(move || {
            let mut pieces = 0;
            while let Ok(piece) = reads.recv_timeout(Duration::from_secs(60)) {
                pieces += 1;
                if piece == b"last" {
                    break;
                }
            }
            pieces
        });
        for number in 0..1000 {
            queue.put(format!("{number}\n").as_bytes());
        }
        queue.put(b"last");
        queue.written();
        assert!(queue.waiting().pieces.is_empty());
        assert_eq!(counts.join().expect("it has counted"), 1001);
    }
}
