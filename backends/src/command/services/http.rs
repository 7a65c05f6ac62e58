//! HTTP/1.1 (RFC 9112), as much of it as serves one page: `GET` and `HEAD`, one request per
//! connection. `/` is the page, `/stats` the same as JSON.

use bytes::{Bytes, BytesMut};
use tickwire_backends::driver::Context;
use tickwire_backends::tables;

use super::page;
use super::stream::{Handler, Input, Next, Output, Stream};

/// The longest request head, in bytes; a longer one is answered with 431 (RFC 6585 section 5).
const HEAD_MAX: usize = 8 * 1024;

/// The service, with what it counts itself.
#[derive(Default)]
pub(super) struct Http {
    pages: u64,
}

/// How far a connection is.
pub(super) enum Progress {
    /// The request's head so far.
    Reading(BytesMut),
    /// What is left of the response.
    Writing(Bytes),
    /// All is sent; the peer is waited for.
    Draining,
}

impl Handler for Http {
    type Progress = Progress;

    fn open(&mut self) -> Progress {
        Progress::Reading(BytesMut::new())
    }

    fn go_on(&mut self, stream: &mut Stream<'_, '_>, progress: &mut Progress) -> Next {
        loop {
            match progress {
                Progress::Reading(head) => match stream.read() {
                    Input::Data(data) => {
                        head.extend_from_slice(&data);
                        if let Some(response) = self.respond(stream.context, head) {
                            *progress = Progress::Writing(response);
                        }
                    }
                    Input::Nothing => return Next::Wait,
                    Input::End | Input::Gone => return Next::Close,
                },
                Progress::Writing(response) => match stream.write(response) {
                    Output::Done => {
                        stream.finish();
                        *progress = Progress::Draining;
                    }
                    Output::Full => return Next::Wait,
                    Output::Gone => return Next::Close,
                },
                Progress::Draining => return stream.drain(),
            }
        }
    }
}

impl Http {
    /// The response, once the head is complete; `None` before.
    fn respond(&mut self, context: &Context<'_>, head: &[u8]) -> Option<Bytes> {
        let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else {
            return (head.len() > HEAD_MAX).then(|| response("431 Request Header Fields Too Large", TEXT, "", false));
        };
        let request = match parse(head.get(..end).unwrap_or_default()) {
            Ok(request) => request,
            Err(status) => return Some(response(status, TEXT, &format!("{status}\n"), false)),
        };
        self.pages += 1;
        let head_only = request.head_only;
        Some(match request.path {
            "/" => response("200 OK", "text/html; charset=utf-8", &page::render(context, self.pages), head_only),
            "/stats" => {
                let json = tables::stats(context.stack);
                response("200 OK", "application/json", &format!("{json:#}\n"), head_only)
            }
            _ => response("404 Not Found", TEXT, "There is / and /stats.\n", head_only),
        })
    }
}

const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Debug, PartialEq, Eq)]
struct Request<'a> {
    path: &'a str,
    head_only: bool,
}

/// Reads the request line (RFC 9112 section 3); the status to answer with if it is none.
fn parse(head: &[u8]) -> Result<Request<'_>, &'static str> {
    let head = std::str::from_utf8(head).map_err(|_| "400 Bad Request")?;
    let line = head.lines().next().unwrap_or_default();
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("400 Bad Request");
    };
    if !version.starts_with("HTTP/1.") {
        return Err("505 HTTP Version Not Supported");
    }
    if !matches!(method, "GET" | "HEAD") {
        return Err("405 Method Not Allowed");
    }
    let path = target.split('?').next().unwrap_or_default();
    Ok(Request { path, head_only: method == "HEAD" })
}

fn response(status: &str, content_type: &str, body: &str, head_only: bool) -> Bytes {
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let len = body.len();
    let sent = if head_only { "" } else { body };
    Bytes::from(format!(
        "HTTP/1.1 {status}\r\n{allow}Content-Type: {content_type}\r\nContent-Length: {len}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n{sent}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_or_refused_with_the_right_status() {
        let request = |path, head_only| Ok(Request { path, head_only });
        assert_eq!(parse(b"GET / HTTP/1.1\r\nHost: x"), request("/", false));
        assert_eq!(parse(b"HEAD /stats?a=b HTTP/1.0"), request("/stats", true));
        assert_eq!(parse(b"POST / HTTP/1.1"), Err("405 Method Not Allowed"));
        assert_eq!(parse(b"GET / HTTP/2"), Err("505 HTTP Version Not Supported"));
        for bad in [&b""[..], b"GET /", b"GET  / HTTP/1.1", b"GET / a HTTP/1.1", b"\xff\xfe / HTTP/1.1"] {
            assert_eq!(parse(bad), Err("400 Bad Request"), "{bad:?}");
        }
    }

    #[test]
    fn a_head_request_gets_the_length_and_no_body() {
        let whole = response("200 OK", TEXT, "four", false);
        let head = response("200 OK", TEXT, "four", true);
        assert!(whole.starts_with(&head) && whole.ends_with(b"\r\n\r\nfour"));
        assert!(String::from_utf8_lossy(&head).contains("Content-Length: 4\r\n"));
    }
}
