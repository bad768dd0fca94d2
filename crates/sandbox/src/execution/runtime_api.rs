//! Lambda's Runtime API for one instance, on loopback. Knows events and answers, not functions.
//!
//! Behaviour: Lambda developer guide, "Using the Lambda runtime API for custom runtimes".

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Request, State};
use axum::http::Response;
use axum::middleware;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::guard;
use crate::protocol::render::{response, with_header};
use crate::wire::{Cut, Wires};

/// The largest answer of a function.
const LARGEST_ANSWER: usize = 6 * 1024 * 1024 + 1024;

/// What a function answered.
#[derive(Debug)]
pub(super) enum Answered {
    Response(Vec<u8>),
    Error(Vec<u8>),
    /// It could not even start.
    InitError(Vec<u8>),
}

/// One event on its way to a function.
#[derive(Debug)]
pub(super) struct Job {
    id: String,
    arn: String,
    payload: Vec<u8>,
    deadline_ms: u128,
    reply: Option<oneshot::Sender<Answered>>,
}

impl Job {
    pub(super) fn new(id: &str, arn: &str, payload: &[u8], timeout: Duration) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            id: id.into(),
            arn: arn.into(),
            payload: payload.to_vec(),
            deadline_ms: (now + timeout).as_millis(),
            reply: None,
        }
    }
}

#[derive(Debug)]
struct Desk {
    jobs: tokio::sync::Mutex<mpsc::UnboundedReceiver<Job>>,
    /// The event that the function works on.
    current: Mutex<Option<(String, oneshot::Sender<Answered>)>>,
    init_error: Mutex<Option<Vec<u8>>>,
}

/// The listener of one instance.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    address: SocketAddr,
    jobs: mpsc::UnboundedSender<Job>,
    desk: Arc<Desk>,
    connections: CancellationToken,
    server: AbortHandle,
}

impl RuntimeApi {
    pub(super) async fn start(idle_timeout: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (jobs, waiting) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk {
            jobs: tokio::sync::Mutex::new(waiting),
            current: Mutex::default(),
            init_error: Mutex::default(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(succeed))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(fail))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::max(LARGEST_ANSWER))
            .layer(middleware::from_fn(in_use))
            .layer(middleware::from_fn_with_state(address.port(), guard::before))
            .with_state(Arc::clone(&desk));
        let connections = CancellationToken::new();
        let wires = Wires::new(listener, connections.clone(), idle_timeout);
        let router = router.into_make_service_with_connect_info::<Cut>();
        let server = tokio::spawn(async move { axum::serve(wires, router).await }).abort_handle();
        Ok(Self { address, jobs, desk, connections, server })
    }

    pub(super) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Hands over an event; completes with the function's answer.
    pub(super) fn send(&self, mut job: Job) -> impl Future<Output = Option<Answered>> + use<> {
        let (reply, answered) = oneshot::channel();
        job.reply = Some(reply);
        let accepted = self.jobs.send(job).is_ok();
        async move { if accepted { answered.await.ok() } else { None } }
    }

    pub(super) fn init_error(&self) -> Option<Vec<u8>> {
        self.desk.init_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.connections.cancel();
        self.server.abort();
    }
}

type Desks = State<Arc<Desk>>;

/// A connection on which the function waits for its next event is not idle.
async fn in_use(ConnectInfo(cut): ConnectInfo<Cut>, request: Request, next: middleware::Next) -> Response<Body> {
    let _busy = cut.busy();
    next.run(request).await
}

async fn next(State(desk): Desks) -> Response<Body> {
    let Some(job) = desk.jobs.lock().await.recv().await else {
        return response(500, "text/plain", "The instance is shutting down.");
    };
    let mut answer = response(200, "application/json", job.payload);
    answer = with_header(answer, "lambda-runtime-aws-request-id", &job.id);
    answer = with_header(answer, "lambda-runtime-deadline-ms", &job.deadline_ms.to_string());
    answer = with_header(answer, "lambda-runtime-invoked-function-arn", &job.arn);
    answer = with_header(
        answer,
        "lambda-runtime-trace-id",
        "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
    );
    if let Some(reply) = job.reply {
        *desk.current.lock().unwrap_or_else(PoisonError::into_inner) = Some((job.id, reply));
    }
    answer
}

fn settle(desk: &Desk, id: &str, answered: Answered) -> Response<Body> {
    let mut current = desk.current.lock().unwrap_or_else(PoisonError::into_inner);
    match current.take() {
        Some((known, reply)) if known == id => {
            // Nobody waits for an answer after the timeout.
            let _ = reply.send(answered);
            response(202, "application/json", r#"{"status":"OK"}"#)
        }
        other => {
            *current = other;
            response(400, "application/json", r#"{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}"#)
        }
    }
}

async fn succeed(State(desk): Desks, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    settle(&desk, &id, Answered::Response(body.to_vec()))
}

async fn fail(State(desk): Desks, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    settle(&desk, &id, Answered::Error(body.to_vec()))
}

async fn init_error(State(desk): Desks, body: Bytes) -> Response<Body> {
    *desk.init_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(body.to_vec());
    let waiting = desk.jobs.lock().await.try_recv().ok().and_then(|job| job.reply);
    if let Some(reply) = waiting {
        let _ = reply.send(Answered::InitError(body.to_vec()));
    }
    response(202, "application/json", r#"{"status":"OK"}"#)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_page_in_a_browser_gets_no_event() {
        let api = RuntimeApi::start(Duration::from_secs(60)).await.expect("a listener");
        let _answer = api.send(Job::new("id", "arn", b"{}", Duration::from_secs(1)));
        let ask = async |headers: &str| {
            let mut stream = TcpStream::connect(api.address).await.expect("a connection");
            let request =
                format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
            stream.write_all(request.as_bytes()).await.expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("an answer");
            answer
        };
        let ours = format!("Host: {}\r\n", api.address);
        for headers in ["Host: evil.example\r\n".to_owned(), format!("{ours}Origin: https://evil.example\r\n")] {
            let answer = ask(&headers).await;
            assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        }
        assert!(ask(&ours).await.contains("lambda-runtime-aws-request-id: id"));
    }
}
