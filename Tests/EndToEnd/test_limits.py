"""What the program says of its own limits agrees with what the server does."""
import json
import re
import subprocess

import pytest

from lab import BULKHEAD, ROOT, policy


def limits(*words):
    return subprocess.run([BULKHEAD, "limits", *words], check=True, capture_output=True, text=True, timeout=20).stdout


def test_limits_need_no_server():
    document = json.loads(limits("-o", "json"))
    assert {one["area"] for one in document["limits"]} >= {
        "object", "selector", "document", "compiler", "API server", "store", "node agent", "kernel", "flow records", "client"}
    assert all(one["value"] > 0 and one["name"] and one["reason"] for one in document["limits"])
    names = [(one["area"], one["name"]) for one in document["limits"]]
    assert len(set(names)) == len(names)
    policy_kinds = {"NetworkPolicy", "GlobalNetworkPolicy", "StagedNetworkPolicy", "StagedGlobalNetworkPolicy", "Profile"}
    refused = {one["path"] for one in document["refused"] if policy_kinds & set(one["kinds"])}
    assert {path.split(".")[-1] for path in refused} == {"http", "domains", "applyOnForward", "doNotTrack", "preDNAT"}
    table = limits()
    assert all(len(line) <= 100 for line in table.splitlines())
    assert "spec.ingress[].http of NetworkPolicy" in table and "HostEndpoint" in table
    assert limits("-o", "yaml").startswith("limits:")


def test_the_server_keeps_the_limits_that_are_printed(lab):
    printed = {one["name"]: one["value"] for one in json.loads(limits("-o", "json"))["limits"]}
    most = printed["rules of a policy or profile for one direction"]
    rules = [{"action": "Deny"}] * most
    lab.apply(policy("full", ingress=rules))
    result = lab.bulkhead("apply", "-f", "-", input=json.dumps(policy("over", ingress=rules + rules[:1])), check=False)
    assert result.returncode == 1 and f"more than the limit of {most}" in result.stderr


@pytest.mark.parametrize("kind, spec, path", [
    ("GlobalNetworkSet", {"allowedEgressDomains": ["example.com"]}, "spec.allowedEgressDomains"),
    ("HostEndpoint", {"node": "n", "interfaceName": "eth0"}, "HostEndpoint"),
])
def test_what_is_printed_as_refused_is_refused(lab, kind, spec, path):
    manifest = {"apiVersion": "projectcalico.org/v3", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    result = lab.bulkhead("apply", "-f", "-", input=json.dumps(manifest), check=False)
    assert result.returncode == 1 and f"not enforced yet: {path}" in result.stderr, result.stderr


def test_every_limit_in_the_sources_is_printed():
    """A constant of an enum that is called Limits stands in a row of `bulkhead limits`."""
    seen = 0
    for file in sorted((ROOT / "Sources").rglob("*.swift")):
        text = file.read_text()
        for name in re.findall(r"^public enum (\w*Limits) \{", text, re.M):
            enum = re.search(rf"^public enum {name} \{{\n(.*?)^\}}", text, re.M | re.S).group(1)
            constants = [one for one in re.findall(r"^    (?:public )?static let (\w+)", enum, re.M) if one != "all"]
            rows = "".join(part for other in file.parent.glob("*.swift") for part in re.findall(
                r"^    (?:public |private )?static let all\b.*?^    [\]}]", other.read_text(), re.M | re.S))
            for constant in constants:
                assert re.search(rf"(?<!\w){constant}\b", rows), f"{file.relative_to(ROOT)}: {name}.{constant} has no row"
                seen += 1
    print(f"{seen} limits of the sources have their rows")
    assert seen > 70
