//! The stream of one connection, as it is served: an answer that its peer does not take has an end,
//! and a peer that has gone is noticed whatever it has sent before.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// An answer that waits for its peer has to get on by so many bytes in each such time: less is
/// what a peer takes who only holds its place.
const WINDOW: Duration = Duration::from_secs(30);
const LEAST: usize = 16 << 10;

/// A stream that writes to its peer for as long as the peer takes it.
pub(super) struct Socket {
    stream: Arc<TcpStream>,
    /// While an answer waits: until when it has to get on, and by how much it did.
    waits: Option<(Pin<Box<Sleep>>, usize)>,
    window: Duration,
}

/// The other end of a stream.
pub(super) struct Peer(Arc<TcpStream>);

impl Socket {
    pub(super) fn new(stream: TcpStream) -> (Self, Peer) {
        let stream = Arc::new(stream);
        let socket = Self {
            stream: Arc::clone(&stream),
            waits: None,
            window: WINDOW,
        };
        (socket, Peer(stream))
    }

    /// What came of a try to write, as far as the peer may keep it waiting.
    fn paced(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Pending => {
                let window = self.window;
                let begin = || (Box::pin(sleep(window)), 0);
                let (until, _) = self.waits.get_or_insert_with(begin);
                ready!(until.as_mut().poll(context));
                let text = "its peer does not take the answer";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
            }
            Poll::Ready(Ok(bytes)) => {
                self.waits = self
                    .waits
                    .take()
                    .map(|(until, taken)| (until, taken + bytes));
                self.waits.take_if(|(_, taken)| *taken >= LEAST);
                written
            }
            Poll::Ready(Err(_)) => written,
        }
    }

    /// Write as soon as the stream can.
    fn poll_with(
        &mut self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let written = loop {
            match self.stream.poll_write_ready(context) {
                Poll::Pending => break Poll::Pending,
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => break Poll::Ready(written),
            }
        };
        self.paced(context, written)
    }
}

impl Peer {
    /// Until it has closed the connection, or its side of it. What it sent before may still be
    /// unread.
    #[cfg(target_os = "linux")]
    pub(super) async fn has_gone(&self) {
        // Nothing is of priority here, so only the end of what is read makes it ready.
        while let Ok(ready) = self.0.ready(tokio::io::Interest::PRIORITY).await {
            if ready.is_read_closed() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Where it cannot be told from what is unread, no peer has gone.
    #[cfg(not(target_os = "linux"))]
    pub(super) async fn has_gone(&self) {
        std::future::pending().await
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            match self.stream.try_read(buffer.initialize_unfilled()) {
                Ok(bytes) => {
                    buffer.advance(bytes);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_with(context, |stream| stream.try_write_vectored(parts))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// All was written: who asks next waits anew.
    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.waits = None;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream = socket2::SockRef::from(&*self.stream);
        Poll::Ready(stream.shutdown(std::net::Shutdown::Write))
    }
}

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "what a test reads is what it made"
)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.expect("connected"), accepted.expect("accepted").0)
    }

    #[tokio::test]
    async fn an_answer_that_is_not_taken_ends_and_one_that_is_does_not() {
        let content = vec![b'x'; 64 << 20];
        let (client, stream) = pair().await;
        let (mut socket, _peer) = Socket::new(stream);
        socket.window = Duration::from_millis(200);
        let error = socket.write_all(&content).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(client);
        let (mut client, stream) = pair().await;
        let (mut socket, peer) = Socket::new(stream);
        let read = tokio::spawn(async move {
            let mut read = Vec::new();
            client.read_to_end(&mut read).await.map(|_| read.len())
        });
        socket.write_all(&content).await.expect("taken");
        socket.flush().await.expect("taken");
        socket.shutdown().await.expect("its end is said");
        drop(socket);
        drop(peer);
        assert_eq!(read.await.expect("read").expect("read"), content.len());
    }

    #[tokio::test]
    async fn a_peer_that_has_gone_is_noticed_behind_what_it_sent() {
        let (mut client, stream) = pair().await;
        let (mut socket, peer) = Socket::new(stream);
        client.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
        let early = tokio::time::timeout(Duration::from_millis(50), peer.has_gone()).await;
        assert!(early.is_err(), "it is still there");
        drop(client);
        let late = tokio::time::timeout(Duration::from_secs(60), peer.has_gone()).await;
        late.expect("it has gone");
        let mut read = Vec::new();
        socket.read_to_end(&mut read).await.expect("what it sent");
        assert_eq!(read.len(), 16);
    }
}
