//! What a dry run and a preflight look at: the same reads and plans as the steps', up to the first write.

use super::guard::{self, Before};
use super::{create_secret, current, read, set_secret, test_secret};
use crate::aws::secrets::{Lookup, Version};
use crate::context::{Context, Overview};
use crate::copies;
use crate::error::Result;
use crate::jose::{KeyKind, Keys};
use crate::plan::Proof;
use crate::rotation::apply::{self, Source};
use crate::rotation::create_secret as common;
use crate::rotation::findings::Findings;
use crate::secret::{AWSCURRENT, AWSPENDING, ROLLOUT, Standing, Step};

/// Looks at the values. An error is what stops a rotation there.
pub(in crate::rotation) async fn values(
    context: &Context<'_>,
    secret: &Overview,
    kind: KeyKind,
    version: Version,
    found: &mut Findings,
) -> Result<()> {
    let open = common::open_mark(&secret.labels).is_some();
    let (created, last) = (version.created, common::last_rotation(secret, version.created, open));
    let text = version.value().cloned();
    let keys = current(context, kind, version, &secret.settings)?;
    found.checked.push("the value under AWSCURRENT can be read, and is what keyroll:kind says".to_owned());
    found.lacking.extend(copies::planned_for(&keys, &secret.settings).refusal);
    found.lacking.extend(keys.check_next().err());
    if let Some(version) = pending(context, secret).await? {
        let same = text.zip(version.value()).is_some_and(|(text, pending)| text.same(pending));
        if version.has(ROLLOUT) || !same {
            return begun(context, secret, kind, &keys, version, found);
        }
    }
    let plan = create_secret::plan_at_any_age(&keys);
    found.warnings.extend(plan.warnings.iter().cloned());
    found.would(Step::Create, &plan);
    if keys.fingerprint().signs.is_some() {
        let too_soon = secret.settings.refuse_too_soon(context.config.min_age, last, context.clock.now());
        found.lacking.extend(too_soon.err());
    }
    let before = Before { last, created, redeployed: Vec::new() };
    match guard::refuse(context, secret, &keys, &before).await {
        Ok(warnings) => found.warnings.extend(warnings),
        Err(error) => found.lacking.push(error),
    }
    // What is refused needs no key, which may take its time.
    if !found.lacking.is_empty() {
        return Ok(());
    }
    // Drawn and thrown away: shows whether the value with new keys fits, and whether they do what they should.
    let before = keys.fingerprint();
    let drawn = apply::draw(context, &Source::Renewed(keys), None)?;
    let drawn = Keys::read(kind, drawn, &secret.settings)?;
    let (proof, _) = test_secret::proof(&drawn, &before, context.clock.now())?;
    found
        .proven
        .extend(proof.proven.into_iter().map(|line| format!("with a new value, drawn and thrown away: {line}")));
    let plan = set_secret::plan(&drawn, &secret.settings);
    found.warnings.extend(plan.warnings.iter().cloned());
    found.would(Step::Set, &plan);
    Ok(())
}

/// The version of a rotation that is under way or has broken off, if its value is stored.
async fn pending(context: &Context<'_>, secret: &Overview) -> Result<Option<Version>> {
    let Some(version) = secret.labels.holder(AWSPENDING).filter(|version| !secret.labels.has(version, AWSCURRENT))
    else {
        return Ok(None);
    };
    match context.clients.secrets.pending(context.secret, &version).await? {
        Lookup::Found(version) => Ok(Some(version)),
        Lookup::Absent | Lookup::Elsewhere => Ok(None),
    }
}

/// The next rotation would go on with the value that is stored.
fn begun(
    context: &Context<'_>,
    secret: &Overview,
    kind: KeyKind,
    before: &Keys,
    version: Version,
    found: &mut Findings,
) -> Result<()> {
    found.checked.push("a rotation has broken off: its value is stored, and it would go on with it".to_owned());
    found.would(Step::Create, &Proof::nothing(Standing::Pending));
    let pending = read(kind, version, &secret.settings)?;
    let plan = set_secret::plan(&pending, &secret.settings);
    found.warnings.extend(plan.warnings.iter().cloned());
    found.would(Step::Set, &plan);
    let (proof, _) = test_secret::proof(&pending, &before.fingerprint(), context.clock.now())?;
    found.proven.extend(proof.proven);
    Ok(())
}
