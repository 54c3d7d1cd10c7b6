#!/usr/bin/env python3
"""What a packet, a connection, an interface and a moment of rest cost with Bulkhead, beside none and beside nftables and OVN.

Laboratories of the same shape stand side by side (workload, veth, router, veth, workload), and measurements go round among
them, so that what else the machine does meets all alike. Sender and receiver share one processor, so that its time is the
packet's; everything else is asked to use the other. `packet_path.py peers` leaves out what has no peer.
"""

import concurrent.futures
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

from laboratories import MEMBERS, NAMESPACED, POLICIES, RIGHT, RULES, SETS, Bare, Policed, endpoint
from probe import MERGE, Connection, Probe, Trace, end_on_signal, percentile, processor_seconds, run, share_of
from peers import Nftables, OpenVirtualNetwork, Unavailable

ROUNDS = int(os.environ.get("ROUNDS", "5"))
BLASTS, CONNECTIONS = 60, 16
CHANGES = int(os.environ.get("CHANGES", "100"))
# The processors of the measured path and of everything else.
PATH = 0
OTHERS = 1 if (os.cpu_count() or 1) > 1 else 0
IDLE_SECONDS = 20
INTERFACES = 200


def figures(values):
    return f"5th percentile {percentile(values, 0.05):8,.0f}   median {statistics.median(values):8,.0f}   p99 {percentile(values, 0.99):8,.0f}"


def noise(rounds):
    """`rounds`: a figure each."""
    return f"   rounds {min(rounds):,.0f}-{max(rounds):,.0f}" if len(rounds) > 1 else ""


def row(name, text, target=""):
    print(f"  {name:<44} {target:<26} {text}", flush=True)


class Path:
    """The processes at the right end of a laboratory, and the two costs."""

    def __init__(self, probe, laboratory):
        self.probe, self.laboratory = probe, laboratory
        for task, port in (("sink", 9), ("serve", 80)):
            probe.start(task, laboratory.right, port, processor=PATH)
        self.packets, self.connections, self.agents = [], [], []
        self.rest = None  # of a core, what the process takes when nothing happens

    def send(self):
        """Nanoseconds for each packet, of one flow that is established."""
        self.packets.append(self.probe.numbers("blast", self.laboratory.left, RIGHT, 9, BLASTS, processor=PATH)[5:])

    def connect(self):
        """Nanoseconds for each connection with request and answer on one processor, and those of our process on the other."""
        process = self.laboratory.process
        if process and self.rest is None:
            self.rest = share_of(process, 3)
        before, began = processor_seconds(process) if process else 0, time.monotonic()
        found = self.probe.numbers("connect", self.laboratory.left, RIGHT, 80, CONNECTIONS, processor=PATH)
        self.connections.append(found[1:])
        if process:
            time.sleep(1.5)  # until it has read and written down what happened
            used = processor_seconds(process) - before - self.rest * (time.monotonic() - began)
            self.agents.append(used * 1e9 / (500 * CONNECTIONS))


def each(values):
    return [value for one in values for value in one]


def compare(paths):
    for _ in range(ROUNDS):
        for path in paths.values():
            path.send()
            path.connect()
    names = list(paths)
    bare = paths[names[0]]
    least, base = percentile(each(bare.packets), 0.05), statistics.median(each(bare.connections))
    print(f" a packet of 64 bytes (UDP, established), ns, {ROUNDS} rounds of {BLASTS - 5} times 1,000")
    for name, path in paths.items():
        more = percentile(each(path.packets), 0.05) - least
        row(name, figures(each(path.packets)) + noise([percentile(one, 0.05) for one in path.packets]) + f"   {more:+,.0f}",
            "" if path is bare or not isinstance(path.laboratory, Policed) else "at most 350 ns more")
    print(f" a new connection (TCP, request, answer, both ends on one processor), ns, {ROUNDS} rounds of {CONNECTIONS - 1} times 500")
    for name, path in paths.items():
        middle = statistics.median(each(path.connections))
        text = figures(each(path.connections)) + noise([statistics.median(one) for one in path.connections]) + f"   {(middle / base - 1) * 100:+.1f} %"
        if path.agents:
            text += f"; with the {statistics.median(path.agents):,.0f} of its process {((middle + statistics.median(path.agents)) / base - 1) * 100:+.1f} %"
        row(name, text, "" if path is bare or not isinstance(path.laboratory, Policed) else "at most 10 % more")


def throughput(laboratories):
    print(f" one TCP stream, Gbit/s, both processors, {ROUNDS} rounds of 2 s")
    found = {name: [] for name in laboratories}
    for _ in range(ROUNDS):
        for name, laboratory in laboratories.items():
            both = ["taskset", "-c", f"{PATH},{OTHERS}"]
            server = subprocess.Popen(["nsenter", f"--net=/run/netns/{laboratory.right}", *both, "iperf3", "-s", "-1", "-p", "5201"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                time.sleep(0.3)
                text = run("nsenter", f"--net=/run/netns/{laboratory.left}", *both, "iperf3", "-c", RIGHT, "-t", "2", "-J", "-C", "cubic", timeout=30).stdout
                found[name].append(json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9)
            finally:
                server.kill()
                server.wait()
    for name, values in found.items():
        row(name, f"median {statistics.median(values):6.2f}   rounds {min(values):.2f}-{max(values):.2f}")


def while_changing(path):
    """The packet's cost while policies change at an even pace, each a rule of the addressed workload's."""
    laboratory, connection = path.laboratory, Connection(path.laboratory.lab)
    quiet = path.probe.numbers("blast", laboratory.left, RIGHT, 9, BLASTS, processor=PATH)[5:]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        busy = pool.submit(path.probe.numbers, "blast", laboratory.left, RIGHT, 9, 40 * BLASTS, processor=PATH)
        began, count = time.monotonic(), 0
        while not busy.done():
            connection.ask("PATCH", f"{NAMESPACED}/networkpolicies/policy-{count % 10 * 100}",
                           {"spec": {"ingress": laboratory.rules(count % 10 * 100, 8000 + count % 100)}}, MERGE)
            count += 1
            time.sleep(max(0, began + count * 0.01 - time.monotonic()))
        rate = count / (time.monotonic() - began)
        found = busy.result()
    print(f" a packet while policies change, ns: {rate:.0f} changes a second came about (target 100)")
    row("nothing changes", figures(quiet))
    row("changing", figures(found), "bounded")
    connection.close()


def idle(laboratory):
    process = laboratory.process
    time.sleep(5)
    used = share_of(process, IDLE_SECONDS)
    status = dict(line.split(":", 1) for line in open(f"/proc/{process.pid}/status"))
    whole, own, files, shared = (int(status[name].split()[0]) / 1000 for name in ("VmRSS", "RssAnon", "RssFile", "RssShmem"))
    row(f"idle, {laboratory.shape}", f"{whole:.0f} MB resident: {own:.0f} its own, {files:.0f} of files (its executable, the kernel's maps), "
        f"{shared:.0f} shared; {used:.2%} of a core", "< 80 MB, < 1 % of a core")


def attach(laboratory):
    """From the first request to the last map write, for interfaces that are there."""
    lab, connection = laboratory.lab, Connection(laboratory.lab)
    run("ip", "-n", lab.host, "-batch", "-", input="".join(
        f"link add a{number} type veth peer name b{number} netns {laboratory.right}\nlink set a{number} up\n" for number in range(INTERFACES)))
    began = time.monotonic()
    for number in range(INTERFACES):
        answer = connection.ask("POST", f"{NAMESPACED}/workloadendpoints", endpoint(
            f"more-{number}", f"172.21.0.{number + 1}", {"app": f"app-{number % 100}"}, f"a{number}"))[2]
    connection.enforced(answer)
    row(f"{INTERFACES} interfaces more, one request each", f"{INTERFACES / (time.monotonic() - began):.0f}/s", "100/s")
    connection.close()


def latencies(probe, peers):
    print(f" a change of one rule to the first packet that meets it, ms, from the write's first byte or, for nft, the start of its process; {CHANGES} changes")
    for name, peer in peers.items():
        trace = Trace(probe, peer.left, peer.right, processor=PATH)
        try:
            trace.aim(RIGHT)
            peer.change(True)
            trace.fate(trace.collected(), True)
            values = []
            for number in range(CHANGES):
                allowed = number % 2 == 1
                time.sleep(0.05)
                start = trace.collected()
                began = peer.change(allowed)
                first, _, _ = trace.fate(start, allowed)
                values.append(((trace.arrived(first) if allowed else trace.sent(first)) - began) / 1e6)
            row(name, f"median {statistics.median(values):7.2f}   p99 {percentile(values, 0.99):7.2f}   min {min(values):6.2f}   max {max(values):7.2f}")
        finally:
            trace.close()


def main():
    end_on_signal()
    os.sched_setaffinity(0, {OTHERS})
    with contextlib.ExitStack() as stack:
        probe = Probe()
        stack.callback(probe.close)
        laboratories = {
            "no policy": Bare(stack), "Bulkhead, one end policed": Policed(stack, ends=1), "Bulkhead, both ends policed": Policed(stack, ends=2),
            "nftables as Calico renders it": Nftables(stack)}
        try:
            laboratories["OVN, user-space datapath"] = OpenVirtualNetwork(stack)
        except Unavailable as reason:
            print(f"  OVN is left out: {reason}")
        print(f"packet path: workload, veth, router, veth, workload; {POLICIES:,} policies of {RULES} rules, {SETS:,} sets of {MEMBERS} addresses; "
              "the last of 10 policies allows")
        for laboratory in laboratories.values():
            laboratory.check()
        # Where another process carries the packets, the time of sender and receiver says nothing of their cost.
        paths = {name: Path(probe, laboratory) for name, laboratory in laboratories.items() if laboratory.in_kernel}
        compare(paths)
        throughput(laboratories)
        latencies(probe, {name: laboratory for name, laboratory in laboratories.items() if hasattr(laboratory, "change")})
        if "peers" in sys.argv[1:]:
            return
        while_changing(paths["Bulkhead, one end policed"])
        print(" the process, with nothing to do")
        idle(Policed(stack, ends=2, objects=False))
        fresh = Policed(stack, ends=2)
        idle(fresh)
        attach(fresh)


if __name__ == "__main__":
    main()
