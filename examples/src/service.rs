//! An asynchronous echo service and its client, generic over what drives their stack: a driver with devices and a
//! clock, or a simulator. They know of neither.

use std::io;
use std::net::SocketAddr;

use tickwire_backends::async_net::{TcpListener, TcpStream};
use tickwire_backends::sockets::Handle;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};

/// Sends back all that arrives on each connection to `address`, until its peer has sent all. Does not end by itself.
///
/// # Errors
///
/// It cannot listen there, or no longer.
pub async fn serve<H: Handle>(handle: H, address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(&handle, address)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // What goes wrong on one connection ends that one only.
        tokio::spawn(echo(stream));
    }
}

async fn echo<H: Handle>(mut stream: TcpStream<H>) -> io::Result<u64> {
    let (mut reading, mut writing) = stream.split();
    let len = copy(&mut reading, &mut writing).await?;
    writing.shutdown().await?;
    Ok(len)
}

/// Sends `text` to a server that echoes, and returns what comes back.
///
/// # Errors
///
/// As connecting, writing and reading.
pub async fn ask<H: Handle>(handle: H, address: SocketAddr, text: &str) -> io::Result<String> {
    let stream = TcpStream::connect(&handle, address).await?;
    stream.set_nodelay(true)?;
    let (mut reading, mut writing) = stream.into_split();
    let mut answer = String::new();
    let asking = async {
        writing.write_all(text.as_bytes()).await?;
        writing.shutdown().await
    };
    // At once, for what comes back may be more than both ends hold.
    tokio::try_join!(asking, reading.read_to_string(&mut answer))?;
    Ok(answer)
}
