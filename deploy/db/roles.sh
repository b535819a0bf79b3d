#!/bin/sh
# Makes the portal's database and its two roles; the database image runs it once, on an empty volume.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  -v owner="$LIANYAN_OWNER_PASSWORD" -v app="$LIANYAN_APP_PASSWORD" <<'SQL'
create role lianyan_owner login password :'owner';
create role lianyan_app login password :'app';
create database lianyan owner lianyan_owner;
revoke all on database lianyan from public;
grant connect on database lianyan to lianyan_app;
SQL
