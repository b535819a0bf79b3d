#!/bin/sh
# Starts PostgreSQL as the image postgres:18 does: an empty volume is made a cluster first.
set -eu
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /var/run/postgresql
  chown -R postgres "$(dirname "$(dirname "$PGDATA")")" /var/run/postgresql
  exec setpriv --reuid=postgres --regid=postgres --clear-groups sh "$0" "$@"
fi
export POSTGRES_USER="${POSTGRES_USER:-postgres}" POSTGRES_DB="${POSTGRES_DB:-postgres}"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  # shellcheck disable=SC2086  # several options in one variable
  initdb -D "$PGDATA" -U "$POSTGRES_USER" -A scram-sha-256 --pwfile /tmp/password $POSTGRES_INITDB_ARGS
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  export PGHOST=/tmp PGPASSWORD="$POSTGRES_PASSWORD"
  pg_ctl -D "$PGDATA" -w -s -o "-c listen_addresses='' -k /tmp" start
  for script in /docker-entrypoint-initdb.d/*.sh; do
    sh "$script"
  done
  pg_ctl -D "$PGDATA" -w -s -m fast stop
  unset PGHOST PGPASSWORD
fi
[ "${1:-}" != postgres ] || shift
exec postgres -D "$PGDATA" -c "listen_addresses=*" -k /tmp "$@"
