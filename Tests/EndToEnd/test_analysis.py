"""What the offline commands say of a folder is what packets do under the same objects, line by line."""

import concurrent.futures
import ipaddress
import json
import os
import random
import re
import socket

import pytest

from lab import BULKHEAD, policy, run

FOLDERS = int(os.environ.get("BULKHEAD_ANALYSIS_FOLDERS", "4"))
PROBES = [("tcp", 8080), ("tcp", 8081), ("udp", 9090)]
WORKLOADS = [  # name, namespace, labels
    ("web", "shop", {"app": "web", "tier": "front"}), ("api", "shop", {"app": "api", "tier": "middle"}),
    ("database", "shop", {"app": "database", "tier": "back"}), ("client", "lab", {"app": "client", "tier": "front"}),
]


def selector(random):
    key, values = random.choice([("app", ["web", "api", "database", "client"]), ("tier", ["front", "middle", "back"])])
    return random.choice([
        f"{key} == '{random.choice(values)}'", f"{key} != '{random.choice(values)}'", f"has({key})", "all()",
        f"{key} in {{'{values[0]}', '{random.choice(values)}'}}"])


def calico_rules(random, blocks):
    rules = []
    for _ in range(random.randint(0, 3)):
        rule = {"action": random.choice(["Allow", "Allow", "Deny"])}
        peer = random.choice(["selector", "nets", "none"])
        side = {"selector": {"selector": selector(random)}, "nets": {"nets": [random.choice(blocks)]}, "none": {}}[peer]
        protocol, port = random.choice(PROBES)
        if random.random() < 0.6:
            rule["protocol"] = protocol.upper()
            ports = random.choice([[port], [port, "9000:9100"], ["8000:8080"]])
        else:
            ports = None
        rules.append((rule, side, ports))
    return rules


def generated(seed, blocks):
    """Objects of a folder: policies of three kinds over the workloads of the laboratory."""
    source = random.Random(seed)
    objects = []
    for number in range(source.randint(1, 5)):
        spec = {"order": source.choice([1, 10, 10, 100])}
        if source.random() < 0.3:
            spec["types"] = source.choice([["Ingress"], ["Egress"], ["Ingress", "Egress"]])
        for direction in spec.get("types", source.choice([["Ingress"], ["Egress"], ["Ingress", "Egress"]])):
            spec[direction.lower()] = []
            for rule, side, ports in calico_rules(source, blocks):
                peer, other = ("source", "destination") if direction == "Ingress" else ("destination", "source")
                rule[peer] = side
                if ports:
                    rule.setdefault("destination", {})
                    rule["destination"] = {**rule["destination"], "ports": ports}
                spec[direction.lower()].append(rule)
        kind = source.choice(["NetworkPolicy", "GlobalNetworkPolicy"])
        objects.append(policy(f"generated-{number}", selector(source), source.choice(["shop", "lab"]), kind, **spec))
    for number in range(source.randint(0, 2)):
        peer = source.choice([
            {"podSelector": {"matchLabels": {"tier": source.choice(["front", "middle"])}}},
            {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": source.choice(["shop", "lab"])}}},
            {"ipBlock": {"cidr": source.choice(blocks)}}])
        protocol, port = source.choice(PROBES)
        objects.append({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": f"kubernetes-{number}", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": {"app": source.choice(["web", "api", "database"])}}, "policyTypes": ["Ingress"],
                     "ingress": source.choice([[], [{"from": [peer], "ports": [{"protocol": protocol.upper(), "port": port}]}]])}})
    return objects


def allows(connections, version, kind, port):
    """Whether a text in the grammar of connectivity listings holds a port for one IP version."""
    if connections.startswith(("IPv4 ", "IPv6 ")):
        parts = dict(part.split(" ", 1) for part in connections.split("; "))
        connections = parts.get(f"IPv{version}", "No Connections")
    if connections in ("All Connections", "No Connections"):
        return connections == "All Connections"
    for name, ranges in re.findall(r"([A-Za-z]\w*) ((?:\d+(?:-\d+)?,?)+)", connections):
        if name == kind.upper():
            for part in ranges.strip(",").split(","):
                first, _, last = part.partition("-")
                if int(first) <= port <= int(last or first):
                    return True
    return False


def end_of(address, titles):
    """The listing's title of an address outside."""
    for title in titles:
        if title.endswith("[External]"):
            first, last = map(ipaddress.ip_address, title.removesuffix("[External]").split("-"))
            if first.version == address.version and first <= address <= last:
                return title
    return None


@pytest.fixture
def population(lab):
    """Four policed workloads and one that is nobody's, each with servers on every probe's port."""
    lab.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("shop", "lab")))
    everybody = {}
    for number, (name, namespace, labels) in enumerate(WORKLOADS, 10):
        everybody[f"{namespace}/{name}[WorkloadEndpoint]"] = workload = lab.workload(name, number)
        workload.policed(labels, namespace=namespace)
    everybody[None] = lab.workload("outside", 200)
    for workload in everybody.values():
        for kind, port in PROBES:
            workload.serve(port, kind)
            workload.serve(port, kind, family=socket.AF_INET6)
    return everybody


def packets(everybody):
    """Every probe between every two workloads: (source, destination, version, kind, port) and whether an answer came."""
    asked = [(source, destination, version, kind, port) for source in everybody for destination in everybody
             if source != destination for version in (4, 6) for kind, port in PROBES]

    def ask(probe):
        source, destination, version, kind, port = probe
        return everybody[source].reaches(everybody[destination].addresses[0 if version == 4 else 1], port, kind, timeout=0.5)

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, asked))
        # A busy machine may lose one within the time: what did not answer is asked again.
        again = [index for index, answer in enumerate(answers) if not answer]
        for index, answer in zip(again, pool.map(lambda index: ask(asked[index]), again)):
            answers[index] = answer
    return dict(zip(asked, answers))


def test_connectivity_is_what_packets_do(lab, population, tmp_path):
    blocks = [f"{lab.v4(200)}/32", f"{lab.v4(8)}/29", "10.0.0.0/8", f"{lab.v6(200)}/128", "fd00::/8", "0.0.0.0/0"]
    compared = allowed = 0
    for seed in range(FOLDERS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        policies = generated(seed, blocks)
        for number, thing in enumerate(policies):
            (folder / f"{number}.json").write_text(json.dumps(thing))
        lab.bulkhead("apply", "-f", str(folder), "--owner", "generated", "--prune")
        stored = "\n---\n".join(
            lab.bulkhead("get", kind, *words, "-o", "yaml").stdout for kind, words in (("workloadendpoints", ["-A"]), ("namespaces", [])))
        (folder / "stored.yaml").write_text(stored)

        offline = run(BULKHEAD, "connectivity", "-f", folder)
        assert offline.stdout == lab.bulkhead("connectivity", "--live").stdout
        listing = {(line["src"], line["dst"]): line["conn"] for line in json.loads(run(BULKHEAD, "connectivity", "-f", folder, "-o", "json").stdout)}
        titles = {title for ends in listing for title in ends}
        wrong = []
        for (source, destination, version, kind, port), answer in packets(population).items():
            address = ipaddress.ip_address(population[None].addresses[0 if version == 4 else 1])
            ends = tuple(end or end_of(address, titles) for end in (source, destination))
            said = allows(listing.get(ends, "No Connections"), version, kind, port)
            compared += 1
            allowed += said
            if said != answer:
                wrong.append(f"{ends} IPv{version} {kind} {port}: said {said}, packets {answer}")
        assert not wrong, f"seed {seed}:\n" + "\n".join(wrong) + "\n" + json.dumps(policies, indent=1)
    print(f"{FOLDERS} folders, {compared} probes, {allowed} allowed")
    assert compared == FOLDERS * 120 and allowed >= compared * 0.15


def test_explain_says_the_same_without_a_server(lab, population, tmp_path):
    policies = generated(3, ["10.0.0.0/8"])
    for number, thing in enumerate(policies):
        (tmp_path / f"{number}.json").write_text(json.dumps(thing))
    lab.bulkhead("apply", "-f", str(tmp_path))
    for kind, words in (("workloadendpoints", ["-A"]), ("namespaces", [])):
        (tmp_path / f"{kind}.yaml").write_text(lab.bulkhead("get", kind, *words, "-o", "yaml").stdout)
    for source, destination, port in (
        ("shop/web", "shop/database", "tcp/8080"), ("lab/client", "shop/api", "udp/9090"), ("192.0.2.1", "shop/web", "tcp/8081"),
        ("shop/api", "192.0.2.1", "icmp/8/0"), ("host", "shop/web", "tcp/8080")):
        online = lab.bulkhead("explain", source, destination, "--port", port).stdout
        offline = run(BULKHEAD, "explain", "-f", tmp_path, source, destination, "--port", port).stdout
        # Only the server knows the host's addresses.
        if source != "host":
            assert offline == online


def write(folder, name, *objects):
    (folder / name).write_text("\n---\n".join(json.dumps(thing) for thing in objects))


def deployment(name, port, namespace="shop"):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace}, "spec": {"template": {
        "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": name, "ports": [{"name": "main", "containerPort": port}]}]}}}}


def test_diff_and_reach_from_files(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, peers in ((old, ["web"]), (new, ["web", "batch"])):
        folder.mkdir()
        write(folder, "workloads.yaml", deployment("web", 8080), deployment("database", 5432))
        write(folder, "policies.yaml", {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "database", "namespace": "shop"},
            "spec": {"podSelector": {"matchLabels": {"app": "database"}}, "ingress": [{
                "from": [{"podSelector": {"matchLabels": {"app": peer}}} for peer in peers], "ports": [{"port": "main"}]}]}})
    assert run(BULKHEAD, "connectivity", "-f", old, "--to", "shop/database").stdout == "shop/web[Deployment] => shop/database[Deployment] : TCP 5432\n"
    same = run(BULKHEAD, "diff", "-f", old, "--against", old, check=False)
    assert (same.returncode, same.stdout) == (0, "")
    different = run(BULKHEAD, "diff", "-f", new, "--against", old, check=False)
    assert different.returncode == 3
    assert ("diff-type: added, source: shop/{app=batch}[New], destination: shop/database[Deployment], dir1: No Connections, "
            "dir2: TCP 5432, because of: NetworkPolicy shop/knp.default.database") in different.stdout
    reach = json.loads(run(BULKHEAD, "reach", "-f", old, "shop/web", "-o", "json").stdout)
    assert [target["workload"] for target in reach["workloads"]] == ["shop/database[Deployment]"]
    assert "shop" in run(BULKHEAD, "reach", "-f", old).stdout
    refused = run(BULKHEAD, "connectivity", "-f", tmp_path / "nothing", check=False)
    assert refused.returncode == 1 and refused.stderr.endswith("nothing: no such file or folder\n")


def test_hostile_files_end_soon(tmp_path):
    """Documents that a parser would chew on for ever, or with all memory: a sentence within the limits instead."""
    levels = 40
    keys = "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{? *a{n - 1} : x, ? [*a{n - 1}, x] : y}}\n" for n in range(1, levels))
    (tmp_path / "keys.yaml").write_text(keys)
    (tmp_path / "list.yaml").write_text("- a\n" * 2_500_000)
    for name in ("keys.yaml", "list.yaml"):
        result = run("/usr/bin/time", "-f", "%e %M", BULKHEAD, "connectivity", "-f", tmp_path / name, check=False)
        seconds, kilobytes = result.stderr.splitlines()[-1].split()
        assert result.returncode != 0 and str(tmp_path / name) in result.stderr, result.stderr
        assert float(seconds) < 12 and int(kilobytes) < 320 * 1024, result.stderr
