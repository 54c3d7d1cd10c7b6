"""An agent whose build has another layout of maps takes over from one that ran before it."""

import random
import socket
import threading
import time

from lab import eventually, policy

ALLOWED = policy("server", "app == 'server'", ingress=[
    {"action": "Allow", "source": {"selector": "app == 'client'"}},
    {"action": "Deny", "source": {"selector": "app == 'stranger'"}}])


def make_former(lab, number):
    """What the agent that was killed has pinned becomes another build's: the folder's name is the layout."""
    for folder in lab.pin.iterdir():
        if not folder.name.startswith("0000"):
            folder.rename(lab.pin / f"{number:016x}")


def test_another_layout_takes_over_and_the_former_goes(bridged):
    lab = bridged
    server, client, stranger = lab.workload("server", 10), lab.workload("client", 11), lab.workload("stranger", 12)
    for workload in (server, client, stranger):
        workload.policed({"app": workload.name})
    lab.apply(ALLOWED, policy("client", "app == 'client'", types=["Ingress"], ingress=[]))
    server.serve(8080)
    server.serve(8080, "udp")
    forbidden = socket.inet_aton(lab.v4(12))
    leaked = lab.sniff(server, lambda frame: frame[12:14] == b"\x08\x00" and frame[26:30] == forbidden)
    idle, busy = client.connect(lab.v4(10), 8080), client.connect(lab.v4(10), 8080)
    datagrams = client.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.connect((lab.v4(10), 8080))
    for end in (idle, busy, datagrams):
        end.settimeout(5)
        end.sendall(b"ping")
        assert end.recv(4) == b"ping"

    stop, failures, exchanges = threading.Event(), [], [0]

    def talk():
        while not stop.is_set():
            try:
                busy.sendall(b"tick")
                assert busy.recv(4) == b"tick"
                exchanges[0] += 1
            except (OSError, AssertionError) as error:
                failures.append(f"busy: {error!r}")
                return

    def attack():
        udp = stranger.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while not stop.is_set():
            udp.sendto(b"x", (lab.v4(10), 8080))
            time.sleep(0.0005)

    threads = [threading.Thread(target=work) for work in (talk, attack)]
    for thread in threads:
        thread.start()
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    try:
        for number in range(1, 7):
            lab.kill()
            make_former(lab, number)
            # Dies somewhere on the way, or has arrived.
            lab.up(wait=False)
            time.sleep(chance.uniform(0.05, 0.6))
        lab.kill()
        make_former(lab, 7)
        (lab.state / "ready").unlink(missing_ok=True)
        lab.up()
        # The server speaks first: only a connection that was taken over lets it.
        connection = next(end for end in server.servers if end.type == socket.SOCK_STREAM and end.getsockname()[1] == 8080
                          and is_connected_to(end, idle))
        connection.sendall(b"unasked")
        assert idle.recv(7) == b"unasked", "the idle connection was cut"
        datagrams.sendall(b"pong")
        assert datagrams.recv(4) == b"pong"
        eventually(lambda: not [folder for folder in lab.pin.iterdir() if folder.name.startswith("0000")], 10,
                   what="the former folders are gone")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures, failures
    assert leaked.count == 0, f"{leaked.count} denied packets arrived"
    assert exchanges[0] > 100
    assert len(list(lab.pin.iterdir())) == 1
    lab.bulkhead("delete", "networkpolicy", "server")
    eventually(lambda: stranger.reaches(lab.v4(10), 8080), 5, what="the new tables decide")


def is_connected_to(end, other):
    try:
        return end.getpeername() == other.getsockname()
    except OSError:
        return False
