"""The insights team's job: counts the shop's orders over one connection that stays open, and keeps the count in redis."""

import time

import psycopg2
import redis

connection = psycopg2.connect(host="database", dbname="shop", user="reader")
connection.autocommit = True
archive = redis.Redis(host="archive")
cursor = connection.cursor()
answers = 0
while True:
    cursor.execute("SELECT count(*), pg_backend_pid() FROM orders")
    orders, server = cursor.fetchone()
    archive.set("orders", orders)
    answers += 1
    # The number of the server's process: another connection would have another.
    print(f"answer {answers}: {orders} orders, from PostgreSQL process {server}", flush=True)
    time.sleep(0.2)
