"""Traffic and changes of policy that go on while something happens to the agent, and what of it all must hold."""

import contextlib
import http.client
import json
import random
import socket
import threading
import time

from api import POLICIES, Client
from lab import eventually, policy, run

PORT = 8080
CHANGES_A_SECOND = 20
# One policy of five is written anew at each change, now and then one is deleted: the verdicts stay, the rows do not.
CHURNED = 5
ALLOWED = policy("server", "app == 'server'", ingress=[
    {"action": "Allow", "source": {"selector": "app == 'client'"}},
    {"action": "Deny", "source": {"selector": "app == 'stranger'"}}])
PATIENCE = 5


def kernel_objects(lab):
    """What the kernel holds of the laboratory's: nothing of it may be there twice."""
    folders = [folder for folder in lab.pin.iterdir() if folder.is_dir()]
    pinned = {}
    for path in lab.pin.glob("*/*"):
        pinned[json.loads(run("bpftool", "-j", "map", "show", "pinned", path).stdout)["id"]] = path.name
    programs = [program for program in json.loads(run("bpftool", "-j", "prog", "show").stdout)
                if set(program.get("map_ids", [])) & pinned.keys()]
    identities = {program["id"] for program in programs}
    links = [link for link in json.loads(run("bpftool", "-j", "link", "show").stdout or "[]") if link.get("prog_id") in identities]
    filters = {}
    for workload in lab.workloads.values():
        for hook in ("ingress", "egress"):
            shown = lab.nsenter("tc", "-j", "filter", "show", "dev", workload.interface, hook).stdout
            filters[workload.name, hook] = sum("options" in entry for entry in json.loads(shown or "[]"))
    return {"layouts": len(folders), "maps": sorted(pinned.values()), "programs": len(programs), "links": len(links), "filters": filters}


class Load:
    """On a bridge: a connection that talks, an idle one, datagrams, new connections, a stranger's attempts, and churn.

    A context: at its end everything must have held. The laboratory has to run when it begins.
    """

    def __init__(self, lab):
        self.lab = lab
        self.server, self.client, self.stranger = (lab.workload(name, number) for name, number in (
            ("server", 10), ("client", 11), ("stranger", 12)))
        for workload in lab.workloads.values():
            workload.policed({"app": workload.name})
        lab.apply(ALLOWED)
        self.server.serve(PORT)
        self.server.serve(PORT, "udp")
        forbidden = socket.inet_aton(lab.v4(12))
        self.leaked = lab.sniff(self.server, lambda frame: frame[12:14] == b"\x08\x00" and frame[26:30] == forbidden)
        self.busy, self.idle = (self.client.connect(lab.v4(10), PORT) for _ in range(2))
        self.datagrams = self.client.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.connect((lab.v4(10), PORT))
        for end in (self.busy, self.idle, self.datagrams):
            end.settimeout(PATIENCE)
            end.sendall(b"ping")
            assert end.recv(4) == b"ping"
        self.api = Client(lab)
        self.stop = threading.Event()
        self.failures = []
        self.exchanges = self.connections = self.attempts = self.changes = self.refused = 0
        self.seed = random.SystemRandom().randrange(1 << 32)
        self.chance = random.Random(self.seed)
        print(f"seed {self.seed}")
        self.threads = [threading.Thread(target=work) for work in (self._talk, self._connect, self._attack, self._churn)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, error, trace):
        if not error:
            eventually(lambda: self.failures or (self.exchanges > 100 and self.connections > 20 and self.changes > 5), 20,
                       what="enough of everything")
        self.stop.set()
        for thread in self.threads:
            thread.join()
        print(f"{self.exchanges} exchanges on one connection, {self.connections} new ones, {self.attempts} denied attempts, "
              f"{self.changes} changes of policy, {self.refused} not taken")
        if not error:
            self.holds()

    def holds(self):
        assert self.leaked.count == 0, f"{self.leaked.count} denied packets arrived"
        assert not self.failures, self.failures[:5]
        # The server speaks first: nothing but the connection's own entry lets it.
        accepted = [end for end in self.server.servers if far_end(end) == self.idle.getsockname()]
        assert len(accepted) == 1
        accepted[0].sendall(b"unasked")
        assert self.idle.recv(7) == b"unasked", "the idle connection was cut"
        self.datagrams.sendall(b"pong")
        assert self.datagrams.recv(4) == b"pong"

    def verdicts_follow_policy(self):
        """The agent that runs now is no husk: what is applied is in force."""
        opening = policy("opening", "app == 'server'", order=0, ingress=[
            {"action": "Allow", "protocol": "TCP", "source": {"selector": "app == 'stranger'"}, "destination": {"ports": [PORT + 1]}}])
        self.server.serve(PORT + 1)
        self.leaked.match = lambda frame, match=self.leaked.match: match(frame) and int.from_bytes(frame[36:38]) == PORT
        self.lab.apply(opening)
        assert self.stranger.reaches(self.lab.v4(10), PORT + 1), "what was applied is not in force"
        self.lab.bulkhead("delete", "networkpolicy", "opening")
        eventually(lambda: not self.stranger.reaches(self.lab.v4(10), PORT + 1, timeout=0.3), 5, what="what was deleted is not in force")

    def _talk(self):
        while not self.stop.wait(0.002):
            try:
                self.busy.sendall(b"tick")
                assert self.busy.recv(4) == b"tick"
                self.exchanges += 1
            except (OSError, AssertionError) as error:
                self.failures.append(f"the connection that talks: {error!r}")
                return

    def _connect(self):
        while not self.stop.wait(0.01):
            if self.client.reaches(self.lab.v4(10), PORT, timeout=3):
                self.connections += 1
            else:
                self.failures.append("a new allowed connection failed")

    def _attack(self):
        udp = self.stranger.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while not self.stop.wait(0.001):
            udp.sendto(b"x", (self.lab.v4(10), PORT))
            with self.stranger.socket() as attempt:
                attempt.setblocking(False)
                attempt.connect_ex((self.lab.v4(10), PORT))
            self.attempts += 1

    def _churn(self):
        """Over one connection as long as it holds: hands are shaken once."""
        index, connection = 0, None
        while not self.stop.wait(1 / CHANGES_A_SECOND):
            index += 1
            name = f"churn-{index % CHURNED}"
            ports = [index % 100 + 1] if index % 2 else [f"8000:{PORT + index % 50}"]
            noise = policy(name, "app == 'server'", order=index, ingress=[
                {"action": "Allow", "protocol": "TCP", "source": {"selector": "app == 'client'"}, "destination": {"ports": ports}}])
            words = ("DELETE", f"{POLICIES}/{name}") if index % 7 == 0 else (
                "PATCH", f"{POLICIES}/{name}?fieldManager=load&force=true", noise, "application/apply-patch+yaml")
            try:
                connection = connection or self.api.connection(timeout=PATIENCE)
                answer = self.api.request(connection, *words)
                answer.read()
                if answer.status < 300:
                    self.changes += 1
                elif answer.status != 404:
                    self.refused += 1
            except (OSError, http.client.HTTPException):
                self.refused += 1
                if connection:
                    connection.close()
                connection = None


def far_end(end):
    with contextlib.suppress(OSError):
        return end.getpeername()
