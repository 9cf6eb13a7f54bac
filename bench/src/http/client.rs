//! A load generator: threads that each keep one connection, with nothing between them and the socket.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// What a load showed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Load {
    pub connections: usize,
    /// Requests a second that were aimed at; none: as many as go.
    pub aimed: Option<f64>,
    /// Requests a second that were answered.
    pub answered: f64,
    /// Microseconds. With a rate they count from when the request was due, not from when it could be sent.
    pub p50: f64,
    pub p99: f64,
    pub most: f64,
    pub failures: usize,
    /// Cores that this client kept busy.
    pub client_cores: f64,
}

/// One connection.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
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
        let (mut line, mut status, mut length) = (String::new(), 0, None);
        loop {
            line.clear();
            let read = self.stream.read_line(&mut line).map_err(|error| error.to_string())?;
            let header = line.trim_end();
            if read == 0 {
                return Err("the connection was closed".to_owned());
            } else if header.is_empty() {
                break;
            } else if let Some(rest) = header.strip_prefix("HTTP/1.1 ") {
                status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
            } else if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.ok_or("the answer has no length")?];
        self.stream.read_exact(&mut body).map_err(|error| error.to_string())?;
        Ok((status, body))
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

/// Keeps `connections` busy for `time`, at `rate` requests a second if there is one. Requests are rotated.
pub fn load(to: SocketAddr, requests: &[Vec<u8>], connections: usize, rate: Option<f64>, time: Duration) -> Load {
    let all = Mutex::new((Vec::new(), 0));
    let (start, core) = (Instant::now(), clock_gettime(ClockId::ProcessCPUTime));
    thread::scope(|scope| {
        for number in 0..connections {
            let all = &all;
            scope.spawn(move || {
                let shown = one(to, requests, number, connections, rate, start, time);
                let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                all.0.extend(shown.0);
                all.1 += shown.1;
            });
        }
    });
    let passed = start.elapsed().as_secs_f64();
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let busy = (now.tv_sec - core.tv_sec) as f64 + (now.tv_nsec - core.tv_nsec) as f64 / 1e9;
    let (mut took, failures) = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took.get((took.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(0.0);
    Load {
        connections,
        aimed: rate,
        answered: took.len() as f64 / passed,
        p50: at(0.5),
        p99: at(0.99),
        most: at(1.0),
        failures,
        client_cores: busy / passed,
    }
}

/// One connection's share: microseconds of each answer, and failures.
fn one(
    to: SocketAddr,
    requests: &[Vec<u8>],
    number: usize,
    connections: usize,
    rate: Option<f64>,
    start: Instant,
    time: Duration,
) -> (Vec<f64>, usize) {
    let Ok(mut connection) = Connection::open(to) else { return (Vec::new(), 1) };
    let (mut took, mut failures) = (Vec::new(), 0);
    for turn in 0.. {
        let serial = turn * connections + number;
        let due = match rate {
            Some(rate) => start + Duration::from_secs_f64(serial as f64 / rate),
            None => Instant::now(),
        };
        if due.duration_since(start) >= time {
            break;
        }
        if let Some(early) = due.checked_duration_since(Instant::now()) {
            thread::sleep(early);
        }
        match connection.ask(&requests[serial % requests.len()]) {
            Ok((200, _)) => took.push(due.elapsed().as_secs_f64() * 1e6),
            Ok(_) => failures += 1,
            Err(_) => {
                failures += 1;
                match Connection::open(to) {
                    Ok(fresh) => connection = fresh,
                    Err(_) => break,
                }
            }
        }
    }
    (took, failures)
}
