"""Laboratories of one shape for measurements of the packet path: workload, veth, router, veth, workload."""

import concurrent.futures

from probe import MERGE, Connection, eventually, run
from lab import Lab, policy

LEFT, RIGHT = "10.8.0.10", "10.8.0.11"
PROJECT = "/apis/projectcalico.org/v3"
NAMESPACED = f"{PROJECT}/namespaces/lab"
POLICIES, RULES, SETS, MEMBERS, APPS = 1000, 10, 1000, 20, 100
# The right end is of the first application: every APPS-th policy is for it.
APPLYING = POLICIES // APPS
PROBE_PORT = 9000


def member(number):
    """An address of a set; none is an end's."""
    return f"10.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"


def which(number, step):
    """The set that a policy's rule names."""
    return (number + step * APPS) % SETS


def endpoint(name, address, labels, interface):
    return {"apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint", "metadata": {"name": name, "namespace": "lab", "labels": labels},
            "spec": {"interfaceName": interface, "ipNetworks": [address + "/32"]}}


class Bare:
    """Nothing between the two ends but the router."""

    process = None
    # Whether the time of packets is spent where they are sent and received.
    in_kernel = True

    def __init__(self, stack):
        self.lab = Lab()
        stack.callback(self.lab.close)
        self.workloads = [self.lab.workload("left", 10), self.lab.workload("right", 11)]
        self.left, self.right = (workload.namespace for workload in self.workloads)
        self.prepare()

    def prepare(self):
        pass

    def check(self):
        """Traffic passes before it is measured."""
        left, right = self.workloads
        right.serve(7)
        eventually(lambda: left.reaches(RIGHT, 7), 60, what=f"a connection from left to right ({type(self).__name__})")


class Policed(Bare):
    def __init__(self, stack, ends, objects=True):
        self.ends, self.objects = ends, objects
        self.shape = f"{ends} workloads, {POLICIES:,} policies of {RULES} rules" if objects else f"{ends} workloads, no policy"
        super().__init__(stack)

    def prepare(self):
        self.lab.up()
        self.process = self.lab.process
        parts = [[("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lab"}})]]
        if self.objects:
            parts.append([(f"{NAMESPACED}/networksets", {
                "apiVersion": "projectcalico.org/v3", "kind": "NetworkSet",
                "metadata": {"name": f"set-{number}", "namespace": "lab", "labels": {"kind": f"kind-{number}"}},
                "spec": {"nets": [member(number * MEMBERS + each) + "/32" for each in range(MEMBERS)]}}) for number in range(SETS)])
            parts.append([(f"{NAMESPACED}/networkpolicies", policy(
                f"policy-{number}", f"app == 'app-{number % APPS}'", namespace="lab", order=number, types=["Ingress"],
                ingress=self.rules(number, 8000))) for number in range(POLICIES)])
            parts.append([(f"{NAMESPACED}/networkpolicies", policy(
                "last", "all()", namespace="lab", order=POLICIES, types=["Ingress"],
                ingress=[{"action": "Allow", "source": {"nets": [LEFT + "/32"]}}])),
                (f"{NAMESPACED}/networkpolicies", self.probed(True))])
        parts.append([(f"{NAMESPACED}/workloadendpoints", endpoint(name, address, {"app": f"app-{1 - end}"}, workload.interface))
                      for end, (name, address, workload) in enumerate(zip(("left", "right"), (LEFT, RIGHT), self.workloads))][2 - self.ends:])
        self.write(parts)
        self.connection = Connection(self.lab)

    def write(self, parts):
        connections = [Connection(self.lab) for _ in range(4)]
        with concurrent.futures.ThreadPoolExecutor(len(connections)) as pool:
            for objects in parts:
                def some(index):
                    return [connections[index].ask("POST", path, made)[2] for path, made in objects[index::len(connections)]][-1:]
                answers = [answer for found in pool.map(some, range(len(connections))) for answer in found]
        connections[0].enforced(max(answers, key=lambda answer: int(answer["metadata"]["resourceVersion"])))
        for connection in connections:
            connection.close()

    @staticmethod
    def rules(number, port):
        return [{"action": "Allow", "protocol": "TCP", "source": {"selector": f"kind == 'kind-{which(number, step)}'"},
                 "destination": {"ports": [port + step]}} for step in range(RULES)]

    @staticmethod
    def probed(allowed):
        return policy("probe", "app == 'app-0'", namespace="lab", order=-1, types=["Ingress"], ingress=[
            {"action": "Allow" if allowed else "Deny", "protocol": "UDP", "destination": {"ports": [PROBE_PORT]}}])

    def change(self, allowed):
        """Returns the clock immediately before the write."""
        return self.connection.ask("PATCH", f"{NAMESPACED}/networkpolicies/probe", {"spec": self.probed(allowed)["spec"]}, MERGE)[0]
