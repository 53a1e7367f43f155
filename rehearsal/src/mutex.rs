//! Locks that survive the failure of a test.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A poisoned lock only means that another test thread failed; the state is still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
