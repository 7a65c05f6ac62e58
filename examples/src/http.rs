//! An HTTP service and a client, on axum and hyper as they are, generic over what drives their stack.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::{Method, Request, StatusCode};
use axum::routing::{get, post};
use bytes::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::rt::Timer;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tickwire_backends::async_net::{TcpListener, TcpStream};
use tickwire_backends::sockets::Handle;

/// What a client may come across.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The most that the client takes for an answer.
const ANSWER_MAX: usize = 1 << 20;

/// `GET /` says hello, `GET /numbers/COUNT` counts, a line each, and `POST /reverse` sends its body back, last byte first.
pub fn router() -> Router {
    Router::new()
        .route("/", get(async || "hello\n"))
        .route("/numbers/{count}", get(numbers))
        .route("/reverse", post(reverse))
}

async fn numbers(Path(count): Path<u32>) -> String {
    (0..count).flat_map(|number| [number.to_string(), "\n".to_owned()]).collect()
}

async fn reverse(body: Bytes) -> Vec<u8> {
    body.iter().rev().copied().collect()
}

/// Serves `router` at `address`. Does not end by itself.
///
/// There is no `Date` header, for hyper takes it from the system's clock, which in a simulation tells the runs apart.
///
/// # Errors
///
/// It cannot listen there, or no longer.
pub async fn serve<H, T>(handle: H, address: SocketAddr, router: Router, timer: T) -> io::Result<()>
where
    H: Handle,
    T: Timer + Clone + Send + Sync + 'static,
{
    let listener = TcpListener::bind(&handle, address)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let mut http = http1::Builder::new();
        http.timer(timer.clone()).header_read_timeout(Duration::from_secs(10)).auto_date_header(false);
        // What goes wrong on one connection ends that one only.
        tokio::spawn(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone())));
    }
}

/// A client with a connection that is kept.
pub struct Client(SendRequest<Body>);

impl Client {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// As connecting.
    pub async fn connect<H: Handle>(handle: &H, address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(handle, address).await?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // Its end is told to whoever sends a request.
        tokio::spawn(connection);
        Ok(Client(sender))
    }

    /// Asks for `path`, with `body`; returns the whole answer.
    ///
    /// # Errors
    ///
    /// The connection failed, or the answer is larger than a mebibyte.
    pub async fn request(&mut self, method: Method, path: &str, body: Bytes) -> Result<(StatusCode, Bytes)> {
        let request = Request::builder().method(method).uri(path).header("host", "server").body(Body::from(body))?;
        self.0.ready().await?;
        let (head, body) = self.0.send_request(request).await?.into_parts();
        Ok((head.status, to_bytes(Body::new(body), ANSWER_MAX).await?))
    }
}
