"""`bulkhead doctor`: what a host lacks, what that costs, and how to mend it."""

import json
import os

import pytest

from lab import BULKHEAD, Lab, run


@pytest.fixture
def host():
    """A laboratory in which nothing runs, with the hook installed in a folder of its own."""
    lab = Lab()
    lab.hooks = lab.folder / "hooks"
    try:
        yield lab
    finally:
        lab.close()


def doctor(lab, *words, prefix=(), state=None):
    """The exit code, and the findings by check."""
    result = lab.nsenter(*prefix, BULKHEAD, "doctor", "-o", "json", "--state", state or lab.state, "--pin", lab.pin, "--hooks", lab.hooks, *words, check=False)
    assert result.returncode in (0, 3), result.stderr
    document = json.loads(result.stdout)
    found = {}
    for finding in document["findings"]:
        found.setdefault(finding["check"], []).append(finding)
        trouble = finding["state"] in ("costs", "missing")
        assert finding["what"] and (not trouble or (finding["cost"] and finding["mend"])), finding
    troubles = [finding["check"] for findings in found.values() for finding in findings if finding["state"] in ("costs", "missing")]
    assert (result.returncode == 3) == bool(troubles) and document["fine"] == (not troubles), document
    return result.returncode, found, troubles


def test_before_and_after_installation(host):
    _, found, troubles = doctor(host)
    for ability in ("BPF classifiers", "clsact and cls_bpf", "ring buffer", "test runs", "BTF", "TCX", "BPF netfilter links", "user", "BPF file system"):
        assert [finding["state"] for finding in found[ability]] == ["fine"], found[ability]
    assert "podman hook" in troubles
    host.up()
    host.nsenter(BULKHEAD, "hook", "install", "--directory", host.hooks, "--kubeconfig", host.kubeconfig)
    host.workload("web", 10).policed({"app": "web"})
    _, found, troubles = doctor(host)
    assert found["podman hook"][0]["state"] == "fine" and not [check for check in troubles if check.startswith("programs on")], troubles
    (host.hooks / "50-bulkhead-poststop.json").unlink()
    assert "podman hook" in doctor(host)[2]
    host.nsenter(BULKHEAD, "hook", "remove", "--directory", host.hooks)
    assert not list(host.hooks.iterdir()) and "podman hook" in doctor(host)[2]
    assert host.nsenter(BULKHEAD, "hook", "remove", "--directory", host.hooks).stdout == ""


def test_other_firewalls_and_programs_are_named(host):
    web = host.workload("web", 10)
    _, found, troubles = doctor(host)
    assert found["nftables, iptables"][0]["state"] == "fine" and found["programs of others"][0]["state"] == "fine"
    host.nsenter("nft", "add table inet quiet; add chain inet quiet c { type filter hook forward priority 0; policy accept; }")
    host.nsenter("nft", "add table inet strict; add chain inet strict forward { type filter hook forward priority 1; policy drop; }")
    host.nsenter("tc", "qdisc", "add", "dev", web.interface, "clsact")
    host.nsenter("tc", "filter", "add", "dev", web.interface, "ingress", "prio", "7", "protocol", "ip", "u32", "match", "u32", "0", "0", "flowid", "1:1")
    code, found, troubles = doctor(host)
    tables = {finding["what"]: finding["state"] for finding in found["nftables"]}
    assert any("inet quiet" in what and state == "note" for what, state in tables.items()), tables
    assert any("inet strict" in what and "forward at forward" in what and state == "costs" for what, state in tables.items()), tables
    (program,) = found[f"programs on {web.interface}"]
    assert code == 3 and "u32 filter at tc ingress, priority 7" in program["what"], program


def test_abilities_are_tried_and_not_looked_up(host):
    """Without the privileges nothing of it works, on the same kernel."""
    _, found, troubles = doctor(host, prefix=("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"))
    assert "kernel" in troubles and found["kernel"][0]["state"] == "missing"
    # In a user namespace of its own there may be network namespaces, and still no programs.
    _, found, troubles = doctor(host, prefix=("unshare", "--user", "--map-root-user"))
    assert {"BPF classifiers", "clsact and cls_bpf", "ring buffer"} <= set(troubles), troubles
    assert "CAP_BPF" in found["BPF classifiers"][0]["mend"]


def test_a_small_disk_and_a_missing_bpf_file_system(host):
    small = host.folder / "small"
    small.mkdir()
    mounted = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size=1m tmpfs {small} && mount -t tmpfs tmpfs /sys/fs/bpf && exec "$@"', "sh")
    _, found, troubles = doctor(host, prefix=mounted, state=small / "state")
    assert {"disk space", "BPF file system"} <= set(troubles)
    assert "mount -t bpf" in found["BPF file system"][0]["mend"] and str(small / "state") in found["disk space"][0]["what"]
    readonly = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o ro tmpfs {small} && exec "$@"', "sh")
    assert "disk latency" in doctor(host, prefix=readonly, state=small)[2]


def test_for_people(host):
    result = host.nsenter(BULKHEAD, "doctor", "--state", host.state, "--pin", host.pin, "--hooks", host.hooks, check=False)
    assert result.returncode == 3 and max(map(len, result.stdout.splitlines())) <= 100
    assert "  costs: " in result.stdout and "  mend: bulkhead hook install" in result.stdout
    assert run(BULKHEAD, "doctor", "nothing", check=False, env=os.environ).returncode == 2
