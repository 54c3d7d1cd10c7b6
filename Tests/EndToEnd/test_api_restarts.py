"""Informers of python3-kubernetes and `kubectl get -w` over many restarts: no event is missed, none comes twice."""

import json
import os
import subprocess
import threading
import time

from kubernetes import client as kubernetes
from kubernetes import config, watch

from lab import ROOT, eventually, policy
from test_api_python import GROUP, Inside
from test_api_watch import POLICIES, Client

KUBECTL = os.environ.get("KUBECTL", str(ROOT / ".build/tools/bin/kubectl"))
RESTARTS = int(os.environ.get("BULKHEAD_RESTARTS", "5"))
OBJECTS = 6


class Informer(threading.Thread):
    """Lists once and watches from there; after every end, whatever its cause, it goes on at the last revision it saw."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        api = config.new_client_from_config(lab.kubeconfig)
        Inside(lab, api)
        self.custom, self.events, self.ends, self.stopping, self.gone = kubernetes.CustomObjectsApi(api), [], 0, False, None
        listed = self.custom.list_namespaced_custom_object(*GROUP, "default", "networkpolicies")
        self.revision = listed["metadata"]["resourceVersion"]

    def run(self):
        while not self.stopping:
            try:
                for event in watch.Watch().stream(
                        self.custom.list_namespaced_custom_object, *GROUP, "default", "networkpolicies",
                        resource_version=self.revision, timeout_seconds=30):
                    metadata = event["object"]["metadata"]
                    self.revision = metadata["resourceVersion"]
                    self.events.append((event["type"], metadata["name"], int(self.revision)))
            except kubernetes.rest.ApiException as error:
                if error.status == 410:
                    self.gone = error
                    return
            except Exception:  # noqa: BLE001: a server that is away shows in many ways
                pass
            self.ends += 1
            time.sleep(0.05)


class Follower:
    """`kubectl get -w`, begun anew after each restart: it ends with its connection, as people see it."""

    def __init__(self, lab):
        self.lab, self.seen = lab, set()

    def start(self):
        # Not `get -w`'s own list and watch of one command: every restart begins both anew.
        self.process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.lab.host}", KUBECTL, "--kubeconfig", self.lab.kubeconfig, "--cache-dir",
             str(self.lab.folder / "cache"), "get", "networkpolicies.projectcalico.org", "-w", "--no-headers", "-o", "name"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self.read, args=(self.process.stdout,), daemon=True).start()

    def read(self, lines):
        for line in lines:
            self.seen.add(line.strip().rsplit("/", 1)[-1])

    def stop(self):
        self.process.kill()
        self.process.wait()


def test_informers_over_restarts(lab):
    client = Client(lab)
    informers = [Informer(lab) for _ in range(2)]
    for informer in informers:
        informer.start()
    follower = Follower(lab)
    written = []
    for restart in range(RESTARTS):
        follower.start()
        for number in range(OBJECTS):
            name = f"p{restart}-{number}"
            status, made = client.json("POST", POLICIES, policy(name, "app == 'web'"))
            assert status == 201
            written.append(("ADDED", name, int(made["metadata"]["resourceVersion"])))
            status, changed = client.json("PATCH", f"{POLICIES}/{name}", {"spec": {"order": number}}, content_type="application/merge-patch+json")
            assert status == 200
            written.append(("MODIFIED", name, int(changed["metadata"]["resourceVersion"])))
            if number % 2 == 0:
                status, gone = client.json("DELETE", f"{POLICIES}/{name}")
                written.append(("DELETED", name, int(gone["metadata"]["resourceVersion"])))
        names = {name for kind, name, _ in written if name.startswith(f"p{restart}-") and int(name.split("-")[1]) % 2}
        eventually(lambda: names <= follower.seen, 20, what=f"kubectl get -w shows {names}, saw {len(follower.seen)}")
        # Half of the time it is killed, and half of those kills hit a watch in the middle of a delivery.
        (lab.kill if restart % 2 else lab.stop)()
        follower.stop()
        lab.up()
    last = written[-1][2]
    for informer in informers:
        eventually(lambda: informer.gone or informer.events and informer.events[-1][2] >= last, 30,
                   what=f"revision {last}, saw {informer.events[-1:]}")
        informer.stopping = True
        assert informer.gone is None, informer.gone
        revisions = [revision for _, _, revision in informer.events]
        assert revisions == sorted(set(revisions)), "an event came twice or out of order"
        # The server's own statuses are events too: what was written is all there, in order, and the rest are modifications.
        wanted = set(written)
        assert [event for event in informer.events if event in wanted] == written
        assert {kind for kind, _, _ in set(informer.events) - wanted} <= {"MODIFIED"}
        assert informer.ends >= RESTARTS
    print(f"{RESTARTS} restarts, {len(written)} writes, {len(informers)} informers: {[len(one.events) for one in informers]} events each, none missed or repeated")
