"""The contract for scripts: files, flags, JSON names, exit codes."""

import json
import stat
import subprocess
import time

import pytest

from lab import BULKHEAD, eventually, policy, run


def test_up_makes_its_files_last_of_all_ready(lab):
    assert stat.S_IMODE((lab.state / "kubeconfig").stat().st_mode) == 0o600
    assert (lab.state / "ready").stat().st_mtime_ns >= (lab.state / "kubeconfig").stat().st_mtime_ns
    for path in lab.state.rglob("*"):
        if path.is_file() and path.name != "ready":
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} is open to others"


def test_a_second_agent_is_refused(lab):
    second = lab.nsenter(BULKHEAD, "up", "--state", lab.state, "--pin", lab.pin, "--listen", "127.0.0.1:7444", check=False)
    assert second.returncode == 1 and "in use by another process" in second.stderr, second.stderr
    assert (lab.state / "ready").exists(), "the refused one took the file away"
    elsewhere = lab.nsenter(BULKHEAD, "up", "--state", lab.folder / "other", "--pin", lab.pin, "--listen", "127.0.0.1:7444", check=False)
    assert elsewhere.returncode == 1 and str(lab.pin) in elsewhere.stderr, elsewhere.stderr


def test_workload_add_list_remove(lab):
    web = lab.workload("web", 10)
    lab.bulkhead("workload", "add", "web", "-n", "shop", "--interface", web.interface, "--address", lab.v4(10),
                 "--address", lab.v6(10), "--label", "app=web", "--label", "role=front", "--port", "http=tcp/8080")
    stored = json.loads(lab.bulkhead("get", "workloadendpoint", "web", "-n", "shop", "-o", "json").stdout)
    assert stored["metadata"]["labels"] == {"app": "web", "role": "front"}
    assert stored["spec"]["interfaceName"] == web.interface
    assert stored["spec"]["ports"][0]["port"] == 8080
    assert len(stored["spec"]["ipNetworks"]) == 2
    assert "web" in lab.bulkhead("workload", "list").stdout
    assert "clsact" in lab.nsenter("tc", "qdisc", "show", "dev", web.interface).stdout
    lab.bulkhead("workload", "remove", "web", "-n", "shop")
    assert lab.bulkhead("get", "workloadendpoint", "web", "-n", "shop", check=False).returncode == 1
    eventually(lambda: "bulkhead" not in lab.nsenter("tc", "filter", "show", "dev", web.interface, "ingress").stdout, what="hooks gone")
    assert lab.bulkhead("workload", "remove", "web", "-n", "shop", check=False).returncode == 1


def test_add_returns_when_the_table_is_in_the_kernel(lab):
    server, stranger = lab.workload("server", 10), lab.workload("stranger", 12)
    lab.apply(policy("closed", "app == 'server'", ingress=[]))
    server.serve(80)
    assert stranger.reaches(lab.v4(10), 80)
    server.policed({"app": "server"})
    assert not stranger.reaches(lab.v4(10), 80, timeout=0.3)


def test_an_endpoint_written_through_the_api(lab):
    server = lab.workload("server", 10)
    lab.apply({"apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint", "metadata": {"name": "server", "namespace": "default", "labels": {"app": "server"}},
               "spec": {"node": "", "interfaceName": server.interface, "ipNetworks": [lab.v4(10) + "/32"]}},
              policy("closed", "app == 'server'", ingress=[]))
    client = lab.workload("client", 11)
    server.serve(80)
    assert not client.reaches(lab.v4(10), 80)


def test_errors_say_what_to_do(lab):
    for words, text in (
        (["workload", "add", "x", "-n", "default", "--interface", "nosuch", "--address", "10.0.0.1"], "nosuch"),
        (["workload", "add", "x", "-n", "default", "--netns", "nosuch"], "nosuch"),
        (["get", "networkpolicy", "nosuch", "-n", "default"], "nosuch"),
        (["explain", "default/nosuch", "10.0.0.1", "--port", "tcp/80"], "nosuch"),
        (["explain", "10.0.0.1", "10.0.0.2", "--port", "tcpp/80"], "tcp/"),
    ):
        result = lab.bulkhead(*words, check=False)
        assert result.returncode in (1, 2) and text in result.stderr, (words, result.stderr)
        assert result.stderr.startswith(("bulkhead: ", "Error: "))
    def code(*words, **options):
        return lab.bulkhead(*words, check=False, **options).returncode

    # Wrong usage is 2; what the server refuses, or does not have, is 1.
    manifest = json.dumps(policy("late", "app == 'x'"))
    for wait in ("301", "-1", "nan"):
        assert code("apply", "-f", "-", f"--wait={wait}", input=manifest) == 2
    assert code("get", "networkpolicy", "late", "-n", "default") == 1, "written in spite of wrong usage"
    assert code("get") == code("apply") == code("delete") == code("delete", "tier") == code("workload", "add") == 2
    assert code("get", "tier", "x", "-A") == code("get", "tiers", "--nosuch") == code("nosuch") == 2
    assert code("get", "nosuch") == code("delete", "nosuch", "x") == 1
    assert "no kind is called" in lab.bulkhead("get", "nosuch", check=False).stderr
    assert lab.nsenter(BULKHEAD, "get", "tiers", "--kubeconfig", "/nonexistent", check=False).returncode == 1


def test_only_a_workloads_own_interface_is_policed(lab):
    run("ip", "-n", lab.host, "link", "add", "br9", "type", "bridge")
    for interface, kind in (("lo", "the loopback"), ("br9", "a bridge")):
        refused = lab.bulkhead("workload", "add", "x", "-n", "default", "--interface", interface, "--address", "10.0.0.1", check=False)
        assert refused.returncode == 1 and f"Interface {interface} is {kind}" in refused.stderr
        lab.apply({"apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint", "metadata": {"name": "x", "namespace": "default"},
                   "spec": {"interfaceName": interface, "ipNetworks": ["10.0.0.1/32"]}})
        (endpoint,) = lab.status()["endpoints"]
        assert not endpoint["policed"] and f"is {kind} and cannot be policed" in endpoint["message"]
        assert "clsact" not in lab.nsenter("tc", "qdisc", "show", "dev", interface).stdout


def test_the_hook_lets_rootless_containers_be(lab):
    state = json.dumps({"ociVersion": "1.0.2", "id": "abc", "status": "creating", "pid": 1, "bundle": "/nonexistent"})
    for stage in ("createRuntime", "poststop"):
        words = (BULKHEAD, "hook", stage, "--kubeconfig", "/nonexistent/kubeconfig")
        assert run("unshare", "--user", "--map-root-user", *words, input=state).returncode == 0
        if stage == "poststop":
            assert run(*words, input=state, check=False).returncode == 1
        else:
            assert "is not policed: rootless" in run("unshare", "--user", "--map-root-user", *words, input=state).stderr


def test_stopping_is_no_error(lab):
    lab.status()
    assert lab.stop() == 0
    assert "CancellationError" not in lab.log_text() and "error" not in lab.log_text()


def test_get_and_delete(lab):
    lab.apply(policy("a", "app == 'a'", order=1.5), policy("b", kind="GlobalNetworkPolicy", types=["Egress"]))
    listed = json.loads(lab.bulkhead("get", "networkpolicies", "-A", "-o", "json").stdout)
    again = lab.bulkhead("apply", "-f", "-", input=lab.bulkhead("get", "networkpolicies", "-A", "-o", "yaml").stdout)
    assert "networkpolicy/a" in again.stdout
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a"] and listed["items"][0]["spec"]["order"] == 1.5
    assert "order: 1.5" in lab.bulkhead("get", "networkpolicy", "a", "-n", "default", "-o", "yaml").stdout
    assert all(len(line) <= 100 for line in lab.bulkhead("get", "networkpolicies", "-A").stdout.splitlines())
    lab.bulkhead("delete", "networkpolicy", "a", "-n", "default")
    lab.bulkhead("delete", "-f", "-", input=json.dumps(policy("b", kind="GlobalNetworkPolicy")))
    assert json.loads(lab.bulkhead("get", "globalnetworkpolicies", "-o", "json").stdout)["items"] == []


def test_explain_shapes(lab):
    server = lab.workload("server", 10)
    server.policed({"app": "server"})
    lab.apply(policy("only-tcp", "app == 'server'", ingress=[{"action": "Allow", "protocol": "TCP", "source": {"ports": ["1024:65535"]}}]))
    allowed = lab.explain("10.99.0.1", "default/server", "tcp/5432", "--sport", "40000")
    assert allowed["verdict"] == "Allow" and len(allowed["ends"]) == 1
    assert set(allowed["ends"][0]) >= {"endpoint", "direction", "verdict", "tier", "kind", "namespace", "policy", "rule", "trigger"}
    assert lab.explain("10.99.0.1", "default/server", "tcp/5432", "--sport", "1")["verdict"] == "Deny"
    assert lab.explain("10.99.0.1", "default/server", "47")["verdict"] == "Deny"
    assert lab.explain("10.99.0.1", "default/server", "icmp/8/0")["ends"][0]["rule"] == -1
    assert lab.explain("host", "default/server", "udp/1")["verdict"] == "Allow"
    text = lab.bulkhead("explain", "10.99.0.1", "default/server", "--port", "udp/53").stdout
    assert "only-tcp" in text and "Deny" in text and all(len(line) <= 100 for line in text.splitlines())
    denied = lab.bulkhead("explain", "10.99.0.1", "default/server", "--port", "udp/53", "--exit-code", check=False)
    assert denied.returncode == 3
    assert lab.bulkhead("explain", "10.99.0.1", "default/server", "--port", "udp/53").returncode == 0


def test_status(lab):
    server, bare = lab.workload("server", 10), lab.workload("bare", 11)
    server.policed({"app": "server"})
    status = lab.status()
    interfaces = {interface["name"]: interface for interface in status["interfaces"]}
    assert interfaces[server.interface]["policed"] is True and interfaces[server.interface]["endpoint"] == "default/server"
    assert interfaces[bare.interface]["policed"] is False and interfaces[bare.interface]["message"]
    assert status["kernelRevision"] == status["storeRevision"] > 0
    assert {"flows", "pairs", "arena"} <= {map["name"] for map in status["maps"]} and all(map["capacity"] > 0 for map in status["maps"])
    assert status["eventsLost"] == 0 and status["warnings"] == []
    assert all(len(line) <= 100 for line in lab.bulkhead("status").stdout.splitlines())


def test_flows_follow(lab):
    server, client = lab.workload("server", 10), lab.workload("client", 11)
    server.policed({"app": "server"})
    client.policed({"app": "client"})
    server.serve(80)
    lab.apply(policy("closed", "app == 'server'", ingress=[]))
    follow = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{lab.host}", BULKHEAD, "flows", "--follow", "-o", "json", "--kubeconfig", lab.kubeconfig],
        stdout=subprocess.PIPE, text=True)
    time.sleep(1)
    assert not client.reaches(lab.v4(10), 80, timeout=0.3)
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        record = json.loads(follow.stdout.readline())
        assert set(record) >= {"start_time", "end_time", "action", "reporter", "source_name", "source_namespace", "dest_name", "dest_namespace",
                               "protocol", "dest_port", "packets_in", "packets_out", "bytes_in", "bytes_out", "policies", "source_ip", "source_port", "dest_ip"}
        if record["action"] == "Deny" and record["dest_name"] == "server":
            break
    else:
        raise AssertionError("the denial did not come")
    follow.kill()


def test_restart_keeps_objects_and_token(lab):
    server = lab.workload("server", 10)
    server.policed({"app": "server"})
    before = (lab.state / "kubeconfig").read_text()
    assert lab.stop() == 0
    lab.up()
    assert (lab.state / "kubeconfig").read_text() == before
    assert "server" in lab.bulkhead("workload", "list").stdout


@pytest.mark.parametrize("words", [["--help"], ["up", "--help"], ["workload", "add", "--help"], ["explain", "--help"], ["flows", "--help"], ["release", "--help"]])
def test_help(words):
    assert "USAGE" in run(BULKHEAD, *words).stdout
