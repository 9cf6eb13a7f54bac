//! A load generator: one thread that keeps many connections busy, so that it uses little of the cores that it shares
//! with the service.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, EventData, EventFlags},
    },
    fd::OwnedFd,
};
use serde::{Deserialize, Serialize};

use super::client::Head;
use crate::measure::on_core;

/// The measurements of one load.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Load {
    pub connections: usize,
    /// The target rate in requests per second; `None` for as many as possible.
    pub aimed: Option<f64>,
    /// Requests per second that were answered 200, after warming up.
    pub answered: f64,
    /// Median latency in microseconds. At a fixed rate, latency counts from when the request was due, not from when it
    /// could be sent.
    pub p50: f64,
    pub p99: f64,
    pub most: f64,
    /// Answers other than 200, and connections that broke.
    pub failures: usize,
    /// All requests that were answered 200, including while warming up.
    pub total: usize,
    /// Number of cores that this client kept busy.
    pub client_cores: f64,
}

/// The plan for loading a service.
#[derive(Debug, Clone, Copy)]
pub struct LoadPlan {
    pub connections: usize,
    /// Requests per second; `None`: each connection sends the next request as soon as it has its answer.
    pub rate: Option<f64>,
    /// Time at the start that is not counted.
    pub warm: Duration,
    /// Time after warming up, which is counted.
    pub time: Duration,
}

/// How long to wait for answers that are still due at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Loads the service at `to` with `requests`, over and over.
///
/// # Errors
/// When no connection can be made.
pub fn run(to: SocketAddr, requests: &[Vec<u8>], plan: &LoadPlan) -> Result<Load, String> {
    let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(|error| error.to_string())?;
    let lanes = (0..plan.connections).map(|number| Lane::open(to, &epoll, number));
    let mut lanes = lanes.collect::<Result<Vec<_>, _>>()?;
    let mut idle: Vec<usize> = (0..plan.connections).rev().collect();
    let (start, mut core) = (Instant::now(), on_core());
    let (counting, end) = (start + plan.warm, start + plan.warm + plan.time);
    let (mut sent, mut load) = (0, Load { connections: plan.connections, aimed: plan.rate, ..Load::default() });
    let (mut took, mut warm) = (Vec::new(), false);
    let mut ready = Vec::with_capacity(plan.connections);
    loop {
        let now = Instant::now();
        if now >= counting && !warm {
            (core, warm) = (on_core(), true);
        }
        while let Some(number) = idle.last().copied() {
            let due = plan.rate.map_or(now, |rate| start + Duration::from_secs_f64(sent as f64 / rate));
            if due > now || due >= end {
                break;
            }
            idle.pop();
            lanes[number].due = due;
            if lanes[number].stream.write_all(&requests[sent % requests.len()]).is_err() {
                load.failures += 1;
                lanes[number] = Lane::open(to, &epoll, number)?;
                idle.push(number);
            }
            sent += 1;
        }
        let all_answered = idle.len() == lanes.len();
        if (now >= end && all_answered) || now > end + PATIENCE {
            load.failures += lanes.len() - idle.len();
            break;
        }
        let due =
            plan.rate.filter(|_| !idle.is_empty()).map(|rate| start + Duration::from_secs_f64(sent as f64 / rate));
        let until = due.filter(|due| *due < end).unwrap_or(if now < end { end } else { end + PATIENCE });
        wait(&epoll, &mut ready, until)?;
        for number in ready.drain(..) {
            match lanes[number].receive() {
                Received::Part => continue,
                Received::Whole(200) => {
                    let done = Instant::now();
                    load.total += 1;
                    if done >= counting && done < end {
                        took.push(done.duration_since(lanes[number].due).as_secs_f64() * 1e6);
                    }
                }
                Received::Whole(_) => load.failures += 1,
                Received::Broken => {
                    load.failures += 1;
                    lanes[number] = Lane::open(to, &epoll, number)?;
                }
            }
            idle.push(number);
        }
    }
    let passed = start.elapsed().saturating_sub(plan.warm).as_secs_f64();
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took.get((took.len().saturating_sub(1) as f64 * share) as usize).copied().unwrap_or(0.0);
    Ok(Load {
        answered: took.len() as f64 / plan.time.as_secs_f64(),
        p50: at(0.5),
        p99: at(0.99),
        most: at(1.0),
        client_cores: (on_core() - core).as_secs_f64() / passed,
        ..load
    })
}

/// Puts the numbers of the connections that have something to read into `ready`; returns at `until` at the latest.
fn wait(epoll: &OwnedFd, ready: &mut Vec<usize>, until: Instant) -> Result<(), String> {
    let left = until.saturating_duration_since(Instant::now());
    let timeout =
        Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: i64::from(left.subsec_nanos()) };
    let mut events = Vec::with_capacity(ready.capacity().max(1));
    match epoll::wait(epoll, spare_capacity(&mut events), Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.to_string()),
    }
    ready.extend(events.iter().map(|event| event.data.u64() as usize));
    Ok(())
}

/// One connection with at most one request in progress.
struct Lane {
    stream: TcpStream,
    /// When the request in progress was due.
    due: Instant,
    /// The part of the answer that has arrived.
    read: Vec<u8>,
}

enum Received {
    Part,
    /// The whole answer has arrived, with this status.
    Whole(u16),
    Broken,
}

impl Lane {
    fn open(to: SocketAddr, epoll: &OwnedFd, number: usize) -> Result<Self, String> {
        let fail = |error: std::io::Error| error.to_string();
        let stream = TcpStream::connect_timeout(&to, Duration::from_secs(5)).map_err(fail)?;
        stream.set_nodelay(true).map_err(fail)?;
        stream.set_nonblocking(true).map_err(fail)?;
        epoll::add(epoll, &stream, EventData::new_u64(number as u64), EventFlags::IN)
            .map_err(|error| error.to_string())?;
        Ok(Self { stream, due: Instant::now(), read: Vec::with_capacity(4096) })
    }

    fn receive(&mut self) -> Received {
        let mut part = [0; 8192];
        match self.stream.read(&mut part) {
            Ok(0) => return Received::Broken,
            Ok(count) => self.read.extend_from_slice(&part[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Received::Part;
            }
            Err(_) => return Received::Broken,
        }
        match Head::read(&self.read) {
            Some(head) if self.read.len() >= head.length + head.body => {
                self.read.clear();
                Received::Whole(head.status)
            }
            _ => Received::Part,
        }
    }
}
