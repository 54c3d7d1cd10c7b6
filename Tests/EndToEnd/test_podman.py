"""Containers: policed before their first system call."""

import json
import pathlib
import shutil
import socket
import subprocess

import pytest

from lab import BULKHEAD, ROOT, Lab, eventually, policy, run

# The first system calls of its process: socket, then sendto of a datagram, a hundred times.
FIRST_CALLS = r"""
static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}
void _start(void) {
    struct { unsigned short family, port; unsigned char address[4]; char zero[8]; } peer = {2, 0x1f90 >> 8 | (0x1f90 & 255) << 8, {PEER}, {0}};
    long socket = call(41, 2, 2, 0, 0, 0, 0);
    for (int index = 0; index < 100; index++) call(44, socket, (long)"x", 1, 0, (long)&peer, sizeof peer);
    call(231, 0, 0, 0, 0, 0, 0);
}
"""


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
                    "ranges": [[{"subnet": "10.9.0.0/24", "gateway": "10.9.0.1", "rangeStart": "10.9.0.100", "rangeEnd": "10.9.0.200"}]]}}]}))
        (folder / "containers.conf").write_text(
            '[containers]\ndefault_ulimits=["nofile=20000:20000","nproc=4096:4096"]\n[engine]\nruntime="runc"\ncgroup_manager="cgroupfs"\n'
            f'events_logger="file"\n[network]\nnetwork_backend="cni"\nnetwork_config_dir="{folder}/net"\ndefault_network="lab"\n')
        lab.up()
        lab.nsenter(BULKHEAD, "hook", "install", "--directory", folder / "hooks", "--kubeconfig", lab.kubeconfig)

        def podman(*words, check=True):
            return run("nsenter", f"--net=/run/netns/{lab.host}", "env", f"CONTAINERS_CONF={folder}/containers.conf", "podman",
                       "--root", folder / "storage", "--runroot", folder / "run", "--hooks-dir", folder / "hooks", *words, check=check)

        yield lab, podman
        podman("rm", "-af", "-t", "0", check=False)
        podman("system", "reset", "-f", check=False)
    finally:
        run("umount", "-l", folder / "storage/overlay", check=False)
        lab.close()


def build(lab, program, name):
    """A root folder with one static program."""
    root = lab.folder / name
    root.mkdir()
    (root / "main.c").write_text(program)
    run("cc" if shutil.which("cc") else "clang", "-O1", "-nostdlib", "-static", "-fno-stack-protector", "-o", root / "main", root / "main.c")
    return root


def test_no_packet_leaves_before_the_first_table_in_100_starts(engine):
    lab, podman = engine
    peer = lab.workload("peer", 20)
    peer.policed({"app": "peer"})
    lab.apply(policy("no-way-out", "app == 'eager'", types=["Egress"], egress=[{"action": "Deny"}]))
    program = build(lab, FIRST_CALLS.replace("PEER", lab.v4(20).replace(".", ",")), "eager")
    seen = lab.sniff(peer, lambda frame: frame[12:14] == b"\x08\x00" and frame[23] == 17)
    # The proof that the sniffer would see it: the same program under another label.
    podman("run", "--rm", "--network", "lab", "--label", "app=free", "--rootfs", program, "/main")
    eventually(lambda: seen.count >= 100, 3, what="the allowed program's datagrams")
    seen.count = 0
    for _ in range(100):
        podman("run", "--rm", "--network", "lab", "--label", "app=eager", "--rootfs", program, "/main")
    assert seen.count == 0, f"{seen.count} packets leaked"
    denied = eventually(lambda: [flow for flow in lab.flows() if flow["action"] == "Deny" and flow["dest_ip"] == lab.v4(20)], what="the denials in the flow log")
    assert denied[-1]["policies"]["enforced"][-1]["name"] == "no-way-out"
    eventually(lambda: "eager" not in lab.bulkhead("workload", "list").stdout, what="the endpoints of finished containers are gone")


def test_a_container_is_refused_while_it_cannot_be_policed(engine):
    lab, podman = engine
    program = build(lab, FIRST_CALLS.replace("PEER", lab.v4(20).replace(".", ",")), "eager")
    lab.kill()
    result = podman("run", "--rm", "--network", "lab", "--rootfs", program, "/main", check=False)
    assert result.returncode != 0 and "bulkhead" in result.stderr.lower()
