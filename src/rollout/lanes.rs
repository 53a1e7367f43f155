//! Many calls at a time.

use futures_util::StreamExt as _;
use futures_util::stream;

/// From how many calls on they go out side by side: each lane is a connection of its own, and its TLS handshake costs as
/// much as some calls.
const FEW: usize = 20;
/// How many lanes there are then: 20 calls a second, which is ECS's rate, also where each takes 200 ms.
const LANES: usize = 4;

/// Works on all items, keeping their order; on a few of them at a time where there are many.
pub(super) async fn side_by_side<T, R>(items: &[T], work: impl AsyncFn(&T) -> R) -> Vec<R> {
    let lanes = if items.len() > FEW { LANES } else { 1 };
    // Not `buffered`, which keeps a lane for an answer that is there until all before it are.
    let works = items.iter().enumerate().map(|(place, item)| {
        let work = Box::pin(work(item));
        async move { (place, work.await) }
    });
    let mut done: Vec<(usize, R)> = stream::iter(works).buffer_unordered(lanes).collect().await;
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests measure how long a call takes")]

    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn few_calls_follow_each_other_and_many_go_side_by_side() {
        for (number, expected) in [(20, 20), (21, 6)] {
            let begun = tokio::time::Instant::now();
            let items: Vec<usize> = (0..number).collect();
            let done = side_by_side(&items, async |item: &usize| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                *item
            });
            assert_eq!(done.await, items);
            assert_eq!(begun.elapsed().as_secs(), expected, "{number}");
        }
    }
}
