# Makes a data directory and becomes the MariaDB server in it.
# Arguments: the server's program, the instance's directory, a cache for what mariadb-install-db makes, and the files of
# the plugins that it is to have.
set -eu
program=$1 instance=$2 cache=$3
shift 3
data=$instance/data

# Copied, since the user who runs the server may not be let into the sources.
mkdir "$instance/plugin"
for library; do cp "$library" "$instance/plugin"; done

# MariaDB is not to run as root, and the user mysql comes with a package that starts a server of its own.
if [ "$(id -u)" -eq 0 ]; then
    as_owner() { setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"; }
    chown -R nobody:nogroup "$instance"
else
    as_owner() { "$@"; }
fi

if [ -d "$cache/mysql" ]; then
    cp -a "$cache" "$data"
    # Another user may have filled the cache.
    [ "$(id -u)" -ne 0 ] || chown -R nobody:nogroup "$data"
else
    # What it tells on success is advice for a server that stays.
    as_owner mariadb-install-db --no-defaults --datadir="$data" --auth-root-authentication-method=normal --skip-test-db \
        --innodb-log-file-size=4M --loose-debug-no-sync --loose-innodb-flush-method=nosync >"$instance/install.log" 2>&1 ||
        { cat "$instance/install.log"; exit 1; }
    # The cache appears whole or not at all, also when two processes make it at once. Without one it is only slower.
    if mkdir -p "$(dirname "$cache")" && cp -a "$data" "$cache.$$"; then
        mv -T "$cache.$$" "$cache" || rm -rf "$cache.$$"
    fi
fi

set -- "$program" --defaults-file="$instance/my.cnf"
# Replaced, not called, so that the server has the process id that the guard knows.
if [ "$(id -u)" -eq 0 ]; then
    exec setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"
fi
exec "$@"
