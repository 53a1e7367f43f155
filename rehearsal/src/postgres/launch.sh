# Makes a data directory and becomes the PostgreSQL server in it.
# Arguments: the directory of the binaries, the instance's directory, a cache for what initdb makes (may be empty),
# and for a standby the socket directory and the port of its primary (else both empty).
set -eu
bin=$1 instance=$2 cache=$3 primary=$4 primary_port=$5
data=$instance/data

# PostgreSQL refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
    as_owner() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
    chown -R postgres:postgres "$instance"
else
    as_owner() { "$@"; }
fi

if [ -n "$primary" ]; then
    as_owner "$bin/pg_basebackup" -D "$data" -h "$primary" -p "$primary_port" -U postgres -X stream -c fast
    as_owner touch "$data/standby.signal"
elif [ -r "$cache/PG_VERSION" ]; then
    cp -a "$cache" "$data"
    # Another user may have filled the cache.
    [ "$(id -u)" -ne 0 ] || chown -R postgres:postgres "$data"
else
    as_owner "$bin/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
    # The cache appears whole or not at all, also when two processes make it at once. Without one it is only slower.
    if [ -n "$cache" ] && mkdir -p "$(dirname "$cache")" && cp -a "$data" "$cache.$$"; then
        mv -T "$cache.$$" "$cache" || rm -rf "$cache.$$"
    fi
fi

set -- "$bin/postgres" -D "$data" -c "config_file=$instance/postgresql.conf"
# Replaced, not called, so that the server has the process id that the guard knows.
if [ "$(id -u)" -eq 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
fi
exec "$@"
