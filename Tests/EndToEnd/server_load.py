"""Many connections to the API server at little cost: for tests and measurements of its bounds."""

import contextlib
import re
import socket
import ssl
import struct

from lab import inside

POLICIES = "/apis/projectcalico.org/v3/namespaces/default/networkpolicies"
SO_TIMESTAMPNS = 35


def resident_kilobytes(lab):
    """What the server's process holds in memory."""
    with open(f"/proc/{lab.process.pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


class Opened:
    """One connection; `request` is a request line to begin with, whose answer's head is read."""

    def __init__(self, client, request=None, headers=(), timeout=60):
        with inside(client.lab.host):
            self.plain = socket.create_connection((client.host, client.port), timeout=timeout)
        self.tls = client.context.wrap_socket(self.plain, server_hostname=client.host)
        self.client, self.rest = client, b""
        if request:
            self.send(request, headers)
            self.status = self.head()[0]

    def send(self, request, headers=()):
        lines = [request, f"Host: {self.client.host}", f"Authorization: Bearer {self.client.token}", *headers]
        self.tls.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def head(self):
        while b"\r\n\r\n" not in self.rest:
            part = self.tls.recv(65536)
            if not part:
                raise ConnectionError("closed")
            self.rest += part
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return int(head.split()[1]), int(length.group(1)) if length else 0

    def answer(self):
        """The status and the body of the next answer."""
        status, length = self.head()
        while len(self.rest) < length:
            part = self.tls.recv(65536)
            if not part:
                raise ConnectionError("closed")
            self.rest += part
        body, self.rest = self.rest[:length], self.rest[length:]
        return status, body

    def get(self, path):
        self.send(f"GET {path} HTTP/1.1")
        return self.answer()[0]

    def stamped(self):
        """From now on the kernel tells when data arrived; nothing can be read as text any more."""
        self.raw = socket.socket(fileno=self.tls.detach())
        self.raw.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.raw.setblocking(False)
        return self

    def drain(self):
        """When the last data arrived, by the system's clock; None where there was none."""
        arrived = None
        with contextlib.suppress(BlockingIOError):
            while True:
                data, ancillary, _, _ = self.raw.recvmsg(65536, 64)
                if not data:
                    break
                for level, kind, content in ancillary:
                    if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                        seconds, nanoseconds = struct.unpack("qq", content[:16])
                        arrived = seconds + nanoseconds / 1e9
        return arrived

    def close(self):
        (self.raw if hasattr(self, "raw") else self.tls).close()


class Slow:
    def __init__(self):
        self.connections, self.answers = [], []

    @property
    def count(self):
        return len(self.connections)


@contextlib.contextmanager
def slow_clients(client, count, body_bytes=3_000_000):
    """`count` clients that send all but the end of a body of `body_bytes`, one after the other, and then nothing.

    `answers` has the statuses and bodies of those that the server did not want to wait for.
    """
    slow = Slow()
    part = b" " * 65536
    try:
        for _ in range(count):
            one = Opened(client, timeout=10)
            slow.connections.append(one)
            one.send(f"POST {POLICIES} HTTP/1.1", ["Content-Type: application/json", f"Content-Length: {body_bytes}"])
            with contextlib.suppress(OSError, ssl.SSLError):
                one.tls.settimeout(0.5)
                for _ in range(body_bytes // len(part) - 1):
                    one.tls.sendall(part)
        for one in slow.connections:
            one.tls.settimeout(0.001)
            with contextlib.suppress(OSError):
                slow.answers.append(one.answer())
        yield slow
    finally:
        for one in slow.connections:
            one.close()
