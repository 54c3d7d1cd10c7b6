#!/usr/bin/env python3
"""Milliseconds from a policy write's first byte at the API to the first packet that meets the new verdict.

An outside probe: one process sends a datagram every few microseconds, another notes which arrive; the clock starts before the
HTTPS request leaves. Both directions of change are measured, on a connection that is already open.
"""

import base64
import http.client
import json
import multiprocessing
import pathlib
import socket
import ssl
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Tests/EndToEnd"))
from lab import Lab, inside, policy  # noqa: E402

import yaml  # noqa: E402

CHANGES = 100
TARGET_MILLISECONDS = 10.0


def send(namespace, address, stop):
    with inside(namespace):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((address, 9000))
    while not stop.value:
        try:
            client.send(time.monotonic_ns().to_bytes(8, "little"))
        except OSError:
            pass


def receive(namespace, address, stop, first, last, armed):
    with inside(namespace):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.bind((address, 9000))
    server.settimeout(0.1)
    while not stop.value:
        try:
            sent = int.from_bytes(server.recv(64), "little")
        except OSError:
            continue
        last.value = sent
        if armed.value and sent > armed.value and not first.value:
            first.value = time.monotonic_ns()


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def show(name, values):
    median = statistics.median(values)
    print(f"{name:<28} target {TARGET_MILLISECONDS:5.1f} ms   median {median:6.2f}   p99 {percentile(values, 0.99):6.2f}   "
          f"min {min(values):5.2f}   max {max(values):6.2f}   n {len(values)}")


def main():
    lab = Lab()
    stop = multiprocessing.Value("i", 0)
    first, last, armed = (multiprocessing.Value("q", 0) for _ in range(3))
    try:
        lab.up()
        server, client = lab.workload("server", 10), lab.workload("client", 11)
        server.policed({"app": "server"})
        client.policed({"app": "client"})
        def manifest(action):
            return policy("probe", "app == 'server'", ingress=[{"action": action, "protocol": "UDP", "source": {"selector": "app == 'client'"}}])
        lab.apply(manifest("Deny"))
        config = yaml.safe_load(pathlib.Path(lab.kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        host = cluster["server"].removeprefix("https://")
        with inside(lab.host):
            api = http.client.HTTPSConnection(host, context=context)
            api.connect()
            api.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def change(action):
            body = json.dumps({"spec": manifest(action)["spec"]})
            api.request("PATCH", "/apis/projectcalico.org/v3/namespaces/default/networkpolicies/probe", body,
                        {"Content-Type": "application/merge-patch+json", "Authorization": f"Bearer {user['token']}"})
            answer = api.getresponse()
            text = answer.read()
            assert answer.status == 200, text

        workers = [multiprocessing.Process(target=send, args=(client.namespace, lab.v4(10), stop)),
                   multiprocessing.Process(target=receive, args=(server.namespace, lab.v4(10), stop, first, last, armed))]
        for worker in workers:
            worker.start()
        time.sleep(1)
        opened, cut = [], []
        for _ in range(CHANGES):
            first.value = 0
            armed.value = began = time.monotonic_ns()
            change("Allow")
            limit = time.monotonic() + 5
            while not first.value and time.monotonic() < limit:
                time.sleep(0.0005)
            assert first.value, "the change to Allow never arrived"
            opened.append((first.value - began) / 1e6)
            time.sleep(0.05)
            began = time.monotonic_ns()
            change("Deny")
            time.sleep(0.1)
            cut.append(max(0.0, (last.value - began) / 1e6))
        print(f"change to packet: {CHANGES} changes each way, 2 workloads, 1 policy of 1 rule, routed veth, one UDP flow of a datagram every few us")
        show("  Deny to Allow (first in)", opened)
        show("  Allow to Deny (last in)", cut)
    finally:
        stop.value = 1
        time.sleep(0.2)
        lab.close()


main()
