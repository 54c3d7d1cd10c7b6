"""Other systems on the same laboratories and the same policies: nftables as Calico renders it, and OVN's ACLs."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from laboratories import APPLYING, APPS, LEFT, MEMBERS, POLICIES, PROBE_PORT, RIGHT, RULES, SETS, Bare, member, which
from probe import eventually, run
from lab import Lab

ACCEPTED = "0x10000"


class Unavailable(Exception):
    """The peer cannot start here; the text says why."""


class Nftables(Bare):
    """Dispatch by interface, a chain for each policy, a set for each selector, connection tracking; a rule that matches sets a mark."""

    def prepare(self):
        lines = ["table ip segments {"]
        for number in range(SETS):
            addresses = ", ".join(member(number * MEMBERS + each) for each in range(MEMBERS))
            lines.append(f" set set-{number} {{ type ipv4_addr; elements = {{ {addresses} }} }}")
        for number in range(POLICIES):
            lines.append(f" chain policy-{number} {{")
            for step in range(RULES):
                lines += self.rule(f"ip saddr @set-{which(number, step)} tcp dport {8000 + step}")
            lines.append(" }")
        lines += [" chain policy-last {", *self.rule(f"ip saddr {LEFT}"), " }", " chain policy-probe {", *self.rule(f"udp dport {PROBE_PORT}"), " }"]
        for app in range(APPS):
            lines += self.endpoint(f"to-{app}", ["policy-probe", *[f"policy-{app + place * APPS}" for place in range(APPLYING)], "policy-last"])
        lines += self.endpoint("from-any", [])
        left, right = (workload.interface for workload in self.workloads)
        others = [f'"other{number}" : goto to-{number % APPS}' for number in range(198)]
        lines += [" chain to-dispatch { oifname vmap { " + ", ".join([f'"{right}" : goto to-0', f'"{left}" : goto to-1', *others]) + " }; drop; }",
                  " chain from-dispatch { iifname vmap { " + ", ".join(
                      f'"{name}" : goto from-any' for name in (left, right, *[f"other{number}" for number in range(198)])) + " }; drop; }",
                  " chain forward { type filter hook forward priority 0; policy drop;",
                  f"  meta mark set meta mark and {~int(ACCEPTED, 16) & 0xffffffff:#x}",
                  f"  jump from-dispatch; meta mark set meta mark and {~int(ACCEPTED, 16) & 0xffffffff:#x}; jump to-dispatch",
                  f"  meta mark and {ACCEPTED} == {ACCEPTED} accept", " }", "}"]
        self.load("\n".join(lines))

    @staticmethod
    def rule(match):
        return [f"  {match} meta mark set meta mark or {ACCEPTED}", f"  meta mark and {ACCEPTED} == {ACCEPTED} return"]

    @staticmethod
    def endpoint(name, policies):
        marked = f"meta mark and {ACCEPTED} == {ACCEPTED}"
        lines = [f" chain {name} {{", f"  ct state established,related meta mark set meta mark or {ACCEPTED}", f"  {marked} return", "  ct state invalid drop"]
        for chain in policies:
            lines += [f"  jump {chain}", f"  {marked} return"]
        return [*lines, "  drop" if policies else f"  meta mark set meta mark or {ACCEPTED}", " }"]

    def load(self, text):
        self.lab.nsenter("nft", "-f", "-", input=text)

    def change(self, allowed):
        """The whole chain anew in one transaction, as an agent does."""
        verdict = self.rule(f"udp dport {PROBE_PORT}") if allowed else [f"udp dport {PROBE_PORT} drop"]
        text = "\n".join(["flush chain ip segments policy-probe", *[f"add rule ip segments policy-probe {rule.strip()}" for rule in verdict]])
        began = time.time_ns()
        self.load(text)
        return began


class OpenVirtualNetwork(Bare):
    """Two ports of a logical switch, ACLs on port groups; one node, all of OVN on it, Open vSwitch's user-space datapath.

    A change is a transaction sent to the northbound database over a connection that stays open.
    """

    in_kernel = False

    def prepare(self):
        for program in ("ovn-northd", "ovn-controller", "ovs-vswitchd", "ovsdb-server"):
            if not shutil.which(program):
                raise Unavailable(f"{program} is not installed (Scripts/install-dependencies bench)")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-ovn-"))
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        try:
            self.start()
            self.wire()
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            raise Unavailable(f"it does not start here: {str(error)[:500]}") from error

    def __init__(self, stack):
        self.stack = stack
        super().__init__(stack)

    def path(self, name):
        return str(self.folder / name)

    def daemon(self, name, *words, control=True):
        """`control`: whether it can be told where to listen for commands, which it does when it has started."""
        with open(self.path(f"{name}.out"), "wb") as log:
            process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.lab.host}", *words, *([f"--unixctl={self.path(name)}.ctl"] if control else []), "-vconsole:warn"],
                stdout=log, stderr=log, env={**os.environ, **{f"{kind}_{what}DIR": str(self.folder) for kind in ("OVS", "OVN") for what in ("RUN", "LOG", "DB", "SYSCONF")}})
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        eventually(lambda: os.path.exists(self.path(f"{name}.ctl")) or process.poll() is not None or not control, 10, what=f"{name} to start")
        if process.poll() is not None:
            raise AssertionError(f"{name} ended: {open(self.path(f'{name}.out')).read()[-300:]}")

    def start(self):
        for name, schema in (("conf", "openvswitch/vswitch"), ("nb", "ovn/ovn-nb"), ("sb", "ovn/ovn-sb")):
            run("ovsdb-tool", "create", self.path(f"{name}.db"), f"/usr/share/{schema}.ovsschema")
            self.daemon(f"{name}-server", "ovsdb-server", self.path(f"{name}.db"), f"--remote=punix:{self.path(name)}.sock")
        self.vsctl("--no-wait", "init")
        self.vsctl("--no-wait", "set", "open_vswitch", ".", f"external_ids:ovn-remote=unix:{self.path('sb.sock')}", "external_ids:ovn-encap-type=geneve",
                   "external_ids:ovn-encap-ip=127.0.0.1", "external_ids:system-id=measured", "external_ids:ovn-bridge-datapath-type=netdev")
        self.daemon("vswitchd", "ovs-vswitchd", f"unix:{self.path('conf.sock')}", "--disable-system")
        self.daemon("northd", "ovn-northd", f"--ovnnb-db=unix:{self.path('nb.sock')}", f"--ovnsb-db=unix:{self.path('sb.sock')}")
        self.daemon("controller", "ovn-controller", f"unix:{self.path('conf.sock')}", control=False)

    def vsctl(self, *words):
        return run("ovs-vsctl", f"--db=unix:{self.path('conf.sock')}", "-t", "20", *words)

    def wire(self):
        ports = []
        for workload, address in zip(self.workloads, (LEFT, RIGHT)):
            # One subnet; and whole checksums, which a process that takes frames from a socket needs.
            workload.command("ip", "addr", "flush", "dev", "eth0")
            workload.command("ip", "addr", "add", f"{address}/24", "dev", "eth0")
            workload.command("ethtool", "-K", "eth0", "tx", "off")
            hardware = json.loads(workload.command("ip", "-j", "link", "show", "eth0").stdout)[0]["address"]
            ports.append((workload.name, f"{hardware} {address}"))
        operations = [self.insert("Logical_Switch", "switch", {"name": "switch", "ports": ["set", [["named-uuid", name] for name, _ in ports]]})]
        operations += [self.insert("Logical_Switch_Port", name, {"name": name, "addresses": address}) for name, address in ports]
        operations += [self.insert("Address_Set", f"set{number}", {"name": f"set{number}", "addresses": ["set", [
            member(number * MEMBERS + each) for each in range(MEMBERS)]]}) for number in range(SETS)]
        for app in range(APPS):
            rules = []
            for number in range(app, POLICIES, APPS):
                for step in range(RULES):
                    rules.append(f"rule{number}x{step}")
                    operations.append(self.rule(rules[-1], app, 20_000 - 10 * number, f"ip4.src == $set{which(number, step)} && tcp.dst == {8000 + step}"))
            if app == 0:
                rules += ["probe", "last", "wall"]
                operations += [self.rule("probe", 0, 30_000, f"udp.dst == {PROBE_PORT}"), self.rule("last", 0, 5, f"ip4.src == {LEFT}"),
                               self.rule("wall", 0, 1, "ip4", "drop")]
            held = [["named-uuid", "right"]] if app == 0 else [["named-uuid", "left"]] if app == 1 else []
            operations.append(self.insert("Port_Group", f"group{app}", {
                "name": f"group{app}", "ports": ["set", held], "acls": ["set", [["named-uuid", rule] for rule in rules]]}))
        self.transact(operations)
        for workload in self.workloads:
            self.vsctl("--may-exist", "add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=netdev", "fail_mode=secure")
            self.vsctl("add-port", "br-int", workload.interface, "--", "set", "interface", workload.interface, f"external_ids:iface-id={workload.name}")

    @staticmethod
    def insert(table, name, row):
        return {"op": "insert", "table": table, "uuid-name": name, "row": row}

    def rule(self, name, app, priority, match, action="allow-related"):
        return self.insert("ACL", name, {"priority": priority, "direction": "to-lport", "match": f"outport == @group{app} && {match}", "action": action})

    def transact(self, operations):
        """Returns the clock immediately before the write."""
        if not hasattr(self, "database"):
            self.database = socket.socket(socket.AF_UNIX)
            self.database.settimeout(60)
            self.database.connect(self.path("nb.sock"))
        message = json.dumps({"method": "transact", "params": ["OVN_Northbound", *operations], "id": 1}).encode()
        began = time.time_ns()
        self.database.sendall(message)
        answer = b""
        while True:
            answer += self.database.recv(1 << 20)
            with contextlib.suppress(ValueError):
                found = json.loads(answer)
                break
        failures = [one for one in found["result"] or [found["error"]] if one and one.get("error")]
        if failures:
            raise AssertionError(f"OVN refused: {failures[0]}")
        return began

    def change(self, allowed):
        return self.transact([{"op": "update", "table": "ACL", "where": [["priority", "==", 30_000]],
                               "row": {"action": "allow-related" if allowed else "drop"}}])
