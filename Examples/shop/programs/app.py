"""The shop's application: products from PostgreSQL, visits counted in redis, money taken by the payment service."""

import json
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import redis


def query(statement, *values):
    # A connection for each request: every request shows in the flow log.
    with psycopg2.connect(host="database", dbname="shop", user="app", connect_timeout=2) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def visits():
    with redis.Redis(host="cache", socket_timeout=2) as cache:
        return cache.incr("visits")


def products():
    return {"visit": visits(), "products": [{"id": number, "name": name, "cents": cents} for number, name, cents in
                                            query("SELECT id, name, cents FROM products ORDER BY id")]}


def buy(product):
    ((name, cents),) = query("SELECT name, cents FROM products WHERE id = %s", product)
    with urllib.request.urlopen(f"http://payment/cgi-bin/charge?{cents}", timeout=2) as answer:
        receipt = answer.read().decode().strip()
    ((order,),) = query("INSERT INTO orders (product, receipt) VALUES (%s, %s) RETURNING id", product, receipt)
    return {"order": order, "bought": name, "payment": receipt}


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(products)

    def do_POST(self):
        product = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["product"][0]
        self.answer(lambda: buy(int(product)))

    def answer(self, work):
        try:
            status, body = 200, work()
        except (OSError, ValueError, psycopg2.Error, redis.RedisError) as error:
            status, body = 503, {"error": str(error).strip()}
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write((json.dumps(body) + "\n").encode())


ThreadingHTTPServer(("", 8000), Shop).serve_forever()
