"""Staged policies change no verdict, and say with which rule they would."""

import json
import socket
import time

import pytest

from lab import eventually, policy

OPEN = policy("store", "app == 'store'", order=1000, types=["Ingress"], ingress=[
    {"action": "Deny", "protocol": "UDP"}, {"action": "Allow"}])


def staged(name="store", action="Set", **spec):
    changed = policy(name, "app == 'store'", kind="StagedNetworkPolicy", stagedAction=action, **spec)
    if action == "Delete":
        changed["spec"].pop("selector")
    return changed


@pytest.fixture
def pair(lab):
    store, client = lab.workload("store", 10), lab.workload("client", 11)
    store.policed({"app": "store"})
    client.policed({"app": "client"})
    store.serve(7000)
    store.serve(7000, family=socket.AF_INET6)
    lab.apply(OPEN)
    return lab, store, client


def pending(network, sport):
    """The verdicts that wait for one connection at the store, from the flow log."""
    flows = [flow for flow in network.flows() if flow["source_port"] == sport and flow["reporter"] == "Dst"]
    return [flow["policies"]["pending"] for flow in flows]


def hit(**members):
    return {"kind": "StagedNetworkPolicy", "name": "store", "namespace": "default", "tier": "default", "policy_index": 0,
            "trigger": None, **members}


@pytest.mark.parametrize("six", [False, True], ids=["v4", "v6"])
def test_flows_and_explain_name_the_staged_rule(pair, six):
    network, store, client = pair
    address = store.addresses[six]
    # A staged edit is judged as a replacement.
    network.apply(staged(types=["Ingress"], ingress=[
        {"action": "Allow", "protocol": "TCP", "destination": {"ports": [1]}}, {"action": "Deny", "protocol": "TCP"}]))
    with client.connect(address, 7000, source_port=41000) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x", "a staged policy changed a verdict"
        eventually(lambda: [hit(action="Deny", rule_index=1)] in pending(network, 41000), what="the staged rule in the flow log")
        flow = [flow for flow in network.flows() if flow["source_port"] == 41000 and flow["reporter"] == "Dst"][-1]
        assert flow["action"] == "Allow"
        enforced = flow["policies"]["enforced"][0]
        assert (enforced["kind"], enforced["name"], enforced["rule_index"]) == ("NetworkPolicy", "store", 1)
    answer = network.explain("default/client", "default/store", "tcp/7000")
    assert answer["verdict"] == "Allow"
    assert answer["pending"]["verdict"] == "Deny"
    end = answer["pending"]["ends"][-1]
    assert (end["kind"], end["policy"], end["rule"]) == ("StagedNetworkPolicy", "store", 1)


def test_a_staged_policy_changes_what_waits_for_a_connection_that_is_open(pair):
    network, store, client = pair
    with client.connect(store.addresses[0], 7000, source_port=41001) as connection:

        def talks():
            connection.sendall(b"x")
            return connection.recv(1) == b"x"

        assert talks()
        eventually(lambda: pending(network, 41001), what="the first record")
        first = pending(network, 41001)[0][0]
        assert (first["kind"], first["action"]) == ("NetworkPolicy", "Allow"), "without staged policies pending is what is enforced"
        network.apply(staged(types=["Ingress"], ingress=[{"action": "Deny"}]))
        eventually(lambda: talks() and [hit(action="Deny", rule_index=0)] in pending(network, 41001), what="the staged rule")
        network.bulkhead("delete", "stagednetworkpolicies", "store", "-n", "default")
        time.sleep(1.2)
        before = len(pending(network, 41001))
        eventually(lambda: talks() and len(pending(network, 41001)) > before + 1, what="records after the staged policy is gone")
        assert pending(network, 41001)[-1][0]["kind"] == "NetworkPolicy"


def test_a_staged_deletion_is_judged_as_an_absence(pair):
    network, store, client = pair
    network.apply(policy("guard", "app == 'store'", order=2000, types=["Ingress"], ingress=[{"action": "Deny", "protocol": "TCP"}]))
    network.apply(staged(action="Delete"))
    with client.connect(store.addresses[0], 7000, source_port=41002) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        eventually(
            lambda: [hit(kind="NetworkPolicy", name="guard", action="Deny", rule_index=0)] in pending(network, 41002),
            what="the rule that would decide without the policy")


def test_a_staged_policy_has_a_status(pair):
    network, _, _ = pair
    network.apply(staged("new", types=["Ingress"], ingress=[{"action": "Allow"}]))

    def status():
        text = network.bulkhead("get", "stagednetworkpolicies", "new", "-n", "default", "-o", "json").stdout
        return json.loads(text).get("status")

    found = eventually(status, 10, what="a status")
    assert found["endpoints"] == {"node": 1, "all": 1} and found["warnings"] == []


def test_a_log_rule_writes_a_line(pair):
    network, store, client = pair
    network.apply(policy("store", "app == 'store'", types=["Ingress"], ingress=[
        {"action": "Log", "protocol": "TCP"}, {"action": "Allow", "protocol": "TCP"}, {"action": "Log"}]))
    assert client.reaches(store.addresses[0], 7000)

    def line(*words):
        return [text for text in network.log_text().splitlines() if "log rule" in text and all(word in text for word in words)]

    eventually(lambda: line("verdict=Allow", "default/NetworkPolicy/default/store/0", "dest_port=7000"), what="a line for the flow")
    assert not client.reaches(store.addresses[0], 7001, kind="udp")
    eventually(lambda: line("verdict=Deny", "default/NetworkPolicy/default/store/2", "protocol=udp"), what="a line for the denial")
    assert network.status()["ruleLog"]["written"] >= 2
