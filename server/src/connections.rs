//! Accepting connections and answering the requests on them, within limits: how many there are, how long a caller may take to
//! send the head of a request, and how long an answer may wait to be read. Bodies have limits of their own where they are
//! read.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{Extension, Router, extract::ConnectInfo};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, Sleep, sleep, sleep_until, timeout},
};
use tower::Layer;

/// Maximum connections at the same time, as far as the system allows; more wait until one is closed. Half of them are for
/// one source: it takes no place from the others.
const CONNECTIONS: usize = 4_096;
/// Open files for everything else: connections to the database, buffers, what is read from the disk.
const OTHER_FILES: usize = 512;
/// Connections that are allowed however few files may be open.
const AT_LEAST: usize = 64;
/// Time for the head of a request, and for a connection between two requests.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
/// Bytes by which it is known which version of HTTP the other end speaks. From then on the time of a head is measured where
/// heads are read.
const PREFACE: usize = 24;
/// How long the other end may take none of an answer.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// The pause after an error of the listener, such as too many open files.
const AFTER_ERROR: Duration = Duration::from_millis(200);

/// Answers every connection to `listener` with `service`, until `stop` turns true; then waits until the requests under way
/// are answered, at most `patience`. Returns whether all were.
pub async fn serve(listener: TcpListener, service: Router, stop: watch::Receiver<bool>, patience: Duration) -> bool {
    serve_within(Places::new(allowed()), listener, service, stop, patience).await
}

async fn serve_within(
    places: Places,
    listener: TcpListener,
    service: Router,
    stop: watch::Receiver<bool>,
    patience: Duration,
) -> bool {
    let mut over = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = over.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((connection, address, Some(place))) => {
                let (service, stop) = (service.clone(), stop.clone());
                tokio::spawn(async move {
                    answer(connection, address, service, stop).await;
                    drop(place);
                });
            }
            Ok((_, address, None)) => tracing::debug!(%address, "a source has too many connections"),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(AFTER_ERROR).await;
            }
        }
    }
    drop(listener);
    // All places are free once every connection is closed.
    let all = u32::try_from(places.most).unwrap_or(u32::MAX);
    timeout(patience, places.free.acquire_many(all)).await.is_ok()
}

/// How many connections the system allows, once it was asked for as many as are wanted.
fn allowed() -> usize {
    let wanted = (CONNECTIONS + OTHER_FILES) as u64;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
        if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current, ..limit }) {
            tracing::debug!(%error, "no more files may be open");
        }
    }
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
    files.saturating_sub(OTHER_FILES).clamp(AT_LEAST, CONNECTIONS)
}

/// The places for connections.
struct Places {
    most: usize,
    free: Arc<Semaphore>,
    /// How many each source has.
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place, until it is dropped.
struct Place {
    source: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _free: OwnedSemaphorePermit,
}

impl Places {
    fn new(most: usize) -> Self {
        Self { most, free: Arc::new(Semaphore::new(most)), taken: Arc::default() }
    }

    /// The place for a connection; `None` when its source has half of all places already.
    fn take(&self, address: IpAddr, free: OwnedSemaphorePermit) -> Option<Place> {
        let source = source(address);
        let mut taken = lock(&self.taken);
        let own = taken.entry(source).or_default();
        if *own >= self.most / 2 {
            return None;
        }
        *own += 1;
        Some(Place { source, taken: Arc::clone(&self.taken), _free: free })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(own) = taken.get_mut(&self.source) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.source);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An IPv4 address, or the /64 of an IPv6 address, of which one customer has all the rest.
fn source(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address => address,
    }
}

async fn accept(listener: &TcpListener, places: &Places) -> io::Result<(TcpStream, SocketAddr, Option<Place>)> {
    let free = Arc::clone(&places.free).acquire_owned().await.map_err(io::Error::other)?;
    let (connection, address) = listener.accept().await?;
    Ok((connection, address, places.take(address.ip(), free)))
}

/// Answers the requests on one connection.
async fn answer(connection: TcpStream, address: SocketAddr, service: Router, mut stop: watch::Receiver<bool>) {
    // Answers are small and must not wait to be sent together (Nagle's algorithm).
    if let Err(error) = connection.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let service = Extension(ConnectInfo(address)).layer(service);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD_WITHIN);
    let connection = TokioIo::new(TimedConnection::new(connection));
    let mut connection = pin!(builder.serve_connection(connection, TowerToHyperService::new(service)));
    let stops = async move {
        // An error means that the sender is gone, which is as good as a signal.
        let _stopped = stop.wait_for(|stop| *stop).await.is_ok();
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stops => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection broke off");
    }
}

/// A connection that breaks when the other end says too little at the beginning, or takes nothing of an answer for too long.
struct TimedConnection {
    connection: TcpStream,
    /// Bytes that came so far, up to [`PREFACE`].
    came: usize,
    /// Ends when the first bytes should have come.
    first: Pin<Box<Sleep>>,
    patience: Duration,
    /// Runs while something waits to be taken.
    limit: Pin<Box<Sleep>>,
    waits: bool,
}

impl TimedConnection {
    fn new(connection: TcpStream) -> Self {
        let first = Box::pin(sleep_until(Instant::now() + HEAD_WITHIN));
        let limit = Box::pin(sleep_until(Instant::now() + READ_WITHIN));
        Self { connection, came: 0, first, patience: READ_WITHIN, limit, waits: false }
    }

    /// `done`, unless it has been pending for too long.
    fn within<T>(&mut self, context: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.waits = false;
            return done;
        }
        if !self.waits {
            self.waits = true;
            self.limit.as_mut().reset(Instant::now() + self.patience);
        }
        ready!(self.limit.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads the answer")))
    }
}

impl AsyncRead for TimedConnection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let done = Pin::new(&mut self.connection).poll_read(context, into);
        if self.came >= PREFACE {
            return done;
        }
        self.came += into.filled().len() - before;
        if done.is_ready() {
            return done;
        }
        ready!(self.first.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "no request came")))
    }
}

impl AsyncWrite for TimedConnection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.connection).poll_write(context, from);
        self.within(context, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.connection).poll_flush(context);
        self.within(context, done)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.connection).poll_write_vectored(context, from);
        self.within(context, done)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn one_source_has_half_of_the_places_and_gives_them_back() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let service = Router::new().route("/", get(|| async { "here" }));
        let server = tokio::spawn(serve_within(Places::new(4), listener, service, stopped, Duration::from_secs(20)));
        let answered = async |connection: &mut TcpStream| {
            connection.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.ok();
            let mut text = vec![0; 4096];
            let read = timeout(Duration::from_secs(20), connection.read(&mut text)).await.unwrap().unwrap_or(0);
            String::from_utf8_lossy(&text[..read]).contains("here")
        };
        let (mut one, mut other) =
            (TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap());
        assert!(answered(&mut one).await && answered(&mut other).await);
        assert!(!answered(&mut TcpStream::connect(address).await.unwrap()).await, "a third one");
        drop(one);
        sleep(Duration::from_millis(200)).await;
        assert!(answered(&mut TcpStream::connect(address).await.unwrap()).await);
        stop.send_replace(true);
        assert!(server.await.unwrap(), "idle connections do not hold up the stop");
    }

    #[test]
    fn a_source_is_an_address_or_the_network_of_a_customer() {
        for (address, of) in
            [("10.0.0.7", "10.0.0.7"), ("::ffff:10.0.0.7", "10.0.0.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
        {
            assert_eq!(source(address.parse().unwrap()), of.parse::<IpAddr>().unwrap());
        }
        assert!((AT_LEAST..=CONNECTIONS).contains(&allowed()));
    }

    #[tokio::test]
    async fn a_connection_on_which_nothing_or_too_little_comes_breaks() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for sent in ["", "PRI * HTT"] {
            let mut other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            other.write_all(sent.as_bytes()).await.unwrap();
            let (connection, _) = listener.accept().await.unwrap();
            let first = Box::pin(sleep(Duration::from_millis(50)));
            let mut timed = Box::pin(TimedConnection { first, ..TimedConnection::new(connection) });
            let mut much = vec![0; 1024];
            let error = loop {
                match timeout(Duration::from_secs(20), timed.read(&mut much)).await.unwrap() {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{sent}");
        }
    }

    #[tokio::test]
    async fn a_connection_whose_other_end_reads_nothing_breaks() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _other = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (connection, _) = listener.accept().await.unwrap();
        let mut timed =
            Box::pin(TimedConnection { patience: Duration::from_millis(50), ..TimedConnection::new(connection) });
        let much = vec![0; 64 * 1024 * 1024];
        let error = timeout(Duration::from_secs(20), timed.write_all(&much)).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
