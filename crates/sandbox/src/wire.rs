//! Connections that can be cut, and are when nobody uses them. Owns the listener; HTTP is axum's business, and what is
//! served is the server's.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A listener each of whose connections can be cut, alone or all at once.
#[derive(Debug)]
pub(crate) struct Wires {
    listener: TcpListener,
    /// Cuts every connection.
    all: CancellationToken,
    idle_timeout: Duration,
}

impl Wires {
    pub(crate) fn new(listener: TcpListener, all: CancellationToken, idle_timeout: Duration) -> Self {
        Self { listener, all, idle_timeout }
    }
}

/// What a connection is used for: requests under way, and when the last one began or ended.
#[derive(Debug)]
struct Use {
    requests: usize,
    last: Instant,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    cut: Cut,
    severed: Pin<Box<WaitForCancellationFutureOwned>>,
    idle_timeout: Duration,
    idle: Pin<Box<Sleep>>,
}

/// What a request handler holds of its connection.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    token: CancellationToken,
    used: Arc<Mutex<Use>>,
}

/// A request under way: its connection is not idle until this is dropped.
#[derive(Debug)]
pub(crate) struct Busy(Cut);

impl Cut {
    /// Closes the connection: nothing more is read from it or written to it.
    pub(crate) fn sever(&self) {
        self.token.cancel();
    }

    /// Marks the connection as in use.
    pub(crate) fn busy(&self) -> Busy {
        self.note(|requests| requests + 1);
        Busy(self.clone())
    }

    fn note(&self, change: fn(usize) -> usize) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        *used = Use { requests: change(used.requests), last: Instant::now() };
    }

    /// When the connection is idle for too long, if nothing else happens on it.
    fn deadline(&self, idle_timeout: Duration) -> Instant {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let since = if used.requests > 0 { Instant::now() } else { used.last };
        since + idle_timeout
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.note(|requests| requests.saturating_sub(1));
    }
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    let _ = stream.set_nodelay(true);
                    let token = self.all.child_token();
                    let severed = Box::pin(token.clone().cancelled_owned());
                    let used = Arc::new(Mutex::new(Use { requests: 0, last: Instant::now() }));
                    let (cut, idle_timeout) = (Cut { token, used }, self.idle_timeout);
                    let idle = Box::pin(sleep_until(Instant::now() + idle_timeout));
                    return (Wire { stream, cut, severed, idle_timeout, idle }, address);
                }
                // Out of file descriptors, say: another connection's end is the only cure.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Wires>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().cut.clone()
    }
}

impl Wire {
    /// Whether it was cut, or nobody has used it for too long.
    fn broken(&mut self, context: &mut Context<'_>) -> bool {
        if self.severed.as_mut().poll(context).is_ready() {
            return true;
        }
        while self.idle.as_mut().poll(context).is_ready() {
            let deadline = self.cut.deadline(self.idle_timeout);
            if deadline <= Instant::now() {
                return true;
            }
            self.idle.as_mut().reset(deadline);
        }
        false
    }
}

fn reset() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.broken(context) {
            return Poll::Ready(Err(reset()));
        }
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.broken(context) {
            return Poll::Ready(Err(reset()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
