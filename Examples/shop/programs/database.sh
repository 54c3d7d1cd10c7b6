#!/bin/sh
# PostgreSQL as Debian sets it up, with the shop's tables. Passwords are left out: here the network decides.
set -e
cd /etc/postgresql/*/main
echo 'host shop app,reader all trust' >>pg_hba.conf
install -d -o postgres /run/postgresql
server=$(echo /usr/lib/postgresql/*/bin/postgres)
su postgres -c "$server --single -D $PWD -j postgres" >/dev/null <<'SQL'
CREATE DATABASE shop;
SQL
su postgres -c "$server --single -D $PWD -j shop" >/dev/null <<'SQL'
CREATE ROLE app LOGIN;

CREATE ROLE reader LOGIN;

CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL, cents int NOT NULL);

CREATE TABLE orders (id serial PRIMARY KEY, product int NOT NULL REFERENCES products, receipt text NOT NULL);

INSERT INTO products VALUES (1, 'anchor', 1250), (2, 'compass', 3900), (3, 'lantern', 1999);

GRANT SELECT ON products TO app;

GRANT SELECT, INSERT ON orders TO app;

GRANT USAGE ON SEQUENCE orders_id_seq TO app;

GRANT SELECT ON orders TO reader;
SQL
exec su postgres -c "exec $server -D $PWD -c 'listen_addresses=*'"
