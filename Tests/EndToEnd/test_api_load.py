"""Many slow and many watching clients: memory stays bounded, refusals are Status objects, others are served."""

import contextlib
import json
import os
import resource

from lab import eventually
from server_load import Opened, resident_kilobytes, slow_clients
from test_api_watch import POLICIES, Client

SLOW = int(os.environ.get("BULKHEAD_SLOW_CLIENTS", "50"))
WATCHERS = int(os.environ.get("BULKHEAD_WATCHERS", "500"))
MAPS = "/api/v1/namespaces/default/configmaps"


def test_slow_bodies_are_bounded(lab):
    client = Client(lab)
    assert client.json("GET", "/version")[0] == 200
    before = resident_kilobytes(lab)
    with slow_clients(client, SLOW) as slow:
        grown = resident_kilobytes(lab) - before
        print(f"{slow.count} slow clients of 3 MB: {grown} kB more, {len(slow.answers)} refused")
        # 64 MiB of bodies are held, and what a connection has in flight; 50 clients would like 150 MB, 500 1.5 GB.
        assert grown < 210_000 + 800 * SLOW
        assert len(slow.answers) >= SLOW - 64 * 1024 * 1024 // 2_900_000 - 1
        for status, body in slow.answers:
            refusal = json.loads(body)
            assert status == 429 and refusal["kind"] == "Status" and refusal["reason"] == "TooManyRequests"
            assert refusal["details"]["retryAfterSeconds"] == 1
        assert client.json("GET", "/api/v1/namespaces/default")[0] == 200
    # When they are gone there is room again.
    def written():
        return client.json("PUT", f"{POLICIES}/absent", {"a": "x" * 1_000_000})[0] != 429
    eventually(written, 20, every=0.5, what="room for bodies")


def test_strangers_bodies_are_not_read(lab):
    client = Client(lab)
    client.token = "unknown"
    stranger = Opened(client)
    stranger.send(f"POST {POLICIES} HTTP/1.1", ["Content-Type: application/json", "Content-Length: 3000000"])
    status, body = stranger.answer()
    assert status == 401 and json.loads(body)["kind"] == "Status"
    stranger.close()


def test_many_watchers(lab):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    client = Client(lab)
    revision = client.json("GET", MAPS)[1]["metadata"]["resourceVersion"]
    before = resident_kilobytes(lab)
    with contextlib.ExitStack() as stack:
        watchers = []
        for _ in range(WATCHERS):
            watchers.append(Opened(client, f"GET {MAPS}?watch=1&resourceVersion={revision} HTTP/1.1"))
            stack.callback(watchers[-1].close)
        assert {watcher.status for watcher in watchers} == {200}
        grown = resident_kilobytes(lab) - before
        print(f"{WATCHERS} watchers: {grown} kB more, {grown / WATCHERS:.0f} kB each")
        assert grown < 100_000 + 300 * WATCHERS
        assert client.json("POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "seen"}})[0] == 201
        for watcher in watchers:
            while b'"type":"ADDED"' not in watcher.rest:
                part = watcher.tls.recv(65536)
                assert part
                watcher.rest += part
        assert client.json("GET", "/api/v1/namespaces/default")[0] == 200
