//! One connection that sends a request and waits for its answer, for everything that is not measured.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// One connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When no server listens.
    pub fn open(to: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect_timeout(&to, Duration::from_secs(5)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(|error| error.to_string())?;
        Ok(Self { stream: BufReader::with_capacity(16 * 1024, stream) })
    }

    /// Sends a whole request and reads the whole answer: its status and its body.
    ///
    /// # Errors
    /// When the connection breaks or the answer has no length.
    pub fn ask(&mut self, request: &[u8]) -> Result<(u16, Vec<u8>), String> {
        self.stream.get_mut().write_all(request).map_err(|error| error.to_string())?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let read = self.stream.read_until(b'\n', &mut head).map_err(|error| error.to_string())?;
            if read == 0 {
                return Err("the connection was closed".to_owned());
            }
        }
        let head = Head::read(&head).ok_or("the answer has no length")?;
        let mut body = vec![0; head.body];
        self.stream.read_exact(&mut body).map_err(|error| error.to_string())?;
        Ok((head.status, body))
    }
}

/// The relevant parts of an answer's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// Bytes of the head, the empty line included.
    pub length: usize,
    /// Bytes of the body.
    pub body: usize,
}

impl Head {
    /// The head at the beginning of `bytes`; `None` if it is incomplete, is not HTTP/1.1 or does not state the body's
    /// length.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text = std::str::from_utf8(&bytes[..length]).ok()?;
        let mut lines = text.lines();
        let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
        let mut fields = lines.filter_map(|line| line.split_once(':'));
        let (_, body) = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
        Some(Self { status, length, body: body.trim().parse().ok()? })
    }
}

/// The bytes of a POST of JSON.
pub fn post(path: &str, token: Option<&str>, body: &str) -> Vec<u8> {
    let bearer = token.map_or(String::new(), |token| format!("authorization: Bearer {token}\r\n"));
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\n{bearer}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The bytes of a GET.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nx: y\r\n\r\n{}";
        assert_eq!(Head::read(whole), Some(Head { status: 200, length: whole.len() - 2, body: 12 }));
        assert_eq!(Head::read(&whole[..whole.len() - 4]), None);
        assert_eq!(Head::read(b"HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
