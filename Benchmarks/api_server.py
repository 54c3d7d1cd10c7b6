#!/usr/bin/env python3
"""What the API server takes: reads and writes a second, watch events to many clients, long lists, start, slow clients.

Run as root; `BULKHEAD` names the executable. wrk makes the load of reads and writes, over TLS with the administrator's token, on
the same cores: each row says how much of them it took itself. Delays of watch events are between the clock before the request
and the kernel's own receive time at each client, so that this program's speed does not count.
"""

import json
import os
import pathlib
import re
import resource
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/EndToEnd"))
from lab import Lab, policy  # noqa: E402
from server_load import Opened, resident_kilobytes, slow_clients  # noqa: E402
from test_api_watch import POLICIES, Client  # noqa: E402

SECONDS = int(os.environ.get("SECONDS_EACH", "5"))
WATCHERS = int(os.environ.get("WATCHERS", "1000"))
MANY_WATCHERS = int(os.environ.get("MANY_WATCHERS", "10000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
STORED = int(os.environ.get("STORED", "10000"))
SLOW = int(os.environ.get("SLOW", "500"))
MAPS = "/api/v1/namespaces/default/configmaps"


def row(name, figure, target, detail=""):
    print(f"  {name:<66} {figure:>26}   target {target}" + (f"   [{detail}]" if detail else ""), flush=True)


def load(lab, client, path, script="", connections=32):
    """One run of wrk: requests a second, median and 99th percentile in milliseconds, how many failed, and wrk's own share of a core."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(f'wrk.headers["Authorization"] = "Bearer {client.token}"\n{script}')
        file.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = lab.nsenter("wrk", "-t1", f"-c{connections}", f"-d{SECONDS}", "--latency", "-s", file.name,
                           f"https://{client.host}:{client.port}{path}").stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    median, slowest = (milliseconds(text, share) for share in ("50%", "99%"))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    share = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / SECONDS
    return rate, median, slowest, int(failed.group(1)) if failed else 0, share


def milliseconds(text, share):
    value, unit = re.search(share + r"\s+([\d.]+)(us|ms|s)\b", text).groups()
    return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def rates(lab, client, name, target, path, script=None, connections=32):
    """Several runs, `script(round)` for each; prints the median of them, and their range for noise."""
    runs = [load(lab, client, path, script(number) if script else "", connections) for number in range(ROUNDS)]
    rate, median, slowest, failed, share = zip(*runs)
    figure = f"{statistics.median(rate):,.0f}/s ({min(rate):,.0f} to {max(rate):,.0f})"
    detail = f"p50 {statistics.median(median):.1f}, p99 {statistics.median(slowest):.1f} ms; wrk took {statistics.median(share):.0%} of a core"
    row(f"{name}, {connections} connections", figure + (f", {sum(failed)} FAILED" if any(failed) else ""), target, detail)


def writing(body):
    """wrk's script: a POST of another name each time."""
    return f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local number = 0
request = function()
  number = number + 1
  return wrk.format(nil, nil, nil, (string.gsub([==[{json.dumps(body)}]==], "NUMBER", tostring(number))))
end
"""


def reads_and_writes(lab, client):
    rates(lab, client, "get of one object over keep-alive", "20,000/s", "/api/v1/namespaces/default")
    many = [client.json("POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"read-{number}"},
                                       "data": {"a": "b" * 1000}})[0] for number in range(1000)]
    assert set(many) == {201}
    rates(lab, client, "get of 1,000 objects of 1.4 kB in turn", "20,000/s", f"{MAPS}/read-0", lambda number: f"""
local number = 0
request = function()
  number = (number + 1) % 1000
  return wrk.format("GET", "{MAPS}/read-" .. number)
end
""")
    for connections in (1, 32):
        rates(lab, client, "create of a ConfigMap", "2,000/s, p99 5 ms", MAPS, lambda number: writing({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"m-{connections}-{number}-NUMBER"},
            "data": {"a": "b"}}), connections)
    rates(lab, client, "create of a policy, the node agent compiling", "2,000/s, p99 5 ms", POLICIES,
          lambda number: writing(policy(f"w-{number}-NUMBER", "app == 'NUMBER'", order=1)))


def watch_delays(client, rounds=20):
    watchers = [Opened(client, f"GET {MAPS}?watch=1&resourceVersion={revision(client)} HTTP/1.1") for _ in range(WATCHERS)]
    for watcher in watchers:
        watcher.stamped()
    time.sleep(1)
    delays, missing = [], 0
    for number in range(rounds):
        for watcher in watchers:
            watcher.drain()
        start = time.time()
        status, _ = client.json("POST", MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"event-{number}"}})
        assert status == 201
        time.sleep(0.7)
        for watcher in watchers:
            arrived = watcher.drain()
            if arrived:
                delays.append((arrived - start) * 1000)
            else:
                missing += 1
    delays.sort()
    row(f"event to {WATCHERS:,} watching clients, from the write's first byte",
        f"p50 {delays[len(delays) // 2]:.1f}, p99 {delays[len(delays) * 99 // 100]:.1f} ms" + (f", {missing} LATE" if missing else ""), "p99 50 ms",
        f"{rounds} writes")
    for watcher in watchers:
        watcher.close()


def revision(client):
    return client.json("GET", f"{MAPS}?limit=1")[1]["metadata"]["resourceVersion"]


def gets(client, count=200):
    """Milliseconds of `count` gets on one connection, sorted."""
    connection = Opened(client)
    times = []
    for _ in range(count):
        start = time.monotonic()
        assert connection.get("/api/v1/namespaces/default") == 200
        times.append((time.monotonic() - start) * 1000)
    connection.close()
    return sorted(times)


def many(lab, client):
    before = resident_kilobytes(lab)
    with slow_clients(client, SLOW) as slow:
        time.sleep(1)
        times = gets(client)
        row(f"{slow.count} slow clients of 3 MB bodies: get meanwhile", f"p99 {times[len(times) * 99 // 100]:.1f} ms", "50 ms")
        row("the same: memory of the server more than before", f"{(resident_kilobytes(lab) - before) / 1024:.0f} MB", "bounded")
    time.sleep(2)
    row("the same: memory when they are gone", f"{(resident_kilobytes(lab) - before) / 1024:.0f} MB", "bounded")
    before = resident_kilobytes(lab)
    start = time.monotonic()
    at = revision(client)
    count = min(MANY_WATCHERS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    watchers = [Opened(client, f"GET {MAPS}?watch=1&resourceVersion={at} HTTP/1.1") for _ in range(count)]
    took = time.monotonic() - start
    time.sleep(2)
    times = gets(client)
    row(f"{count:,} watchers, idle: get meanwhile", f"p99 {times[len(times) * 99 // 100]:.1f} ms", "50 ms")
    grown = resident_kilobytes(lab) - before
    row(f"the same: memory ({took:.0f} s to connect)", f"{grown / 1024:.0f} MB, {grown / len(watchers):.0f} kB each", "bounded")
    for watcher in watchers:
        watcher.close()


def lists_and_start(lab, client):
    script = writing(policy("s-NUMBER", "app == 'web'", order=1, ingress=[{"action": "Allow", "protocol": "TCP", "destination": {"ports": [80]}}]))
    while True:
        count = len(client.json("GET", POLICIES, timeout=120)[1]["items"])
        if count >= STORED:
            break
        # Names go on where the last run of wrk ended.
        load(lab, client, POLICIES, script.replace("local number = 0", f"local number = {count * 100}"))
    times = []
    for _ in range(3):
        start = time.monotonic()
        client.json("GET", POLICIES, timeout=120)
        times.append(time.monotonic() - start)
    row(f"list of {count:,} policies, read and parsed by Python", f"{min(times):.2f} s", "1 s")
    start = time.monotonic()
    answer = client.open("GET", POLICIES, timeout=120)
    size = len(answer.read())
    row("the same, the bytes alone", f"{time.monotonic() - start:.2f} s, {size / 1e6:.0f} MB", "1 s")
    lab.stop()
    start = time.monotonic()
    lab.up()
    row(f"cold start with {count:,} stored policies to ready", f"{time.monotonic() - start:.2f} s", "3 s")


def main():
    # The server inherits it.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("API server", flush=True)
    lab = Lab()
    try:
        lab.up()
        client = Client(lab)
        wanted = sys.argv[1:] or ["rates", "watch", "many", "stored"]
        if "rates" in wanted:
            reads_and_writes(lab, client)
        if "watch" in wanted:
            watch_delays(client)
        if "many" in wanted:
            many(lab, client)
        if "stored" in wanted:
            lists_and_start(lab, client)
    finally:
        lab.close()


if __name__ == "__main__":
    main()
