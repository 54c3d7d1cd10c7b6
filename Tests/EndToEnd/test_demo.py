"""The demonstration as a person runs it: it works, works again while it is up, and leaves nothing."""

import os
import re
import subprocess

import pytest

from lab import ROOT, run

pytestmark = pytest.mark.skipif("BULKHEAD_DEMO" not in os.environ, reason="takes two minutes; make soak runs it with BULKHEAD_DEMO=1")
FOLDER = "/var/lib/bulkhead-demo"


def traces():
    """What of the demonstration is on this host, by kind. Other tests may run meanwhile: what is theirs is left out by name."""
    lines = lambda *command: run(*command, check=False).stdout.splitlines()
    processes = [line for line in lines("ps", "-eo", "pid=,args=") if "bulkhead-demo" in line or "/shop/" in line or "tap-payment" in line]
    namespaces = [line.split()[0] for line in lines("ip", "netns", "list")]
    return {
        "links": [line for line in lines("ip", "-o", "link") if re.search("bulkhead0|tap-payment", line)],
        "namespaces": [name for name in namespaces if name.startswith(("bulkhead-demo", "netns-"))],
        "nft": [line for line in lines("nft", "list", "ruleset") if "10.88.77." in line or "bulkhead0" in line],
        "bpf": [name for name in os.listdir("/sys/fs/bpf") if "demo" in name],
        "mounts": [line for line in open("/proc/mounts") if FOLDER in line or "/run/netns/bulkhead-demo" in line or ".build/demo" in line],
        "containers": lines("find", "/sys/fs/cgroup", "-maxdepth", "3", "-path", "*bulkhead-demo*"),
        "processes": processes,
        "folders": [FOLDER] if os.path.exists(FOLDER) else [],
    }


def count(kinds):
    return {kind: len(found) for kind, found in kinds.items()}


def counted():
    """What there is of each kind on the whole host."""
    lines = lambda *command: len(run(*command, check=False).stdout.splitlines())
    return {"links": lines("ip", "-o", "link"), "namespaces": len(os.listdir("/run/netns")) if os.path.exists("/run/netns") else 0,
            "nft": lines("nft", "list", "ruleset"), "bpf programs": len([line for line in run("bpftool", "prog", "show").stdout.splitlines() if line[0].isdigit()]),
            "bpf maps": len([line for line in run("bpftool", "map", "show").stdout.splitlines() if line[0].isdigit()]),
            "pins": len(os.listdir("/sys/fs/bpf")), "mounts": len(open("/proc/mounts").readlines()),
            "cgroups": lines("find", "/sys/fs/cgroup", "-type", "d")}


def demo():
    result = subprocess.run([ROOT / "Scripts/demo"], capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr
    return result.stdout


def test_the_demonstration_shows_what_it_says_and_leaves_nothing():
    run(ROOT / "Scripts/demo-down")
    before, whole = traces(), counted()
    assert not any(before.values()), before
    try:
        text = demo()
        up = count(traces())
        assert up["namespaces"] == 8 and up["containers"] >= 8 and up["processes"] >= 9 and up["bpf"] == 1 and up["mounts"] >= 8, up
        rows = dict(re.findall(r"^   (\w+/\w+) +((?:(?:yes|no|-) +){6})$", text, re.M))
        assert {source: cells.split() for source, cells in rows.items()} == {
            "shop/web": ["-", "yes", "no", "no", "no", "no"], "shop/app": ["yes", "-", "yes", "yes", "yes", "no"],
            "shop/database": ["yes", "no", "-", "no", "no", "no"], "shop/cache": ["yes", "no", "no", "-", "no", "no"],
            "shop/payment": ["no", "no", "no", "no", "-", "no"], "insights/reports": ["yes", "no", "yes", "no", "no", "yes"],
            "insights/archive": ["yes", "no", "no", "no", "no", "-"], "default/stranger": ["yes", "no", "no", "no", "no", "no"]}, text
        assert "default/stranger -> shop/database, tcp/5432: platform/data-stores rule 1" in text
        assert "because: rule 1 of GlobalNetworkPolicy data-stores in tier platform" in text
        assert "pending: Deny by end of default (app-egress)" in text and '"bought": "compass", "payment": "charged 3900 cents' in text
        status = run(f"{FOLDER}/bulkhead", "status").stdout
        assert status.count(" yes") == 8, status
        # While it is up.
        demo()
        again = count(traces())
        assert {kind: again[kind] for kind in ("namespaces", "bpf", "links")} == {kind: up[kind] for kind in ("namespaces", "bpf", "links")}, (up, again)
        # What a killed server leaves is taken away too.
        for process in run("ip", "netns", "pids", "bulkhead-demo").stdout.split():
            if "bulkhead" in open(f"/proc/{process}/comm").read():
                os.kill(int(process), 9)
    finally:
        down = run(ROOT / "Scripts/demo-down")
    assert "gone" in down.stdout and not any(traces().values()), traces()
    after = counted()
    print(f"before {whole}; after {after}; up {up}")
    if "BULKHEAD_DEMO_ALONE" in os.environ:
        assert after == whole
    run(ROOT / "Scripts/demo-down")
