"""kill -9 at random moments under traffic; release; several instances."""

import json
import random
import socket
import threading
import time

from lab import Lab, eventually, policy

ALLOWED = policy("server", "app == 'server'", ingress=[
    {"action": "Allow", "source": {"selector": "app == 'client'"}},
    {"action": "Deny", "source": {"selector": "app == 'stranger'"}}])


def test_kill_at_random_moments_under_traffic_leaks_nothing_and_breaks_nothing(bridged):
    lab = bridged
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    server, client, stranger = lab.workload("server", 10), lab.workload("client", 11), lab.workload("stranger", 12)
    for workload in (server, client, stranger):
        workload.policed({"app": workload.name})
    lab.apply(ALLOWED)
    server.serve(8080)
    forbidden = socket.inet_aton(lab.v4(12))
    leaked = lab.sniff(server, lambda frame: frame[12:14] == b"\x08\x00" and frame[26:30] == forbidden)

    stop = threading.Event()
    open_connection = client.connect(lab.v4(10), 8080)
    assert open_connection
    open_connection.settimeout(5)
    exchanges, failures = [0, 0], []

    def talk():
        while not stop.is_set():
            try:
                open_connection.sendall(b"tick")
                assert open_connection.recv(4) == b"tick"
                exchanges[0] += 1
            except (OSError, AssertionError) as error:
                failures.append(f"open connection: {error!r}")
                return
            time.sleep(0.002)

    def connect():
        while not stop.is_set():
            if client.reaches(lab.v4(10), 8080, timeout=3):
                exchanges[1] += 1
            else:
                failures.append("a new allowed connection failed")

    def attack():
        udp = stranger.socket(socket.AF_INET, socket.SOCK_DGRAM)
        while not stop.is_set():
            udp.sendto(b"x", (lab.v4(10), 8080))
            attempt = stranger.socket()
            attempt.setblocking(False)
            attempt.connect_ex((lab.v4(10), 8080))
            time.sleep(0.001)
            attempt.close()

    def churn():
        index = 0
        while not stop.is_set():
            index += 1
            noise = policy(f"churn-{index % 5}", "app == 'server'", order=index, ingress=[
                {"action": "Allow", "protocol": "TCP", "source": {"selector": "app == 'client'"}, "destination": {"ports": [index % 100 + 1]}}])
            lab.bulkhead("apply", "-f", "-", check=False, input=json.dumps(noise))

    threads = [threading.Thread(target=work) for work in (talk, connect, attack, churn)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        time.sleep(chance.uniform(0.0, 0.6))
        lab.kill()
        time.sleep(chance.uniform(0.0, 0.3))
        lab.up(wait=False)
        if chance.random() < 0.7:
            lab.wait_ready()
    lab.wait_ready()
    stop.set()
    for thread in threads:
        thread.join()
    print(f"{exchanges[0]} exchanges on the open connection, {exchanges[1]} new connections")
    assert leaked.count == 0, f"{leaked.count} denied packets arrived"
    assert not failures, failures[:5]
    assert exchanges[0] > 500 and exchanges[1] > 20
    pins = {path.name for path in lab.pin.rglob("*") if not path.is_dir()}
    assert len(pins) == len([path for path in lab.pin.rglob("*") if not path.is_dir()]), "a map is pinned twice"


def test_enforcement_stays_after_sigterm_and_release_leaves_no_trace(lab):
    server, stranger = lab.workload("server", 10), lab.workload("stranger", 12)
    server.policed({"app": "server"})
    stranger.policed({"app": "stranger"})
    server.serve(8080)
    lab.apply(ALLOWED)
    assert not stranger.reaches(lab.v4(10), 8080)
    assert lab.stop() == 0
    assert not (lab.state / "ready").exists()
    assert not stranger.reaches(lab.v4(10), 8080), "SIGTERM opened the way"

    before = time.monotonic()
    lab.release("--interface", server.interface)
    lab.release("--all")
    seconds = time.monotonic() - before
    print(f"release: {seconds:.3f} s")
    assert seconds < 2, "each of the two calls is promised within a second"
    assert stranger.reaches(lab.v4(10), 8080)
    for interface in (server.interface, stranger.interface):
        assert "clsact" not in lab.nsenter("tc", "qdisc", "show", "dev", interface).stdout
    assert not lab.pin.exists()
    assert lab.release("--all").returncode == 0


def test_two_instances_do_not_see_each_other(lab):
    other = Lab()
    try:
        other.up()
        for each in (lab, other):
            server, stranger = each.workload("server", 10), each.workload("stranger", 12)
            server.policed({"app": "server"})
            stranger.policed({"app": "stranger"})
            server.serve(8080)
        lab.apply(ALLOWED)
        assert not lab.workloads["stranger"].reaches(lab.v4(10), 8080)
        assert other.workloads["stranger"].reaches(other.v4(10), 8080)
        other.release("--all")
        assert not lab.workloads["stranger"].reaches(lab.v4(10), 8080)
    finally:
        other.close()


def test_observe_decides_logs_and_drops_nothing():
    lab = Lab()
    try:
        lab.up("--observe")
        server, stranger = lab.workload("server", 10), lab.workload("stranger", 12)
        server.policed({"app": "server"})
        stranger.policed({"app": "stranger"})
        server.serve(8080)
        lab.apply(ALLOWED)
        assert stranger.reaches(lab.v4(10), 8080)
        eventually(lambda: [flow for flow in lab.flows() if flow["action"] == "Deny" and flow["source_name"] == "stranger"], what="the verdict in the flow log")
    finally:
        lab.close()


def test_hooks_that_another_tool_removed_come_back(lab):
    server, stranger = lab.workload("server", 10), lab.workload("stranger", 12)
    server.policed({"app": "server"})
    stranger.policed({"app": "stranger"})
    server.serve(8080)
    lab.apply(ALLOWED)
    assert not stranger.reaches(lab.v4(10), 8080, timeout=0.3)
    lab.nsenter("tc", "qdisc", "del", "dev", server.interface, "clsact")
    eventually(lambda: all("bulkhead" in lab.nsenter("tc", "filter", "show", "dev", server.interface, hook).stdout for hook in ("ingress", "egress")),
               5, what="the hooks are back")
    assert not stranger.reaches(lab.v4(10), 8080, timeout=0.3)
    assert any(server.interface in warning for warning in lab.status()["warnings"]), "nobody was told"


def test_an_interface_has_one_holder_and_a_refused_workload_leaves_nothing(lab):
    server, stranger = lab.workload("server", 10), lab.workload("stranger", 12)
    server.policed({"app": "server"})
    stranger.policed({"app": "stranger"})
    server.serve(8080)
    lab.apply(ALLOWED)
    for name in ("aaa", "zzz"):
        refused = lab.bulkhead("workload", "add", name, "-n", "default", "--interface", server.interface, "--address", lab.v4(10), check=False)
        assert refused.returncode == 1 and "default/server" in refused.stderr, refused.stderr
        assert name not in lab.bulkhead("workload", "list").stdout
    # The API takes the object; the holder keeps the interface.
    lab.apply({"apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint", "metadata": {"name": "aaa", "namespace": "default"},
               "spec": {"interfaceName": server.interface, "ipNetworks": [lab.v4(10) + "/32"]}})
    policed = {endpoint["name"]: endpoint["policed"] for endpoint in lab.status()["endpoints"]}
    assert policed == {"aaa": False, "server": True, "stranger": True}
    assert not stranger.reaches(lab.v4(10), 8080, timeout=0.3)
    lab.bulkhead("workload", "remove", "aaa", "-n", "default")
    assert not stranger.reaches(lab.v4(10), 8080, timeout=0.3)


def test_a_renamed_interface_stays_policed(lab):
    server, stranger = lab.workload("server", 10), lab.workload("stranger", 12)
    server.policed({"app": "server"})
    stranger.policed({"app": "stranger"})
    server.serve(8080)
    lab.apply(ALLOWED)
    lab.nsenter("ip", "link", "set", server.interface, "name", "renamed0")
    lab.apply(policy("unrelated", "app == 'nobody'", ingress=[]))
    assert not stranger.reaches(lab.v4(10), 8080, timeout=0.5)


def test_a_released_interface_is_policed_when_asked_for_again(lab):
    server = lab.workload("server", 10)
    server.policed({"app": "server"})
    lab.release("--interface", server.interface)
    lab.apply(ALLOWED)
    assert not any(endpoint["policed"] for endpoint in lab.status()["endpoints"])
    server.policed({"app": "server"})
    assert all(endpoint["policed"] for endpoint in lab.status()["endpoints"])


def test_another_tool_s_ingress_qdisc_is_not_mistaken_for_ours(lab):
    server = lab.workload("server", 10)
    lab.nsenter("tc", "qdisc", "add", "dev", server.interface, "ingress")
    refused = server.policed({"app": "server"}, check=False)
    assert refused.returncode == 1 and "qdisc" in refused.stderr, refused.stderr
