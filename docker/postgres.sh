#!/bin/sh
# Run by PostgreSQL's image when its volume is empty: the server's role, which is not a superuser,
# its database, and the extensions, which only a superuser may make.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\set password `cat "$OPENMEMORY_PASSWORD_FILE"`
CREATE ROLE openmemory LOGIN PASSWORD :'password';
CREATE DATABASE openmemory OWNER openmemory;
\connect openmemory
CREATE EXTENSION vector;
CREATE EXTENSION btree_gin;
SQL
