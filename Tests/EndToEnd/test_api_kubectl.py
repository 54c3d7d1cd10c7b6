"""The API's conventions with kubectl 1.37 as the judge."""

import json
import os
import subprocess
import time

import pytest

from lab import BULKHEAD, ROOT, policy, run

KUBECTL = os.environ.get("KUBECTL", str(ROOT / ".build/tools/bin/kubectl"))


@pytest.fixture
def kubectl(lab):
    """Runs kubectl in the laboratory's host namespace, as the administrator or by another kubeconfig."""
    def call(*words, check=True, input=None, kubeconfig=None):
        return lab.nsenter(KUBECTL, "--kubeconfig", kubeconfig or lab.kubeconfig, "--cache-dir", lab.folder / "cache", *words,
                           check=check, input=input)
    call.lab = lab
    return call


def get(kubectl, *words):
    return json.loads(kubectl("get", *words, "--show-managed-fields", "-o", "json").stdout)


def test_server_side_apply(kubectl):
    manifest = policy("site", "app == 'web'", order=5)
    manifest["metadata"]["labels"] = {"team": "red", "stage": "one"}
    apply = ("apply", "--server-side", "-f", "-")
    assert "serverside-applied" in kubectl(*apply, "--field-manager=git", input=json.dumps(manifest)).stdout
    manifest["spec"]["order"] = 6
    refused = kubectl(*apply, "--field-manager=hand", input=json.dumps(manifest), check=False)
    assert refused.returncode == 1
    assert 'conflict with "git": .spec.order' in refused.stderr and "--force-conflicts" in refused.stderr, refused.stderr
    kubectl(*apply, "--field-manager=hand", "--force-conflicts", input=json.dumps(manifest))
    stored = get(kubectl, "networkpolicies.projectcalico.org", "site")
    assert stored["spec"]["order"] == 6
    assert {entry["manager"] for entry in stored["metadata"]["managedFields"]} == {"git", "hand"}
    # Each leaves the label out: with its last owner it goes.
    del manifest["metadata"]["labels"]["stage"]
    kubectl(*apply, "--field-manager=hand", input=json.dumps(manifest))
    assert get(kubectl, "networkpolicies.projectcalico.org", "site")["metadata"]["labels"] == {"team": "red", "stage": "one"}
    kubectl(*apply, "--field-manager=git", "--force-conflicts", input=json.dumps(manifest))
    assert get(kubectl, "networkpolicies.projectcalico.org", "site")["metadata"]["labels"] == {"team": "red"}


SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "ports"},
           "spec": {"ports": [{"name": "http", "port": 80}, {"name": "https", "port": 443}]}}


@pytest.mark.parametrize("side", [[], ["--server-side"]])
def test_lists_with_keys_are_applied_element_by_element(kubectl, side):
    """kubectl makes its patch of what OpenAPI says of lists: a port that is left out has to go, and one that stays to stay."""
    service = json.loads(json.dumps(SERVICE))
    apply = lambda: kubectl("apply", *side, "-f", "-", input=json.dumps(service)).stdout
    ports = lambda: [port["port"] for port in get(kubectl, "service", "ports")["spec"]["ports"]]
    apply()
    version = get(kubectl, "service", "ports")["metadata"]["resourceVersion"]
    apply()
    assert get(kubectl, "service", "ports")["metadata"]["resourceVersion"] == version and ports() == [80, 443]
    del service["spec"]["ports"][1]
    apply()
    assert ports() == [80]
    # What another program adds stays.
    kubectl("patch", "service", "ports", "-p", json.dumps({"spec": {"ports": [{"name": "more", "port": 8080}]}}))
    service["spec"]["ports"][0]["targetPort"] = 8000
    apply()
    assert sorted(ports()) == [80, 8080]


def test_events_of_both_groups(kubectl):
    """client-go's recorder writes events.k8s.io; `kubectl get events` and `describe` read the core group."""
    kubectl("create", "configmap", "subject", "--from-literal=a=b")
    subject = get(kubectl, "configmap", "subject")["metadata"]
    event = {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"generateName": "subject-"}, "eventTime": "2026-01-02T03:04:05.000006Z",
             "reportingController": "example.com/tool", "reportingInstance": "tool-1", "action": "Checked", "reason": "Slow", "type": "Warning",
             "regarding": {"apiVersion": "v1", "kind": "ConfigMap", "name": "subject", "namespace": "default", "uid": subject["uid"]},
             "note": "It took long."}
    kubectl("create", "-f", "-", input=json.dumps(event))
    assert "It took long." in kubectl("get", "events").stdout and "Slow" in kubectl("get", "events.v1.events.k8s.io").stdout
    assert "It took long." in kubectl("describe", "configmap", "subject").stdout
    assert "It took long." in kubectl("events", "--for", "configmap/subject").stdout
    assert "It took long." in kubectl.lab.bulkhead("describe", "configmap", "subject").stdout


def test_from_client_side_to_server_side(kubectl):
    manifest = policy("moved", "app == 'web'", order=5)
    kubectl("apply", "-f", "-", input=json.dumps(manifest))
    del manifest["spec"]["order"]
    # kubectl hands what it owned by client-side apply over to server-side apply; what is left out goes.
    kubectl("apply", "--server-side", "-f", "-", input=json.dumps(manifest))
    assert "order" not in get(kubectl, "networkpolicies.projectcalico.org", "moved")["spec"]


def test_dry_run_validation_and_generated_names(kubectl):
    manifest = policy("dry", "app == 'web'")
    assert "dry run" in kubectl("apply", "-f", "-", "--dry-run=server", input=json.dumps(manifest)).stdout
    assert kubectl("get", "networkpolicies.projectcalico.org", "dry", check=False).returncode == 1
    manifest["spec"]["colour"] = "red"
    warned = kubectl("apply", "--validate=warn", "-f", "-", input=json.dumps(manifest))
    assert 'unknown field "spec.colour"' in warned.stderr
    refused = kubectl("apply", "--validate=strict", "-f", "-", input=json.dumps(manifest), check=False)
    assert refused.returncode == 1 and "spec.colour" in refused.stderr
    del manifest["spec"]["colour"], manifest["metadata"]["name"]
    manifest["metadata"]["generateName"] = "made-"
    names = {kubectl("create", "-f", "-", "-o", "name", input=json.dumps(manifest)).stdout for _ in range(3)}
    assert len(names) == 3 and all("/made-" in name for name in names)
    kubectl("patch", "networkpolicies.projectcalico.org", "dry", "--type=json", "-p", '[{"op":"add","path":"/spec/order","value":4}]')
    assert get(kubectl, "networkpolicies.projectcalico.org", "dry")["spec"]["order"] == 4
    patched = kubectl("patch", "networkpolicies.projectcalico.org", "dry", "--subresource=status", "--type=merge", "-p",
                      '{"status":{"a":1}}', "-o", "json")
    # The server itself writes the status of policies, and may have by the next look.
    assert json.loads(patched.stdout)["status"]["a"] == 1


def test_pages_and_selectors(kubectl):
    items = [policy(f"p{number:03}", "app == 'web'") for number in range(23)]
    for number, item in enumerate(items):
        item["metadata"]["labels"] = {"parity": "odd" if number % 2 else "even"}
    kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    names = [item["metadata"]["name"] for item in get(kubectl, "networkpolicies.projectcalico.org", "--chunk-size=5")["items"]]
    assert names == [f"p{number:03}" for number in range(23)]
    odd = get(kubectl, "networkpolicies.projectcalico.org", "-l", "parity in (odd)", "--chunk-size=3")["items"]
    assert len(odd) == 11
    one = get(kubectl, "networkpolicies.projectcalico.org", "--field-selector=metadata.name=p003")["items"]
    assert [item["metadata"]["name"] for item in one] == ["p003"]
    wide = kubectl("get", "networkpolicies.projectcalico.org", "-o", "wide").stdout
    assert "INGRESS" in wide.splitlines()[0]
    kubectl("delete", "networkpolicies.projectcalico.org", "-l", "parity=odd")
    assert len(get(kubectl, "networkpolicies.projectcalico.org")["items"]) == 12
    kubectl("delete", "networkpolicies.projectcalico.org", "--all")
    assert get(kubectl, "networkpolicies.projectcalico.org")["items"] == []


def test_deletion_waits_for_finalizers_and_namespaces_end(kubectl):
    kubectl("create", "namespace", "shop")
    held = policy("held", "app == 'web'", namespace="shop")
    held["metadata"]["finalizers"] = ["example.org/held"]
    kubectl("apply", "-f", "-", input=json.dumps(held))
    kubectl("delete", "namespace", "shop", "--wait=false")
    assert get(kubectl, "namespace", "shop")["status"]["phase"] == "Terminating"
    late = policy("late", "app == 'web'", namespace="shop")
    assert "being terminated" in kubectl("apply", "-f", "-", input=json.dumps(late), check=False).stderr
    waiting = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{kubectl.lab.host}", KUBECTL, "--kubeconfig", str(kubectl.lab.kubeconfig),
         "wait", "--for=delete", "namespace/shop", "--timeout=20s"])
    time.sleep(0.5)
    kubectl("patch", "networkpolicies.projectcalico.org", "held", "-n", "shop", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert waiting.wait(20) == 0
    assert "NotFound" in kubectl("get", "namespace", "shop", check=False).stderr


def test_roles(kubectl):
    lab = kubectl.lab
    configs = {}
    for role, options in (("viewer", ()), ("author", ("--token",))):
        configs[role] = str(lab.folder / f"{role}.kubeconfig")
        run(BULKHEAD, "user", "add", f"a-{role}", "--role", role, "--state", lab.state, "--output", configs[role], *options)
        assert os.stat(configs[role]).st_mode & 0o777 == 0o600
    manifest = json.dumps(policy("seen", "app == 'web'"))
    refused = kubectl("apply", "-f", "-", input=manifest, kubeconfig=configs["viewer"], check=False)
    assert refused.returncode == 1 and "ask for the role author or admin" in refused.stderr, refused.stderr
    kubectl("apply", "-f", "-", input=manifest, kubeconfig=configs["author"])
    assert "seen" in kubectl("get", "networkpolicies.projectcalico.org", kubeconfig=configs["viewer"]).stdout
    assert "a-viewer" in kubectl("auth", "whoami", kubeconfig=configs["viewer"]).stdout
    can = lambda role, *words: kubectl("auth", "can-i", *words, kubeconfig=configs[role], check=False).stdout.strip()
    assert can("viewer", "list", "tiers") == "yes" and can("author", "create", "cnp") == "yes"
    assert can("viewer", "create", "cnp") == "no - the role viewer may not" and can("author", "get", "secrets").startswith("no")
    assert "secrets" not in can("viewer", "--list")
    # Whoever tries what another may do does not do it with his own rights.
    other = kubectl("delete", "cnp", "seen", "--as", "a-viewer", check=False)
    assert other.returncode == 1 and "acting as another user" in other.stderr, other.stderr
    assert "a-viewer" in run(BULKHEAD, "user", "list", "--state", lab.state).stdout
    run(BULKHEAD, "user", "remove", "a-viewer", "--state", lab.state)
    assert kubectl("get", "tiers", kubeconfig=configs["viewer"], check=False).returncode == 1
    # The same person by our own command line.
    assert "seen" in lab.nsenter(BULKHEAD, "get", "networkpolicies", "--kubeconfig", configs["author"]).stdout


def test_backup_and_restore(kubectl):
    lab = kubectl.lab
    kubectl("apply", "-f", "-", input=json.dumps(policy("kept", "app == 'web'")))
    copy = lab.folder / "copy"
    assert "backup of" in run(BULKHEAD, "backup", copy, "--state", lab.state).stdout
    kubectl("delete", "networkpolicies.projectcalico.org", "kept")
    refused = run(BULKHEAD, "restore", copy, "--state", lab.state, check=False)
    assert refused.returncode == 1 and "stop `bulkhead up` first" in refused.stderr
    lab.stop()
    assert "restored" in run(BULKHEAD, "restore", copy, "--state", lab.state).stdout
    lab.up()
    assert "kept" in kubectl("get", "networkpolicies.projectcalico.org").stdout


def test_errors_say_it_once(kubectl):
    for spec, text in (({"doNotTrack": True}, "not enforced yet: spec.doNotTrack"),):
        manifest = policy("refused", kind="GlobalNetworkPolicy", **spec)
        for command in ("create", "apply"):
            error = kubectl(command, "-f", "-", input=json.dumps(manifest), check=False).stderr
            assert error.count("not enforced yet") == 1 and text in error, error
    manifest = json.dumps(policy("huge", "app == 'web'", order=5)).replace('"order": 5', '"order": 1e20')
    kubectl("create", "-f", "-", input=manifest)
    assert get(kubectl, "networkpolicies.projectcalico.org", "huge")["spec"]["order"] == 1e20
    assert "huge" in kubectl("get", "networkpolicies.projectcalico.org").stdout
