"""Connections that go on, so that a test can see a change of policy cut and release them."""

import contextlib
import socket
import subprocess
import threading
import time


class Counted:
    """Something that counts what arrives."""

    def __init__(self):
        self.arrived = 0
        self.running = True

    def start(self, *loops):
        for loop in loops:
            threading.Thread(target=self.guarded, args=(loop,), daemon=True).start()

    def guarded(self, loop):
        with contextlib.suppress(OSError, ValueError):
            while self.running and loop():
                pass

    def flows(self, seconds=0.5):
        """Whether anything arrives during the next moments."""
        before = self.arrived
        time.sleep(seconds)
        return self.arrived > before

    def stop(self):
        self.running = False


def connection(client, server, address, port):
    """(client's socket, server's socket) of one TCP connection."""
    listener = server.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen()
        listener.settimeout(5)
        opened = client.connect(address, port, timeout=5)
        assert opened, f"no connection to {address}"
        accepted, _ = listener.accept()
    return opened, accepted


class ServerSends(Counted):
    """A TCP connection in which only the server sends."""

    def __init__(self, client, server, address, port):
        super().__init__()
        self.client, self.server = connection(client, server, address, port)
        self.server.setblocking(False)
        self.client.settimeout(None)
        self.start(self.send, self.read)

    def send(self):
        with contextlib.suppress(BlockingIOError):
            self.server.send(b"x" * 256)
        time.sleep(0.005)
        return True

    def read(self):
        data = self.client.recv(65536)
        self.arrived += len(data)
        return data

    def stop(self):
        super().stop()
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Idle(Counted):
    """A TCP connection that is silent until somebody looks."""

    def __init__(self, client, server, address, port):
        super().__init__()
        self.client, self.server = connection(client, server, address, port)
        self.server.settimeout(None)
        self.start(self.read)

    def read(self):
        data = self.server.recv(65536)
        self.arrived += len(data)
        return data

    def flows(self, seconds=0.5):
        with contextlib.suppress(OSError):
            self.client.send(b"?")
        return super().flows(seconds)

    def stop(self):
        super().stop()
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class OneWayDatagrams(Counted):
    """UDP that nobody answers."""

    def __init__(self, client, server, address, port):
        super().__init__()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.server = server.socket(family, socket.SOCK_DGRAM)
        self.server.bind((address, port))
        self.server.settimeout(0.2)
        self.client = client.socket(family, socket.SOCK_DGRAM)
        self.client.connect((address, port))
        self.start(self.send, self.read)

    def send(self):
        with contextlib.suppress(ConnectionError, PermissionError):
            self.client.send(b"x")
        time.sleep(0.01)
        return True

    def read(self):
        with contextlib.suppress(TimeoutError):
            self.server.recv(64)
            self.arrived += 1
        return True

    def stop(self):
        super().stop()
        self.client.close()
        self.server.close()


class Ping(Counted):
    """One ping(8) that goes on; counts answers."""

    def __init__(self, client, server, address, port):
        super().__init__()
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{client.namespace}", "ping", "-i", "0.05", address], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.start(self.read)

    def read(self):
        line = self.process.stdout.readline()
        self.arrived += "bytes from" in line
        return line

    def stop(self):
        super().stop()
        self.process.kill()
        self.process.wait()


KINDS = {"server sends": ServerSends, "idle": Idle, "datagrams": OneWayDatagrams, "ping": Ping}


@contextlib.contextmanager
def all_kinds(client, server, names=KINDS):
    """Every kind of connection from client to server, in both IP versions, by name."""
    streams = {}
    try:
        for address in server.addresses:
            for number, name in enumerate(names):
                version = "v6" if ":" in address else "v4"
                streams[f"{name}, {version}"] = KINDS[name](client, server, address, 7000 + number)
        yield streams
    finally:
        for stream in streams.values():
            stream.stop()


def standing(streams, seconds=0.5):
    """The names of those in which something arrives, looked at all at once."""
    found = {}

    def look(name, stream):
        found[name] = stream.flows(seconds)

    threads = [threading.Thread(target=look, args=pair) for pair in streams.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name for name, flows in found.items() if flows}
