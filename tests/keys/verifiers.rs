//! Services that only verify: each has fetched the published keys at some time, and goes on with them for as long as their
//! Cache-Control allows, whatever `kid` it meets. That is the worst that a cache may do: a library that fetches again for an
//! unknown `kid` refuses less.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rehearsal::aws::WeakAws;
use rehearsal::readers::{Language, Reader};
use serde_json::Value;

use crate::fleet::Seen;
use crate::stage::Stage;

/// Where the public halves are published.
pub const BUCKET: &str = "keys";
pub const KEY: &str = "jwks.json";
/// The copy's name in the tag.
pub const PLACE: &str = "s3://keys/jwks.json";
/// How long its Cache-Control allows.
pub const CACHE: Duration = Duration::from_mins(5);

/// All of them.
pub struct Verifiers {
    aws: WeakAws,
    shelf: Shelf,
    each: Vec<Verifier>,
    /// When the keys were last published.
    published: Duration,
    pub seen: Seen,
}

struct Verifier {
    reader: Reader,
    set: String,
    url: String,
    /// How many sets had been published when it fetched this one.
    sets: usize,
    fetched: Duration,
}

impl Verifiers {
    /// One in each language; they have fetched the keys a third of the cache's time after each other.
    pub fn start(stage: &Stage) -> Self {
        let aws = stage.aws.downgrade();
        let verifier = |language| Verifier {
            reader: Reader::start(language),
            set: String::new(),
            url: String::new(),
            sets: 0,
            fetched: Duration::ZERO,
        };
        let each = Language::ALL.map(verifier).into();
        let mut verifiers = Self { aws, shelf: Shelf::start(), each, published: Duration::ZERO, seen: Seen::new() };
        for number in 0..3 {
            verifiers.fetch(number, CACHE * u32::try_from(number).unwrap() / 3);
        }
        verifiers
    }

    /// The keys have been published.
    pub fn published(&mut self, clock: Duration) {
        self.published = clock;
    }

    /// One of them fetches the keys, as it does when it starts.
    pub fn fetch(&mut self, number: usize, clock: Duration) {
        let object = self.aws.upgrade().unwrap().object(BUCKET, KEY).unwrap();
        let cache_control = format!("public, max-age={}", CACHE.as_secs());
        assert_eq!(object.cache_control.as_deref(), Some(cache_control.as_str()));
        let url = self.shelf.serve(&object.body);
        let one = &mut self.each[number];
        (one.set, one.url, one.sets, one.fetched) = (object.body, url, object.bodies.len(), clock);
    }

    /// Shows a token to each: which version's publication it knows (the first was that of version 0), how long ago the last
    /// one was, and what it says.
    pub fn verify(&mut self, clock: Duration, token: &str) -> Vec<(usize, Duration, Result<Value, String>)> {
        for number in 0..self.each.len() {
            if clock.saturating_sub(self.each[number].fetched) >= CACHE {
                self.fetch(number, clock);
            }
        }
        let since = clock.saturating_sub(self.published);
        // Each rotation publishes twice: before AWSCURRENT moves, and what is left after it.
        let verdict = |one: &Verifier| ((one.sets - 1) / 2, since, one.reader.verify_only(&one.url, &one.set, token));
        self.each.iter().map(verdict).collect()
    }
}

/// Serves texts, each at a URL of its own: a library that fetches one again gets the same.
struct Shelf {
    url: String,
    texts: Arc<Mutex<Vec<String>>>,
}

impl Shelf {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let texts = Arc::new(Mutex::new(Vec::<String>::new()));
        let shelf = Arc::clone(&texts);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let number = request.split(['/', ' ']).find_map(|part| part.parse::<usize>().ok()).unwrap();
                let text = shelf.lock().unwrap()[number].clone();
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/jwk-set+json\r\nConnection: close\r\n";
                let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{text}", text.len());
            }
        });
        Self { url, texts }
    }

    fn serve(&self, text: &str) -> String {
        let mut texts = self.texts.lock().unwrap();
        texts.push(text.to_owned());
        format!("{}/{}", self.url, texts.len() - 1)
    }
}
