//! A relay in front of a server without TLS: it follows what the function says, numbers it over all connections, and breaks
//! in at one place. A login counts as one thing said, however many messages it takes, and so does everything that comes as
//! one query, however many statements it holds: the server carries it out as it came.
//!
//! Only simple queries are followed; the function sends no others. What goes by TLS is passed on unread.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::messages::Message;

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
    /// Starts a relay to a port of loopback.
    pub fn start(server: u16) -> Self {
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
                std::thread::spawn(move || drop(pair.forward()));
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
    fn hear(&mut self, text: &str) -> Option<Strike> {
        let number = self.said.len();
        self.said.push(redacted(text));
        self.armed.take_if(|strike| match strike.at {
            At::Text(part) => text.contains(part),
            At::Number(aim) => number == aim,
        })
    }
}

/// A statement without the values in it, any of which may be a secret. Names stay.
fn redacted(statement: &str) -> String {
    let (mut text, mut quote) = (String::new(), None);
    for character in statement.chars() {
        match quote {
            None => quote = Some(character).filter(|it| ['\'', '"'].contains(it)),
            Some(open) if character == open => quote = None,
            Some('\'') => continue,
            Some(_) => {}
        }
        text.push(character);
    }
    text
}

/// One client and its connection to the server.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    desk: Arc<Mutex<Desk>>,
    /// What strikes once the server has answered.
    late: Mutex<Option<Strike>>,
}

/// The number of a first message that asks for TLS.
const TLS: Option<u32> = Some(80_877_103);

impl Pair {
    fn forward(self) -> io::Result<()> {
        for stream in [&self.client, &self.server] {
            stream.set_nodelay(true)?;
        }
        let first = Message::first(&mut &self.client)?;
        let by_tls = first.number() == TLS;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _ = if by_tls { self.pass_back() } else { self.answers() };
                self.cut();
            });
            let _ = self.say(&first).and_then(|()| if by_tls { self.pass_on() } else { self.questions() });
            self.cut();
        });
        Ok(())
    }

    fn cut(&self) {
        for stream in [&self.client, &self.server] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Passes the client's messages on until it ends or the strike comes.
    fn questions(&self) -> io::Result<()> {
        loop {
            self.say(&Message::next(&mut &self.client)?)?;
        }
    }

    fn say(&self, message: &Message) -> io::Result<()> {
        let text = match message.kind {
            0 => Some(message.user().map_or_else(|| "a handshake".to_owned(), |user| format!("a login of {user}"))),
            b'Q' => Some(String::from_utf8_lossy(&message.body).trim_end_matches('\0').to_owned()),
            // The rest of a login, and the good-bye.
            _ => None,
        };
        let strike = text.and_then(|text| self.desk.lock().unwrap().hear(&text));
        match strike {
            Some(Strike { when: When::Before, hook, .. }) => {
                hook();
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            Some(late) => *self.late.lock().unwrap() = Some(late),
            None => {}
        }
        message.send(&mut &self.server)
    }

    /// Passes the server's answers on, each when it is whole, until the server ends or the strike comes.
    fn answers(&self) -> io::Result<()> {
        let pass = |answer: &mut Vec<Message>| answer.drain(..).try_for_each(|part| part.send(&mut &self.client));
        let (mut answer, mut logged_in) = (Vec::new(), false);
        loop {
            let Ok(part) = Message::next(&mut &self.server) else {
                // Last words.
                return pass(&mut answer);
            };
            // In a login the server asks back. 0 says that it has succeeded, 12 that it is about to.
            let asks = part.kind == b'R' && !matches!(part.number(), Some(0 | 12));
            let ends = part.kind == b'Z' || (part.kind == b'E' && !logged_in);
            answer.push(part);
            if ends && self.strikes() {
                return Ok(());
            }
            logged_in |= ends;
            if asks || ends {
                pass(&mut answer)?;
            }
        }
    }

    /// The strike at what has just been answered, if there is one.
    fn strikes(&self) -> bool {
        let strike = self.late.lock().unwrap().take();
        strike.map(|strike| (strike.hook)()).is_some()
    }

    fn pass_on(&self) -> io::Result<()> {
        io::copy(&mut &self.client, &mut &self.server).map(drop)
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

#[test]
fn what_was_said_is_told_without_values() {
    let statement = r#"SELECT 'it''s'; ALTER ROLE "o'neil" PASSWORD 'hidden'; SET a = E'b\\'"#;
    assert_eq!(redacted(statement), r#"SELECT ''''; ALTER ROLE "o'neil" PASSWORD ''; SET a = E''"#);
}
