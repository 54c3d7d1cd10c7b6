"""Real packets between namespaces: what passes, what does not, and which rule is named for it."""

import socket

from lab import eventually, policy


def three(lab):
    """A server, its client and a stranger; the server serves TCP and UDP 8080."""
    server, client, stranger = lab.workload("server", 10), lab.workload("client", 11), lab.workload("stranger", 12)
    server.policed({"app": "server"})
    client.policed({"app": "client"})
    stranger.policed({"app": "stranger"})
    server.serve(8080)
    server.serve(8080, "udp")
    return server, client, stranger


ONLY_CLIENTS = policy(
    "only-clients", "app == 'server'", types=["Ingress"],
    ingress=[{"action": "Deny", "protocol": "TCP", "source": {"selector": "app == 'stranger'"}, "destination": {"ports": [8080]}},
             {"action": "Allow", "protocol": "TCP", "source": {"selector": "app == 'client'"}, "destination": {"ports": [8080]}}])


def test_without_a_policy_everything_passes(network):
    server, client, stranger = three(network)
    address = network.v4(10)
    assert client.reaches(address, 8080) and stranger.reaches(address, 8080)
    assert client.reaches(address, 8080, "udp")
    assert client.ping(address) and client.ping(network.v6(10))


def test_a_policy_decides_and_every_denial_names_its_rule(network):
    server, client, stranger = three(network)
    network.apply(ONLY_CLIENTS)
    address = network.v4(10)
    assert client.reaches(address, 8080)
    assert not stranger.reaches(address, 8080)
    assert not client.reaches(address, 8080, "udp")
    assert not client.ping(address)

    denied = network.explain("default/stranger", "default/server", "tcp/8080")
    assert denied["verdict"] == "Deny"
    end = denied["ends"][-1]
    assert (end["endpoint"], end["direction"], end["policy"], end["rule"], end["tier"], end["kind"]) == (
        "default/server", "ingress", "only-clients", 0, "default", "NetworkPolicy")
    assert network.explain("default/client", "default/server", "tcp/8080")["ends"][-1]["rule"] == 1
    end = network.explain("default/client", "default/server", "udp/8080")["ends"][-1]
    assert end["rule"] == -1 and end["verdict"] == "Deny" and end["tier"] == "default"
    assert [trigger["policy"] for trigger in end["trigger"]] == ["only-clients"]

    def logged(action, protocol, source):
        return [flow for flow in network.flows()
                if flow["action"] == action and flow["protocol"].lower() == protocol and flow["source_name"] == source
                and flow["reporter"] == "Dst" and flow["policies"]["enforced"]
                and flow["policies"]["enforced"][-1]["kind"] in ("NetworkPolicy", "EndOfTier")]

    record = eventually(lambda: logged("Deny", "tcp", "stranger"), what="the denial in the flow log")[-1]
    assert record["dest_name"] == "server" and record["dest_namespace"] == "default" and record["dest_port"] == 8080
    assert record["source_ip"] == network.v4(12) and record["dest_ip"] == address and record["source_port"] > 0
    hit = record["policies"]["enforced"][-1]
    assert (hit["name"], hit["rule_index"], hit["tier"], hit["action"]) == ("only-clients", 0, "default", "Deny")
    hit = eventually(lambda: logged("Deny", "udp", "client"), what="the end of the tier in the flow log")[-1]["policies"]["enforced"][-1]
    assert hit["kind"] == "EndOfTier" and hit["rule_index"] == -1 and hit["trigger"]["name"] == "only-clients"
    allowed = eventually(lambda: logged("Allow", "tcp", "client"), what="the allowed connection in the flow log")
    assert sum(flow["packets_out"] for flow in allowed) > 0


def test_ipv6_and_nets(network):
    server, client, stranger = three(network)
    server.serve(9090, family=socket.AF_INET6)
    network.apply(policy(
        "nets", "app == 'server'", types=["Ingress"],
        ingress=[{"action": "Allow", "source": {"nets": [network.v6(11) + "/128"]}},
                 {"action": "Allow", "source": {"nets": [network.v4(12) + "/32"]}}]))
    assert client.reaches(network.v6(10), 9090) and not stranger.reaches(network.v6(10), 9090)
    assert stranger.reaches(network.v4(10), 8080) and not client.reaches(network.v4(10), 8080)


def test_egress_tiers_and_pass(network):
    server, client, stranger = three(network)
    network.apply(
        {"apiVersion": "projectcalico.org/v3", "kind": "Tier", "metadata": {"name": "platform"}, "spec": {"order": 100}},
        policy("guard", "all()", kind="GlobalNetworkPolicy", tier="platform", order=10, types=["Egress"],
               egress=[{"action": "Pass", "source": {"selector": "app == 'client'"}},
                       {"action": "Deny", "protocol": "UDP"},
                       {"action": "Pass"}]))
    address = network.v4(10)
    assert client.reaches(address, 8080) and client.reaches(address, 8080, "udp")
    assert stranger.reaches(address, 8080) and not stranger.reaches(address, 8080, "udp")
    end = network.explain("default/stranger", "default/server", "udp/8080")["ends"][0]
    assert (end["direction"], end["tier"], end["kind"], end["policy"], end["rule"]) == (
        "egress", "platform", "GlobalNetworkPolicy", "guard", 1)


def test_a_stolen_address_does_not_leave(network):
    server, client, stranger = three(network)
    network.apply(ONLY_CLIENTS)
    seen = network.sniff(server, lambda frame: frame[12:14] == b"\x08\x00" and frame[26:30] == socket.inet_aton(network.v4(11)))
    client.command("ip", "link", "set", "eth0", "down")
    stranger.command("ip", "addr", "add", network.v4(11) + "/32", "dev", "eth0")
    thief = stranger.socket(socket.AF_INET, socket.SOCK_DGRAM)
    thief.bind((network.v4(11), 0))
    for _ in range(20):
        thief.sendto(b"x", (network.v4(10), 8080))
    eventually(lambda: any(flow["policies"]["enforced"][-1]["name"].lower().startswith("spoofed") for flow in network.flows()
                           if flow["action"] == "Deny" and flow["source_ip"] == network.v4(11)), what="the spoofed source in the flow log")
    assert seen.count == 0


def test_a_missing_namespace_label_and_namespace_selectors(network):
    network.bulkhead("apply", "-f", "-", input="""
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: red}}
---
apiVersion: v1
kind: Namespace
metadata: {name: lab, labels: {team: blue}}
""")
    server, red, blue = network.workload("server", 10), network.workload("red", 11), network.workload("blue", 12)
    server.policed({"app": "server"}, "shop")
    red.policed({"app": "x"}, "shop")
    blue.policed({"app": "x"}, "lab")
    server.serve(80)
    network.apply(policy("own", "app == 'server'", "shop", ingress=[{"action": "Allow", "source": {"selector": "app == 'x'"}}]))
    assert red.reaches(network.v4(10), 80) and not blue.reaches(network.v4(10), 80)
    network.apply(policy("own", "app == 'server'", "shop", ingress=[
        {"action": "Allow", "source": {"selector": "app == 'x'", "namespaceSelector": "team == 'blue'"}}]))
    assert blue.reaches(network.v4(10), 80) and not red.reaches(network.v4(10), 80)
    network.bulkhead("apply", "-f", "-", input="apiVersion: v1\nkind: Namespace\nmetadata: {name: lab, labels: {team: green}}\n")
    assert not blue.reaches(network.v4(10), 80)
