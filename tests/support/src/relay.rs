//! A relay in front of a server without TLS: it follows what the function says, numbers it over all connections, and breaks
//! in at one place. A login counts as one thing said, however many messages it takes, and so does everything that comes as
//! one query, however many statements it holds: the server carries it out as it came.
//!
//! What goes by TLS is passed on unread.

mod mariadb;
mod postgres;

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// When the relay breaks in.
#[derive(Clone, Copy, Debug)]
pub enum When {
    /// The server never hears it.
    Before,
    /// The server has done it and answered; the end of the answer is not passed on.
    After,
}

/// Where the relay breaks in.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// At the first that holds this text.
    Text(&'static str),
    /// At the one with this number since the relay was armed, from 0.
    Number(usize),
}

/// What the relay does once. The connection ends there.
pub struct Strike {
    pub at: At,
    pub when: When,
    pub hook: Box<dyn FnOnce() + Send>,
}

/// The relay. It ends when dropped.
pub struct Relay {
    port: u16,
    desk: Arc<Mutex<Desk>>,
    over: Arc<AtomicBool>,
}

/// What all connections share.
#[derive(Default)]
struct Desk {
    armed: Option<Strike>,
    said: Vec<String>,
}

impl Relay {
    /// Starts a relay to a PostgreSQL on a port of loopback.
    pub fn start(server: u16) -> Self {
        Self::follow(server, postgres::follow)
    }

    /// Starts a relay to a MariaDB on a port of loopback.
    pub fn to_mariadb(server: u16) -> Self {
        Self::follow(server, mariadb::follow)
    }

    fn follow(server: u16, follow: fn(&Pair) -> io::Result<()>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (desk, over) = (Arc::<Mutex<Desk>>::default(), Arc::new(AtomicBool::new(false)));
        let relay = Self { port, desk: Arc::clone(&desk), over: Arc::clone(&over) };
        std::thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).unwrap();
                let pair = Pair { client, server, desk: Arc::clone(&desk), late: Mutex::default() };
                // However a connection ends, both sides see it closed.
                std::thread::spawn(move || drop(follow(&pair)));
            }
        });
        relay
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Arms the relay for one strike, and begins to count anew.
    pub fn arm(&self, strike: Strike) {
        *self.desk.lock().unwrap() = Desk { armed: Some(strike), said: Vec::new() };
    }

    /// Whether the strike is still to come.
    pub fn is_armed(&self) -> bool {
        self.desk.lock().unwrap().armed.is_some()
    }

    /// Forgets what was said.
    pub fn clear(&self) {
        self.desk.lock().unwrap().said.clear();
    }

    /// What was said since the relay was armed or cleared, in order, without any value.
    pub fn said(&self) -> Vec<String> {
        self.desk.lock().unwrap().said.clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a client.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl Desk {
    /// Notes what is said, and gives the strike if it is aimed at that.
    fn hear(&mut self, text: &str, redacted: String) -> Option<Strike> {
        let number = self.said.len();
        self.said.push(redacted);
        self.armed.take_if(|strike| match strike.at {
            At::Text(part) => text.contains(part),
            At::Number(aim) => number == aim,
        })
    }
}

/// One client and its connection to the server.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    desk: Arc<Mutex<Desk>>,
    /// What strikes once the server has answered.
    late: Mutex<Option<Strike>>,
}

impl Pair {
    /// Runs both directions until one has ended.
    fn both(&self, back: impl FnOnce() -> io::Result<()> + Send, on: impl FnOnce() -> io::Result<()>) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = back();
                self.cut();
            });
            let _ = on();
            self.cut();
        });
    }

    /// Both directions of a connection that nobody can read.
    fn both_unread(&self) {
        self.both(|| self.pass_back(), || io::copy(&mut &self.client, &mut &self.server).map(drop));
    }

    fn at_once(&self) -> io::Result<()> {
        self.client.set_nodelay(true)?;
        self.server.set_nodelay(true)
    }

    fn cut(&self) {
        for stream in [&self.client, &self.server] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Notes what the client says before it is passed on. It fails where the strike comes before that.
    fn heard(&self, text: &str, redacted: String) -> io::Result<()> {
        let strike = self.desk.lock().unwrap().hear(text, redacted);
        match strike {
            Some(Strike { when: When::Before, hook, .. }) => {
                hook();
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Some(late) => *self.late.lock().unwrap() = Some(late),
            None => {}
        }
        Ok(())
    }

    /// The strike at what has just been answered, if there is one.
    fn strikes(&self) -> bool {
        let strike = self.late.lock().unwrap().take();
        strike.map(|strike| (strike.hook)()).is_some()
    }

    fn pass_back(&self) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        while let read @ 1.. = (&self.server).read(&mut bytes)? {
            if self.strikes() {
                break;
            }
            (&self.client).write_all(&bytes[..read])?;
        }
        Ok(())
    }
}
