//! PostgreSQL's messages, as they travel ("Message Formats" in the protocol's documentation): one byte for the kind, four for
//! the length, which counts itself, and the body. Only the first that a client sends has no kind.

use std::io::{self, Read, Write};

/// One message.
pub struct Message {
    /// Zero for the first.
    pub kind: u8,
    pub body: Vec<u8>,
}

impl Message {
    pub fn new(kind: u8, body: impl Into<Vec<u8>>) -> Self {
        Self { kind, body: body.into() }
    }

    /// Reads the first message of a client.
    pub fn first(from: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        Self::rest(0, length, from)
    }

    /// Reads any other.
    pub fn next(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let [kind, length @ ..] = head;
        Self::rest(kind, length, from)
    }

    fn rest(kind: u8, length: [u8; 4], from: &mut impl Read) -> io::Result<Self> {
        let length = u32::from_be_bytes(length).checked_sub(4).ok_or(io::ErrorKind::InvalidData)?;
        let mut body = vec![0; length.try_into().unwrap()];
        from.read_exact(&mut body)?;
        Ok(Self { kind, body })
    }

    /// Writes it, in one piece.
    pub fn send(&self, to: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.body.len() + 4).unwrap().to_be_bytes();
        let kind: &[u8] = if self.kind == 0 { &[] } else { &[self.kind] };
        to.write_all(&[kind, &length, &self.body].concat())
    }

    /// The number that a body begins with: what is asked for in a login, or the protocol of a client's first message.
    pub fn number(&self) -> Option<u32> {
        self.body.first_chunk().copied().map(u32::from_be_bytes)
    }

    /// The name that a login is for, where this is a client's first message.
    pub fn user(&self) -> Option<String> {
        let mut texts = self.body.get(4..)?.split(|byte| *byte == 0);
        texts.find(|text| *text == b"user")?;
        Some(String::from_utf8_lossy(texts.next()?).into_owned())
    }

    /// The SQLSTATE of an error.
    pub fn sqlstate(&self) -> Option<String> {
        let mut fields = self.body.split(|byte| *byte == 0);
        let code = fields.find_map(|field| field.strip_prefix(b"C"))?;
        Some(String::from_utf8_lossy(code).into_owned())
    }
}
