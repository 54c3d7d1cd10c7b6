"""Containers: policed before their first system call."""

import collections
import json
import os
import random
import shutil
import subprocess
import time

import pytest

from lab import BULKHEAD, Lab, eventually, policy, run

STARTS = int(os.environ.get("BULKHEAD_STARTS", "100"))

# The first system calls of a process, without a library: what SEND does, a hundred times.
FIRST_CALLS = r"""
static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}
struct ipv4 { unsigned short family, port; unsigned char address[4]; char zero[8]; };
struct ipv6 { unsigned short family, port; unsigned flow; unsigned char address[16]; unsigned scope; };
struct link { unsigned short family, protocol; int index; unsigned short hardware; unsigned char type, length, address[8]; };
enum { SOCKET = 41, CONNECT = 42, SENDTO = 44, EXIT = 231 };
void _start(void) {
    for (int index = 0; index < 100; index++) { SEND }
    call(EXIT, 0, 0, 0, 0, 0, 0);
}
"""
SENDS = {
    "UDP": "struct ipv4 peer = {2, 0x901f, {PEER4}, {0}}; static long s; if (!index) s = call(SOCKET, 2, 2, 0, 0, 0, 0);"
           "call(SENDTO, s, (long)\"x\", 1, 0, (long)&peer, sizeof peer);",
    "TCP": "struct ipv4 peer = {2, 0x901f, {PEER4}, {0}}; call(CONNECT, call(SOCKET, 2, 1 | 2048, 0, 0, 0, 0), (long)&peer, sizeof peer, 0, 0, 0);",
    "ICMPv6": "struct ipv6 peer = {10, 0, 0, {PEER6}, 0}; static long s; if (!index) s = call(SOCKET, 10, 3, 58, 0, 0, 0);"
              "unsigned char echo[8] = {128}; call(SENDTO, s, (long)echo, 8, 0, (long)&peer, sizeof peer);",
    "ARP": "static long s; if (!index) s = call(SOCKET, 17, 2, 0x0608, 0, 0, 0);"
           "struct link all = {17, 0x0608, 1 + index % 8, 1, 0, 6, {255, 255, 255, 255, 255, 255}};"
           "unsigned char claim[28] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 2, 2, 2, 2, 2, FOREIGN4, 0, 0, 0, 0, 0, 0, PEER4};"
           "call(SENDTO, s, (long)claim, 28, 0, (long)&all, sizeof all);",
}
FOREIGN = "10.9.0.66"


def sends(frame):
    """Which of the programs sent a frame; None for anything else."""
    kind = frame[12:14]
    if kind == b"\x08\x06":
        return "ARP" if frame[28:32] == bytes(map(int, FOREIGN.split("."))) else None
    if kind == b"\x08\x00" and frame[26:29] == b"\x0a\x09\x00" and 100 <= frame[29] <= 200:
        return {17: "UDP", 6: "TCP"}.get(frame[23])
    if kind == b"\x86\xdd" and frame[20] == 58 and frame[54] == 128:
        return "ICMPv6"
    return None


@pytest.fixture
def engine():
    """podman in a laboratory of its own, with our hook; yields (lab, podman)."""
    lab = Lab(bridge=True)
    folder = lab.folder
    try:
        (folder / "net").mkdir()
        (folder / "hooks").mkdir()
        (folder / "net/lab.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": "lab", "plugins": [{
                "type": "bridge", "bridge": "br0", "ipam": {
                    "type": "host-local", "dataDir": str(folder / "ipam"), "routes": [{"dst": "0.0.0.0/0"}],
                    "ranges": [[{"subnet": "10.9.0.0/24", "gateway": "10.9.0.1", "rangeStart": "10.9.0.100", "rangeEnd": "10.9.0.200"}],
                               [{"subnet": "fd09::/64", "gateway": "fd09::1", "rangeStart": "fd09::100", "rangeEnd": "fd09::200"}]]}}]}))
        (folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits=["nofile=20000:20000","nproc=4096:4096"]\n[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\n'
            f'events_logger="file"\n[network]\nnetwork_backend="cni"\nnetwork_config_dir="{folder}/net"\ndefault_network="lab"\n')
        lab.up()
        lab.nsenter(BULKHEAD, "hook", "install", "--directory", folder / "hooks", "--kubeconfig", lab.kubeconfig)

        def words_of(*words, hooks="hooks"):
            return ["nsenter", f"--net=/run/netns/{lab.host}", "env", f"CONTAINERS_CONF={folder}/containers.conf", "podman",
                    "--root", str(folder / "storage"), "--runroot", str(folder / "run"), "--hooks-dir", str(folder / hooks), *map(str, words)]

        def podman(*words, check=True, **options):
            return run(*words_of(*words, **options), check=check)

        podman.words = words_of
        yield lab, podman
        podman("rm", "-af", "-t", "0", check=False)
        podman("system", "reset", "-f", check=False)
    finally:
        run("umount", "-l", folder / "storage/overlay", check=False)
        lab.close()


def build(lab, kind):
    """A root folder with one static program that sends `kind` to the peer."""
    root = lab.folder / f"send-{kind}"
    root.mkdir()
    six = bytes.fromhex("fd09") + bytes(13) + bytes([20])
    program = FIRST_CALLS.replace("SEND }", SENDS[kind] + " }").replace("PEER4", lab.v4(20).replace(".", ",")).replace(
        "PEER6", ",".join(map(str, six))).replace("FOREIGN4", FOREIGN.replace(".", ","))
    (root / "main.c").write_text(program)
    run("cc" if shutil.which("cc") else "clang", "-O1", "-nostdlib", "-static", "-fno-stack-protector", "-fno-builtin", "-o", root / "main", root / "main.c")
    return root


def start(program, label):
    return ("run", "--rm", "--network", "lab", "--cap-add", "NET_RAW", "--label", f"app={label}", "--rootfs", program, "/main")


def test_no_packet_leaves_before_the_first_table(engine):
    """Containers whose first system call sends what is denied, half of them while Bulkhead is killed, stopped or starting."""
    lab, podman = engine
    peer = lab.workload("peer", 20)
    peer.policed({"app": "peer"})
    lab.apply(policy("no-way-out", "app == 'eager'", types=["Egress"], egress=[{"action": "Deny"}]))
    programs = {kind: build(lab, kind) for kind in SENDS}
    seen = collections.Counter()

    def count(frame):
        if kind := sends(frame):
            seen[kind] += 1
        return kind is not None

    lab.sniff(peer, count)
    # The proof that the sniffer would see each: the same programs without the hook.
    (lab.folder / "no-hooks").mkdir()
    for kind, program in programs.items():
        podman(*start(program, "eager"), hooks="no-hooks")
        eventually(lambda: seen[kind] >= 10, 5, what=f"{kind} of an open container: {seen}")
    time.sleep(0.5)
    seen.clear()

    seed = int(os.environ.get("BULKHEAD_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    done, refused = collections.Counter(), collections.Counter()
    for turn in range(STARTS):
        kind = list(SENDS)[turn % len(SENDS)]
        trouble = (["none"] * 3 + ["killed", "stopped", "starting"])[turn // len(SENDS) % 6]
        if trouble == "starting":
            lab.kill()
            lab.up(wait=False)
            time.sleep(chance.random() * 0.4)
        container = subprocess.Popen(podman.words(*start(programs[kind], "eager")), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if trouble in ("killed", "stopped"):
            time.sleep(chance.random() * 0.6)
            lab.kill() if trouble == "killed" else lab.stop()
        _, errors = container.communicate(timeout=60)
        done[kind, trouble] += 1
        if container.returncode != 0:
            assert trouble != "none", f"turn {turn}: {errors}"
            refused[trouble] += 1
        if trouble in ("killed", "stopped"):
            lab.up(wait=False)
        if trouble != "none":
            lab.wait_ready()
        assert not seen, f"turn {turn} of seed {seed}: {kind} while {trouble}: {dict(seen)} leaked"
    print(f"{STARTS} starts, seed {seed}: {sorted((*key, number) for key, number in done.items())}; refused {dict(refused)}; leaked {sum(seen.values())}")
    assert all(done[kind, trouble] >= STARTS // 40 for kind in SENDS for trouble in ("none", "killed", "stopped", "starting")), done
    assert sum(number for (_, trouble), number in done.items() if trouble != "none") >= STARTS * 0.45
    reasons = {"udp": "no-way-out", "tcp": "no-way-out", "icmpv6": "no-way-out"}

    def told():
        denied = [flow for flow in lab.flows() if flow["action"] == "Deny" and flow["dest_ip"] in (lab.v4(20), lab.v6(20))]
        return {flow["protocol"]: flow["policies"]["enforced"][-1]["name"] for flow in denied if flow["protocol"] in reasons}

    eventually(lambda: told() == reasons, what=f"the denials in the flow log: {told()}")
    eventually(lambda: "10.9.0.1" not in lab.bulkhead("workload", "list").stdout, what="the endpoints of finished containers are gone")


def test_a_container_is_refused_while_it_cannot_be_policed(engine):
    lab, podman = engine
    program = build(lab, "UDP")
    lab.kill()
    result = podman(*start(program, "eager"), check=False)
    assert result.returncode != 0 and "bulkhead" in result.stderr.lower()


def test_two_networks_are_two_endpoints_from_the_start(engine):
    lab, podman = engine
    second = json.loads((lab.folder / "net/lab.conflist").read_text())
    second["name"] = "back"
    second["plugins"][0] |= {"bridge": "br1", "ipam": {**second["plugins"][0]["ipam"], "routes": [], "ranges": [[{"subnet": "10.10.0.0/24"}]]}}
    (lab.folder / "net/back.conflist").write_text(json.dumps(second))
    program = lab.folder / "busybox"
    (program / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", program / "bin/busybox")
    podman("run", "-d", "--name", "web", "--network", "lab,back", "--label", "app=web", "--rootfs", program, "/bin/busybox", "sleep", "100")
    status = {f"{entry['namespace']}/{entry['name']}": entry["policed"] for entry in lab.status()["endpoints"]}
    assert status == {"default/web": True, "default/web.eth1": True}
    podman("rm", "-f", "-t", "0", "web")
    eventually(lambda: not lab.status()["endpoints"], what="both are gone")


def test_podmans_service_is_followed_and_its_start_is_closed(engine):
    """The hook polices the start; the events bring networks and names after it."""
    lab, podman = engine
    socket = lab.folder / "podman.sock"
    service = subprocess.Popen(podman.words("system", "service", "-t", "0", f"unix://{socket}"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        lab.stop()
        lab.up("--engine", str(socket))
        program = lab.folder / "busybox"
        (program / "bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", program / "bin/busybox")
        eventually(lambda: [entry for entry in lab.status()["engines"] if entry["connected"]], what="the service")
        podman("run", "-d", "--name", "web", "--network", "lab", "--label", "app=web", "--rootfs", program, "/bin/busybox", "sleep", "100")
        entry = eventually(lambda: next(iter(lab.status()["containers"]), None), what="the container")
        assert entry["endpoints"] == ["default/web"] and entry["engine"] == "podman"
        eventually(lambda: lab.status()["engines"][0]["start"] == "closed", what="a closed start")
        assert lab.status()["engines"][0]["starts"] == 0, "an open window was measured behind a hook"
        podman("rename", "web", "front")
        eventually(lambda: [entry["name"] for entry in lab.status()["endpoints"]] == ["front"], what="the new name")
        podman("rm", "-f", "-t", "0", "front")
        eventually(lambda: not lab.status()["endpoints"] and not lab.status()["containers"], what="it is gone")
    finally:
        service.kill()
        service.wait()
