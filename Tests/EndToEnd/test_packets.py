"""Documentation/Packets.md, row by row, with real frames: through a routed veth, a veth in a bridge and a tap."""

import contextlib
import json
import os
import re
import select
import socket
import time

import pytest

from lab import ROOT, Lab, eventually, inside, policy, run
from packets import SHAPES, Ends, Side
from test_tap import MACHINE, Machine

TABLE = (ROOT / "Documentation/Packets.md").read_text()
PASSING = {"control", "itself", "local host"}
# What the kernels of the laboratory say of their own accord.
BACKGROUND = {"control"}
QUIET_SECONDS = 0.03
WORLDS = {"open": [], "from": ["Egress"], "to": ["Ingress"], "none": ["Egress", "Ingress"]}


def rows():
    """Row's id -> {"from": cell, "to": cell}."""
    found = {}
    for line in TABLE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 5 and cells[0] != "id":
            assert cells[0] not in found, f"two rows {cells[0]}"
            found[cells[0]] = {"from": cells[2], "to": cells[3]}
    return found


def reasons():
    """Words of the counted reasons, by their numbers in the kernel's counters."""
    layout = (ROOT / "Kernel/layout.h").read_text()
    names = re.search(r"enum bulkhead_system_reason \{(.*?)\};", layout, re.S).group(1)
    found = {int(number): name.lower().replace("_", " ") for name, number in re.findall(r"BULKHEAD_(\w+) = (\d+)", names)}
    return {number: name for number, name in found.items() if name != "system reasons"}


REASONS = reasons()


class Wire:
    """A workload whose kernel keeps silent, and a peer that is not policed; frames go in and come out at both."""

    def __init__(self, kind):
        self.kind = kind
        self.lab = lab = Lab(bridge=kind != "routed")
        # The frames themselves are the subject, not what bridges make of them for iptables.
        lab.nsenter("sh", "-c", "for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ -e $f ] && echo 0 > $f; done; true")
        lab.nsenter("sysctl", "-qw", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0")
        if lab.bridge:
            run("ip", "-n", lab.host, "link", "set", "br0", "type", "bridge", "mcast_snooping", "0")
        lab.up()
        self.outside = lab.workload("o", 11)
        if kind == "tap":
            self.machine = Machine(lab, lab.v4(10))
            lab.bulkhead("workload", "add", "w", "-n", "default", "--interface", "tap0", "--address", lab.v4(10), "--address",
                         lab.v6(10), "--label", "app=w")
            self.machine.link_up()
            own, interface = ":".join(f"{byte:02x}" for byte in MACHINE), "br0"
        else:
            workload = lab.workload("w", 10)
            # What its kernel says from there would be taken for the link-local address that the interface speaks for.
            workload.command("ip", "-6", "addr", "flush", "dev", "eth0", "scope", "link")
            workload.policed({"app": "w"})
            own, interface = self.silence(workload), workload.interface
            self.inner = self.packet_socket(workload.namespace, "eth0")
        other = self.silence(self.outside)
        self.outer = self.packet_socket(self.outside.namespace, "eth0")
        self.own = Side(own, lab.v4(10), lab.v6(10), "fe80::aa")
        self.peer = Side(other, lab.v4(11), lab.v6(11), "fe80::bb")
        peers = [(lab.v4(11 + place), lab.v6(11 + place)) for place in range(len(WORLDS))]
        for v4, v6 in peers[1:] if kind == "routed" else []:
            for address in (v4, v6):
                run("ip", "-n", lab.host, "route", "add", address, "dev", self.outside.interface)
        for side, device, addresses in ((self.own, interface, [(self.own.v4, self.own.v6)]), (self.peer, self.outside.interface, peers)):
            for address in (address for pair in addresses for address in pair):
                run("ip", "-n", lab.host, "neigh", "replace", address, "lladdr", side.hardware, "nud", "permanent", "dev",
                    device if kind == "routed" else "br0")
        self.number = 0
        folder = next(path for path in lab.pin.iterdir() if (path / "counters").exists())
        self.counters = str(folder / "counters")
        time.sleep(1.2)  # reports of groups that were joined when the links came up

    def silence(self, workload):
        """The hardware address of a workload whose kernel has no address of its own any more."""
        workload.command("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1")
        workload.command("ip", "addr", "flush", "dev", "eth0")
        workload.command("ip", "link", "set", "eth0", "promisc", "on")
        return json.loads(workload.command("ip", "-j", "link", "show", "eth0").stdout)[0]["address"]

    def packet_socket(self, namespace, interface):
        with inside(namespace):
            packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        packets.bind((interface, 0))
        packets.setblocking(False)
        return packets

    def host_hardware(self, workload):
        links = json.loads(run("ip", "-n", self.lab.host, "-j", "link", "show", workload).stdout)
        return links[0]["address"]

    def ends(self, direction, world):
        """Frames are addressed to the router where there is one. Without ports all packets between two addresses are one
        connection: so in each world the peer is another."""
        self.number += 1
        own, peer = self.own, self.peer
        if place := list(WORLDS).index(world):
            peer = Side(peer.hardware, self.lab.v4(11 + place), self.lab.v6(11 + place), peer.link_local)
        if self.kind == "routed":
            if direction == "from":
                peer = Side(self.host_hardware(self.lab.workloads["w"].interface), peer.v4, peer.v6, peer.link_local)
            else:
                own = Side(self.host_hardware(self.outside.interface), own.v4, own.v6, own.link_local)
        return Ends(own, peer, direction, self.number, self.lab.v4(99), self.lab.v6(99))

    def send(self, direction, frame):
        data = bytes(frame)
        if self.kind == "routed" and data[0] & 1 == 0:
            # Steps that come before a packet may go the other way than it.
            target = self.lab.workloads["w"].interface if direction == "from" else self.outside.interface
            data = bytes.fromhex(self.host_hardware(target).replace(":", "")) + data[6:]
        if direction == "to":
            self.outer.send(data)
        elif self.kind == "tap":
            os.write(self.machine.tap, data)
        else:
            self.inner.send(data)

    def arrivals(self, direction, seconds):
        """Frames that come out at the other end."""
        source = self.outer if direction == "from" else self.machine.tap if self.kind == "tap" else self.inner
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            if not select.select([source], [], [], left)[0]:
                return
            if source == getattr(getattr(self, "machine", None), "tap", None):
                yield os.read(source, 65536)
            else:
                data, origin = source.recvfrom(65536)
                if origin[2] != socket.PACKET_OUTGOING:
                    yield data

    def arrives(self, direction, marker, seconds=1.0):
        return any(marker in frame for frame in self.arrivals(direction, seconds))

    def counts(self):
        entries = json.loads(run("bpftool", "-j", "map", "dump", "pinned", self.counters).stdout)
        found = {}
        for entry in entries:
            number = int.from_bytes(bytes(int(byte, 16) for byte in entry["key"]), "little")
            if number in REASONS:
                found[REASONS[number]] = sum(
                    int.from_bytes(bytes(int(byte, 16) for byte in value["value"]), "little") for value in entry["values"])
        return found

    def enter(self, world):
        self.lab.bulkhead("delete", "networkpolicy", "closed", check=False)
        if types := WORLDS[world]:
            rules = {"Egress": {"egress": []}, "Ingress": {"ingress": []}}
            spec = {key: value for kind in types for key, value in rules[kind].items()}
            self.lab.apply(policy("closed", "app == 'w'", types=types, **spec))

    def close(self):
        with contextlib.suppress(AttributeError, OSError):
            os.close(self.machine.tap)
        self.lab.close()


@pytest.fixture(params=["routed", "bridged", "tap"])
def wire(request):
    wire = Wire(request.param)
    try:
        yield wire
    finally:
        wire.close()


def test_every_row_has_its_packet_and_every_packet_its_row():
    table = rows()
    assert set(table) == set(SHAPES)
    known = set(REASONS.values()) | {"policy", "flow", "–"}
    for name, cells in table.items():
        for cell in cells.values():
            assert cell in known or (cell.startswith("policy, else ") and cell[13:] in known), f"{name}: {cell}"


def told(wire, before):
    """Reasons whose counts grew, but for what the kernels say by themselves."""
    after = wire.counts()
    return {reason: after[reason] - before.get(reason, 0) for reason in after if after[reason] != before.get(reason, 0)}


def attempt(wire, name, direction, world):
    """Sends a row's frames. Returns what marks them, and the counts before the last of them."""
    ends = wire.ends(direction, world)
    made = SHAPES[name].function(ends)
    if made is None:
        before = wire.counts()
        with inside(wire.lab.host), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as host:
            host.sendto(ends.marker, (wire.own.v4, 9))
        return ends.marker, before
    steps, last = made if isinstance(made, tuple) else ([], made)
    for way, step in steps:
        wire.send(way, step)
        time.sleep(0.002)
    for _ in wire.arrivals(direction, 0.002):
        pass
    before = wire.counts()
    wire.send(direction, last)
    return ends.marker, before


def judge(wire, name, direction, cell, world):
    """A complaint, or None. `world`: "open", or the one in which what the row needs is denied."""
    marker, before = attempt(wire, name, direction, world)
    is_seen = wire.kind != "routed" or SHAPES[name].forwarded
    wanted = cell
    if cell.startswith("policy"):
        wanted = "policy" if world == "open" else cell[13:] or "denial"
    if wanted in ("policy", "flow"):
        if is_seen and not wire.arrives(direction, marker):
            return f"did not arrive; counted: {told(wire, before)}"
        time.sleep(0 if is_seen else QUIET_SECONDS)
        counted = {reason: count for reason, count in told(wire, before).items() if reason not in PASSING}
        return f"counted: {counted}" if counted else None
    if wanted == "denial":
        return "arrived" if wire.arrives(direction, marker, QUIET_SECONDS) else None
    if wanted in PASSING:
        try:
            eventually(lambda: told(wire, before).get(wanted), 1, what=wanted)
        except AssertionError:
            return f"counted: {told(wire, before)}"
        counted = {reason: count for reason, count in told(wire, before).items() if reason not in PASSING}
        return f"counted: {counted}" if counted else None
    if wire.arrives(direction, marker, QUIET_SECONDS):
        return f"arrived; counted: {told(wire, before)}"
    counted = {reason: count for reason, count in told(wire, before).items() if reason not in BACKGROUND}
    return None if counted == {wanted: 1} else f"counted: {counted}"


def test_every_packet_meets_what_its_row_says(wire):
    table = rows()
    complaints, sent = [], 0
    for world in WORLDS:
        wire.enter(world)
        for name, cells in table.items():
            for direction, cell in cells.items():
                closed = SHAPES[name].closed or direction
                asks_policy = cell.startswith("policy") or cell == "flow"
                if cell == "–" or (world != "open" and (world != closed or not asks_policy)):
                    continue
                if wire.kind == "routed" and direction == "to" and not SHAPES[name].forwarded and name != "host":
                    continue  # routers make their own frames
                sent += 1
                if complaint := judge(wire, name, direction, cell, world):
                    complaints.append(f"{name} {direction} the workload, world {world}: wanted {cell}, {complaint}")
    print(f"{wire.kind}: {sent} packets")
    assert not complaints, "\n".join(complaints)
    assert sent > 230 if wire.kind != "routed" else sent > 150
    status = wire.lab.status()["systemCounts"]
    counts = wire.counts()
    assert {reason: count for reason, count in status.items() if reason not in BACKGROUND} == {
        reason: count for reason, count in counts.items() if count and reason not in BACKGROUND}
