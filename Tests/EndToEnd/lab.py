"""A laboratory in network namespaces of its own: one host that runs `bulkhead up`, and workloads behind veth pairs."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BULKHEAD = os.environ.get("BULKHEAD", str(ROOT / ".build/debug/bulkhead"))
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
counter = iter(range(1, 10_000))


def run(*command, check=True, **options):
    """Runs a command and returns the completed process with text output."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def eventually(condition, seconds=10, every=0.02, what="condition"):
    """Waits until `condition()` is true and returns its value."""
    limit = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(every)


@contextlib.contextmanager
def inside(namespace):
    """The calling thread's new sockets belong to the namespace meanwhile."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
        try:
            yield
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


class Workload:
    """A namespace with one interface, whose host side is in the laboratory's host namespace."""

    def __init__(self, lab, name, addresses, bridge=None):
        self.lab, self.name, self.addresses = lab, name, addresses
        self.namespace = f"{lab.prefix}-{name}"
        self.interface = f"v{lab.number}{name}"[:15]
        run("ip", "netns", "add", self.namespace)
        run("ip", "link", "add", self.interface, "netns", lab.host, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        inner, host = ("ip", "-n", self.namespace), ("ip", "-n", lab.host)
        run("nsenter", f"--net=/run/netns/{self.namespace}", "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.eth0.accept_dad=0")
        run(*inner, "link", "set", "lo", "up")
        if bridge:
            run(*host, "link", "set", self.interface, "master", bridge)
        run(*host, "link", "set", self.interface, "up")
        run(*inner, "link", "set", "eth0", "up")
        for address in addresses:
            six = ":" in address
            width = (64 if six else 24) if bridge else (128 if six else 32)
            run(*inner, "addr", "add", f"{address}/{width}", "dev", "eth0", *(["nodad"] if six else []))
            if not bridge:
                run(*host, "route", "add", address, "dev", self.interface)
                if six:
                    run(*inner, "-6", "route", "add", "fe80::1", "dev", "eth0")
                    run(*inner, "-6", "route", "add", "default", "via", "fe80::1", "dev", "eth0")
                else:
                    run(*inner, "route", "add", "169.254.1.1", "dev", "eth0", "scope", "link")
                    run(*inner, "route", "add", "default", "via", "169.254.1.1", "dev", "eth0")
        if not bridge:
            run(*host, "addr", "add", "fe80::1/64", "dev", self.interface, "nodad")
        self.servers = []

    def policed(self, labels, namespace="default", **options):
        """Hands the workload to Bulkhead; returns when its first table is in the kernel."""
        words = ["workload", "add", self.name, "-n", namespace, "--netns", self.namespace]
        for key, value in labels.items():
            words += ["--label", f"{key}={value}"]
        return self.lab.bulkhead(*words, **options)

    def command(self, *words, **options):
        return run("nsenter", f"--net=/run/netns/{self.namespace}", *words, **options)

    def socket(self, family=socket.AF_INET, kind=socket.SOCK_STREAM):
        with inside(self.namespace):
            return socket.socket(family, kind)

    def serve(self, port, kind="tcp", family=None):
        """Echoes on a port for as long as the laboratory lives."""
        family = family or (socket.AF_INET6 if ":" in self.addresses[0] else socket.AF_INET)
        server = self.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", port))
        self.servers.append(server)

        def echo(connection):
            with contextlib.suppress(OSError), connection:
                while data := connection.recv(65536):
                    connection.sendall(data)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    self.servers.append(connection)
                    threading.Thread(target=echo, args=(connection,), daemon=True).start()

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    data, client = server.recvfrom(65536)
                    if client is None:  # shut down
                        return
                    server.sendto(data, client)

        if kind == "tcp":
            server.listen(128)
        threading.Thread(target=accept if kind == "tcp" else answer, daemon=True).start()
        return server

    def connect(self, address, port, timeout=1.0, source_port=None):
        """A connected TCP socket, or None when nothing answers in time."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        client = self.socket(family)
        client.settimeout(timeout)
        try:
            if source_port:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                client.bind(("", source_port))
            client.connect((address, port))
            return client
        except OSError:
            client.close()
            return None

    def reaches(self, address, port, kind="tcp", timeout=0.7):
        """Whether a round trip succeeds."""
        if kind == "tcp":
            client = self.connect(address, port, timeout)
            if not client:
                return False
        else:
            client = self.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            client.settimeout(timeout)
            client.connect((address, port))
        with client:
            try:
                client.sendall(b"ping")
                return client.recv(16) == b"ping"
            except OSError:
                return False

    def ping(self, address):
        return self.command("ping", "-c1", "-W1", address, check=False).returncode == 0


class Sniffer:
    """Counts the packets that arrive at an interface and match."""

    def __init__(self, namespace, interface, match):
        with inside(namespace):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.socket.bind((interface, 0))
        self.count, self.match = 0, match
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        with contextlib.suppress(OSError):
            while True:
                frame, origin = self.socket.recvfrom(65536)
                if origin[2] != socket.PACKET_OUTGOING and self.match(frame):
                    self.count += 1


class Lab:
    """A host namespace with forwarding on; `up` starts Bulkhead in it."""

    def __init__(self, bridge=False):
        self.number = next(counter)
        self.prefix = f"bh{os.getpid() % 10000}-{self.number}"
        self.host = f"{self.prefix}-host"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-lab-"))
        self.state = self.folder / "state"
        self.pin = pathlib.Path(f"/sys/fs/bpf/{self.prefix}")
        self.process = None
        self.workloads = {}
        self.sniffers = []
        run("ip", "netns", "add", self.host)
        run("ip", "-n", self.host, "link", "set", "lo", "up")
        self.nsenter("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
        run("ip", "-n", self.host, "addr", "add", "169.254.1.1/32", "dev", "lo")
        self.bridge = None
        if bridge:
            self.bridge = "br0"
            run("ip", "-n", self.host, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
            run("ip", "-n", self.host, "addr", "add", "10.9.0.1/24", "dev", "br0")
            run("ip", "-n", self.host, "addr", "add", "fd09::1/64", "dev", "br0", "nodad")
            run("ip", "-n", self.host, "link", "set", "br0", "up")

    def nsenter(self, *words, **options):
        return run("nsenter", f"--net=/run/netns/{self.host}", *words, **options)

    def v4(self, number):
        return f"10.9.0.{number}" if self.bridge else f"10.8.0.{number}"

    def v6(self, number):
        return f"fd09::{number:x}" if self.bridge else f"fd08::{number:x}"

    def workload(self, name, number):
        """A workload with one address of each version."""
        workload = Workload(self, name, [self.v4(number), self.v6(number)], self.bridge)
        self.workloads[name] = workload
        return workload

    def up(self, *options, wait=True):
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.host}", BULKHEAD, "up", "--state", str(self.state), "--pin", str(self.pin), *options],
                stdout=log, stderr=log)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"bulkhead up ended with {self.process.returncode}:\n{self.log_text()}")
            return (self.state / "ready").exists()
        eventually(ready, 20, what=f"ready; log:\n{self.log_text()}")

    def log_text(self):
        with contextlib.suppress(OSError):
            return (self.folder / "log").read_text()[-4000:]
        return ""

    def kill(self):
        self.process.kill()
        self.process.wait()
        # What was killed leaves it, and the next start needs a moment to take it away.
        (self.state / "ready").unlink(missing_ok=True)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    @property
    def kubeconfig(self):
        return str(self.state / "kubeconfig")

    def bulkhead(self, *words, check=True, input=None):
        return self.nsenter(BULKHEAD, *words, "--kubeconfig", self.kubeconfig, check=check, input=input)

    def release(self, *words, check=True):
        return self.nsenter(BULKHEAD, "release", *words, "--state", self.state, "--pin", self.pin, check=check)

    def apply(self, *objects):
        """Applies objects (dictionaries or YAML text) and returns when they are in force."""
        text = "\n---\n".join(thing if isinstance(thing, str) else json.dumps(thing) for thing in objects)
        return self.bulkhead("apply", "-f", "-", input=text)

    def explain(self, source, destination, port, *words):
        return json.loads(self.bulkhead("explain", source, destination, "--port", port, *words, "-o", "json").stdout)

    def flows(self):
        return [json.loads(line) for line in self.bulkhead("flows", "-o", "json").stdout.splitlines() if line]

    def status(self):
        return json.loads(self.bulkhead("status", "-o", "json").stdout)

    def sniff(self, workload, match):
        sniffer = Sniffer(workload.namespace, "eth0", match)
        self.sniffers.append(sniffer)
        return sniffer

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for sniffer in self.sniffers:
            sniffer.socket.close()
        for workload in self.workloads.values():
            for server in workload.servers:
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                server.close()
        with contextlib.suppress(Exception):
            self.release("--all", check=False)
        for workload in self.workloads.values():
            run("ip", "netns", "del", workload.namespace, check=False)
        run("ip", "netns", "del", self.host, check=False)
        for pinned in sorted(self.pin.rglob("*"), reverse=True) if self.pin.exists() else []:
            with contextlib.suppress(OSError):
                pinned.rmdir() if pinned.is_dir() else pinned.unlink()
        with contextlib.suppress(OSError):
            self.pin.rmdir()
        shutil.rmtree(self.folder, ignore_errors=True)


def policy(name, selector="all()", namespace="default", kind="NetworkPolicy", **spec):
    """A policy object; `spec` members as in the API."""
    metadata = {"name": name} if kind == "GlobalNetworkPolicy" else {"name": name, "namespace": namespace}
    return {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": metadata, "spec": {"selector": selector, **spec}}
