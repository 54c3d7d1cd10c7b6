"""A flood of SYNs with forged sources while no process of ours runs."""

import multiprocessing
import os
import random
import socket
import struct
import time

from lab import eventually, inside, policy
from test_tap import checksum

SECONDS = float(os.environ.get("BULKHEAD_FLOOD_SECONDS", "6"))
CONNECTIONS = int(os.environ.get("BULKHEAD_FLOOD_CONNECTIONS", "40"))
HALF_OPEN = 65_536


def flood(namespace, hardware, target, stop, sent):
    """Every frame is the beginning of another connection that policy allows."""
    chance = random.Random(7)
    frames = []
    address = socket.inet_aton(target)
    for _ in range(2 * HALF_OPEN):
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0x4000, 64, 6, 0, struct.pack("!I", 0x64400000 + chance.randrange(1 << 22)), address)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        segment = struct.pack("!HHIIBBHHH", chance.randrange(1024, 65536), 9, 1, 0, 0x50, 2, 1024, 0, 0)
        frames.append(hardware + b"\x02\0\0\0\0\x99\x08\0" + header + segment)
    with inside(namespace):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind(("eth0", 0))
    while not stop.is_set():
        for frame in frames:
            try:
                wire.send(frame)
                sent.value += 1
            except OSError:
                pass
            if sent.value % 1024 == 0 and stop.is_set():
                return


def test_a_flood_of_beginnings_while_no_process_runs(bridged):
    lab = bridged
    server, client, outside = lab.workload("server", 10), lab.workload("client", 11), lab.workload("outside", 12)
    server.policed({"app": "server"})
    client.policed({"app": "client"})
    lab.apply(policy("server", "app == 'server'", ingress=[{"action": "Allow", "protocol": "TCP"}]))
    server.serve(8080)
    idle, busy = client.connect(lab.v4(10), 8080), client.connect(lab.v4(10), 8080)
    assert idle and busy
    for connection in (idle, busy):
        connection.settimeout(5)
        connection.sendall(b"ping")
        assert connection.recv(4) == b"ping"
    hardware = bytes.fromhex(server.command("cat", "/sys/class/net/eth0/address").stdout.strip().replace(":", ""))
    lab.kill()

    stop, sent = multiprocessing.Event(), multiprocessing.Value("q", 0)
    attacker = multiprocessing.Process(target=flood, args=(outside.namespace, hardware, lab.v4(10), stop, sent))
    attacker.start()
    exchanges, failures, made = 0, [], 0
    try:
        eventually(lambda: sent.value > 2 * HALF_OPEN, 60, what="twice as many beginnings as the table has room for")
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit or made < CONNECTIONS:
            busy.sendall(b"tick")
            if busy.recv(4) != b"tick":
                failures.append("the busy connection")
                break
            exchanges += 1
            if made < CONNECTIONS:
                if client.reaches(lab.v4(10), 8080, timeout=3):
                    made += 1
                else:
                    failures.append(f"new connection after {made}")
                    break
    finally:
        stop.set()
        attacker.join()
    idle.sendall(b"tock")
    assert idle.recv(4) == b"tock", "the idle connection"
    assert not failures, failures
    print(f"{sent.value} beginnings, {exchanges} exchanges, {made} new connections")
    lab.up()
    # The file that says ready may be the killed one's.
    eventually(lambda: lab.bulkhead("status", check=False).returncode == 0, 20, what="an answer")
    assert made == CONNECTIONS and exchanges >= CONNECTIONS
    # All that the table had no room for, and that gives no event, is counted.
    forgotten = eventually(lambda: lab.status()["flowsForgotten"], 10, what="forgotten beginnings in status")
    assert forgotten > HALF_OPEN / 2
    busy.sendall(b"last")
    assert busy.recv(4) == b"last"
