#!/bin/sh
# Run once, at the database's first start: a role and a database each for the homeserver and for us.
set -eu
for name in synapse ernbot; do
	psql -v ON_ERROR_STOP=1 -v name="$name" -v password="$(cat "/secrets/$name")" -U postgres <<-'SQL'
		CREATE ROLE :"name" LOGIN PASSWORD :'password';
		CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
	SQL
done
