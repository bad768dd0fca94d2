//! A server on loopback that answers as a test says, with or without TLS, and notes what it was asked.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a server does with a request.
pub(crate) enum Reply {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// These bytes, then the same part over and over.
    Endless(Vec<u8>, Vec<u8>),
    /// Nothing, for ever.
    Silence,
    /// Bytes to and from another address, after this line.
    Tunnel(SocketAddr),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves until the test's process ends.
    pub(crate) fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(None, answer)
    }

    /// The same behind TLS.
    pub(crate) fn with(
        tls: Option<Arc<rustls::ServerConfig>>,
        answer: impl Fn(&str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, noted) = (Arc::new(answer), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, noted, tls) = (Arc::clone(&answer), Arc::clone(&noted), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(stream.try_clone().unwrap(), Some(stream), &*answer, &noted),
                    Some(tls) => {
                        let connection = rustls::ServerConnection::new(tls).unwrap();
                        serve(rustls::StreamOwned::new(connection, stream), None, &*answer, &noted)
                    }
                });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far, each with its head and body.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: impl Read + Write,
    plain: Option<TcpStream>,
    answer: &dyn Fn(&str) -> Reply,
    noted: &Mutex<Vec<String>>,
) -> Option<()> {
    loop {
        let request = request(&mut stream)?;
        noted.lock().unwrap().push(request.clone());
        match answer(&request) {
            Reply::Bytes(bytes) => {
                stream.write_all(&bytes).ok()?;
                stream.flush().ok()?;
                if !bytes.starts_with(b"HTTP/1.1 2") {
                    return None;
                }
            }
            Reply::Endless(first, part) => {
                stream.write_all(&first).ok()?;
                loop {
                    stream.write_all(&part).ok()?;
                }
            }
            Reply::Silence => loop {
                std::thread::park();
            },
            Reply::Tunnel(to) => {
                let mut plain = plain?;
                let mut target = TcpStream::connect(to).ok()?;
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
                let (mut back, mut forth) = (target.try_clone().ok()?, plain.try_clone().ok()?);
                std::thread::spawn(move || std::io::copy(&mut back, &mut forth));
                std::io::copy(&mut plain, &mut target).ok()?;
                return None;
            }
        }
    }
}

/// The head of a request and the body that it announces.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

/// A whole answer.
pub(crate) fn http(status: &str, headers: &str, body: &str) -> Reply {
    let length = body.len();
    Reply::Bytes(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes())
}

/// STS's answer to who is calling.
pub(crate) fn identity(account: &str) -> Reply {
    http(
        "200 OK",
        "Content-Type: text/xml\r\nx-amzn-RequestId: 1\r\n",
        &format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{account}:user/you</Arn><UserId>AIDA</UserId><Account>{account}</Account>\
             </GetCallerIdentityResult></GetCallerIdentityResponse>"
        ),
    )
}
