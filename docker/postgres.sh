#!/bin/sh
# PostgreSQL's image runs this when its volume is empty. Creates the server's role (not a superuser),
# its database, and the extensions, which only a superuser can create.
set -eu
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\set password `cat "$OPENMEMORY_PASSWORD_FILE"`
CREATE ROLE openmemory LOGIN PASSWORD :'password';
CREATE DATABASE openmemory OWNER openmemory;
\connect openmemory
CREATE EXTENSION vector;
CREATE EXTENSION btree_gin;
SQL
