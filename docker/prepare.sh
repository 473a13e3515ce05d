#!/bin/sh
# Makes the secrets of an installation in data/secrets (or in the folder that is named). What is there already
# stays as it is. The containers read them as user 10001, the database as its own user 999.
set -eu
umask 077
folder="${1:-$(dirname "$0")/../data/secrets}"
mkdir -p "$folder/postgres"
cd "$folder"

secret() { # file
	[ -s "$1" ] || od -An -vtx1 -N32 /dev/urandom | tr -d ' \n' >"$1"
}

for name in as_token hs_token registration_shared_secret macaroon_secret_key form_secret \
	postgres/superuser postgres/synapse postgres/ernbot; do
	secret "$name"
done
[ -s master_key ] || head -c 32 /dev/urandom | base64 >master_key
if [ ! -s signing.key ]; then
	name=$(od -An -vtx1 -N2 /dev/urandom | tr -d ' \n')
	seed=$(head -c 32 /dev/urandom | base64 | tr -d '=\n')
	echo "ed25519 a_$name $seed" >signing.key
fi
for name in synapse ernbot; do
	echo "postgres:5432:$name:$name:$(cat "postgres/$name")"
done >postgres.pgpass
# The administrator fills these in; see docker-compose.yml.
touch admin_token registration.yaml

if [ "$(id -u)" = 0 ]; then
	chown -R 10001 .
	chown -R 999 postgres
else
	echo "Now let the containers read them: sudo chown -R 10001 $PWD && sudo chown -R 999 $PWD/postgres" >&2
fi
