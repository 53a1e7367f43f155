//! Values that are no secret of ours to draw: a mistaken tag must not destroy what only its owner can replace.

use crate::error::{Error, ErrorKind, Result};
use crate::secret::Document;

/// How keys begin that others issue, with whose they are: an own value would open nothing there.
const ISSUED: [(&str, &str); 44] = [
    ("sk_live_", "Stripe"),
    ("sk_test_", "Stripe"),
    ("rk_live_", "Stripe"),
    ("whsec_", "Stripe"),
    ("ghp_", "GitHub"),
    ("gho_", "GitHub"),
    ("ghs_", "GitHub"),
    ("github_pat_", "GitHub"),
    ("glpat-", "GitLab"),
    ("xoxb-", "Slack"),
    ("xoxp-", "Slack"),
    ("SG.", "SendGrid"),
    ("AKIA", "AWS"),
    ("ASIA", "AWS"),
    ("AIza", "Google"),
    ("npm_", "npm"),
    ("dop_v1_", "DigitalOcean"),
    ("rk_test_", "Stripe"),
    ("pk_live_", "Stripe"),
    ("pk_test_", "Stripe"),
    ("ghu_", "GitHub"),
    ("ghr_", "GitHub"),
    ("glrt-", "GitLab"),
    ("xoxa-", "Slack"),
    ("xoxr-", "Slack"),
    ("xapp-", "Slack"),
    ("sk-proj-", "OpenAI"),
    ("sk-ant-", "Anthropic"),
    ("hf_", "Hugging Face"),
    ("pypi-", "PyPI"),
    ("rubygems_", "RubyGems"),
    ("dckr_pat_", "Docker"),
    ("shpat_", "Shopify"),
    ("shpss_", "Shopify"),
    ("sq0atp-", "Square"),
    ("sq0csp-", "Square"),
    ("lin_api_", "Linear"),
    ("PMAK-", "Postman"),
    ("NRAK-", "New Relic"),
    ("dp.pt.", "Doppler"),
    ("hvs.", "Vault"),
    ("sntrys_", "Sentry"),
    ("GOCSPX-", "Google"),
    ("ya29.", "Google"),
];

/// Refuses a bare value that is plainly something else than a secret which keyroll may draw.
pub(super) fn refuse(value: &str) -> Result<()> {
    let refused = |cause: &str, remedy: &str| Err(Error::new(ErrorKind::RefusedValue, cause, remedy));
    let trimmed = value.trim_start();
    if trimmed.starts_with("-----BEGIN ") {
        return refused(
            "the value is a PEM file: a new random string would replace a key or a certificate",
            "store a signing key as the JSON document {\"private_key\": PEM, \"key_id\": ...} and tag it keyroll:kind = signing-key",
        );
    }
    if trimmed.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme)) {
        return refused(
            "the value is a URL: a new random string would replace an address, and a password that its server would not know",
            "correct the tag keyroll:kind, or take it off this secret",
        );
    }
    if trimmed.starts_with(['{', '[', '"']) && serde_json::from_str::<serde::de::IgnoredAny>(trimmed).is_ok() {
        return refused(
            "the value is JSON, and not a bare secret",
            "name the JSON key that holds the secret in the tag keyroll:field; a key ring has the tag keyroll:kind = jwt-keyring",
        );
    }
    if value.contains("\"kty\"") || value.contains("\"keys\"") {
        return refused(
            "the value has JSON Web Keys in it, and something before or behind them",
            "store the key ring alone, as a JSON object, and tag the secret keyroll:kind = jwt-keyring",
        );
    }
    match ISSUED.iter().find(|(start, _)| value.starts_with(start)) {
        Some((start, issuer)) => refused(
            &format!(
                "the value begins with {start}, as keys do that {issuer} issues: a value of ours would open nothing there"
            ),
            "rotate it where it was issued, and take the tag keyroll:kind off this secret",
        ),
        None => Ok(()),
    }
}

/// Members by which documents of other issuers are known, without case, hyphens and underscores, with whose they are.
const DOCUMENTS: [(&[&str], &str); 13] = [
    (&["clientemail"], "Google"),
    (&["tokenuri"], "Google"),
    (&["issuerid"], "Apple"),
    (&["teamid", "issuerid"], "Apple"),
    (&["appid", "privatekey"], "GitHub"),
    (&["installationid"], "GitHub"),
    (&["keypairid"], "CloudFront"),
    (&["snowflakeaccount"], "Snowflake"),
    (&["account", "user"], "Snowflake"),
    (&["tenancy"], "Oracle Cloud"),
    (&["boxappsettings"], "Box"),
    (&["integrationkey"], "DocuSign"),
    (&["technicalaccountid"], "Adobe"),
];

/// Refuses a document with a key that somebody else issued, or has to be told of: a key of ours would open nothing there.
pub(super) fn refuse_document(document: &Document) -> Result<()> {
    let members: Vec<String> =
        document.keys().map(|member| member.replace(['-', '_'], "").to_ascii_lowercase()).collect();
    let has = |wanted: &&str| members.iter().any(|member| member == wanted);
    match DOCUMENTS.iter().find(|(wanted, _)| wanted.iter().all(has)) {
        None => Ok(()),
        Some((wanted, issuer)) => Err(Error::new(
            ErrorKind::RefusedValue,
            format!(
                "the document has the members of a key that {issuer} issues or knows ({}): a key of ours would open nothing there",
                wanted.join(", ")
            ),
            "renew it where it was issued, and take the tag keyroll:kind off this secret",
        )),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_else_issued_or_means_is_refused_without_quoting_it() {
        for (value, word) in [
            ("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----", "PEM"),
            ("postgresql+asyncpg://user:hunter2@host:5432/db", "URL"),
            ("{\"password\": \"hunter2\"}", "JSON"),
            ("[\"hunter2\"]", "JSON"),
            ("\"hunter2\"", "JSON"),
            ("JWT_KEYS={\"keys\":[{\"k\":\"hunter2\"}]}", "JSON Web Keys"),
            (concat!("sk_", "live_hunter2hunter2"), "Stripe"),
            (concat!("gh", "p_hunter2hunter2"), "GitHub"),
            (concat!("sk-", "proj-hunter2hunter2"), "OpenAI"),
            (concat!("hv", "s.hunter2hunter2"), "Vault"),
        ] {
            let error = refuse(value).unwrap_err();
            assert!(error.to_string().contains(word) && !error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_secret_of_ours_may_hold_any_character() {
        for value in
            ["{not json", "a://b".replace('a', "1").as_str(), "x y://z", "0123", "\"", "[", "true", "sk_liv", "AKI"]
        {
            assert_eq!(refuse(value), Ok(()), "{value}");
        }
    }
}
