"""Release; several instances; hooks and interfaces that others change."""

import time

from lab import Lab, eventually, policy

ALLOWED = policy("server", "app == 'server'", ingress=[
    {"action": "Allow", "source": {"selector": "app == 'client'"}},
    {"action": "Deny", "source": {"selector": "app == 'stranger'"}}])


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
