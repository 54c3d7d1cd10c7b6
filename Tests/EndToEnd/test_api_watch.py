"""Watches over restarts: every event once and in order, whatever happens to the server."""

import http.client
import json
import re
import threading
import time

from api import POLICIES, Client
from lab import eventually, inside, policy


class Informer(threading.Thread):
    """Lists once, then follows; goes on at the last revision seen after every broken connection, as client-go does."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client, self.events, self.relists, self.stopping = client, [], 0, False
        _, answer = client.json("GET", POLICIES)
        self.revision = int(answer["metadata"]["resourceVersion"])

    def run(self):
        while not self.stopping:
            try:
                answer = self.client.open("GET", f"{POLICIES}?watch=1&allowWatchBookmarks=true&resourceVersion={self.revision}", timeout=3)
                while line := answer.readline():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        self.relists += 1
                        return
                    self.revision = int(event["object"]["metadata"]["resourceVersion"])
                    if event["type"] != "BOOKMARK":
                        self.events.append((event["type"], event["object"]["metadata"]["name"], self.revision))
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.05)


def test_a_watch_goes_on_over_restarts(lab):
    client = Client(lab)
    informers = [Informer(client) for _ in range(3)]
    for informer in informers:
        informer.start()
    written = []
    for restart in range(5):
        for number in range(10):
            name = f"p{restart}-{number}"
            status, made = client.json("POST", POLICIES, policy(name, "app == 'web'"))
            assert status == 201
            written.append(("ADDED", name, int(made["metadata"]["resourceVersion"])))
            status, changed = client.json("PATCH", f"{POLICIES}/{name}", {"spec": {"order": number}}, content_type="application/merge-patch+json")
            written.append(("MODIFIED", name, int(changed["metadata"]["resourceVersion"])))
            if number % 3 == 0:
                status, gone = client.json("DELETE", f"{POLICIES}/{name}")
                assert status == 200
                written.append(("DELETED", name, int(gone["metadata"]["resourceVersion"])))
        # Half of the time it is killed.
        if restart % 2:
            lab.kill()
        else:
            lab.stop()
        lab.up()
    for informer in informers:
        eventually(lambda: informer.events and informer.events[-1][2] >= written[-1][2], 20,
                   what=f"revision {written[-1][2]}, saw {informer.events[-1:]}")
        informer.stopping = True
        assert informer.relists == 0
        revisions = [revision for _, _, revision in informer.events]
        assert all(before < after for before, after in zip(revisions, revisions[1:]))
        # The server's own statuses are events too: what was written is all there, in order, and the rest are modifications.
        wanted = set(written)
        assert [event for event in informer.events if event in wanted] == written
        assert {kind for kind, _, _ in set(informer.events) - wanted} <= {"MODIFIED"}


def test_a_watch_that_is_too_old_is_told_so(lab):
    client = Client(lab)
    status, _ = client.json("GET", f"{POLICIES}?resourceVersion=1000000")
    assert status == 504
    status, answer = client.json("GET", f"{POLICIES}?watch=1&resourceVersion=1000000")
    assert status == 504 and answer["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_malformed_requests_get_a_status(lab):
    client = Client(lab)
    for raw in (b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /api HTTP/1.1\r\nbad header\r\n\r\n",
                b"POST /api HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"x" * 200_000 + b"\r\n\r\n"):
        with inside(lab.host):
            connection = http.client.HTTPSConnection(client.host, client.port, context=client.context, timeout=10)
            connection.connect()
        try:
            connection.sock.sendall(raw)
        except OSError:
            pass
        text = b""
        try:
            while part := connection.sock.recv(65536):
                text += part
        except OSError:
            pass
        assert text.startswith(b"HTTP/1.1 4"), (raw[:40], text[:200])
        assert b'"kind":"Status"' in text, (raw[:40], text[:400])
    # A body of 10 MB is refused, whoever sends it, and the server is as before.
    with inside(lab.host):
        connection = http.client.HTTPSConnection(client.host, client.port, context=client.context, timeout=20)
        connection.putrequest("POST", POLICIES)
        connection.putheader("Authorization", f"Bearer {client.token}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(10 * 1024 * 1024))
        connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413 and json.loads(answer.read())["reason"] == "RequestEntityTooLarge"
    assert client.json("GET", "/version")[0] == 200


def resident_kilobytes(lab):
    pid = lab.process.pid
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def test_slow_clients_cost_little(lab):
    """Watchers that never read hold neither memory nor anybody else up."""
    client = Client(lab)
    before = resident_kilobytes(lab)
    slow = [client.open("GET", f"{POLICIES}?watch=1") for _ in range(100)]
    large = policy("large", "app == 'web'")
    large["metadata"]["annotations"] = {"text": "x" * 200_000}
    assert client.json("POST", POLICIES, large)[0] == 201
    for round in range(60):
        status, _ = client.json("PATCH", f"{POLICIES}/large", {"spec": {"order": round}}, content_type="application/merge-patch+json")
        assert status == 200
    grown = resident_kilobytes(lab) - before
    # 100 readers behind by 12 MB each would be 1.2 GB.
    print(f"100 slow watchers, 12 MB of events each: {grown} kB more")
    assert grown < 400_000
    assert client.json("GET", "/api/v1/namespaces")[0] == 200
    assert all(answer.status == 200 for answer in slow)
