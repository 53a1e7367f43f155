//! The servers of a stage: what a test is told of either kind.

use support::maria;
use support::stage::{ACCOUNT, Stage};

#[tokio::test]
async fn both_kinds_of_servers_tell_who_came() {
    for stage in [Stage::start().await, maria::stage().await] {
        let mark = stage.server.mark();
        assert!(stage.logs_in("AWSCURRENT") && !stage.accepts(ACCOUNT, "another"));
        let logins = stage.server.logins_since(mark);
        assert_eq!((logins.accepted, logins.failed), (vec![ACCOUNT.to_owned()], vec![ACCOUNT.to_owned()]));
        assert!(stage.server.log_since(mark).contains(ACCOUNT));
        assert!(!stage.server.log_since(stage.server.mark()).contains(ACCOUNT));
    }
}
