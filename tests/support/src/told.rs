//! What a test shows beside its result.

/// Says in which case a test failed.
pub struct Shown(pub String);

impl Drop for Shown {
    fn drop(&mut self) {
        if std::thread::panicking() {
            told(&self.0);
        }
    }
}

/// Shows a line with the test's result.
#[expect(clippy::print_stdout, reason = "how much a sweep covered is part of its result")]
pub fn told(line: &str) {
    println!("{line}");
}
