//! Keys that sign: what they are, the forms they are kept in, and the proof that one works.

pub mod key;
