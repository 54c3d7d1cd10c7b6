"""Every cause that can change a verdict cuts the connections that are open, and releases them again.

The peer is another workload of the node, or somebody outside that nobody polices.
"""

import json
import time

import pytest

from lab import eventually, policy
from traffic import KINDS, all_kinds, standing

ALLOW = [{"action": "Allow"}]
WALL = policy("wall", "app == 'reader'", order=900, types=["Ingress"])


def tier(name, order):
    return {"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": name}, "spec": {"order": order}}


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def global_set(nets):
    return {"apiVersion": "projectcalico.org/v3", "kind": "GlobalNetworkSet",
            "metadata": {"name": "good", "labels": {"set": "good"}}, "spec": {"nets": nets}}


def slices(workload, *, empty):
    """The EndpointSlices of the service `store`, one for each IP version."""
    return [{
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": f"store-{kind.lower()}", "namespace": "default", "labels": {"kubernetes.io/service-name": "store"}},
        "addressType": kind, "endpoints": [] if empty else [{"addresses": [address]}],
        "ports": [{"name": f"{protocol.lower()}-{number}", "protocol": protocol, "port": 7000 + number}
                  for number, protocol in enumerate(["TCP", "TCP", "UDP"])],
    } for kind, address in zip(["IPv4", "IPv6"], workload.addresses)]


def profile(action):
    return {"apiVersion": "projectcalico.org/v3", "kind": "Profile", "metadata": {"name": "own"},
            "spec": {"ingress": [{"action": action}], "egress": ALLOW}}


def with_profile(network, name):
    """The endpoint in the namespace `default` gets the profile `own`."""
    found = json.loads(network.bulkhead("get", "workloadendpoints", name, "-n", "default", "-o", "json").stdout)
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
    return {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata,
            "spec": {**found["spec"], "profiles": ["own"]}}


def delete(network, *words):
    network.bulkhead("delete", *words)


def opening(order, tier="default", **spec):
    return policy("open", "app == 'reader'", tier=tier, order=order, types=["Ingress"], ingress=[{"action": "Allow", **spec}])


# Each: what is there at first, what cuts, what releases. `reader` is addressed, `writer` begins.
CAUSES = {
    "policy deleted": (
        lambda network, reader, writer: network.apply(WALL, opening(100)),
        lambda network, reader, writer: delete(network, "networkpolicies", "open", "-n", "default"),
        lambda network, reader, writer: network.apply(opening(100))),
    "order": (
        lambda network, reader, writer: network.apply(policy("wall", "app == 'reader'", order=500, types=["Ingress"], ingress=[{"action": "Deny"}]), opening(100)),
        lambda network, reader, writer: network.apply(opening(600)),
        lambda network, reader, writer: network.apply(opening(100))),
    "tier order": (
        lambda network, reader, writer: network.apply(
            tier("first", 10), tier("second", 20), opening(100, tier="first"),
            policy("wall", "app == 'reader'", tier="second", types=["Ingress"])),
        lambda network, reader, writer: network.apply(tier("first", 30)),
        lambda network, reader, writer: network.apply(tier("first", 10))),
    "subject's label": (
        lambda network, reader, writer: (
            network.apply(WALL, policy("open", "door == 'open'", order=100, types=["Ingress"], ingress=ALLOW)),
            reader.policed({"app": "reader", "door": "open"})),
        lambda network, reader, writer: reader.policed({"app": "reader", "door": "shut"}),
        lambda network, reader, writer: reader.policed({"app": "reader", "door": "open"})),
    "subject's label that is compared": (
        lambda network, reader, writer: (
            network.apply(WALL, policy("open", "app == 'reader'", kind="GlobalNetworkPolicy", order=100, types=["Ingress"],
                                       ingress=[{"action": "Allow", "source": {"selector": "sameLabel(pair)"}}])),
            reader.policed({"app": "reader", "pair": "a"}), writer.policed({"app": "writer", "pair": "a"}, namespace="peers")),
        lambda network, reader, writer: reader.policed({"app": "reader", "pair": "b"}),
        lambda network, reader, writer: reader.policed({"app": "reader", "pair": "a"})),
    "label of the peer's namespace": (
        lambda network, reader, writer: network.apply(
            namespace("peers", team="a"), WALL, opening(100, source={"namespaceSelector": "team == 'a'"})),
        lambda network, reader, writer: network.apply(namespace("peers", team="b")),
        lambda network, reader, writer: network.apply(namespace("peers", team="a"))),
    "member of a network set": (
        lambda network, reader, writer: network.apply(
            global_set(writer.addresses), WALL,
            opening(100, source={"selector": "set == 'good'", "namespaceSelector": "global()"})),
        lambda network, reader, writer: network.apply(global_set(["192.0.2.1"])),
        lambda network, reader, writer: network.apply(global_set(writer.addresses))),
    "service endpoint": (
        lambda network, reader, writer: network.apply(
            *slices(reader, empty=False),
            policy("calls", "app == 'writer'", namespace="peers", types=["Egress"], egress=[
                {"action": "Allow", "destination": {"services": {"name": "store", "namespace": "default"}}}])),
        lambda network, reader, writer: network.apply(*slices(reader, empty=True)),
        lambda network, reader, writer: network.apply(*slices(reader, empty=False))),
    "profile": (
        lambda network, reader, writer: network.apply(profile("Allow"), with_profile(network, "reader")),
        lambda network, reader, writer: network.apply(profile("Deny")),
        lambda network, reader, writer: network.apply(profile("Allow"))),
}
# Who is not policed when one end is outside; a namespace has no label outside.
OUTSIDERS = {"subject's label that is compared": None, "service endpoint": "reader", "label of the peer's namespace": None}


@pytest.mark.parametrize("outside", [False, True], ids=["both local", "one outside"])
@pytest.mark.parametrize("cause", CAUSES)
def test_a_change_cuts_and_releases_open_connections(lab, cause, outside):
    outsider = OUTSIDERS.get(cause, "writer")
    if outside and outsider is None:
        pytest.skip("only a workload has a namespace and labels")
    reader, writer = lab.workload("reader", 10), lab.workload("writer", 11)
    if not (outside and outsider == "reader"):
        reader.policed({"app": "reader"})
    if not (outside and outsider == "writer"):
        writer.policed({"app": "writer"}, namespace="peers")
    prepare, cut, release = CAUSES[cause]
    prepare(lab, reader, writer)
    # A service has ports, so nothing opens for a ping.
    names = [name for name in KINDS if name != "ping" or cause != "service endpoint"]
    with all_kinds(writer, reader, names) as streams:
        assert len(streams) == 2 * len(names)
        eventually(lambda: standing(streams) == set(streams), 40, what="every kind of connection")
        for _ in range(2):
            cut(lab, reader, writer)
            time.sleep(0.2)
            assert standing(streams) == set(), "connections go on after the change"
            release(lab, reader, writer)
            eventually(lambda: standing(streams) == set(streams), 40, what="all connections after they are allowed again")
