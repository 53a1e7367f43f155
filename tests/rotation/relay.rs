//! A byte relay in front of a server without TLS: it sees the function's statements and breaks in at one of them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// When the relay breaks in.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// The server never sees the statement.
    Before,
    /// The server has carried the statement out and answered; the answer is not passed on.
    After,
}

/// What the relay does once, at the first statement that holds this text. The connection ends there.
pub struct Strike {
    pub statement: &'static str,
    pub when: When,
    pub hook: Box<dyn FnOnce() + Send>,
}

/// The relay. It ends when dropped.
pub struct Relay {
    port: u16,
    armed: Armed,
    over: Arc<AtomicBool>,
}

type Armed = Arc<Mutex<Option<Strike>>>;

impl Relay {
    /// Starts a relay to a port of loopback.
    pub fn start(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (armed, over) = (Armed::default(), Arc::new(AtomicBool::new(false)));
        let relay = Self { port, armed: Arc::clone(&armed), over: Arc::clone(&over) };
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let armed = Arc::clone(&armed);
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).unwrap();
                std::thread::spawn(move || Pair { client, server, armed }.forward());
            }
        });
        relay
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Arms the relay for one strike.
    pub fn arm(&self, strike: Strike) {
        *self.armed.lock().unwrap() = Some(strike);
    }

    /// Whether the strike is still to come.
    pub fn is_armed(&self) -> bool {
        self.armed.lock().unwrap().is_some()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a client.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// One client and its connection to the server.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    armed: Armed,
}

impl Pair {
    fn forward(self) {
        for stream in [&self.client, &self.server] {
            stream.set_nodelay(true).unwrap();
        }
        // Held by whoever writes to the client, so that an answer can be kept from it.
        let answers = Arc::new(Mutex::new(()));
        let (mut from, mut to, gate) =
            (self.server.try_clone().unwrap(), self.client.try_clone().unwrap(), Arc::clone(&answers));
        let back = std::thread::spawn(move || {
            let mut bytes = [0; 16 * 1024];
            while let Ok(read @ 1..) = from.peek(&mut bytes) {
                let _free = gate.lock().unwrap();
                if from.read_exact(&mut bytes[..read]).and_then(|()| to.write_all(&bytes[..read])).is_err() {
                    break;
                }
            }
            let _ = to.shutdown(Shutdown::Both);
        });
        self.statements(&answers);
        for stream in [&self.client, &self.server] {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let _ = back.join();
    }

    /// Passes the client's bytes on until it ends or the strike comes. A statement comes in one piece: it is short, and the
    /// client waits for its answer.
    fn statements(&self, answers: &Mutex<()>) {
        let (mut client, mut server) = (&self.client, &self.server);
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = client.read(&mut bytes) {
            let Some(strike) = self.strike(&bytes[..read]) else {
                if server.write_all(&bytes[..read]).is_err() {
                    return;
                }
                continue;
            };
            let kept = answers.lock().unwrap();
            if matches!(strike.when, When::After) {
                server.write_all(&bytes[..read]).unwrap();
                server.peek(&mut [0]).unwrap();
            }
            (strike.hook)();
            for stream in [&self.client, &self.server] {
                let _ = stream.shutdown(Shutdown::Both);
            }
            drop(kept);
            return;
        }
    }

    fn strike(&self, bytes: &[u8]) -> Option<Strike> {
        let mut armed = self.armed.lock().unwrap();
        let text = String::from_utf8_lossy(bytes);
        if armed.as_ref().is_some_and(|strike| text.contains(strike.statement)) { armed.take() } else { None }
    }
}
