"""python3-kubernetes, the client library of most tools in Python, over every kind that it and we know."""

import pytest
from kubernetes import client as kubernetes
from kubernetes import config, watch
from kubernetes.client.rest import ApiException

from lab import inside

GROUP = ("projectcalico.org", "v3")


class Inside:
    """Makes every connection of the library in the laboratory's host namespace: sockets stay where they were made."""

    def __init__(self, lab, api):
        self.lab, self.call = lab, api.rest_client.request
        api.rest_client.request = self.request

    def request(self, *words, **options):
        with inside(self.lab.host):
            return self.call(*words, **options)


@pytest.fixture
def api(lab):
    made = config.new_client_from_config(lab.kubeconfig)
    Inside(lab, made)
    return made


CORE = {
    "service_account": dict(kind="ServiceAccount", secrets=[{"name": "key"}]),
    "service": dict(kind="Service", spec={"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}),
    "config_map": dict(kind="ConfigMap", data={"a": "1"}),
    "secret": dict(kind="Secret", stringData={"password": "x"}),
    "event": dict(kind="Event", involvedObject={"kind": "NetworkPolicy", "name": "web", "namespace": "shop"}, reason="Seen", message="seen",
                  type="Normal", lastTimestamp="2100-01-01T00:00:00Z"),
}
OTHER = {
    "network_policy": ("NetworkingV1Api", dict(
        apiVersion="networking.k8s.io/v1", kind="NetworkPolicy",
        spec={"podSelector": {"matchLabels": {"app": "web"}}, "ingress": [{"from": [{"podSelector": {}}], "ports": [{"port": 80}]}]})),
    "endpoint_slice": ("DiscoveryV1Api", dict(
        apiVersion="discovery.k8s.io/v1", kind="EndpointSlice", addressType="IPv4", ports=[{"name": "http", "port": 80, "protocol": "TCP"}],
        endpoints=[{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}])),
}


def life(interface, kind, manifest, namespace):
    """Creates, reads, lists, replaces, patches, watches and deletes by the library's typed calls."""
    def call(verb, *words, **options):
        return getattr(interface, f"{verb}_namespaced_{kind}")(*words, **options)

    name = "one"
    made = call("create", namespace, {"apiVersion": "v1", "metadata": {"name": name}, **manifest})
    assert made.metadata.name == name and made.metadata.uid and made.metadata.creation_timestamp.tzinfo
    read = call("read", name, namespace)
    assert read == made and read.kind == manifest["kind"]
    read.metadata.labels = {"team": "red"}
    replaced = call("replace", name, namespace, read)
    assert replaced.metadata.labels == {"team": "red"}
    with pytest.raises(ApiException) as refused:
        call("replace", name, namespace, made)
    assert refused.value.status == 409
    patched = call("patch", name, namespace, {"metadata": {"annotations": {"seen": "yes"}}})
    assert patched.metadata.annotations == {"seen": "yes"}
    listed = call("list", namespace, label_selector="team=red")
    assert [one.metadata.name for one in listed.items] == [name] and type(listed.items[0]) is type(made)
    call("delete", name, namespace)
    types, watching = [], watch.Watch()
    for event in watching.stream(getattr(interface, f"list_namespaced_{kind}"), namespace, resource_version=made.metadata.resource_version,
                                 timeout_seconds=5):
        assert type(event["object"]) is type(made) and event["object"].metadata.name == name
        types.append(event["type"])
        if event["type"] == "DELETED":
            break
    assert types[-1] == "DELETED" and types[0] == "MODIFIED" and set(types) == {"MODIFIED", "DELETED"}
    with pytest.raises(ApiException) as missing:
        call("read", name, namespace)
    assert missing.value.status == 404 and '"reason":"NotFound"' in missing.value.body


def test_typed_calls_on_built_in_kinds(api):
    core = kubernetes.CoreV1Api(api)
    core.create_namespace(kubernetes.V1Namespace(metadata=kubernetes.V1ObjectMeta(name="shop", labels={"team": "red"})))
    assert "shop" in {one.metadata.name for one in core.list_namespace().items}
    for kind, manifest in CORE.items():
        life(core, kind, manifest, "shop")
    for kind, (interface, manifest) in OTHER.items():
        life(getattr(kubernetes, interface)(api), kind, manifest, "shop")
    core.delete_namespace("shop")
    with pytest.raises(ApiException):
        core.read_namespace("shop")
    groups = {group.name for group in kubernetes.ApisApi(api).get_api_versions().groups}
    assert groups >= {"projectcalico.org", "networking.k8s.io", "discovery.k8s.io"}
    assert int(kubernetes.VersionApi(api).get_code().minor) >= 30


def test_custom_objects(api):
    custom = kubernetes.CustomObjectsApi(api)
    tier = custom.create_cluster_custom_object(*GROUP, "tiers", {"apiVersion": "/".join(GROUP), "kind": "Tier", "metadata": {"name": "site"}, "spec": {"order": 10}})
    for plural, kind, spec in (
            ("globalnetworkpolicies", "GlobalNetworkPolicy", {"tier": "site", "selector": "all()"}),
            ("stagedglobalnetworkpolicies", "StagedGlobalNetworkPolicy", {"tier": "site", "selector": "all()"}),
            ("globalnetworksets", "GlobalNetworkSet", {"nets": ["10.0.0.0/8"]}), ("profiles", "Profile", {"labelsToApply": {"a": "b"}})):
        made = custom.create_cluster_custom_object(*GROUP, plural, {"apiVersion": "/".join(GROUP), "kind": kind, "metadata": {"name": "site.one" if "Policy" in kind else "one"}, "spec": spec})
        assert custom.get_cluster_custom_object(*GROUP, plural, made["metadata"]["name"])["spec"].items() >= spec.items()
        assert len(custom.list_cluster_custom_object(*GROUP, plural)["items"]) == 1
        custom.patch_cluster_custom_object(*GROUP, plural, made["metadata"]["name"], {"metadata": {"labels": {"x": "y"}}})
        custom.delete_cluster_custom_object(*GROUP, plural, made["metadata"]["name"])
    events = watch.Watch().stream(custom.list_cluster_custom_object, *GROUP, "profiles", resource_version=tier["metadata"]["resourceVersion"], timeout_seconds=5)
    assert [next(events)["type"] for _ in range(3)] == ["ADDED", "MODIFIED", "DELETED"]
    with pytest.raises(ApiException) as refused:
        custom.create_cluster_custom_object(*GROUP, "tiers", {"apiVersion": "/".join(GROUP), "kind": "Tier", "metadata": {"name": "bad"}, "spec": {"colour": 1}})
    assert refused.value.status == 400 and "spec.colour" in refused.value.body
