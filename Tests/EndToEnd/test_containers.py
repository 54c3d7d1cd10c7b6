"""Containers of Docker and podman as their engines tell of them: adopted, followed, never heir to another's identity."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest

from lab import ROOT, Lab, eventually, policy, run

DOCKER = ROOT / ".build/tools/docker"
BUSYBOX = "/usr/bin/busybox" if os.path.islink("/bin") else "/bin/busybox"


class Docker:
    """A Docker engine in the laboratory's host namespace, with state of its own."""

    def __init__(self, lab, publishes=False):
        self.lab, self.folder = lab, lab.folder / "docker"
        self.folder.mkdir()
        self.socket = self.folder / "docker.sock"
        libraries = DOCKER / "lib/x86_64-linux-gnu"
        self.environment = {**os.environ, "PATH": f"{DOCKER}/usr/sbin:{DOCKER}/usr/bin:{os.environ['PATH']}",
                            "LD_LIBRARY_PATH": f"{libraries}:{DOCKER}/usr/lib/x86_64-linux-gnu", "DOCKER_HOST": f"unix://{self.socket}"}
        (self.folder / "daemon.json").write_text(json.dumps({
            "data-root": str(self.folder / "data"), "exec-root": f"/run/{lab.prefix}-docker", "pidfile": str(self.folder / "pid"),
            "hosts": [f"unix://{self.socket}"], "iptables": publishes, "ip6tables": False, "storage-driver": "vfs", "userland-proxy": False,
            "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 20000, "Soft": 20000}}, "log-level": "warn"}))
        self.process = None

    def start(self):
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.lab.host}", DOCKER / "usr/sbin/dockerd", "--config-file", self.folder / "daemon.json"],
            env=self.environment, stdout=self.log, stderr=self.log)
        eventually(lambda: self("version", check=False).returncode == 0, 30, what=(self.folder / "log").read_text()[-2000:])
        if not self("images", "-q").stdout:
            tar = subprocess.run(["tar", "-C", "/", "-c", BUSYBOX.lstrip("/")], capture_output=True, check=True).stdout
            subprocess.run([DOCKER / "usr/bin/docker", "import", "-", "example.org/tools/box:1.2"], input=tar, env=self.environment, capture_output=True, check=True)

    def __call__(self, *words, check=True):
        return run("nsenter", f"--net=/run/netns/{self.lab.host}", DOCKER / "usr/bin/docker", *words, check=check, env=self.environment)

    def run(self, name, *options, command=("sleep", "1000")):
        return self("run", "-d", "--name", name, *options, "example.org/tools/box:1.2", BUSYBOX, *command)

    def address(self, name, network="bridge"):
        return json.loads(self("inspect", name).stdout)[0]["NetworkSettings"]["Networks"][network]["IPAddress"]

    def stop(self):
        with contextlib.suppress(Exception):
            names = self("ps", "-aq").stdout.split()
            if names:
                self("rm", "-f", *names)
        if self.process:
            self.process.terminate()
            self.process.wait()
        run("sh", "-c", f"rm -rf /run/{self.lab.prefix}-docker", check=False)


@pytest.fixture
def docker():
    """(laboratory in which nothing runs yet, its Docker engine)."""
    lab = Lab()
    engine = Docker(lab)
    try:
        engine.start()
        yield lab, engine
    finally:
        engine.stop()
        lab.close()


def endpoints(lab):
    """Every container's endpoint: its object by namespace/name."""
    items = json.loads(lab.bulkhead("get", "workloadendpoints", "-A", "-o", "json").stdout)["items"]
    return {f"{item['metadata']['namespace']}/{item['metadata']['name']}": item for item in items if item["spec"].get("containerID")}


def container(lab, name):
    return next((entry for entry in lab.status()["containers"] if entry["name"] == name), None)


def policed(lab, *keys):
    return {f"{entry['namespace']}/{entry['name']}" for entry in lab.status()["endpoints"] if entry["policed"]} >= set(keys)


def test_what_runs_already_is_adopted_without_a_lost_packet(docker):
    lab, engine = docker
    peer = lab.workload("peer", 20)
    engine.run("Web_1", "--label", "app=web", "--label", "io.bulkhead.namespace=shop", "--label", "com.docker.compose.project=shop",
               "--label", "com.docker.compose.service=web", "--label", "odd/Key=x y")
    address = engine.address("Web_1")
    flood = subprocess.Popen(["nsenter", f"--net=/run/netns/{peer.namespace}", "ping", "-i", "0.01", "-c", "400", "-q", address], stdout=subprocess.PIPE, text=True)
    lab.up("--engine", str(engine.socket))
    eventually(lambda: policed(lab, "shop/web-1"), what="the container that ran already")
    output = flood.communicate()[0]
    assert " 0% packet loss" in output and "400 received" in output, output
    labels = endpoints(lab)["shop/web-1"]["metadata"]["labels"]
    expected = {"app": "web", "com.docker.compose.project": "shop", "com.docker.compose.service": "web", "io.bulkhead.image": "box",
                "io.bulkhead.image-tag": "1.2", "io.bulkhead.network": "bridge"}
    assert expected.items() <= labels.items() and "odd/Key" not in labels, labels
    # It is policed by them, and nothing had to be said of it.
    assert "is denied from now on" not in lab.log_text()
    assert peer.ping(address)
    lab.apply(policy("closed", "com.docker.compose.service == 'web'", "shop", ingress=[]))
    assert not peer.ping(address)


def test_what_ends_by_adoption_is_said_before(docker):
    lab, engine = docker
    peer = lab.workload("peer", 20)
    peer.serve(80)
    peer.serve(81)
    lab.up("--engine", str(lab.folder / "none"))
    lab.apply(policy("only-81", "app == 'web'", types=["Egress"], egress=[{"action": "Allow", "protocol": "TCP", "destination": {"ports": [81]}}]))
    assert lab.stop() == 0
    for port in (80, 81):
        engine.run(f"web{port}", "--label", "app=web", command=("sh", "-c", f"{BUSYBOX} sleep 1000 | {BUSYBOX} nc {lab.v4(20)} {port}"))
        eventually(lambda: f":{port}" in peer.command("ss", "-Htn", "state", "established").stdout, what="the connection")
    lab.up("--engine", str(engine.socket))
    eventually(lambda: policed(lab, "default/web80", "default/web81"), what="the containers that ran already")
    (said,) = [line for line in lab.log_text().splitlines() if "is denied from now on" in line]
    assert f"container web80 of docker runs already: its connection to {lab.v4(20)}, tcp/80, is denied from now on by the end of tier default" in said


def test_starts_and_ends_are_followed_and_the_open_start_is_measured(docker):
    lab, engine = docker
    lab.up("--engine", str(engine.socket))
    eventually(lambda: [entry for entry in lab.status()["engines"] if entry["connected"]], what="the engine")
    engine.run("first")
    eventually(lambda: policed(lab, "default/first"), what="the new container")
    (state,) = lab.status()["engines"]
    assert state["name"] == "docker" and state["start"] == "open" and state["starts"] == 1 and 0 < state["lastWindowMilliseconds"] < 10_000
    text = lab.bulkhead("status").stdout
    assert re.search(r"^docker +\S+ +open", text, re.M) and max(map(len, text.splitlines())) <= 100
    engine("rename", "first", "second")
    eventually(lambda: set(endpoints(lab)) == {"default/second"}, what="the new name")
    engine("stop", "-t", "0", "second")
    eventually(lambda: not endpoints(lab) and not lab.status()["containers"], what="no endpoint of what does not run")
    engine("start", "second")
    eventually(lambda: policed(lab, "default/second"), what="the container again")
    # What ends while nobody looks.
    lab.kill()
    engine("rm", "-f", "second")
    lab.up("--engine", str(engine.socket))
    eventually(lambda: not endpoints(lab), what="no endpoint of what ended meanwhile")
    # An engine that comes back.
    engine.stop()
    eventually(lambda: not [entry for entry in lab.status()["engines"] if entry["connected"]], what="the engine is gone")
    engine.start()
    engine.run("third")
    eventually(lambda: policed(lab, "default/third"), 20, what="the container after the engine's restart")


def test_an_address_never_inherits_an_identity(docker):
    lab, engine = docker
    server = lab.workload("server", 20)
    lab.up("--engine", str(engine.socket))
    server.policed({"app": "server"})
    engine("network", "create", "--subnet", "172.30.7.0/24", "shop")
    lab.apply(policy("trusted-only", "app == 'server'", ingress=[{"action": "Allow", "source": {"selector": "role == 'trusted'"}}]))
    source = "172.30.7.5"
    for turn in range(5):
        engine.run("trusted", "--network", "shop", "--ip", source, "--label", "role=trusted")
        eventually(lambda: policed(lab, "default/trusted"), what="trusted")
        assert lab.explain(source, "default/server", "tcp/80")["verdict"] == "Allow"
        engine("rm", "-f", "trusted")
        engine.run("stranger", "--network", "shop", "--ip", source, "--label", "role=stranger")
        eventually(lambda: policed(lab, "default/stranger"), what="stranger")
        assert set(endpoints(lab)) == {"default/stranger"}
        assert lab.explain(source, "default/server", "tcp/80")["verdict"] == "Deny", f"inherited in turn {turn}"
        assert engine("exec", "stranger", BUSYBOX, "ping", "-c1", "-W1", lab.v4(20), check=False).returncode != 0
        engine("rm", "-f", "stranger")


def test_networks_are_endpoints_and_shared_ones_are_one(docker):
    lab, engine = docker
    lab.up("--engine", str(engine.socket))
    engine("network", "create", "back")
    engine.run("web", "--label", "app=web", "-p", "8080:80")
    eventually(lambda: policed(lab, "default/web"), what="web")
    engine("network", "connect", "back", "web")
    eventually(lambda: policed(lab, "default/web", "default/web.eth1"), what="the second network")
    both = endpoints(lab)
    assert both["default/web.eth1"]["metadata"]["labels"]["io.bulkhead.network"] == "back"
    assert both["default/web"]["spec"]["interfaceName"] != both["default/web.eth1"]["spec"]["interfaceName"]
    assert both["default/web.eth1"]["spec"]["ipNetworks"] == [engine.address("web", "back") + "/32"]
    engine("network", "disconnect", "back", "web")
    eventually(lambda: set(endpoints(lab)) == {"default/web"}, what="the network is gone")
    engine.run("sidecar", "--network", "container:web", "--label", "app=sidecar")
    entry = eventually(lambda: container(lab, "sidecar"), what="the sidecar")
    assert entry["endpoints"] == ["default/web"] and entry["message"] == "shares the network of default/web"
    assert set(endpoints(lab)) == {"default/web"}
    engine.run("bare", "--network", "none")
    engine.run("open", "--network", "host")
    for name, reason in (("bare", "container without a network interface"), ("open", "container on the host's network")):
        entry = eventually(lambda: container(lab, name), what=name)
        assert entry["policed"] is False and entry["message"].startswith(reason)
    assert container(lab, "web")["publishedPorts"] == ["0.0.0.0:8080 -> 80/tcp"]


def test_a_published_port_is_policed_and_logged_as_the_containers_own():
    lab = Lab()
    engine = Docker(lab, publishes=True)
    try:
        engine.start()
        outside, other = lab.workload("outside", 20), lab.workload("other", 21)
        lab.up("--engine", str(engine.socket))
        engine.run("web", "--label", "app=web", "-p", "8080:80", command=("httpd", "-f", "-p", "80"))
        eventually(lambda: policed(lab, "default/web"), what="web")
        assert container(lab, "web")["publishedPorts"] == ["0.0.0.0:8080 -> 80/tcp"] and "0.0.0.0:8080 -> 80/tcp" in lab.bulkhead("status").stdout
        allow = lambda port, source: lab.apply(policy("web", "app == 'web'", ingress=[
            {"action": "Allow", "protocol": "TCP", "source": {"nets": [source + "/32"]}, "destination": {"ports": [port]}}]))
        connects = lambda client: (client.connect("169.254.1.1", 8080, 0.5) or contextlib.nullcontext(False)).__enter__()
        # The port that was published says nothing to policy; the container's own does, and the client is who it was.
        allow(8080, lab.v4(20))
        assert not connects(outside)
        allow(80, lab.v4(20))
        assert connects(outside) and not connects(other)

        def logged():
            return {(flow["source_ip"], flow["action"]) for flow in lab.flows()
                    if (flow["dest_name"], flow["dest_ip"], flow["dest_port"]) == ("web", engine.address("web"), 80)}

        eventually(lambda: logged() == {(lab.v4(20), "Deny"), (lab.v4(20), "Allow"), (lab.v4(21), "Deny")}, what=lambda: f"the flows: {lab.flows()}")
        assert not [flow for flow in lab.flows() if flow["dest_port"] == 8080]
    finally:
        engine.stop()
        lab.close()


def test_two_of_one_name_and_what_a_person_added(docker):
    lab, engine = docker
    mine = lab.workload("web", 20)
    lab.up("--engine", str(engine.socket))
    mine.policed({"app": "mine"})
    engine.run("web", "--label", "app=container")
    entry = eventually(lambda: container(lab, "web"), what="the container")
    assert entry["policed"] is False and "exists and is no container's" in entry["message"]
    assert json.loads(lab.bulkhead("get", "wep", "web", "-n", "default", "-o", "json").stdout)["metadata"]["labels"]["app"] == "mine"
    engine("rename", "web", "other")
    eventually(lambda: policed(lab, "default/other"), what="the container under another name")


def test_interfaces_without_a_host_side_are_refused_with_the_reason(docker):
    lab, engine = docker
    lab.up("--engine", str(engine.socket))
    host = ("ip", "-n", lab.host)
    run(*host, "link", "add", "below", "type", "veth", "peer", "name", "other")
    kinds = {"macvlan": "its workload's frames pass the device below it", "macvtap": "its workload's frames pass the device below it",
             "ipvlan": "its workload's frames pass the device below it", "bond": "of the host's own interfaces", "bridge": "is a bridge",
             "vxlan": "is a tunnel (vxlan) between hosts", "ifb": "is of the kind ifb", "gre": "is a tunnel (gre) between hosts"}
    options = {"macvlan": ("link", "below"), "macvtap": ("link", "below"), "ipvlan": ("link", "below")}
    made = []
    for kind, reason in kinds.items():
        rest = ("id", "7", "dev", "below", "dstport", "4789") if kind == "vxlan" else ()
        if run(*host, "link", "add", "other0", *options.get(kind, ()), "type", kind, *rest, check=False).returncode != 0:
            continue
        refused = lab.bulkhead("workload", "add", "x", "-n", "default", "--interface", "other0", "--address", "10.1.1.1", check=False)
        assert refused.returncode == 1 and reason in refused.stderr and "cannot be policed" in refused.stderr, (kind, refused.stderr)
        lab.apply({"apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint", "metadata": {"name": "x", "namespace": "default"},
                   "spec": {"interfaceName": "other0", "ipNetworks": ["10.1.1.1/32"]}})
        (entry,) = lab.status()["endpoints"]
        assert not entry["policed"] and reason in entry["message"], entry
        lab.bulkhead("delete", "wep", "x", "-n", "default")
        run(*host, "link", "del", "other0")
        made.append(kind)
    print(f"kinds of interfaces that this kernel makes: {made}")
    assert len(made) >= 4, made
    # And a container of Docker's own macvlan network.
    engine("network", "create", "-d", "macvlan", "--subnet", "10.77.0.0/24", "-o", "parent=below", "direct")
    run(*host, "link", "set", "below", "up")
    engine.run("direct", "--network", "direct")
    entry = eventually(lambda: container(lab, "direct"), what="the container")
    assert entry["policed"] is False and "macvlan" in entry["message"], entry


@pytest.fixture
def somebody():
    """A user without root, and a function that runs a command as that user."""
    name = f"bhuser{os.getpid()}"
    run("useradd", "-m", "-s", "/bin/bash", name)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bulkhead-user-"))
    shutil.chown(folder, name)
    script = ('export XDG_RUNTIME_DIR="$0" HOME=$(getent passwd "$(id -un)" | cut -d: -f6); cd "$HOME"; mkdir -p .config/containers root/bin; '
              f"cp {BUSYBOX} root/bin/busybox; "
              """printf '[storage]\\ndriver="vfs"\\n' > .config/containers/storage.conf; """
              """printf '[containers]\\ndefault_ulimits=["nofile=20000:20000","nproc=4096:4096"]\\n[engine]\\nruntime="runc"\\ncgroup_manager="cgroupfs"\\nevents_logger="file"\\n' """
              '> .config/containers/containers.conf; eval "$1"')
    try:
        yield lambda command: run("runuser", "-u", name, "--", "bash", "-c", script, folder, command, timeout=60)
    finally:
        run("runuser", "-u", name, "--", "bash", "-c", script, folder, "podman rm -af -t 0", check=False)
        for process in run("ps", "-o", "pid=", "-u", name, check=False).stdout.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        eventually(lambda: run("userdel", "-r", name, check=False).returncode in (0, 6, 12), what="the user is gone")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tunnels_for_users():
    """As udev sets the device up; a machine without udev keeps it for root."""
    device = pathlib.Path("/dev/net/tun")
    mode = device.stat().st_mode
    device.chmod(0o666)
    yield
    device.chmod(mode)


def test_containers_of_users_are_listed_as_not_policed(somebody, lab, tunnels_for_users):
    somebody('podman run -d --name mine --network slirp4netns --rootfs "$HOME/root" /bin/busybox sleep 100')
    entry = eventually(lambda: next((entry for entry in lab.status()["containers"] if entry["name"] == "mine"), None), what="the user's container")
    assert entry["policed"] is False and entry["message"].startswith("rootless container") and entry["engine"].startswith("podman of user ")
    assert "no: rootless container" in lab.bulkhead("status").stdout
    somebody("podman rm -f -t 0 mine")
    eventually(lambda: not [entry for entry in lab.status()["containers"] if entry["name"] == "mine"], what="it is gone")
