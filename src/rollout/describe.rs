//! A look at services by their names.

use crate::api::ServiceName;
use crate::context::{Clock, Context, Share, in_time};
use crate::dependents::Sighting;
use crate::error::ErrorKind;

/// What ECS shows of up to ten services of one cluster. IAM denies all ten where it denies one: then each is asked for.
pub(super) async fn describe_services(
    context: &Context<'_>,
    clock: Clock,
    share: Share,
    batch: &[ServiceName],
    tags: bool,
) -> Vec<Sighting> {
    let describe = async |names: &[ServiceName]| {
        let call = context.clients.ecs.describe(names, tags);
        in_time(context, clock, share, "ecs:DescribeServices", call).await
    };
    match describe(batch).await {
        Ok(sightings) => sightings,
        Err(error) if error.kind() == ErrorKind::RefusedPermission && batch.len() > 1 => {
            let mut sightings = Vec::new();
            for name in batch {
                let alone = describe(std::slice::from_ref(name)).await;
                sightings.extend(alone.unwrap_or_else(|error| vec![Sighting::Unseen(error)]));
            }
            sightings
        }
        Err(error) => vec![Sighting::Unseen(error); batch.len()],
    }
}
