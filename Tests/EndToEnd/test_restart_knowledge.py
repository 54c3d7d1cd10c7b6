"""What one process of the agent leaves for the next, and what a released interface needs to be policed again."""

import json

import pytest

from lab import eventually, policy, run

CLOSED = policy("closed", "app == 'web'", types=["Ingress"])


@pytest.fixture
def served(network):
    web, client = network.workload("web", 10), network.workload("client", 11)
    web.policed({"app": "web"})
    client.policed({"app": "client"})
    web.serve(8080)
    network.apply(CLOSED)
    assert not client.reaches(network.v4(10), 8080)
    return network, web, client


def test_an_interface_that_is_renamed_while_the_agent_is_down_stays_policed(served):
    network, web, client = served
    assert network.stop() == 0
    for command in (["link", "set", web.interface, "down"], ["link", "set", web.interface, "name", "renamed"], ["link", "set", "renamed", "up"]):
        run("ip", "-n", network.host, *command)
    for address in web.addresses if not network.bridge else []:
        run("ip", "-n", network.host, "route", "replace", address, "dev", "renamed")
    network.up()
    state = [end for end in network.status()["endpoints"] if end["name"] == "web"][0]
    assert state["policed"], state
    assert "is called renamed now" in state["message"]
    assert not client.reaches(network.v4(10), 8080)
    network.apply(policy("closed", "app == 'web'", types=["Ingress"], ingress=[{"action": "Allow"}]))
    eventually(lambda: client.reaches(network.v4(10), 8080), what="the change of policy at the renamed interface")


def test_a_released_interface_is_policed_again_when_its_workload_is_added_anew(served):
    network, web, client = served
    network.release("--interface", web.interface)
    eventually(lambda: client.reaches(network.v4(10), 8080), what="the release")
    # A change of policy is nobody's wish to police it.
    network.apply(policy("other", "app == 'client'", types=["Ingress"]))
    assert client.reaches(network.v4(10), 8080)
    end = network.explain("default/client", "default/web", "tcp/8080")["ends"][-1]
    assert end["verdict"] == "Deny" and end["policed"] is False and "released" in end["message"]
    assert "Not enforced: default/web is not policed." in network.bulkhead(
        "explain", "default/client", "default/web", "--port", "tcp/8080").stdout
    web.policed({"app": "web"})
    assert not client.reaches(network.v4(10), 8080)
    assert network.explain("default/client", "default/web", "tcp/8080")["ends"][-1]["policed"] is True


def test_a_policy_says_since_when_it_is_in_force(served):
    network, _, _ = served

    def status():
        return json.loads(network.bulkhead("get", "networkpolicies", "closed", "-n", "default", "-o", "json").stdout)

    found = eventually(lambda: status() if status().get("status") else None, 10, what="a status")
    assert found["status"]["endpoints"] == {"node": 1, "all": 1}
    assert found["status"]["warnings"] == []
    assert found["status"]["inForceSince"].endswith("Z")
    assert 0 < found["status"]["milliseconds"] < 10_000
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"] == 1
