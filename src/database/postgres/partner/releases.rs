//! Releases of PostgreSQL in which a role's setting `role` does not do what it should. The repair of CVE-2024-10978 parts
//! them in three: before it, `SET SESSION AUTHORIZATION DEFAULT`, of which `DISCARD ALL` is made, forgets the setting; the
//! releases that brought it ignore the setting altogether; those after them, a week later, are sound.

/// The releases that ignore the setting, as `server_version_num`.
const DEAF: [u32; 6] = [120_021, 130_017, 140_014, 150_009, 160_005, 170_001];

/// What becomes of the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    Sound,
    /// `DISCARD ALL`, with which poolers and drivers clear a session, has it forgotten.
    Forgetful,
    /// It is ignored.
    Deaf,
}

/// Which of them a server is.
pub(super) fn release(version: u32) -> Release {
    match DEAF.into_iter().find(|deaf| deaf / 10_000 == version / 10_000) {
        Some(deaf) if version == deaf => Release::Deaf,
        Some(deaf) if version < deaf => Release::Forgetful,
        None if version < DEAF[0] => Release::Forgetful,
        _ => Release::Sound,
    }
}

/// A release as people call it.
pub(super) fn told(version: u32) -> String {
    format!("{}.{}", version / 10_000, version % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_parted_by_the_repair_of_november_2024() {
        for (version, expected) in [
            (110_022, Release::Forgetful),
            (150_008, Release::Forgetful),
            (150_009, Release::Deaf),
            (150_010, Release::Sound),
            (160_002, Release::Forgetful),
            (160_005, Release::Deaf),
            (170_000, Release::Forgetful),
            (170_001, Release::Deaf),
            (170_002, Release::Sound),
            (180_000, Release::Sound),
        ] {
            assert_eq!(release(version), expected, "{}", told(version));
        }
    }
}
