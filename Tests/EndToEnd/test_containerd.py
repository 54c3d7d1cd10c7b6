"""containerd without Docker and Kubernetes: its containers are adopted, followed, and forgotten."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from lab import ROOT, Lab, eventually, policy, run
from test_containers import BUSYBOX, container, endpoints, policed

TOOLS = ROOT / ".build/tools/docker"


class Containerd:
    """A containerd in the laboratory's host namespace, with state of its own."""

    def __init__(self, lab):
        self.lab, self.folder = lab, lab.folder / "containerd"
        self.folder.mkdir()
        self.socket = self.folder / "containerd.sock"
        self.environment = {**os.environ, "PATH": f"{TOOLS}/usr/bin:{os.environ['PATH']}", "LD_LIBRARY_PATH": f"{TOOLS}/usr/lib/x86_64-linux-gnu"}
        self.root = self.folder / "rootfs"
        (self.root / "bin").mkdir(parents=True)
        shutil.copy(BUSYBOX, self.root / "bin/busybox")
        plugins = ["grpc.v1.cri", *(f"snapshotter.v1.{name}" for name in ("aufs", "btrfs", "devmapper", "zfs"))]
        (self.folder / "config.toml").write_text(
            f'version = 2\nroot = "{self.folder}/root"\nstate = "{self.folder}/state"\n'
            f"disabled_plugins = {json.dumps(['io.containerd.' + name for name in plugins])}\n"
            f'[grpc]\naddress = "{self.socket}"\n[ttrpc]\naddress = "{self.socket}.ttrpc"\n')
        self.process, self.started = None, []

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.lab.host}", TOOLS / "usr/bin/containerd", "--config", self.folder / "config.toml"],
            env=self.environment, stdout=log, stderr=log)
        eventually(lambda: self("version", check=False).returncode == 0, 30, what=(self.folder / "log").read_text()[-2000:])

    def __call__(self, *words, namespace="default", check=True, prefix=()):
        return run("nsenter", f"--net=/run/netns/{self.lab.host}", *prefix, TOOLS / "usr/bin/ctr", "--address", self.socket, "-n", namespace, *words,
                   check=check, env=self.environment)

    def run(self, name, *options, namespace="default", command=("sleep", "1000"), prefix=()):
        self.started.append((namespace, name))
        self("run", "-d", "--rootfs", *options, self.root, name, "/bin/busybox", *command, namespace=namespace, prefix=prefix)

    def remove(self, name, namespace="default", check=True):
        self("task", "rm", "-f", name, namespace=namespace, check=check)
        self("container", "rm", name, namespace=namespace, check=check)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def close(self):
        with contextlib.suppress(Exception):
            for namespace, name in self.started:
                self.remove(name, namespace, check=False)
        if self.process:
            self.stop()
        for line in reversed(pathlib.Path("/proc/mounts").read_text().splitlines()):
            if line.split()[1].startswith(str(self.folder)):
                run("umount", "-l", line.split()[1], check=False)


@pytest.fixture
def containerd():
    """(laboratory in which nothing runs yet, its containerd)."""
    lab = Lab()
    engine = Containerd(lab)
    try:
        engine.start()
        yield lab, engine
    finally:
        engine.close()
        lab.close()


def joined(workload):
    return ("--with-ns", f"network:/run/netns/{workload.namespace}")


def test_what_runs_is_adopted_and_what_starts_and_ends_is_followed(containerd):
    lab, engine = containerd
    web, peer = lab.workload("web", 10), lab.workload("peer", 20)
    engine.run("Web_1", *joined(web), "--label", "app=web", "--label", "io.bulkhead.namespace=shop", "--label", "com.docker.compose.project=shop",
               "--label", "com.docker.compose.service=web", "--label", "odd/Key=x y")
    flood = subprocess.Popen(["nsenter", f"--net=/run/netns/{peer.namespace}", "ping", "-i", "0.01", "-c", "200", "-q", lab.v4(10)], stdout=subprocess.PIPE, text=True)
    lab.up("--engine", str(engine.socket))
    eventually(lambda: policed(lab, "shop/web-1"), what=lambda: f"the container that ran already: {lab.log_text()}")
    output = flood.communicate()[0]
    assert " 0% packet loss" in output and "200 received" in output, output
    found = endpoints(lab)["shop/web-1"]
    expected = {"app": "web", "com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    assert expected.items() <= found["metadata"]["labels"].items() and "odd/Key" not in found["metadata"]["labels"]
    assert found["spec"]["orchestrator"] == "containerd" and found["spec"]["containerID"] == "default-2fWeb-5f1"
    assert set(found["spec"]["ipNetworks"]) == {lab.v4(10) + "/32", lab.v6(10) + "/128"}
    lab.apply(policy("closed", "app == 'web'", "shop", ingress=[]))
    assert not peer.ping(lab.v4(10))
    (state,) = lab.status()["engines"]
    assert state["name"] == "containerd" and state["connected"] and state["start"] == "open" and state["starts"] == 0
    # One that starts now, in another namespace of containerd's, under the same name.
    other = lab.workload("other", 11)
    engine("namespaces", "create", "tenant")
    engine.run("Web_1", *joined(other), "--label", "app=other", namespace="tenant")
    eventually(lambda: policed(lab, "default/web-1", "shop/web-1"), what="the new container")
    (state,) = lab.status()["engines"]
    assert state["starts"] == 1 and 0 < state["lastWindowMilliseconds"] < 10_000, state
    # Its label says something else.
    engine("containers", "label", "Web_1", "app=changed", namespace="tenant")
    eventually(lambda: endpoints(lab)["default/web-1"]["metadata"]["labels"]["app"] == "changed", what="the new label")
    engine("task", "kill", "-s", "9", "Web_1", namespace="tenant")
    eventually(lambda: set(endpoints(lab)) == {"shop/web-1"}, what="no endpoint of what does not run")
    # What ends while nobody looks, and an engine that comes back: containers outlive it.
    lab.kill()
    engine.remove("Web_1", namespace="tenant")
    lab.up("--engine", str(engine.socket))
    engine.stop()
    eventually(lambda: not [entry for entry in lab.status()["engines"] if entry["connected"]], what="the engine is gone")
    assert policed(lab, "shop/web-1") and not peer.ping(lab.v4(10))
    engine.start()
    eventually(lambda: container(lab, "Web_1"), 20, what="the container after the engine's restart")
    engine.remove("Web_1")
    eventually(lambda: not endpoints(lab) and not lab.status()["containers"], what="all are gone")
    assert peer.ping(lab.v4(10))


def test_networks_of_cni_the_hosts_and_none(containerd):
    lab, engine = containerd
    lab.up("--engine", str(engine.socket))
    (engine.folder / "net").mkdir()
    (engine.folder / "net/10-lab.conflist").write_text(json.dumps({
        "cniVersion": "0.4.0", "name": "lab", "plugins": [{"type": "bridge", "bridge": "br7", "isGateway": True, "ipam": {
            "type": "host-local", "dataDir": str(engine.folder / "ipam"), "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": "10.66.0.0/24"}]]}}]}))
    # ctr looks for CNI in these folders only.
    inside = ("unshare", "-m", "sh", "-c", 'mkdir -p /etc/cni/net.d && mount --bind "$0" /etc/cni/net.d && mount -t tmpfs none /opt && mkdir -p /opt/cni/bin && '
              'mount --bind /usr/lib/cni /opt/cni/bin && exec "$@"', engine.folder / "net")
    engine.run("bridged", "--cni", "--label", "app=bridged", prefix=inside)
    eventually(lambda: policed(lab, "default/bridged"), what="the container with a network of CNI's")
    (address,) = endpoints(lab)["default/bridged"]["spec"]["ipNetworks"]
    assert address.startswith("10.66.0.")
    ping = lambda: engine("task", "exec", "--exec-id", f"ping-{os.urandom(4).hex()}", "bridged", "/bin/busybox", "ping", "-c1", "-W1", lab.v4(20), check=False).returncode == 0
    peer = lab.workload("peer", 20)
    assert peer.ping(address.split("/")[0]) and ping()
    lab.apply(policy("closed", "app == 'bridged'", types=["Ingress", "Egress"]))
    assert not peer.ping(address.split("/")[0]) and not ping()
    # One that lives in the network of another.
    process = engine("task", "ls").stdout.split("bridged")[1].split()[0]
    engine.run("sidecar", "--with-ns", f"network:/proc/{process}/ns/net", "--label", "app=sidecar")
    entry = eventually(lambda: container(lab, "sidecar"), what="the sidecar")
    assert entry["endpoints"] == ["default/bridged"] and entry["message"] == "shares the network of default/bridged"
    assert set(endpoints(lab)) == {"default/bridged"}
    engine.run("open", "--net-host")
    engine.run("bare")
    for name, reason in (("bare", "container without a network interface"), ("open", "container on the host's network")):
        entry = eventually(lambda: container(lab, name), what=name)
        assert entry["policed"] is False and entry["message"].startswith(reason)
    # What another speaks for is left to it.
    engine.run("docker", *joined(peer), namespace="moby")
    engine.remove("bare")
    eventually(lambda: container(lab, "bare") is None, what="bare is gone")
    assert container(lab, "docker") is None and set(endpoints(lab)) == {"default/bridged"}
