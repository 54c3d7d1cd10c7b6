"""`lint` and `verify` as a person and a pipeline use them: from files, without a server; and lint's sentences at admission."""
import json
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest

from lab import BULKHEAD, ROOT, policy

EXAMPLES = ["microservices", "pci-zone", "tenants", "default-deny-dns", "recipes", "bank"]


def bulkhead(*words):
    return subprocess.run([BULKHEAD, *map(str, words)], capture_output=True, text=True, timeout=60)


SHADOWED = """\
# a comment
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: []}}}
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  selector: app == 'web'
  types: [Ingress]
  ingress:
  - action: Allow
    protocol: TCP
  - action: Deny
  - action: Allow
    protocol: TCP
    destination:
      ports: [443]
"""


def test_lint_names_file_line_and_field(tmp_path):
    path = tmp_path / "web.yaml"
    path.write_text(SHADOWED)
    result = bulkhead("lint", "-f", tmp_path)
    assert result.returncode == 3, result.stderr
    assert result.stdout == (
        f"{path}:17: spec.ingress[2]: unreachable-rule: no packet reaches this rule: all that it matches is decided before it, by rule 0 of "
        "this policy\n")
    (finding,) = json.loads(bulkhead("lint", "-f", path, "-o", "json").stdout)
    assert (finding["code"], finding["line"], finding["name"]) == ("unreachable-rule", 17, "web")
    assert bulkhead("lint", "-f", path, "--ignore", "unreachable-rule").returncode == 0
    wrong = bulkhead("lint", "-f", path, "--ignore", "nonsense")
    assert wrong.returncode == 2 and "unreachable-rule" in wrong.stderr
    path.write_text(SHADOWED.replace("action: Deny", "action: Dany"))
    wrong = bulkhead("lint", "-f", path)
    assert wrong.returncode == 1 and f"{path}:16" in wrong.stderr and wrong.stdout == ""


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_hold(name, tmp_path):
    report = tmp_path / "report.xml"
    result = bulkhead("verify", "-f", ROOT / "Examples" / name, "--junit", report, "--require-coverage")
    assert result.returncode == 0, result.stdout + result.stderr
    suites = ElementTree.parse(report).getroot()
    assert suites.get("failures") == "0" and int(suites.get("tests")) == len(list(suites.iter("testcase"))) > 5
    count = suites.get("tests")
    assert result.stdout == f"{count} of {count} hold\n"


def test_what_does_not_hold_is_told_with_its_line_and_reported(tmp_path):
    for file in (ROOT / "Examples/pci-zone").iterdir():
        (tmp_path / file.name).write_text(file.read_text().replace("ports: [8443]", "ports: [8444]"))
    report = tmp_path / "report.xml"
    result = bulkhead("verify", "-f", tmp_path, "--junit", report)
    assert result.returncode == 3
    line = next(one for one in result.stdout.splitlines() if "the checkout asks for tokens" in one)
    number = next(index for index, one in enumerate((tmp_path / "tests.yaml").read_text().splitlines(), 1) if "asks for tokens" in one)
    assert line.startswith(f"{tmp_path}/tests.yaml:{number}: pci-zone: ")
    assert "tcp/8443 is denied (ingress of cards/tokenizer: rule 3 of GlobalNetworkPolicy compliance.pci-in in tier compliance)" in line
    (failure,) = ElementTree.parse(report).getroot().iter("failure")
    assert "tcp/8443 is denied" in failure.get("message")
    assert bulkhead("verify", "-f", tmp_path / "policies.yaml").returncode == 1, "nothing to verify"


def test_apply_passes_over_policy_tests_and_admission_warns(lab, tmp_path):
    folder = ROOT / "Examples/tenants"
    result = lab.bulkhead("apply", "-f", folder / "policies.yaml", "-f", folder / "tests.yaml", "--wait", "0")
    assert "globalnetworkpolicy/tenants created" in result.stdout and "for bulkhead verify" in result.stderr
    shadowed = policy("shadowed", ingress=[{"action": "Allow"}, {"action": "Deny", "protocol": "TCP"}])
    result = lab.bulkhead("apply", "-f", "-", "--wait", "0", input=json.dumps(shadowed))
    assert "Warning: spec.ingress[1]: no packet reaches this rule" in result.stderr
