#!/usr/bin/env python3
"""packet_seeds.py FOLDER: an input for the fuzzer of packets from every row of Documentation/Packets.md, in both directions.

The addresses are those of the world in Packets.c, which also says what an input looks like.
"""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))
from packets import SHAPES, Ends, Side  # noqa: E402
from scapy.layers.inet import IP, TCP, UDP  # noqa: E402
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import Ether  # noqa: E402

OWN = Side("02:00:00:00:00:0a", "10.8.0.10", "fd08::a", "fe80::aa")
PEER = Side("02:00:00:00:00:0b", "10.8.0.11", "fd08::b", "fe80::bb")
FROM_WORKLOAD, FROM_HOST, WRITE = 1, 2, 64


def record(flags, content, time=0):
    return struct.pack("!BBH", flags, time, len(content)) + content


def frames(name, direction, number):
    made = SHAPES[name].function(Ends(OWN, PEER, direction, number, "10.8.0.99", "fd08::99"))
    if made is None:  # sent by the host itself: any frame is
        made = SHAPES["udp-v4"].function(Ends(OWN, PEER, direction, number, "10.8.0.99", "fd08::99"))
    before, last = made if isinstance(made, tuple) else ([], made)
    return [*before, (direction, last)]


def datagram(flags, version, transport):
    source, target = (OWN, PEER) if flags & FROM_WORKLOAD else (PEER, OWN)
    network = IP(src=source.v4, dst=target.v4) if version == 4 else IPv6(src=source.v6, dst=target.v6)
    return record(flags, bytes(Ether(src=source.hardware, dst=target.hardware) / network / transport / b"mark"))


def full_table():
    """More answered flows than the harness's table holds, all too old when the last comes."""
    def exchange(port, time=0):
        asked, answered = (datagram(flags, 4, UDP(**ports)) for flags, ports in (
            (FROM_WORKLOAD, {"sport": port, "dport": 9}), (0, {"sport": 9, "dport": port})))
        return asked[:1] + bytes([time]) + asked[2:] + answered
    return b"".join(exchange(2000 + number) for number in range(12)) + exchange(3000, time=10)


def rejected():
    """What the harness's policy answers."""
    for version in (4, 6):
        for name, transport in (("tcp", TCP(sport=2000, dport=22, flags="S")), ("ack", TCP(sport=2000, dport=22, flags="PA", seq=7, ack=8)),
                                ("udp", UDP(sport=2000, dport=53)), ("source-port", TCP(sport=61000, dport=81, flags="S"))):
            for flags in (FROM_WORKLOAD, 0):
                yield f"rejected-{name}-{version}-{flags}", datagram(flags, version, transport)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(SHAPES):
        for direction in ("from", "to"):
            flags = FROM_WORKLOAD if direction == "from" else FROM_HOST if name == "host" else 0
            parts = [(FROM_WORKLOAD if way == "from" else flags & FROM_HOST, bytes(frame)) for way, frame in frames(name, direction, number)]
            # Once more after a change of policy, and after the flow has timed out.
            again = [record(parts[-1][0], parts[-1][1], time) for time in (128, 13)]
            (folder / f"{name}-{direction}").write_bytes(b"".join([*(record(*part) for part in parts), *again]))
    (folder / "full-table").write_bytes(full_table())
    for name, content in rejected():
        (folder / name).write_bytes(content)
    for target in range(12):
        damage = record(WRITE, bytes([target]) + struct.pack("<IQ", 1 + target, 0x4000_0101_0000_0000))
        (folder / f"damage-{target}").write_bytes(damage + datagram(FROM_WORKLOAD, 4, TCP(sport=2000, dport=80, flags="S")))
    print(f"{len(list(folder.iterdir()))} inputs from {len(SHAPES)} shapes of packet")


if __name__ == "__main__":
    main()
