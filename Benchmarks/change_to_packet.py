#!/usr/bin/env python3
"""Milliseconds from the last byte of a write's request at the API to the first packet that meets the new verdict.

An outside probe. One process sends numbered datagrams on one flow, 20,000 a second; another notes those that arrive, with the
kernel's own receive times, so that neither its wake-ups nor its share of the processor count. The clock starts immediately
before the system call that writes the request. Allowing ends at the arrival of the first datagram, denying when the first
lost one had been sent: the result is never less than the truth, and more by at most the gap to the datagram before.

`CHANGES=20` shortens; `WORLD=small` leaves out all but what the changes touch; `STATE=/dev/shm` keeps the store there instead of on a
disk, whose sync a commit waits for.
"""

import concurrent.futures
import contextlib
import os
import pathlib
import statistics
import sys
import tempfile
import time

from probe import MERGE, Connection, Probe, Trace, end_on_signal, percentile, share_of, show
from lab import Lab, policy, run

CHANGES = int(os.environ.get("CHANGES", "500"))
FULL = os.environ.get("WORLD", "full") != "small"
LOCAL, POLICIES, RULES, SETS, ADDRESSES = (200, 1000, 10, 5000, 20) if FULL else (11, 0, 0, 10, 20)
ROUNDS = 5
# Between a change and the next: longer than the kernel's tidying after one.
REST_SECONDS = 0.1
# After one that touched every address.
LONG_REST_SECONDS = 0.5
# The probe keeps to one processor, else it would push what it measures from one to the other 20,000 times a second.
PROBE = (os.cpu_count() or 1) - 1
PEER = "10.255.0.1"
PROJECT = "/apis/projectcalico.org/v3"
NAMESPACED = f"{PROJECT}/namespaces/lab"


def address(number):
    return f"172.20.{number // 250}.{number % 250 + 1}"


def remote(number):
    return f"10.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def thing(kind, name, spec, namespace=None, labels=None, group="projectcalico.org/v3"):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **({"labels": labels} if labels else {})}
    return {"apiVersion": group, "kind": kind, "metadata": metadata, **({"spec": spec} if spec is not None else {})}


def udp(action, **source):
    return {"action": action, "protocol": "UDP", **({"source": source} if source else {})}


def rules(name, order, *ingress, **spec):
    return policy(name, f"probe == '{spec.pop('subject', name)}'", namespace="lab", order=order, types=["Ingress"], ingress=list(ingress), **spec)


def service(addresses):
    return {"endpoints": [{"addresses": addresses}]}


SLICE = {**thing("EndpointSlice", "store-1", None, "lab", {"kubernetes.io/service-name": "store"}, "discovery.k8s.io/v1"),
         "addressType": "IPv4", "ports": [{"name": "one", "protocol": "UDP", "port": 9000}], **service(["192.0.2.1"])}
PASSING = [remote(number) + "/32" for number in range(19)]
OPEN, WALL = rules("created", -10, udp("Allow")), rules("block", -20, udp("Deny", nets=["10.0.0.0/8"]))

# Each: what is there at first (path, object), and how it is allowed and denied: method, path, body. Subjects carry the kind as their label.
KINDS = {
    "rule action": (
        [(f"{NAMESPACED}/networkpolicies", rules("action", -10, udp("Deny", nets=[PEER + "/32"])))],
        ("PATCH", f"{NAMESPACED}/networkpolicies/action", {"spec": {"ingress": [udp("Allow", nets=[PEER + "/32"])]}}),
        ("PATCH", f"{NAMESPACED}/networkpolicies/action", {"spec": {"ingress": [udp("Deny", nets=[PEER + "/32"])]}})),
    "policy created, deleted": (
        [], ("POST", f"{NAMESPACED}/networkpolicies", OPEN), ("DELETE", f"{NAMESPACED}/networkpolicies/created", None)),
    "order": (
        [(f"{NAMESPACED}/networkpolicies", rules("order", -5, udp("Allow"))),
         (f"{NAMESPACED}/networkpolicies", rules("order-wall", -7, udp("Deny"), subject="order"))],
        ("PATCH", f"{NAMESPACED}/networkpolicies/order", {"spec": {"order": -9}}),
        ("PATCH", f"{NAMESPACED}/networkpolicies/order", {"spec": {"order": -5}})),
    "tier order": (
        [(f"{PROJECT}/tiers", thing("Tier", "first", {"order": 30})), (f"{PROJECT}/tiers", thing("Tier", "second", {"order": 20})),
         (f"{NAMESPACED}/networkpolicies", rules("first.tier", 1, udp("Allow"), subject="tier", tier="first")),
         (f"{NAMESPACED}/networkpolicies", rules("second.tier", 1, udp("Deny"), subject="tier", tier="second"))],
        ("PATCH", f"{PROJECT}/tiers/first", {"spec": {"order": 10}}), ("PATCH", f"{PROJECT}/tiers/first", {"spec": {"order": 30}})),
    "subject's label": (
        [(f"{NAMESPACED}/networkpolicies", policy("subject", "door == 'open'", namespace="lab", order=-10, types=["Ingress"], ingress=[udp("Allow")]))],
        ("PATCH", f"{NAMESPACED}/workloadendpoints/SUBJECT", {"metadata": {"labels": {"door": "open"}}}),
        ("PATCH", f"{NAMESPACED}/workloadendpoints/SUBJECT", {"metadata": {"labels": {"door": "shut"}}})),
    "peer's label": (
        [(f"{NAMESPACED}/networkpolicies", rules("peer", -10, udp("Allow", selector="key == 'good'", namespaceSelector="all()")))],
        ("PATCH", f"{PROJECT}/namespaces/peers/workloadendpoints/peer", {"metadata": {"labels": {"key": "good"}}}),
        ("PATCH", f"{PROJECT}/namespaces/peers/workloadendpoints/peer", {"metadata": {"labels": {"key": "bad"}}})),
    "label of the peer's namespace": (
        [(f"{NAMESPACED}/networkpolicies", rules("team", -10, udp("Allow", namespaceSelector="team == 'a'")))],
        ("PATCH", "/api/v1/namespaces/peers", {"metadata": {"labels": {"team": "a"}}}),
        ("PATCH", "/api/v1/namespaces/peers", {"metadata": {"labels": {"team": "b"}}})),
    "member of a network set": (
        [(f"{PROJECT}/globalnetworksets", thing("GlobalNetworkSet", "good", {"nets": PASSING}, labels={"set": "good"})),
         (f"{NAMESPACED}/networkpolicies", rules("member", -10, udp("Allow", selector="set == 'good'", namespaceSelector="global()")))],
        ("PATCH", f"{PROJECT}/globalnetworksets/good", {"spec": {"nets": [*PASSING, PEER + "/32"]}}),
        ("PATCH", f"{PROJECT}/globalnetworksets/good", {"spec": {"nets": PASSING}})),
    "service endpoint": (
        [("/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices", SLICE),
         (f"{NAMESPACED}/networkpolicies", rules("service", -10, udp("Allow", services={"name": "store", "namespace": "lab"})))],
        ("PATCH", "/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices/store-1", service([PEER])),
        ("PATCH", "/apis/discovery.k8s.io/v1/namespaces/lab/endpointslices/store-1", service(["192.0.2.1"]))),
    "profile": (
        [(f"{PROJECT}/profiles", thing("Profile", "own", {"ingress": [udp("Deny")], "egress": [{"action": "Allow"}]})),
         (f"{NAMESPACED}/networkpolicies", rules("profile", -10, udp("Pass")))],
        ("PATCH", f"{PROJECT}/profiles/own", {"spec": {"ingress": [udp("Allow")]}}),
        ("PATCH", f"{PROJECT}/profiles/own", {"spec": {"ingress": [udp("Deny")]}})),
    "a rule for 10.0.0.0/8": (
        [(f"{NAMESPACED}/networkpolicies", rules("block-open", -10, udp("Allow"), subject="block")),
         (f"{NAMESPACED}/networkpolicies", WALL)],
        ("DELETE", f"{NAMESPACED}/networkpolicies/block", None), ("POST", f"{NAMESPACED}/networkpolicies", WALL)),
}
SUBJECTS = ["action", "created", "order", "tier", "subject", "peer", "team", "member", "service", "profile", "block"]


def batch(namespace, lines):
    run("ip", "-n", namespace, "-batch", "-", input="\n".join(lines) + "\n")


def cable(lab, servers, prober):
    """Veths of all local endpoints, which share a namespace, and of the peer, which nobody polices."""
    for name in (servers, prober):
        run("ip", "netns", "add", name)
        run("nsenter", f"--net=/run/netns/{name}", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
    batch(lab.host, [line for number in range(LOCAL) for line in (
        f"link add e{number} type veth peer name p{number} netns {servers}", f"link set e{number} up",
        f"route add {address(number)} dev e{number}")] + [
            f"link add up0 type veth peer name eth0 netns {prober}", "link set up0 up", f"route add {PEER} dev up0"])
    batch(servers, ["link set lo up"] + [line for number in range(LOCAL) for line in (
        f"link set p{number} up", f"addr add {address(number)}/32 dev p{number}")])
    batch(prober, ["link set lo up", "link set eth0 up", f"addr add {PEER}/32 dev eth0",
                   "route add 169.254.1.1 dev eth0 scope link", "route add default via 169.254.1.1 dev eth0"])


def world():
    """What is written before anything is measured, in parts that may go at the same time: (path, object)."""
    yield [("/api/v1/namespaces", thing("Namespace", "lab", None, group="v1")),
           ("/api/v1/namespaces", thing("Namespace", "peers", None, labels={"team": "b"}, group="v1")),
           *[(path, made) for start, _, _ in KINDS.values() for path, made in start if made["kind"] == "Tier"]]
    yield [(f"{NAMESPACED}/networksets", thing(
        "NetworkSet", f"set-{number}", {"nets": [remote(number * ADDRESSES + each) + "/32" for each in range(ADDRESSES)]}, "lab",
        {"app": f"app-{number % 100}", "role": f"role-{number // 100}"})) for number in range(SETS)]
    yield [(f"{NAMESPACED}/networkpolicies", generic(number)) for number in range(POLICIES)]
    yield [(path, made) for start, _, _ in KINDS.values() for path, made in start if made["kind"] != "Tier"] + [
        (f"{NAMESPACED}/networkpolicies", policy("wall", "has(probe)", namespace="lab", order=100_000, types=["Ingress"]))]
    yield [(f"{NAMESPACED}/workloadendpoints", thing(
        "WorkloadEndpoint", f"local-{number}",
        {"interfaceName": f"e{number}", "ipNetworks": [address(number) + "/32"], **({"profiles": ["own"]} if subject == "profile" else {})}, "lab",
        {"app": f"app-{number % 100}", "rank": f"rank-{number}", **({"probe": subject} if subject else {})}))
        for number in range(LOCAL) for subject in [SUBJECTS[number] if number < len(SUBJECTS) else None]] + [
            (f"{PROJECT}/namespaces/peers/workloadendpoints", thing(
                "WorkloadEndpoint", "peer", {"node": "elsewhere", "ipNetworks": [PEER + "/32"]}, "peers", {"key": "bad"}))]


def generic(number):
    """Half of its rules mean one set each, half of them 49: no two policies or rules have the same selector."""
    ingress = []
    for step in range(RULES):
        which = number * RULES // 2 + step // 2
        sign = "==" if step % 2 == 0 else "!="
        ingress.append({"action": "Allow", "protocol": "TCP", "destination": {"ports": [8000 + number % 50]}, "source": {
            "selector": f"app == 'app-{which % 100}' && role {sign} 'role-{which // 100}'"}})
    return policy(f"policy-{number}", f"app == 'app-{number % 100}' && rank != 'rank-{1000 + number}'", namespace="lab", order=number,
                  types=["Ingress"], ingress=ingress)


def write(lab, parts):
    """Writes all objects over a few connections; returns when they are in force."""
    connections = [Connection(lab) for _ in range(4)]
    last = None
    with concurrent.futures.ThreadPoolExecutor(len(connections)) as pool:
        for objects in parts:
            def some(index):
                return [connections[index].ask("POST", path, made)[2] for path, made in objects[index::len(connections)]][-1:]
            for answers in pool.map(some, range(len(connections))):
                last = max([last, *answers] if last else answers, key=lambda answer: int(answer["metadata"]["resourceVersion"]), default=last)
    connections[0].enforced(last)
    for connection in connections:
        connection.close()


def measure(connection, trace, subject, allowed, change, rest):
    """One change: milliseconds to the packet and to the answer, and the gap between the two datagrams around it."""
    method, path, body = change
    path = path.replace("SUBJECT", f"local-{subject}")
    time.sleep(rest)
    start = trace.collected()
    began, ended, _ = connection.ask(method, path, body, MERGE if method == "PATCH" else "application/json")
    first, _, old = trace.fate(start, allowed)
    assert len(old) == first - start, f"{first - start - len(old)} datagrams met the new verdict before the last that met the old one"
    if rest > REST_SECONDS:
        time.sleep(rest)
    at = trace.arrived(first) if allowed else trace.sent(first)
    return (at - began) / 1e6, (ended - began) / 1e6, (trace.sent(first) - trace.sent(first - 1)) / 1e6


def main():
    end_on_signal()
    lab, namespaces = Lab(), []
    trace = probe = memory = None
    try:
        probe = Probe()
        if "STATE" in os.environ:
            memory = tempfile.TemporaryDirectory(prefix="bulkhead-state-", dir=os.environ["STATE"])
            lab.state = pathlib.Path(memory.name) / "state"
        namespaces = [f"{lab.prefix}-servers", f"{lab.prefix}-prober"]
        cable(lab, *namespaces)
        lab.up()
        began = time.monotonic()
        write(lab, world())
        took = time.monotonic() - began
        connection = Connection(lab)
        trace = Trace(probe, namespaces[1], namespaces[0], processor=PROBE)
        rounds = max(1, min(ROUNDS, CHANGES // (2 * len(KINDS))))
        pairs = max(1, -(-CHANGES // (2 * len(KINDS) * rounds)))
        print(f"change to packet: {LOCAL} local endpoints (routed veths), {SETS * ADDRESSES:,} remote addresses in {SETS:,} network sets with labels of "
              f"their own,\n  {POLICIES:,} policies of {RULES} rules, all selectors distinct; {2 * pairs * rounds * len(KINDS)} changes of {len(KINDS)} kinds, "
              f"one after the other, over HTTPS on an open connection;\n  set up through the API in {took:.1f} s; one UDP flow from an endpoint outside at a time",
              flush=True)
        results, answers, gaps = {kind: [] for kind in KINDS}, [], []
        for _ in range(rounds):
            for subject, (kind, (_, allow, deny)) in enumerate(KINDS.items()):
                trace.aim(address(subject))
                values = []
                for _ in range(pairs):
                    for allowed, change in ((True, allow), (False, deny)):
                        value, answer, gap = measure(
                            connection, trace, subject, allowed, change, LONG_REST_SECONDS if "/8" in kind else REST_SECONDS)
                        values.append(value)
                        answers.append(answer)
                        gaps.append(gap)
                results[kind].append(values)
        show("all", [[value for kind in KINDS for value in results[kind][number]] for number in range(rounds)], "< 3, p99 < 10")
        show("all but 10.0.0.0/8", [[value for kind in KINDS if "/8" not in kind for value in results[kind][number]] for number in range(rounds)],
             "< 3, p99 < 10")
        for kind in KINDS:
            show(kind, results[kind], "< 3, p99 < 10")
        show("the API's answer", answers, "p99 < 5")
        print(f"  the probe sent {trace.rate():,.0f} datagrams a second ({trace.words[4]} of {trace.next:,} left out); gap at the changes "
              f"median {statistics.median(gaps) * 1000:.0f} us, p99 {percentile(gaps, 0.99) * 1000:.0f} us: the resolution")
        time.sleep(2 * LONG_REST_SECONDS)
        print(f"  while each of the probe's datagrams is denied the process takes {share_of(lab.process, 5):.1%} of a core")
    except AssertionError:
        print(lab.log_text(), file=sys.stderr)
        raise
    finally:
        for open_thing in (trace, probe):
            if open_thing:
                open_thing.close()
        lab.close()
        if memory:
            memory.cleanup()
        for name in namespaces:
            with contextlib.suppress(AssertionError):
                run("ip", "netns", "del", name)


if __name__ == "__main__":
    main()
