//! Where everything is, and who calls: the Region, the accounts and the access keys.

/// The Region of everything here.
pub const REGION: &str = "us-east-1";
/// The account of the model when it stands alone.
pub const ACCOUNT: &str = "123456789012";
/// The account of ministack, and so of the model in front of it.
pub const UPSTREAM_ACCOUNT: &str = "000000000000";
/// The access key of tests, drivers and administrators, which is also ministack's root. Any other key is a function's.
pub const ADMIN_KEY: &str = "test";
/// The access key the function gets when no upstream gives it one.
pub const FUNCTION_KEY: &str = "AKIAFUNCTION00000000";

/// Whether this access key is a function's.
pub(crate) fn is_function(access_key: &str) -> bool {
    !access_key.is_empty() && access_key != ADMIN_KEY
}
