//! Services that only verify, by the public JWK Set.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rehearsal::readers::Maker;
use serde_json::{Value, json};

use crate::support::{claims, header, readers, rings};

/// Serves the set, counts how often, and returns the URL.
fn serve(set: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    // It ends with the test's process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            counted.fetch_add(1, Ordering::SeqCst);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/jwk-set+json\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{set}", set.len());
        }
    });
    (url, count)
}

/// The same keys with the members that everybody may know.
fn public_set(keys: &[Value]) -> String {
    let mut keys = keys.to_vec();
    for key in &mut keys {
        key.as_object_mut().unwrap().retain(|member, _| !["d", "p", "q", "dp", "dq", "qi"].contains(&member.as_str()));
    }
    json!({ "keys": keys }).to_string()
}

#[test]
fn the_public_set_verifies_what_the_ring_signs_and_is_fetched_once() {
    let (maker, readers) = (Maker::start(), readers());
    for (alg, keys) in rings(&maker).into_iter().filter(|(alg, _)| !alg.starts_with("HS")) {
        let set = public_set(&keys);
        for reader in &readers {
            let (url, fetched) = serve(set.clone());
            let verify = |token: &str| reader.verify_only(&url, &set, token);
            for key in &keys {
                let claims = claims("a caller");
                let verdict = verify(&maker.token(&header(key), &claims, key));
                assert_eq!(verdict, Ok(claims), "{alg} by {:?}", reader.language());
            }
            let stranger = maker.key(alg);
            let mut confused = header(&keys[0]);
            confused["alg"] = json!("HS256");
            for token in [
                maker.token(&header(&stranger), &claims("unknown"), &stranger),
                maker.token(&header(&keys[0]), &claims("by a borrowed name"), &stranger),
                maker.token(&confused, &claims("by HMAC with the public key"), &keys[0]),
                maker.token(&json!({ "alg": "none", "kid": keys[0]["kid"] }), &claims("by nothing"), &keys[0]),
                maker.token(&header(&keys[0]), &json!({ "exp": 1 }), &keys[0]),
            ] {
                assert!(verify(&token).is_err(), "{alg} by {:?}", reader.language());
            }
            // An unknown kid so soon does not fetch again: whoever invents kids must not make us busy.
            assert!(fetched.load(Ordering::SeqCst) <= 1, "{alg} by {:?}", reader.language());
        }
    }
}
