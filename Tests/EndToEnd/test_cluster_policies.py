"""Policies of the cluster's administrators (policy.networking.k8s.io) and selectors that compare both ends, by real packets."""

import json
import socket

import pytest

from lab import eventually, policy

GROUP = "policy.networking.k8s.io"
EVERYBODY = [{"namespaces": {}}]


def cluster(name, tier="Admin", priority=10, subject=None, **rules):
    return {"apiVersion": f"{GROUP}/v1alpha2", "kind": "ClusterNetworkPolicy", "metadata": {"name": name},
            "spec": {"tier": tier, "priority": priority, "subject": subject or {"namespaces": {}}, **rules}}


def namespace(name, **labels):
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pods(**labels):
    return {"pods": {"namespaceSelector": {}, "podSelector": {"matchLabels": labels}}}


@pytest.fixture
def shops(network):
    """A server in `shop` with TCP 8080 and 8081, a client beside it and one in `bank`; the names are those of the endpoints."""
    network.apply(namespace("shop", zone="red"), namespace("bank", zone="blue"))
    server, client, stranger = network.workload("server", 10), network.workload("client", 11), network.workload("stranger", 12)
    server.policed({"app": "server", "team": "a"}, namespace="shop")
    client.policed({"app": "client", "team": "b"}, namespace="shop")
    stranger.policed({"app": "stranger", "team": "a"}, namespace="bank")
    for port in (8080, 8081):
        server.serve(port)
    server.serve(8080, family=socket.AF_INET6)
    return server, client, stranger


def decider(network, source, port=8080):
    """What decides at the server: verdict, tier, kind, policy and rule."""
    end = network.explain(source, "shop/server", f"tcp/{port}")["ends"][-1]
    return end["verdict"], end["tier"], end["kind"], end["policy"], end["rule"]


def test_admin_and_baseline_around_network_policies(network, shops):
    _, client, stranger = shops
    address = network.v4(10)
    denial = cluster("last", "Baseline", ingress=[{"action": "Deny", "from": EVERYBODY}])
    network.apply(denial)
    assert not client.reaches(address, 8080) and not stranger.reaches(address, 8080)
    assert decider(network, "shop/client") == ("Deny", "kube-baseline", "ClusterNetworkPolicy", "last", 0)

    # A NetworkPolicy of Kubernetes overrides it for the pods that it selects.
    network.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "open", "namespace": "shop"},
                   "spec": {"podSelector": {"matchLabels": {"app": "server"}}, "ingress": [{}]}})
    assert client.reaches(address, 8080) and stranger.reaches(address, 8080)

    # And the Admin tier overrides both; what it passes goes on to them.
    network.apply(cluster("first", ingress=[
        {"action": "Pass", "from": [pods(app="stranger")], "protocols": [{"tcp": {"destinationPort": {"number": 8081}}}]},
        {"name": "blue", "action": "Deny", "from": [{"namespaces": {"matchLabels": {"zone": "blue"}}}]}]))
    assert client.reaches(address, 8080)
    assert not stranger.reaches(address, 8080) and stranger.reaches(address, 8081)
    assert decider(network, "bank/stranger") == ("Deny", "kube-admin", "ClusterNetworkPolicy", "first", 1)
    assert decider(network, "bank/stranger", 8081)[1:4] == ("default", "NetworkPolicy", "knp.default.open")

    # A lower priority value comes first.
    network.apply(cluster("sooner", priority=1, ingress=[{"action": "Deny", "from": [pods(app="client")]}]))
    assert not client.reaches(address, 8080)
    network.bulkhead("delete", "clusternetworkpolicies", "sooner")
    assert client.reaches(address, 8080)

    record = eventually(lambda: [flow for flow in network.flows() if flow["action"] == "Deny" and flow["policies"]["enforced"]
                                 and flow["policies"]["enforced"][-1]["kind"] == "ClusterNetworkPolicy"
                                 and flow["policies"]["enforced"][-1]["name"] == "first"], what="the denial in the flow log")[-1]
    assert (record["policies"]["enforced"][-1]["tier"], record["policies"]["enforced"][-1]["rule_index"]) == ("kube-admin", 1)


def test_egress_networks_and_the_older_kinds(network, shops):
    _, client, stranger = shops
    address, six = network.v4(10), network.v6(10)
    network.apply(cluster("nets", egress=[{"action": "Deny", "to": [{"networks": [f"{address}/32"]}]}],
                          subject={"namespaces": {"matchLabels": {"zone": "red"}}}))
    assert not client.reaches(address, 8080) and client.reaches(six, 8080) and stranger.reaches(address, 8080)
    network.bulkhead("delete", "clusternetworkpolicies", "nets")
    assert client.reaches(address, 8080)

    older = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "AdminNetworkPolicy", "metadata": {"name": "old"},
             "spec": {"priority": 5, "subject": pods(app="server"), "ingress": [
                 {"action": "Allow", "from": [pods(app="client")], "ports": [{"portNumber": {"port": 8080}}]},
                 {"action": "Pass", "from": EVERYBODY, "ports": [{"portRange": {"start": 8080, "end": 8081}}]}]}}
    last = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "BaselineAdminNetworkPolicy", "metadata": {"name": "default"},
            "spec": {"subject": {"namespaces": {}}, "ingress": [{"action": "Deny", "from": EVERYBODY}]}}
    network.apply(older, last)
    assert client.reaches(address, 8080) and not client.reaches(address, 8081) and not stranger.reaches(address, 8080)
    assert decider(network, "shop/client") == ("Allow", "kube-admin", "AdminNetworkPolicy", "old", 0)
    assert decider(network, "bank/stranger") == ("Deny", "kube-baseline", "BaselineAdminNetworkPolicy", "default", 0)


def test_what_the_api_says_of_them(network):
    # The tiers are there by themselves and stay.
    tiers = json.loads(network.bulkhead("get", "tiers", "-o", "json").stdout)["items"]
    assert sorted((tier["spec"]["order"], tier["metadata"]["name"], tier["spec"]["defaultAction"]) for tier in tiers) == [
        (1000, "kube-admin", "Pass"), (1000000, "default", "Deny"), (10000000, "kube-baseline", "Pass")]
    refused = network.bulkhead("delete", "tier", "kube-baseline", check=False)
    assert refused.returncode == 1 and "the kube-baseline tier may not be deleted" in refused.stderr
    for spec, path in (({"order": 5}, "spec.order"), ({"defaultAction": "Deny"}, "spec.defaultAction")):
        tier = {"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": "kube-admin"}, "spec": spec}
        refused = network.bulkhead("apply", "-f", "-", input=json.dumps(tier), check=False)
        assert refused.returncode == 1 and path in refused.stderr and "cannot be changed" in refused.stderr, refused.stderr

    def kubectl(*words, **options):
        return network.nsenter("kubectl", "--kubeconfig", network.kubeconfig, *words, **options)

    created = kubectl("create", "-f", "-", input=json.dumps(cluster("shown", priority=7)))
    assert "clusternetworkpolicy.policy.networking.k8s.io/shown created" in created.stdout
    header, row = kubectl("get", "clusternetworkpolicies").stdout.splitlines()
    assert header.split() == ["NAME", "TIER", "PRIORITY", "ENDPOINTS", "AGE"] and row.split()[:3] == ["shown", "Admin", "7"]
    status = eventually(lambda: json.loads(kubectl("get", "clusternetworkpolicies", "shown", "-o", "json").stdout).get("status"), what="its status")
    assert status["observedGeneration"] == 1 and status["endpoints"] == {"node": 0, "all": 0}, status
    assert "destinationNamedPort" in kubectl("explain", "clusternetworkpolicies.spec.ingress.protocols").stdout
    assert "portRange" in kubectl("explain", "adminnetworkpolicies.spec.egress.ports", f"--api-version={GROUP}/v1alpha1").stdout
    assert {"clusternetworkpolicies", "adminnetworkpolicies", "baselineadminnetworkpolicies"} <= {
        line.split(".")[0] for line in kubectl("api-resources", f"--api-group={GROUP}", "-o", "name").stdout.split()}
    nodes = cluster("nodes", egress=[{"action": "Deny", "to": [{"nodes": {}}]}])
    refused = kubectl("create", "-f", "-", input=json.dumps(nodes), check=False)
    assert refused.returncode == 1 and "not enforced yet: spec.egress[0].to[0].nodes" in refused.stderr, refused.stderr
    kubectl("delete", "clusternetworkpolicies", "shown")


def test_selectors_that_compare_both_ends(network, shops):
    server, client, stranger = shops
    address = network.v4(10)

    def rule(selector):
        return policy("same", "app == 'server'", kind="GlobalNetworkPolicy", types=["Ingress"],
                      ingress=[{"action": "Allow", "source": {"selector": selector}}])

    network.apply(rule("sameNamespace()"))
    assert client.reaches(address, 8080) and not stranger.reaches(address, 8080)
    network.apply(rule("!sameNamespace()"))
    assert not client.reaches(address, 8080) and stranger.reaches(address, 8080)
    network.apply(rule("sameLabel(team)"))
    assert not client.reaches(address, 8080) and stranger.reaches(address, 8080)

    # The label of the end that the policy applies to decides as that of the peer does.
    def team(value):
        found = json.loads(network.bulkhead("get", "workloadendpoints", "server", "-n", "shop", "-o", "json").stdout)
        labels = {"app": "server"} | ({"team": value} if value else {})
        network.apply({"apiVersion": found["apiVersion"], "kind": found["kind"], "spec": found["spec"],
                       "metadata": {"name": "server", "namespace": "shop", "labels": labels}})

    team("b")
    assert client.reaches(address, 8080) and not stranger.reaches(address, 8080)
    team(None)
    assert not client.reaches(address, 8080) and not stranger.reaches(address, 8080)
    end = network.explain("bank/stranger", "shop/server", "tcp/8080")["ends"][-1]
    assert (end["verdict"], end["tier"], [trigger["policy"] for trigger in end["trigger"]]) == ("Deny", "default", ["same"])

    namespaced = policy("same", "app == 'server'", namespace="shop", ingress=[{"action": "Allow", "source": {"selector": "sameNamespace()"}}])
    refused = network.bulkhead("apply", "-f", "-", input=json.dumps(namespaced), check=False)
    assert refused.returncode == 1 and "spec.ingress[0].source.selector" in refused.stderr and "can stand only in" in refused.stderr
