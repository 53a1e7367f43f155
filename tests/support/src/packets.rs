//! MariaDB's packets, as they travel ("0-packet" in the protocol's documentation): three bytes for the length, one that
//! counts the packets of an exchange, and the body. Numbers are little-endian.

use std::io::{self, Read, Write};

/// What client and server can agree on: bits of their capabilities.
pub const CONNECT_WITH_DB: u32 = 1 << 3;
pub const PROTOCOL_41: u32 = 1 << 9;
pub const TLS: u32 = 1 << 11;
pub const SECURE_CONNECTION: u32 = 1 << 15;
pub const PLUGIN_AUTH: u32 = 1 << 19;
pub const DEPRECATE_EOF: u32 = 1 << 24;

/// What the first byte of an answer tells.
pub const OK: u8 = 0x00;
pub const EOF: u8 = 0xfe;
pub const ERROR: u8 = 0xff;

/// Longer bodies come in several packets; nobody here sends any.
const TOO_LONG: usize = 0xff_ffff;
/// That another result follows, among the bits of a status.
const MORE_RESULTS: u16 = 1 << 3;

/// One packet.
pub struct Packet {
    pub number: u8,
    pub body: Vec<u8>,
}

impl Packet {
    pub fn next(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 4];
        from.read_exact(&mut head)?;
        let [a, b, c, number] = head;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).unwrap();
        if length == TOO_LONG {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        Ok(Self { number, body })
    }

    /// Writes it, in one piece.
    pub fn send(&self, to: &mut impl Write) -> io::Result<()> {
        let [a, b, c, _] = u32::try_from(self.body.len()).unwrap().to_le_bytes();
        to.write_all(&[&[a, b, c, self.number], &self.body[..]].concat())
    }

    /// The byte that tells what it is.
    pub fn kind(&self) -> Option<u8> {
        self.body.first().copied()
    }

    /// Whether it ends a result's columns or rows, as an error may end rows too. Only a row that comes in several packets
    /// begins with the same byte.
    pub fn is_end(&self) -> bool {
        matches!(self.kind(), Some(EOF | ERROR))
    }

    /// Whether another result follows the one that this packet ends.
    pub fn has_more(&self) -> bool {
        let mut body = Fields(&self.body);
        let status = match body.byte() {
            // An end as it was once: the number of warnings, and the status.
            Some(EOF) if self.body.len() == 5 => body.number::<2>().and_then(|_| body.number::<2>()),
            // Rows changed, the last number given, the status.
            Some(OK | EOF) => body.count().and_then(|_| body.count()).and_then(|_| body.number::<2>()),
            _ => None,
        };
        status.is_some_and(|status| u16::try_from(status).unwrap() & MORE_RESULTS != 0)
    }

    /// The number of an error.
    pub fn error(&self) -> Option<u32> {
        let mut body = Fields(&self.body);
        body.byte().filter(|kind| *kind == ERROR).and_then(|_| body.number::<2>())
    }
}

/// What a server begins with.
pub struct Greeting {
    pub capabilities: u32,
    /// What a password is mixed with.
    pub drawn: Vec<u8>,
}

impl Greeting {
    pub fn read(packet: &Packet) -> Option<Self> {
        let mut body = Fields(&packet.body);
        body.byte().filter(|version| *version == 10)?;
        body.text()?;
        body.take(4)?;
        let first = body.take(8)?;
        body.take(1)?;
        let low = body.number::<2>()?;
        body.take(3)?;
        let high = body.number::<2>()?;
        body.take(11)?;
        // Twelve more and an end.
        let drawn = [first, body.take(12)?].concat();
        Some(Self { capabilities: low | (high << 16), drawn })
    }
}

/// What a client answers a greeting: who it is, or that it wants TLS first.
pub struct Introduction {
    pub capabilities: u32,
    /// Nobody as long as it is about TLS.
    pub user: Option<String>,
}

impl Introduction {
    pub fn read(packet: &Packet) -> Option<Self> {
        let mut body = Fields(&packet.body);
        let capabilities = body.number::<4>()?;
        body.take(28)?;
        let user = body.text().map(|user| String::from_utf8_lossy(user).into_owned());
        Some(Self { capabilities, user })
    }
}

/// The parts of a body, from the front.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    /// A text that ends with a zero.
    pub fn text(&mut self) -> Option<&'a [u8]> {
        let length = self.0.iter().position(|byte| *byte == 0)?;
        self.take(length + 1).map(|text| &text[..length])
    }

    /// A number of up to four bytes.
    pub fn number<const LENGTH: usize>(&mut self) -> Option<u32> {
        let bytes = self.take(LENGTH)?;
        Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }

    /// A number that says itself how long it is.
    pub fn count(&mut self) -> Option<u64> {
        let length = match self.byte()? {
            small @ ..=0xfa => return Some(small.into()),
            0xfc => 2,
            0xfd => 3,
            0xfe => 8,
            _ => return None,
        };
        Some(self.take(length)?.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }
}

#[test]
fn numbers_say_how_long_they_are() {
    for (bytes, expected) in [
        (&[7][..], Some(7)),
        (&[0xfc, 1, 2], Some(0x201)),
        (&[0xfd, 1, 2, 3], Some(0x3_0201)),
        (&[0xfe, 1, 0, 0, 0, 0, 0, 0, 2], Some((2 << 56) + 1)),
        (&[0xfb], None),
        (&[0xfc, 1], None),
    ] {
        assert_eq!(Fields(bytes).count(), expected);
    }
}

#[test]
fn an_answer_says_whether_another_follows() {
    for (body, expected) in [
        (&[OK, 0, 0, 8, 0, 0, 0][..], true),
        (&[OK, 0, 0, 2, 0, 0, 0], false),
        (&[OK, 0xfc, 1, 2, 0, 8, 0, 0, 0], true),
        (&[EOF, 0, 0, 8, 0], true),
        (&[EOF, 8, 0, 2, 0], false),
        (&[EOF, 0, 0, 8, 0, 0, 0], true),
        (&[EOF, 8, 8, 2, 0, 0, 0], false),
        (&[ERROR, 8, 8, 8, 8], false),
    ] {
        assert_eq!(Packet { number: 1, body: body.to_vec() }.has_more(), expected, "{body:?}");
    }
}
