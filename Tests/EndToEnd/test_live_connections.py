"""A change reaches connections that are open; those that stay allowed lose nothing."""

import socket
import threading
import time

import pytest

from lab import eventually, policy

ALLOW = policy("stream", "app == 'reader'", ingress=[{"action": "Allow", "source": {"selector": "role == 'writer'"}}])
DENY = policy("stream", "app == 'reader'", ingress=[{"action": "Deny", "source": {"selector": "role == 'writer'"}}])


class OneWay:
    """A TCP stream in which one side only sends; counts what the other side reads."""

    def __init__(self, sender, receiver):
        self.received = 0
        self.sender, self.receiver = sender, receiver
        self.running = True
        sender.setblocking(False)
        receiver.setblocking(True)
        threading.Thread(target=self.send, daemon=True).start()
        threading.Thread(target=self.read, daemon=True).start()

    def send(self):
        while self.running:
            try:
                self.sender.send(b"x" * 512)
            except BlockingIOError:
                pass
            except OSError:
                return
            time.sleep(0.002)

    def read(self):
        try:
            while data := self.receiver.recv(65536):
                self.received += len(data)
        except OSError:
            pass

    def flows(self, seconds=0.4):
        """Whether bytes arrive during the next moments."""
        before = self.received
        time.sleep(seconds)
        return self.received > before


@pytest.fixture
def pair(network):
    reader, writer = network.workload("reader", 10), network.workload("writer", 11)
    reader.policed({"app": "reader"})
    writer.policed({"app": "writer", "role": "writer"})
    network.apply(ALLOW)
    return network, reader, writer


def connection(network, reader, writer, six=False):
    """(client's socket, server's socket) of one connection that the writer opened."""
    address = network.v6(10) if six else network.v4(10)
    listener = reader.socket(socket.AF_INET6 if six else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, 7000))
    listener.listen()
    client = writer.connect(address, 7000)
    assert client
    server, _ = listener.accept()
    listener.close()
    return client, server


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
@pytest.mark.parametrize("who", ["client", "server"])
@pytest.mark.parametrize("cause", ["rule", "peer label"])
def test_a_change_cuts_an_open_one_way_stream(pair, who, cause, six):
    network, reader, writer = pair
    client, server = connection(network, reader, writer, six)
    stream = OneWay(client, server) if who == "client" else OneWay(server, client)
    assert stream.flows()
    if cause == "rule":
        network.apply(DENY)
    else:
        writer.policed({"app": "writer", "role": "none"})
    time.sleep(0.1)
    assert not stream.flows(), "the stream goes on after the change"
    expected = 0 if cause == "rule" else -1
    end = network.explain("default/writer", "default/reader", "tcp/7000")["ends"][-1]
    assert (end["policy"] or end["trigger"][0]["policy"]) == "stream" and end["rule"] == expected
    eventually(lambda: [flow for flow in network.flows() if flow["action"] == "Deny" and flow["source_name"] == "writer"
                        and flow["policies"]["enforced"][-1]["rule_index"] == expected], what="the cut in the flow log")
    if cause == "rule":
        network.apply(ALLOW)
    else:
        writer.policed({"app": "writer", "role": "writer"})
    eventually(lambda: stream.flows(), 30, what="the stream goes on when it is allowed again")
    stream.running = False


def test_an_unrelated_change_loses_no_packet(pair):
    network, reader, writer = pair
    server = reader.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((network.v4(10), 7001))
    client = writer.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect((network.v4(10), 7001))
    seen, stop = [], threading.Event()

    def read():
        server.settimeout(0.5)
        try:
            while not stop.is_set():
                seen.append(int(server.recv(64)))
        except OSError:
            pass

    thread = threading.Thread(target=read)
    thread.start()
    sent, changes, limit = 0, 0, time.monotonic() + 4
    changer = threading.Thread(target=lambda: [network.apply(policy(
        f"other-{index % 3}", "app == 'reader'", order=index, ingress=[{"action": "Allow", "protocol": "TCP", "destination": {"ports": [index + 1]}}]))
        for index in range(15)])
    changer.start()
    while time.monotonic() < limit or changer.is_alive():
        client.send(str(sent).encode())
        sent += 1
        time.sleep(0.0005)
    changer.join()
    time.sleep(0.3)
    stop.set()
    thread.join()
    assert seen == list(range(sent)), f"{sent - len(seen)} of {sent} packets lost"
