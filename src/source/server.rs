//! A web server for tests: it answers on a loopback port of its own what the test tells it, right or wrong.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What to answer to one request.
pub(crate) enum Reply {
    /// A head (status line and header lines, each ended by a line feed) and a body; then the connection is closed.
    Whole(String, Vec<u8>),
    /// A head, and then the same bytes again and again.
    Endless(String, Vec<u8>),
    /// A head and a first part, and then silence.
    Hang(String, Vec<u8>),
}

impl Reply {
    pub(crate) fn ok(body: &[u8]) -> Self {
        let length = body.len();
        Self::Whole(
            format!("HTTP/1.1 200 OK\nContent-Length: {length}\n"),
            body.to_vec(),
        )
    }

    pub(crate) fn status(line: &str) -> Self {
        Self::Whole(format!("HTTP/1.1 {line}\nContent-Length: 0\n"), Vec::new())
    }
}

/// A running server. Its thread lives as long as the test process.
pub(crate) struct Server {
    base: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that answers its n-th request (from 0), whose lines are in the text.
    pub(crate) fn start(answer: impl Fn(usize, &str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let text = request(&stream);
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(text.clone());
                    seen.len() - 1
                };
                let reply = answer(number, &text);
                // A client that goes away is what some tests are about.
                thread::spawn(move || send(stream, reply));
            }
        });
        Self { base, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn request(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    lines.join("\n").to_ascii_lowercase()
}

fn send(mut stream: TcpStream, reply: Reply) -> std::io::Result<()> {
    let (Reply::Whole(head, body) | Reply::Endless(head, body) | Reply::Hang(head, body)) = &reply;
    let head = format!("{head}Connection: close\n\n").replace('\n', "\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    match reply {
        Reply::Whole(..) => Ok(()),
        Reply::Endless(_, body) => loop {
            stream.write_all(&body)?;
        },
        Reply::Hang(..) => {
            // Until the client hangs up.
            std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
        }
    }
}
