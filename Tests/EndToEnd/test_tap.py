"""A tap, as a virtual machine's: the test plays the machine and sends frames by hand."""

import fcntl
import os
import select
import socket
import struct
import time

import pytest

from lab import eventually, inside, policy, run

TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454CA, 0x0002, 0x1000, 0x4000
MACHINE = bytes.fromhex("525400000077")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Machine:
    """The other end of a tap. `linear`: how many bytes of a frame longer than a page the host gets in one piece with its beginning,
    as guests say who have a network card of virtio's."""

    def __init__(self, lab, address, linear=None):
        self.lab, self.address = lab, socket.inet_aton(address)
        self.before = b"" if linear is None else struct.pack("=BBHHHH", 0, 0, linear, 0, 0, 0)
        with inside(lab.host):
            self.tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH", b"tap0", IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if self.before else 0)))

    def link_up(self):
        run("ip", "-n", self.lab.host, "link", "set", "tap0", "master", "br0", "up")

    def ipv4(self, target, protocol, payload, source=None):
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0, source or self.address, target)
        return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload

    def send(self, hardware, kind, payload):
        os.write(self.tap, self.before + hardware + MACHINE + struct.pack("!H", kind) + payload)

    def frames(self, seconds=0.5):
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            if select.select([self.tap], [], [], left)[0]:
                yield os.read(self.tap, 65536)[len(self.before):]

    def resolve(self, address):
        """The hardware address that answers for an address, or None."""
        target = socket.inet_aton(address)
        self.send(b"\xff" * 6, 0x0806, struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, MACHINE, self.address, b"\0" * 6, target))
        for frame in self.frames():
            if frame[12:14] == b"\x08\x06" and frame[28:32] == target:
                return frame[22:28]
        return None

    def pings(self, address, hardware, source=None):
        target = socket.inet_aton(address)
        echo = struct.pack("!BBHHH", 8, 0, 0, 77, 1) + b"payload!"
        echo = echo[:2] + struct.pack("!H", checksum(echo)) + echo[4:]
        self.send(hardware, 0x0800, self.ipv4(target, 1, echo, source))
        return any(frame[12:14] == b"\x08\x00" and frame[23] == 1 and frame[34] == 0 and frame[26:30] == target for frame in self.frames())


@pytest.fixture
def machine(bridged):
    machine = Machine(bridged, bridged.v4(77))
    bridged.bulkhead("workload", "add", "machine", "-n", "default", "--interface", "tap0", "--address", bridged.v4(77), "--label", "app=machine")
    machine.link_up()
    yield machine
    os.close(machine.tap)


def test_a_tap_is_policed_both_ways(bridged, machine):
    peer = bridged.workload("peer", 10)
    peer.policed({"app": "peer"})
    hardware = eventually(lambda: machine.resolve(bridged.v4(10)), 5, what="an ARP answer")
    assert machine.pings(bridged.v4(10), hardware)
    bridged.apply(policy("quiet", "app == 'machine'", types=["Egress"], egress=[{"action": "Deny", "protocol": "ICMP"}]))
    assert not machine.pings(bridged.v4(10), hardware)
    eventually(lambda: [flow for flow in bridged.flows() if flow["action"] == "Deny" and flow["source_name"] == "machine"
                        and flow["policies"]["enforced"][-1]["name"] == "quiet"], what="the denial in the flow log")
    bridged.bulkhead("delete", "networkpolicy", "quiet")
    eventually(lambda: machine.pings(bridged.v4(10), hardware), 5, what="allowed again")
    bridged.apply(policy("closed", "app == 'machine'", ingress=[]))
    peer.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (bridged.v4(77), 9))
    peer.command("ping", "-c1", "-W1", bridged.v4(77), check=False)
    assert not [frame for frame in machine.frames() if frame[12:14] == b"\x08\x00"], "a denied packet reached the machine"


def test_a_machine_cannot_pose_as_another(bridged, machine):
    peer = bridged.workload("peer", 10)
    peer.policed({"app": "peer"})
    hardware = eventually(lambda: machine.resolve(bridged.v4(10)), 5, what="an ARP answer")
    stolen = socket.inet_aton(bridged.v4(78))
    seen = bridged.sniff(peer, lambda frame: (frame[12:14] == b"\x08\x00" and frame[26:30] == stolen)
                         or (frame[12:14] == b"\x08\x06" and frame[28:32] == stolen) or frame[12:14] == b"\x81\x00")
    machine.pings(bridged.v4(10), hardware, source=stolen)
    machine.send(b"\xff" * 6, 0x0806, struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 2, MACHINE, stolen, MACHINE, stolen))
    machine.send(hardware, 0x8100, struct.pack("!HH", 5, 0x0800) + machine.ipv4(socket.inet_aton(bridged.v4(10)), 17, b"\0" * 16))
    time.sleep(0.3)
    assert seen.count == 0
    counts = bridged.status()["systemCounts"]
    assert counts["spoofed source"] >= 1 and counts["spoofed neighbour"] >= 1 and counts["tagged"] >= 1, counts


@pytest.mark.parametrize("linear", [14, 30, 38])
def test_a_frame_in_pieces_is_judged_by_its_headers(bridged, linear):
    machine, peer = Machine(bridged, bridged.v4(77), linear), bridged.workload("peer", 10)
    try:
        bridged.bulkhead("workload", "add", "machine", "-n", "default", "--interface", "tap0", "--address", bridged.v4(77), "--label", "app=machine")
        machine.link_up()
        for interface in ("tap0", "br0", peer.interface):
            run("ip", "-n", bridged.host, "link", "set", interface, "mtu", "9000")
        peer.command("ip", "link", "set", "eth0", "mtu", "9000")
        peer.serve(7, "udp")
        hardware = eventually(lambda: machine.resolve(bridged.v4(10)), 5, what="an ARP answer")
        datagram = struct.pack("!HHHH", 4000, 7, 8 + 6000, 0) + bytes(6000)

        def answered():
            machine.send(hardware, 0x0800, machine.ipv4(socket.inet_aton(bridged.v4(10)), 17, datagram))
            return any(len(frame) >= 6042 and frame[23] == 17 for frame in machine.frames(0.3))

        eventually(answered, 5, what="an answer to a long datagram")
        bridged.apply(policy("quiet", "app == 'machine'", types=["Egress"], egress=[
            {"action": "Deny", "protocol": "UDP", "destination": {"ports": [7]}}, {"action": "Allow"}]))
        assert not answered()
        assert "malformed" not in bridged.status()["systemCounts"]
    finally:
        os.close(machine.tap)
