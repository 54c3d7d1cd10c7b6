"""What several measurements share: the C helper (Probe/probe.c), its trace of datagrams, and a client that knows its last byte."""

import base64
import contextlib
import json
import mmap
import os
import pathlib
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd"))
from lab import eventually, inside, run  # noqa: E402

# As in probe.c.
CAPACITY = 1 << 20
STOP, NEXT, COLLECTED, DESTINATION, LATE = range(5)
HEADER = 8
MERGE = "application/merge-patch+json"


def end_on_signal():
    """SIGTERM ends the program as SIGINT does: through every `finally`."""
    def interrupt(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, interrupt)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def processor_seconds(process):
    """Of all threads of a process that runs."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share_of(process, seconds):
    """The share of a core that a process takes from now on."""
    before = processor_seconds(process)
    time.sleep(seconds)
    return (processor_seconds(process) - before) / seconds


def compiler():
    for name in ("cc", "clang"):
        if path := shutil.which(name):
            return path
    return str(pathlib.Path(run(ROOT / "Scripts/find-swift").stdout.strip()) / "clang")


class Probe:
    """The compiled helper and the processes of it; `close` ends them."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-probe-"))
        self.executable = self.folder / "probe"
        self.running = []
        run(compiler(), "-O2", "-o", self.executable, ROOT / "Benchmarks/Probe/probe.c")

    def command(self, words, processor):
        return [*(["taskset", "-c", str(processor)] if processor is not None else []), str(self.executable), *map(str, words)]

    def start(self, *words, processor=None, priority=False):
        """`priority`: before everything else, so that its pace does not depend on what it measures."""
        command = (["chrt", "--fifo", "1"] if priority else []) + self.command(words, processor)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.running.append(process)
        return process

    def numbers(self, *words, processor=None):
        """What it prints, when it ends."""
        return [int(line) for line in run(*self.command(words, processor), timeout=300).stdout.split()]

    def close(self):
        for process in self.running:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Trace:
    """What happened to each of the datagrams that one process sends at a steady pace and another receives.

    Times are nanoseconds of the system's clock: `sent` before the system call, `arrived` by the kernel.
    """

    def __init__(self, probe, sender, receiver, port=9000, rate=20_000, processor=None):
        handle, self.path = tempfile.mkstemp(prefix="bulkhead-trace-", dir="/dev/shm")
        size = 8 * (HEADER + 2 * CAPACITY)
        os.ftruncate(handle, size)
        self.words = memoryview(mmap.mmap(handle, size)).cast("q")
        os.close(handle)
        self.processes = [probe.start("receive", receiver, self.path, port, processor=processor),
                          probe.start("send", sender, self.path, port, rate, processor=processor, priority=True)]
        self.began = time.monotonic()
        eventually(lambda: self.next > 1000, what="the first thousand datagrams")

    @property
    def next(self):
        """The next datagram's number."""
        return self.words[NEXT]

    def aim(self, address):
        self.words[DESTINATION] = int.from_bytes(socket.inet_aton(address), "little")

    def sent(self, number):
        return self.words[HEADER + number % CAPACITY]

    def arrived(self, number):
        return self.words[HEADER + CAPACITY + number % CAPACITY]

    def collected(self):
        """Waits until what was sent up to now is noted if it arrived; returns the next number."""
        number, moment = self.next, time.time_ns()
        eventually(lambda: self.words[COLLECTED] > moment, every=0.001, what="the receiver's look")
        return number

    def fate(self, start, allowed, settled=400, seconds=20):
        """The first number from `start` on that met the new verdict, and the end of what is known.

        Waits until `settled` datagrams more have met it, and none of them the old one.
        """
        limit = time.monotonic() + seconds
        while True:
            end = self.collected()
            old = [number for number in range(start, end) if bool(self.arrived(number)) != allowed]
            first = old[-1] + 1 if old else start
            if end - first >= settled:
                return first, end, old
            if time.monotonic() > limit:
                raise AssertionError(f"the verdict did not change within {seconds} s")
            time.sleep(0.005)

    def rate(self):
        return self.next / (time.monotonic() - self.began)

    def close(self):
        self.words[STOP] = 1
        for process in self.processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
        with contextlib.suppress(OSError):
            os.unlink(self.path)


class Connection:
    """One HTTPS connection that stays open. TLS is done in memory, so that the moment of the write of a request's last byte is known."""

    def __init__(self, lab):
        config = yaml.safe_load(pathlib.Path(lab.kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        host, port = cluster["server"].removeprefix("https://").split(":")
        context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        self.head = f"Host: {host}:{port}\r\nAuthorization: Bearer {user['token']}\r\n"
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=host)
        with inside(lab.host):
            self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.wait(self.tls.do_handshake)

    def wait(self, action):
        while True:
            try:
                result = action()
                if self.outgoing.pending:
                    self.socket.sendall(self.outgoing.read())
                return result
            except ssl.SSLWantReadError:
                if self.outgoing.pending:
                    self.socket.sendall(self.outgoing.read())
                data = self.socket.recv(65536)
                if not data:
                    raise ConnectionError("the server closed the connection") from None
                self.incoming.write(data)

    def ask(self, method, path, body=None, content="application/json", expected=(200, 201)):
        """The clock (ns) immediately before the write of the last byte, that after the answer's last, and the answer."""
        data = b"" if body is None else json.dumps(body).encode()
        kind = f"Content-Type: {content}\r\nContent-Length: {len(data)}\r\n" if data else ""
        self.tls.write(f"{method} {path} HTTP/1.1\r\n{self.head}{kind}\r\n".encode() + data)
        ciphered = self.outgoing.read()
        began = time.time_ns()
        self.socket.sendall(ciphered)
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.wait(lambda: self.tls.read(65536))
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        length = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
        while len(self.rest) < length:
            self.rest += self.wait(lambda: self.tls.read(65536))
        ended = time.time_ns()
        text, self.rest = self.rest[:length], self.rest[length:]
        status = int(lines[0].split()[1])
        if status not in expected:
            raise AssertionError(f"{method} {path}: {status} {text.decode()[:2000]}")
        return began, ended, json.loads(text)

    def enforced(self, answer, seconds=60):
        """Waits until the kernel has what was written; returns the milliseconds from the commit."""
        revision = answer["metadata"]["resourceVersion"]
        return self.ask("GET", f"/apis/bulkhead.io/v1alpha1/enforcement?revision={revision}&timeout={seconds}")[2]["milliseconds"]

    def close(self):
        self.socket.close()


def show(name, values, target="", unit="ms", width=36):
    """`values`: lists, one a round; what differs between their medians is noise."""
    rounds = [values] if values and not isinstance(values[0], list) else [each for each in values if each]
    every = [value for each in rounds for value in each]
    medians = [statistics.median(each) for each in rounds]
    noise = f"  medians of {len(rounds)} rounds {min(medians):.2f}-{max(medians):.2f}" if len(rounds) > 1 else ""
    print(f"  {name:<{width}} {target:<18} median {statistics.median(every):7.2f}  p99 {percentile(every, 0.99):7.2f}  "
          f"min {min(every):6.2f}  max {max(every):7.2f} {unit}  n {len(every)}{noise}", flush=True)
