//! A small web server: answers every request, with success unless its path begins with another status (`/500`), and tells
//! what was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::DEADLINE;
use anyhow::{Context as _, Result};

/// The longest body that is read, in bytes.
const BODY_BYTES_MAX: usize = 4096;

/// The server; its thread ends with the process.
#[derive(Debug)]
pub struct Server {
    /// Where it listens, on the loopback interface.
    pub port: u16,
    requests: Receiver<String>,
}

impl Server {
    /// Starts it on a free port.
    ///
    /// # Errors
    ///
    /// If the system has none.
    pub fn start() -> Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // One that breaks off is not told of: the gesture then waits for nothing, and says so.
                let _ = answer(stream, &sender);
            }
        });
        Ok(Server { port, requests })
    }

    /// The next request: its first line and its body.
    ///
    /// # Errors
    ///
    /// If none comes.
    pub fn next(&self) -> Result<String> {
        self.requests.recv_timeout(DEADLINE).context("no request came to the web server")
    }
}

fn answer(stream: TcpStream, sender: &Sender<String>) -> Result<()> {
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut reader = BufReader::new(&stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>()?.min(BODY_BYTES_MAX);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked = first.trim().trim_end_matches(" HTTP/1.1");
    sender.send(format!("{asked} {}", String::from_utf8_lossy(&body)))?;
    let path = asked.split(['/', '?', ' ']).nth(2).unwrap_or_default();
    let status = path.parse::<u16>().unwrap_or(200);
    let answer = format!("HTTP/1.1 {status} So be it\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    (&stream).write_all(answer.as_bytes())?;
    Ok(())
}
