"""kubectl 1.37, unmodified, with the kubeconfig that `up` writes."""

import json
import os
import subprocess
import threading
import time

import pytest

from lab import ROOT, eventually, policy, run

KUBECTL = os.environ.get("KUBECTL", str(ROOT / ".build/tools/bin/kubectl"))


@pytest.fixture
def kubectl(lab):
    """Runs kubectl in the laboratory's host namespace."""
    def call(*words, check=True, input=None, environment=None):
        return lab.nsenter(KUBECTL, "--kubeconfig", lab.kubeconfig, "--cache-dir", lab.folder / "cache", *words,
                           check=check, input=input, env={**os.environ, **(environment or {})})
    call.lab = lab
    return call


def test_discovery(kubectl):
    text = kubectl("api-resources").stdout
    for name in ("namespaces", "networkpolicies", "globalnetworkpolicies", "tiers", "workloadendpoints"):
        assert name in text
    assert "projectcalico.org/v3" in kubectl("api-versions").stdout
    assert "Server Version" in kubectl("version").stdout


def test_the_life_of_an_object(kubectl):
    kubectl("create", "namespace", "shop")
    assert json.loads(kubectl("get", "ns", "shop", "-o", "json").stdout)["metadata"]["labels"]["kubernetes.io/metadata.name"] == "shop"
    kubectl("label", "namespace", "shop", "team=red")
    manifest = policy("web", "app == 'web'", "shop", order=5, ingress=[{"action": "Allow", "protocol": "TCP", "destination": {"ports": [80, "8000:8100"]}}])
    assert "created" in kubectl("apply", "-f", "-", input=json.dumps(manifest)).stdout
    assert "unchanged" in kubectl("apply", "-f", "-", input=json.dumps(manifest)).stdout
    manifest["spec"]["order"] = 6
    assert "configured" in kubectl("apply", "-f", "-", input=json.dumps(manifest)).stdout
    stored = json.loads(kubectl("get", "networkpolicies.projectcalico.org", "web", "-n", "shop", "-o", "json").stdout)
    assert stored["spec"]["order"] == 6 and stored["spec"]["types"] == ["Ingress"] and stored["spec"]["tier"] == "default"
    del manifest["spec"]["order"]
    kubectl("apply", "-f", "-", input=json.dumps(manifest))
    assert "order" not in json.loads(kubectl("get", "networkpolicies.projectcalico.org", "web", "-n", "shop", "-o", "json").stdout)["spec"]
    editor = kubectl.lab.folder / "editor"
    editor.write_text("#!/bin/sh\nsed -i \"s/app == 'web'/app == 'site'/\" \"$1\"\n")
    editor.chmod(0o755)
    kubectl("edit", "networkpolicies.projectcalico.org", "web", "-n", "shop", environment={"KUBE_EDITOR": str(editor)})
    assert "site" in kubectl("get", "networkpolicies.projectcalico.org", "web", "-n", "shop", "-o", "yaml").stdout
    assert "web" in kubectl("get", "networkpolicies.projectcalico.org", "-A").stdout
    assert "nothing" not in kubectl("describe", "networkpolicies.projectcalico.org", "web", "-n", "shop").stdout
    edited = kubectl("edit", "namespace", "shop", environment={"KUBE_EDITOR": "sed -i s/team:.red/team:\\ blue/"})
    assert "edited" in edited.stdout
    kubectl("delete", "networkpolicies.projectcalico.org", "web", "-n", "shop")
    assert kubectl("get", "networkpolicies.projectcalico.org", "web", "-n", "shop", check=False).returncode == 1
    kubectl("delete", "namespace", "shop", "--timeout=10s")
    assert "NotFound" in kubectl("get", "namespace", "shop", check=False).stderr


def test_watch(kubectl):
    process = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{kubectl.lab.host}", KUBECTL, "--kubeconfig", kubectl.lab.kubeconfig,
         "get", "globalnetworkpolicies", "-w", "--output-watch-events", "-o", "json"], stdout=subprocess.PIPE, text=True)
    seen, decoder = [], json.JSONDecoder()

    def read():
        text = ""
        for line in process.stdout:
            text += line
            try:
                while text.strip():
                    value, end = decoder.raw_decode(text.lstrip())
                    text = text.lstrip()[end:]
                    seen.append((value["type"], value["object"]["metadata"]["name"]))
            except ValueError:
                continue

    threading.Thread(target=read, daemon=True).start()
    time.sleep(1)
    manifest = policy("seen", kind="GlobalNetworkPolicy", types=["Ingress"])
    kubectl("apply", "-f", "-", input=json.dumps(manifest))
    manifest["spec"]["order"] = 3
    kubectl("apply", "-f", "-", input=json.dumps(manifest))
    kubectl("delete", "globalnetworkpolicy", "seen")
    # The server's own status of the policy is a modification too, whenever it comes.
    eventually(lambda: [event for number, event in enumerate(seen) if event != (seen[number - 1] if number else None)]
               == [("ADDED", "seen"), ("MODIFIED", "seen"), ("DELETED", "seen")], 5, what=f"three events, saw {seen}")
    process.kill()


def test_explain(kubectl):
    text = kubectl("explain", "globalnetworkpolicy.spec").stdout
    assert "selector" in text and "FIELDS" in text
    assert "protocol" in kubectl("explain", "networkpolicies.spec.ingress", "--api-version=projectcalico.org/v3").stdout
    assert "defaultAction" in kubectl("explain", "tier.spec").stdout


@pytest.mark.parametrize("spec, path", [
    ({"ingress": [{"action": "Allow", "http": {"methods": ["GET"]}}]}, "not enforced yet: spec.ingress[0].http"),
    ({"doNotTrack": True}, "not enforced yet: spec.doNotTrack"),
    ({"ingress": [{"action": "Allow", "source": {"domains": ["example.com"]}}]}, "not enforced yet: spec.ingress[0].source.domains"),
    ({"applyOnForward": True}, "not enforced yet: spec.applyOnForward"),
    ({"ingress": [{"action": "Allow", "protocol": "TCP", "destination": {"ports": [70000]}}]}, "spec.ingress[0].destination.ports[0]"),
    ({"ingress": [{"action": "Allow", "source": {"selector": "app = 'x'"}}]}, "spec.ingress[0].source.selector"),
    ({"ingress": [{"action": "allow"}]}, "spec.ingress[0].action"),
    ({"ingress": [{"action": "Allow", "source": {"nets": ["10.0.0.0/33"]}}]}, "spec.ingress[0].source.nets[0]"),
    ({"colour": "red"}, "spec.colour"),
    ({"tier": "missing"}, "spec.tier"),
])
def test_what_cannot_be_enforced_is_refused_by_its_path(kubectl, spec, path):
    manifest = policy("refused", kind="GlobalNetworkPolicy", **spec)
    for command in (["create"], ["apply"]):
        result = kubectl(*command, "-f", "-", input=json.dumps(manifest), check=False)
        assert result.returncode == 1 and path in result.stderr, result.stderr
    assert kubectl("get", "globalnetworkpolicy", "refused", check=False).returncode == 1
    result = kubectl.lab.bulkhead("apply", "-f", "-", input=json.dumps(manifest), check=False)
    assert result.returncode == 1 and path in result.stderr, result.stderr


def test_a_change_by_kubectl_is_enforced(kubectl):
    lab = kubectl.lab
    server, client = lab.workload("server", 10), lab.workload("client", 11)
    server.policed({"app": "server"})
    client.policed({"app": "client"})
    server.serve(80)
    assert client.reaches(lab.v4(10), 80)
    kubectl("apply", "-f", "-", input=json.dumps(policy("closed", "app == 'server'", ingress=[])))
    eventually(lambda: not client.reaches(lab.v4(10), 80, timeout=0.2), 3, what="denied")
    kubectl("delete", "networkpolicies.projectcalico.org", "closed")
    eventually(lambda: client.reaches(lab.v4(10), 80), 3, what="allowed again")
