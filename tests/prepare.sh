#!/bin/sh
# Installs what the tests need from the system when it is missing: PostgreSQL's server programs.
# The tests run a cluster of their own; the one that Debian would make and start on installation is not wanted.
set -eu

if command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    exit 0
fi

if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    as_root="none"
fi

if [ "$as_root" = "none" ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "The tests need PostgreSQL: install its server, so that initdb is on the PATH (Debian: apt-get install postgresql)." >&2
    exit 1
fi

install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >/dev/null
}

$as_root apt-get update -qq
install postgresql-common
$as_root sed -i 's/^#*[[:space:]]*create_main_cluster[[:space:]]*=.*/create_main_cluster = false/' \
    /etc/postgresql-common/createcluster.conf
install postgresql
