#!/usr/bin/env python3
"""Milliseconds from a policy write's first byte at the API to the first packet that meets the new verdict.

An outside probe. One process sends numbered datagrams at a steady pace on one flow; another collects those that arrive, with
the kernel's own receive times, so that neither its wake-ups nor its share of the processor count. The clock starts before the
HTTPS request leaves. Allowing ends at the arrival of the first datagram, denying when the first lost one had been sent: the
result is never less than the truth, and more by at most the gap to the datagram before.
"""

import base64
import contextlib
import ctypes
import http.client
import json
import multiprocessing
import os
import pathlib
import signal
import socket
import ssl
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/EndToEnd"))
from lab import Lab, inside, policy  # noqa: E402

import yaml  # noqa: E402

CHANGES = int(os.environ.get("CHANGES", "100"))
TARGET_MILLISECONDS = 10.0
PACE_SECONDS = 100e-6
# Between a change and the next: longer than the kernel's tidying after one.
REST_SECONDS = 0.1
CAPACITY = 1 << 22
SO_TIMESTAMPNS = 35
SO_RCVBUFFORCE = 33
PR_SET_TIMERSLACK = 29
ENFORCEMENT = "/apis/bulkhead.io/v1alpha1/enforcement?revision="
PATH = "/apis/projectcalico.org/v3/namespaces/default/networkpolicies/probe"


class Trace:
    """What happened to every datagram, by its number; nanoseconds of the system's clock, 0 for not (yet)."""

    def __init__(self):
        self.sent = multiprocessing.RawArray("q", CAPACITY)
        self.arrived = multiprocessing.RawArray("q", CAPACITY)
        self.stop = multiprocessing.RawValue("i", 0)
        # The next number to send; numbers below are complete in `sent`.
        self.next = multiprocessing.RawValue("q", 0)
        # No datagram that arrived before this time is missing in `arrived`.
        self.collected = multiprocessing.RawValue("q", 0)


def send(namespace, address, trace):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1)
    with inside(namespace):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((address, 9000))
    number = 0
    while not trace.stop.value and number < CAPACITY:
        with contextlib.suppress(OSError):
            client.send(number.to_bytes(8, "little"))
        trace.sent[number] = time.time_ns()
        number += 1
        trace.next.value = number
        time.sleep(PACE_SECONDS)


def receive(namespace, address, trace):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with inside(namespace):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 23)
    server.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    server.bind((address, 9000))
    server.setblocking(False)
    while not trace.stop.value:
        began = time.time_ns()
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = server.recvmsg(64, 64)
                seconds, nanoseconds = int.from_bytes(ancillary[0][2][:8], "little"), int.from_bytes(ancillary[0][2][8:16], "little")
                trace.arrived[int.from_bytes(data, "little")] = seconds * 1_000_000_000 + nanoseconds
        trace.collected.value = began
        time.sleep(0.005)


def wait(trace, condition, what, seconds=5):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"not within {seconds} s: {what}"
        time.sleep(0.005)


def settle(trace):
    """Waits until the fate of every datagram sent so far is known, and returns the next number."""
    time.sleep(REST_SECONDS)
    now, number = time.time_ns(), trace.next.value
    wait(trace, lambda: trace.collected.value > now, "the receiver's look")
    return number


def opened(trace, start, end):
    """When the first of these datagrams arrived, and the time since the last that did not."""
    first = next(number for number in range(start, end) if trace.arrived[number])
    lost = [number for number in range(first, end) if not trace.arrived[number]]
    assert not lost, f"{len(lost)} datagrams were lost after the first that was allowed"
    return trace.arrived[first], trace.arrived[first] - trace.sent[max(first - 1, 0)]


def cut(trace, start, end):
    """When the first of these datagrams that did not arrive had been sent, and the time since the last that did."""
    last = next(number for number in reversed(range(start - 1, end)) if trace.arrived[number])
    lost = [number for number in range(start, last) if not trace.arrived[number]]
    assert not lost, f"{len(lost)} datagrams were lost before the last that was allowed"
    return trace.sent[last + 1], trace.sent[last + 1] - trace.arrived[last]


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def show(name, values, target=None):
    aim = f"target < {target:4.1f} ms" if target else " " * 16
    print(f"  {name:<34} {aim}   median {statistics.median(values):6.2f}   p99 {percentile(values, 0.99):6.2f}   "
          f"min {min(values):5.2f}   max {max(values):6.2f}   n {len(values)}")


class Client:
    """Writes policies on one open connection, as kubectl's library does."""

    def __init__(self, lab):
        config = yaml.safe_load(pathlib.Path(lab.kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.headers = {"Content-Type": "application/merge-patch+json", "Authorization": f"Bearer {user['token']}"}
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.connection = http.client.HTTPSConnection(
            cluster["server"].removeprefix("https://"), context=ssl.create_default_context(cadata=authority))
        with inside(lab.host):
            self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method, path, body=None):
        """Returns the milliseconds to the answer, and the answer."""
        began = time.monotonic_ns()
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        taken = (time.monotonic_ns() - began) / 1e6
        assert answer.status == 200, text
        return taken, json.loads(text)

    def change(self, action, query=""):
        return self.ask("PATCH", PATH + query, json.dumps({"spec": manifest(action)["spec"]}))


def manifest(action):
    return policy("probe", "app == 'server'", ingress=[
        {"action": action, "protocol": "UDP", "source": {"selector": "app == 'client'"}}])


def main():
    lab, trace, workers = Lab(), Trace(), []
    try:
        lab.up()
        server, client = lab.workload("server", 10), lab.workload("client", 11)
        server.policed({"app": "server"})
        client.policed({"app": "client"})
        lab.apply(manifest("Deny"))
        api = Client(lab)
        workers = [multiprocessing.Process(target=send, args=(client.namespace, lab.v4(10), trace)),
                   multiprocessing.Process(target=receive, args=(server.namespace, lab.v4(10), trace))]
        for worker in workers:
            worker.start()
        wait(trace, lambda: trace.next.value > 1000, "1000 datagrams")
        results = {"Allow": [], "Deny": []}
        reads, trials, answers, kernel, gaps = [], [], [], [], []
        for _ in range(CHANGES):
            for action, find in [("Allow", opened), ("Deny", cut)]:
                start, began = settle(trace), time.time_ns()
                taken, written = api.change(action)
                at, gap = find(trace, start, settle(trace))
                results[action].append((at - began) / 1e6)
                answers.append(taken)
                gaps.append(gap / 1e6)
                kernel.append(api.ask("GET", ENFORCEMENT + written["metadata"]["resourceVersion"])[1]["milliseconds"])
                reads.append(api.ask("GET", PATH)[0])
                trials.append(api.change("Allow" if action == "Deny" else "Deny", "?dryRun=All")[0])
        print(f"change to packet, ms: {CHANGES} changes each way of 1 policy of 1 rule, written over HTTPS on an open connection; 2 workloads, "
              f"routed veths,\n  one UDP flow, a datagram every {statistics.median(gaps) * 1000:.0f} us (the resolution; at the changes p99 {percentile(gaps, 0.99) * 1000:.0f} us)")
        show("Deny to Allow, first packet in", results["Allow"], TARGET_MILLISECONDS)
        show("Allow to Deny, first packet out", results["Deny"], TARGET_MILLISECONDS)
        print("  where the time goes, seen from outside:")
        show("GET of the policy", reads)
        show("PATCH with dryRun=All", trials)
        show("PATCH, to the API's answer", answers)
        show("from the store to the last map write", kernel)
    finally:
        trace.stop.value = 1
        for worker in workers:
            worker.join(2)
            worker.kill()
        lab.close()


if __name__ == "__main__":
    main()
