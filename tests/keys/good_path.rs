//! Each kind from its first value through two rotations.

use crate::stage::Stage;

#[tokio::test]
async fn a_bare_secret_rotates_in_its_form() {
    let stage = Stage::start("jwt", "0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f9").await;
    for _ in 0..2 {
        let before = stage.value("AWSCURRENT");
        stage.rotated().await;
        let after = stage.value("AWSCURRENT");
        assert!(after != before && after.len() == 64 && after.bytes().all(|c| c.is_ascii_hexdigit()), "{after}");
        assert_eq!(stage.value("AWSPREVIOUS"), before);
    }
}

#[tokio::test]
async fn a_placeholder_becomes_64_url_safe_characters() {
    for kind in ["jwt", "token"] {
        let stage = Stage::start(kind, "CHANGE_ME_IN_AWS_CONSOLE").await;
        stage.rotate().await;
        let value = stage.value("AWSCURRENT");
        assert!(value.len() == 64 && value.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c)), "{value}");
    }
}

#[tokio::test]
async fn a_key_ring_moves_on_by_one_key_at_a_time() {
    for alg in ["HS256", "HS512", "RS256", "ES256", "EdDSA"] {
        let stage = Stage::start("jwt-keyring", &format!(r#"{{"alg":"{alg}","keys":[]}}"#)).await;
        stage.rotate().await;
        for _ in 0..2 {
            let before = stage.json("AWSCURRENT");
            stage.rotated().await;
            let after = stage.json("AWSCURRENT");
            assert_eq!((&after["current"], &after["previous"]), (&before["next"], &before["current"]), "{alg}");
            assert!(after["keys"].as_array().unwrap().iter().all(|key| key["alg"] == alg));
        }
    }
}
