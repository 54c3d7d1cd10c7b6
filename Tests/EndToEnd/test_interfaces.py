"""Interfaces and addresses that change hands."""

import socket

import pytest

from lab import eventually, policy, run

ALLOWED = policy("server", "app == 'server'", ingress=[
    {"action": "Allow", "source": {"selector": "app == 'client'"}},
    {"action": "Deny", "source": {"selector": "app == 'stranger'"}}])


def trio(lab):
    server, client, stranger = lab.workload("server", 10), lab.workload("client", 11), lab.workload("stranger", 12)
    for workload in (server, client, stranger):
        workload.policed({"app": workload.name})
    lab.apply(ALLOWED)
    server.serve(8080)
    assert client.reaches(lab.v4(10), 8080) and not stranger.reaches(lab.v4(10), 8080, timeout=0.3)
    return server, client, stranger


def attach(lab, workload):
    """Addresses and routes that an interface loses with its namespace, or never had."""
    run("ip", "-n", lab.host, "link", "set", workload.interface, "up")
    run("ip", "-n", lab.host, "route", "replace", workload.addresses[0], "dev", workload.interface)


def is_policed(lab, name):
    return {endpoint["name"]: endpoint["policed"] for endpoint in lab.status()["endpoints"]}.get(name)


def hooks(lab, interface):
    return [hook for hook in ("ingress", "egress") if "bulkhead" in lab.nsenter("tc", "filter", "show", "dev", interface, hook).stdout]


def test_an_interface_that_is_made_anew_under_its_name_is_policed(lab):
    server, client, stranger = trio(lab)
    connection = client.connect(lab.v4(10), 8080)
    run("ip", "-n", lab.host, "link", "del", server.interface)
    run("ip", "link", "add", server.interface, "netns", lab.host, "type", "veth", "peer", "name", "eth0", "netns", server.namespace)
    eventually(lambda: len(hooks(lab, server.interface)) == 2, 10, what="hooks on the new interface")
    run("ip", "-n", server.namespace, "addr", "add", f"{lab.v4(10)}/32", "dev", "eth0")
    run("ip", "-n", server.namespace, "link", "set", "eth0", "up")
    run("ip", "-n", server.namespace, "route", "add", "169.254.1.1", "dev", "eth0", "scope", "link")
    run("ip", "-n", server.namespace, "route", "add", "default", "via", "169.254.1.1", "dev", "eth0")
    attach(lab, server)
    eventually(lambda: client.reaches(lab.v4(10), 8080), 10, what="the client reaches the server again")
    assert not stranger.reaches(lab.v4(10), 8080, timeout=0.5)
    connection.close()


@pytest.mark.parametrize("is_watched", [True, False], ids=["watched", "unwatched"])
def test_an_interface_that_moves_away_and_back_is_policed(lab, is_watched):
    """Linux takes the hooks off an interface that leaves its namespace."""
    server, client, stranger = trio(lab)
    away = f"{lab.prefix}-away"
    run("ip", "netns", "add", away)
    try:
        if not is_watched:
            lab.kill()
        run("ip", "-n", lab.host, "link", "set", server.interface, "netns", away)
        run("ip", "-n", away, "link", "set", server.interface, "netns", lab.host)
        attach(lab, server)
        if not is_watched:
            lab.up()
        eventually(lambda: len(hooks(lab, server.interface)) == 2, 10, what="hooks")
        eventually(lambda: is_policed(lab, "server"), what="policed")
        eventually(lambda: client.reaches(lab.v4(10), 8080), 10, what="the client reaches the server again")
        assert not stranger.reaches(lab.v4(10), 8080, timeout=0.5)
    finally:
        run("ip", "netns", "del", away, check=False)


def test_who_gets_an_address_does_not_get_its_connections(lab):
    server, client, stranger = trio(lab)
    connection = client.connect(lab.v4(10), 8080)
    assert connection
    lab.bulkhead("workload", "remove", "server", "-n", "default")
    run("ip", "-n", lab.host, "link", "del", server.interface)
    heir = lab.workload("heir", 10)
    # Without the second direction the window for older connections would let its first packet in, as one that the heir began.
    lab.apply(policy("heir", "app == 'heir'", types=["Ingress", "Egress"], egress=[],
                     ingress=[{"action": "Allow", "source": {"selector": "app == 'stranger'"}}]))
    heir.policed({"app": "heir"})
    heir.serve(8080)
    arrived = lab.sniff(heir, lambda frame: frame[12:14] == b"\x08\x00" and frame[26:30] == socket.inet_aton(lab.v4(11)))
    eventually(lambda: stranger.reaches(lab.v4(10), 8080), 10, what="the stranger reaches the heir")
    connection.settimeout(1)
    for _ in range(3):
        try:
            connection.sendall(b"for the server")
            connection.recv(1)
        except OSError:
            pass
    assert not client.reaches(lab.v4(10), 8080, timeout=0.5)
    assert arrived.count == 0, "packets of the old connection reached who has the address now"
    connection.close()


def test_two_endpoints_that_claim_one_address_are_each_policed(bridged):
    """Both may use it, and rules about either mean it: an address has the labels of all that claim it."""
    lab = bridged
    server, client, stranger = trio(lab)
    double = lab.workload("double", 11)
    double.policed({"app": "stranger"})
    # The policy's first rule that means the address decides: the client's Allow stands before the stranger's Deny.
    client.command("ip", "link", "set", "eth0", "down")
    assert double.reaches(lab.v4(10), 8080)
    lab.apply(policy("server", "app == 'server'", ingress=[
        {"action": "Deny", "source": {"selector": "app == 'stranger'"}},
        {"action": "Allow", "source": {"selector": "app == 'client'"}}]))
    assert not double.reaches(lab.v4(10), 8080, timeout=0.5)
    client.command("ip", "link", "set", "eth0", "up")
    double.command("ip", "link", "set", "eth0", "down")
    assert not client.reaches(lab.v4(10), 8080, timeout=0.5)
    # Each has its own policies.
    lab.apply(policy("server", "app == 'server'", ingress=[{"action": "Allow"}]),
              policy("client", "app == 'client'", types=["Egress"], egress=[{"action": "Allow"}]),
              policy("strange", "app == 'stranger'", types=["Egress"], egress=[]))
    eventually(lambda: client.reaches(lab.v4(10), 8080), 5, what="the client's own policy lets it")
    client.command("ip", "link", "set", "eth0", "down")
    double.command("ip", "link", "set", "eth0", "up")
    assert not double.reaches(lab.v4(10), 8080, timeout=0.5)


def test_workloads_of_a_namespace_that_is_deleted_are_closed(lab):
    """They go on running: nothing that they send or get passes until somebody names them again."""
    server, client = lab.workload("server", 10), lab.workload("client", 11)
    server.serve(8080)
    client.policed({"app": "client"})
    allow = [{"action": "Allow"}]
    lab.apply(policy("client", "app == 'client'", ingress=allow, egress=allow))

    def attach():
        server.policed({"app": "server"}, "shop")
        lab.apply(policy("server", "app == 'server'", "shop", ingress=allow, egress=allow))
    attach()
    assert client.reaches(lab.v4(10), 8080)
    connection = client.connect(lab.v4(10), 8080)
    lab.bulkhead("delete", "namespace", "shop")

    def is_closed():
        return not client.reaches(lab.v4(10), 8080, timeout=0.3) and not server.ping(lab.v4(11))
    eventually(is_closed, 10, what="nothing passes")
    connection.settimeout(0.5)
    with pytest.raises(OSError):
        connection.sendall(b"more")
        connection.recv(16)
    (found,) = [endpoint for endpoint in lab.status()["endpoints"] if endpoint["interface"] == server.interface]
    assert found["namespace"] == "default" and found["name"].startswith("closed-") and found["policed"], found
    assert lab.stop() == 0
    lab.up()
    assert is_closed()
    attach()
    assert client.reaches(lab.v4(10), 8080)
    assert not any(endpoint["name"].startswith("closed-") for endpoint in lab.status()["endpoints"])
