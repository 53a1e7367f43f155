//! What is there before any server starts: the program, its plugins, and a fresh data directory of its version.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

/// The installed server.
pub(super) fn server_program() -> Result<PathBuf> {
    let program = Path::new("/usr/sbin/mariadbd");
    let found = program.exists().then(|| program.to_owned());
    found.context("no MariaDB server is installed as /usr/sbin/mariadbd: run scripts/prepare demo")
}

/// The files of the plugins of these names.
pub(super) fn libraries(plugins: &[String]) -> Result<Vec<PathBuf>> {
    let folders = [PathBuf::from("/usr/lib/mysql/plugin"), tools().join("mariadb-plugin")];
    let library = |name: &String| {
        let found = folders.iter().map(|folder| folder.join(format!("{name}.so"))).find(|library| library.exists());
        found.with_context(|| format!("no plugin {name} is there: run scripts/prepare test"))
    };
    plugins.iter().map(library).collect()
}

/// Where a fresh data directory is kept between runs: one for every version, since nothing else goes into it.
pub(super) fn data_cache(program: &Path) -> Result<PathBuf> {
    let version = Command::new(program).args(["--no-defaults", "--version"]).output()?;
    let version = String::from_utf8_lossy(&version.stdout).replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    Ok(tools().join("mariadb-data").join(version.trim_matches('-')))
}

/// What scripts/prepare and the stage keep beside the sources. Root must not trust what others could have put into /tmp.
fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools")
}
