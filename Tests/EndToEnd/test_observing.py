"""What an operator sees: metrics, health, structured logs, flows by filters, and what a start is going to deny."""

import json
import re
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

import yaml

from lab import Lab, eventually, inside, policy


class Server:
    """The API server's port as a scraper sees it."""

    def __init__(self, lab):
        self.lab = lab
        config = yaml.safe_load(open(lab.kubeconfig))
        self.url = config["clusters"][0]["cluster"]["server"]
        self.token = config["users"][0]["user"]["token"]
        self.context = ssl.create_default_context(cafile=str(lab.state / "ca.crt"))

    def get(self, path, token=None):
        """(status, text)."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"} if token else {})
        with inside(self.lab.host):
            try:
                with urllib.request.urlopen(request, context=self.context, timeout=10) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The sum of the samples that have these labels."""
        total = 0
        for line in self.get("/metrics", self.token)[1].splitlines():
            sample = re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
            if sample and all(f'{key}="{value}"' in (sample[1] or "") for key, value in labels.items()):
                total += float(sample[2])
        return total


def test_metrics_health_and_flows_by_filters():
    lab = Lab()
    try:
        lab.up("--log-format", "json", "--log-level", "debug")
        server = Server(lab)
        for path in ("/livez", "/healthz", "/readyz"):
            assert server.get(path) == (200, "ok")
        assert server.get("/readyz?verbose")[1].endswith("readyz check passed\n")
        assert server.get("/metrics")[0] == 401
        web, client = lab.workload("web", 10), lab.workload("client", 11)
        web.serve(80)
        web.policed({"app": "web"}, "shop")
        client.policed({"app": "client"})
        lab.apply(policy("only-80", "app == 'web'", "shop", ingress=[{"action": "Allow", "protocol": "TCP", "destination": {"ports": [80]}}]))
        for _ in range(5):
            assert client.reaches(lab.v4(10), 80)
        assert not client.reaches(lab.v4(10), 81, timeout=0.2)
        # Each connection once, however many windows it was seen in.
        rule = {"namespace": "shop", "policy": "only-80", "rule": "0", "direction": "ingress"}
        eventually(lambda: server.metric("bulkhead_connections_total", action="allow", **rule) >= 5, what="the connections")
        assert server.metric("bulkhead_connections_total", action="allow", **rule) == 5
        assert server.metric("bulkhead_packets_total", action="allow", **rule) >= 5 * 6
        end = {"namespace": "shop", "policy": "only-80", "rule": "end of tier", "tier": "default"}
        eventually(lambda: server.metric("bulkhead_packets_total", action="deny", **end) >= 1, what="the denial")
        eventually(lambda: server.metric("bulkhead_store_revision") == server.metric("bulkhead_enforced_revision") > 0, what="one revision")
        assert server.metric("bulkhead_enforcement_seconds_count") >= 3 and server.metric("bulkhead_endpoints", policed="true") == 2
        assert server.metric("bulkhead_map_capacity") > 0 and server.metric("bulkhead_requests_total", code="401") == 1

        def flows(*words):
            return [json.loads(line) for line in lab.bulkhead("flows", "-o", "json", *words).stdout.splitlines()]

        everything = flows()
        denied = flows("--action", "deny", "--namespace", "shop", "--since", "1h")
        assert denied and {(flow["dest_port"], flow["action"]) for flow in denied} == {(81, "Deny")}
        assert sum(flow["num_connections_started"] for flow in flows("--port", "tcp/80", "--policy", "shop/only-80", "--action", "allow")) == 5
        assert flows("--label", "app == 'web'") == flows("--workload", "shop/web") and flows("--label", "app == 'none'") == []
        assert flows("--since", "2000-01-01T00:00:00Z", "--label", "app in {'web', 'client'}")[:len(everything)] == everything
        # Labels are those of the time: the history of a workload that has others now, or is gone, is still found by them.
        before = flows("--label", "app == 'client'")
        assert before and "app=client" in before[0]["source_labels"] and "projectcalico.org/namespace=default" in before[0]["source_labels"]
        client.policed({"app": "former"})
        lab.bulkhead("delete", "workloadendpoint", "client", "-n", "default")
        assert flows("--label", "app == 'client'")[:len(before)] == before
        assert "is no selector" in lab.bulkhead("flows", "--label", "app ==", check=False).stderr
        for line in (lab.folder / "log").read_text().splitlines():
            entry = json.loads(line)
            assert {"time", "level", "label", "message"} <= entry.keys(), line
        assert any(entry.get("path") == "/metrics" for entry in map(json.loads, (lab.folder / "log").read_text().splitlines()))
    finally:
        lab.close()


# Opens connections, then asks over the one whose number it reads.
HOLD = """
import socket, sys
held = [socket.create_connection((sys.argv[1], int(port))) for port in sys.argv[2:]]
print("open")
for line in sys.stdin:
    connection = held[int(line)]
    connection.settimeout(1)
    connection.sendall(b"ping")
    try:
        print(connection.recv(4).decode())
    except TimeoutError:
        print("silence")
"""


def test_a_start_says_what_it_is_going_to_deny():
    lab, held = Lab(), None
    try:
        web, client = lab.workload("web", 10), lab.workload("client", 11)
        web.serve(80)
        web.serve(81)
        lab.up()
        web.policed({"app": "web"})
        client.policed({"app": "client"})
        # It may begin nothing itself: else an old connection could be one of its own.
        lab.apply(policy("only-80", "app == 'web'", ingress=[{"action": "Allow", "protocol": "TCP", "destination": {"ports": [80]}}], types=["Ingress", "Egress"]))
        lab.stop()
        lab.release("--all")
        # A process of the workload's own, as it would be.
        held = subprocess.Popen(["nsenter", f"--net=/run/netns/{client.namespace}", sys.executable, "-uc", HOLD, lab.v4(10), "80", "81"],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert held.stdout.readline() == "open\n"

        def answers(index):
            held.stdin.write(f"{index}\n")
            held.stdin.flush()
            return held.stdout.readline() == "ping\n"

        said = lambda: [line for line in (lab.folder / "log").read_text().splitlines() if "default/client" in line and "tcp/8" in line]
        # Observed, nothing is denied, and it is said all the same.
        lab.up("--observe")
        (line,) = said()
        assert re.search(r"observing: default/client +default/web +tcp/81 +the end of tier default, for NetworkPolicy default/only-80", line), line
        assert answers(0) and answers(1)
        # They are policed now: for them nothing begins with the next start, and what is denied was told.
        assert lab.stop() == 0
        lab.up()
        assert said() == [line]
        assert answers(0) and not answers(1)
        log = (lab.folder / "log").read_text()
        assert log.index("will be denied:") < log.rindex("ready: node")
    finally:
        if held:
            held.kill()
            held.wait()
        lab.close()
