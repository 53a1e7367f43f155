//! createSecret: the next value, and whether its time has come.

use super::current;
use super::guard::{self, Before};
use crate::api::{Report, Verdict};
use crate::aws::secrets::Version;
use crate::context::{Context, Overview};
use crate::copies;
use crate::error::Result;
use crate::jose::{KeyKind, Keys, Renewal};
use crate::plan::Plan;
use crate::rotation::apply::{Source, StoreValue};
use crate::secret::Standing;
use crate::timestamp::Timestamp;

/// What the next value is made of, and the plan of it. `last` is when the last rotation was, if there was one, and `finished`
/// what was left of it that this step has done.
pub(in crate::rotation) async fn plan(
    context: &Context<'_>,
    seen: &Overview,
    kind: KeyKind,
    version: Version,
    last: Option<Timestamp>,
    finished: Option<&Report>,
) -> Result<(Source, Plan<StoreValue>)> {
    let services = finished.map(|report| report.services.as_slice()).unwrap_or_default();
    let redeployed = services.iter().filter(|service| service.verdict == Verdict::Redeployed);
    let redeployed = redeployed.map(|service| format!("{}/{}", service.cluster, service.service)).collect();
    let before = Before { last, created: version.created, redeployed };
    let keys = current(context, kind, version, &seen.settings)?;
    copies::planned_for(&keys, &seen.settings).refuse()?;
    keys.check_next()?;
    let plan = plan_at_any_age(&keys);
    if keys.fingerprint().signs.is_some() {
        seen.settings.refuse_too_soon(context.config.min_age, last, context.clock.now())?;
    }
    let warnings = guard::refuse(context, seen, &keys, &before).await?;
    Ok((Source::Renewed(keys), plan.warning(warnings)))
}

/// The plan of createSecret for keys, whenever the last rotation was.
pub(super) fn plan_at_any_age(keys: &Keys) -> Plan<StoreValue> {
    plan_of(keys.renewal())
}

/// The plan of storing what is new.
pub(super) fn plan_of(renewal: Renewal) -> Plan<StoreValue> {
    Plan::of(Standing::Pending, vec![StoreValue { account: None, what: Some(renewal.what) }]).warning(renewal.warnings)
}
