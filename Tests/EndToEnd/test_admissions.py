"""What single endpoints are admitted to: tagged frames, tunnels, sources that are not their own."""

import json
import time

import pytest

from lab import eventually, policy
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw
from test_packets import Wire

ANNOTATION = "bulkhead.io/admitted-frames"


@pytest.fixture
def wire():
    wire = Wire("bridged")
    try:
        yield wire
    finally:
        wire.close()


def admit(wire, frames=None, sources=None):
    """Gives the workload `w` these admissions, and takes others away."""
    found = json.loads(wire.lab.bulkhead("get", "workloadendpoints", "w", "-n", "default", "-o", "json").stdout)
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "labels")}
    spec = {key: value for key, value in found["spec"].items() if key != "allowSpoofedSourcePrefixes"}
    if frames:
        metadata["annotations"] = {ANNOTATION: frames}
    if sources:
        spec["allowSpoofedSourcePrefixes"] = sources
    wire.lab.apply({"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata, "spec": spec})


def passes(wire, frame, marker, direction="from"):
    """Whether a frame comes out at the other end; the first after a change may be too early."""
    wire.send(direction, frame)
    return wire.arrives(direction, marker, 0.1)


def frames(wire, **fields):
    """(frame, marker) of a datagram from the workload, each of another flow."""
    wire.number += 1
    marker = f"admitted-{wire.number:06}".encode()
    source = fields.pop("source", wire.own.v4)
    frame = Ether(src=wire.own.hardware, dst=wire.peer.hardware)
    if "tag" in fields:
        frame /= fields.pop("tag")
    return frame / IP(src=source, dst=wire.peer.v4) / UDP(sport=20000 + wire.number, dport=fields.pop("port", 9)) / Raw(marker), marker


def settled(wire, make, wanted):
    def once():
        frame, marker = make()
        return passes(wire, frame, marker) == wanted
    eventually(once, 5, what=f"passes: {wanted}")


@pytest.mark.parametrize("admission, make", [
    ({"frames": "Tagged"}, lambda wire: frames(wire, tag=Dot1Q(vlan=5))),
    ({"frames": "Tunnels"}, lambda wire: frames(wire, port=4789)),
    ({"sources": ["192.0.2.0/24"]}, lambda wire: frames(wire, source="192.0.2.7")),
], ids=["tagged", "tunnels", "sources"])
def test_policy_decides_what_is_admitted(wire, admission, make):
    settled(wire, lambda: make(wire), False)
    admit(wire, **admission)
    settled(wire, lambda: make(wire), True)
    wire.lab.apply(policy("closed", "app == 'w'", types=["Egress"], egress=[]))
    settled(wire, lambda: make(wire), False)
    eventually(lambda: [flow for flow in wire.lab.flows() if flow["action"] == "Deny" and "closed" in json.dumps(flow["policies"])], 10,
               what="a record of the denial")
    wire.lab.bulkhead("delete", "networkpolicies", "closed", "-n", "default")
    settled(wire, lambda: make(wire), True)
    admit(wire)
    settled(wire, lambda: make(wire), False)


def test_a_connection_from_a_source_ends_when_it_is_not_admitted_any_more(wire):
    admit(wire, sources=["192.0.2.0/24"])
    settled(wire, lambda: frames(wire, source="192.0.2.7"), True)
    frame, marker = frames(wire, source="192.0.2.8")
    assert passes(wire, frame, marker) and passes(wire, frame, marker)
    admit(wire, sources=["192.0.2.128/25"])
    time.sleep(0.2)
    assert not passes(wire, frame, marker)
