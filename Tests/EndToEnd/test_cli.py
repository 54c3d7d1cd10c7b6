"""The command line: files in, tables out, and an error that says what, where and what to do."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import time

import pytest

from lab import BULKHEAD, Lab, eventually, policy, run
from test_examples import commands

OWNER = "bulkhead.io/owner"


@pytest.fixture(scope="module")
def shared():
    """One laboratory for the tests that only talk to the server."""
    lab = Lab()
    try:
        yield lab.up()
    finally:
        lab.close()


@pytest.fixture
def room(shared, request):
    """A namespace of a test's own: (laboratory, its name)."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:50]
    shared.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield shared, name
    shared.bulkhead("delete", "namespace", name, check=False)


def words_of(lab, *words, environment=None, timeout=20, **options):
    """A command as a person types it: the kubeconfig comes from the environment."""
    surroundings = {**os.environ, "KUBECONFIG": lab.kubeconfig, **(environment or {})}
    return subprocess.run(["nsenter", f"--net=/run/netns/{lab.host}", BULKHEAD, *map(str, words)],
                          capture_output=True, text=True, env=surroundings, timeout=timeout, **options)


def test_help_is_100_columns_wide():
    seen = [words for words, _, _ in commands()]
    assert len(seen) > 15, seen
    for words in seen:
        for environment in ({}, {"COLUMNS": "300"}):
            lines = run(BULKHEAD, *words, "--help", env={**os.environ, **environment}).stdout.splitlines()
            assert max(map(len, lines)) <= 100, (words, max(lines, key=len))
        wrong = run(BULKHEAD, *words, "--no-such-option", check=False)
        assert wrong.returncode == 2 and max(map(len, wrong.stderr.splitlines())) <= 100, (words, wrong.stderr)


def test_apply_reads_folders_with_their_folders_and_names_what_it_skips(room, tmp_path):
    lab, namespace = room
    (tmp_path / "deep/er").mkdir(parents=True)
    (tmp_path / "a.yaml").write_text(json.dumps(policy("a", namespace=namespace)))
    (tmp_path / "deep/b.yml").write_text(json.dumps(policy("b", namespace=namespace)))
    (tmp_path / "deep/er/c.JSON").write_text(json.dumps(policy("c", namespace=namespace)))
    (tmp_path / "README.md").write_text("no manifest")
    (tmp_path / ".hidden.yaml").write_text("{")
    (tmp_path / "deep/round").symlink_to(tmp_path)
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere")
    result = lab.bulkhead("apply", "-f", tmp_path)
    assert {f"networkpolicy/{name} created" for name in "abc"} <= set(result.stdout.splitlines())
    assert "in force" in result.stdout
    for text in (f"{tmp_path}/README.md (not .yaml, .yml or .json)", f"{tmp_path}/.hidden.yaml (hidden)",
                 f"{tmp_path}/deep/round (a link to a folder around it)", f"{tmp_path}/gone.yaml (a link to nothing)"):
        assert text in result.stderr, result.stderr
    assert set(lab.bulkhead("apply", "-f", tmp_path).stdout.split()) & {"created", "configured"} == set()
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no objects found" in lab.bulkhead("apply", "-f", empty, check=False).stderr
    assert "no such file or folder" in lab.bulkhead("apply", "-f", tmp_path / "nothere", check=False).stderr


def test_a_refusal_names_file_line_object_and_field_once(room, tmp_path):
    lab, namespace = room
    path = tmp_path / "policies.yaml"
    path.write_text(f"""\
# a comment
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata: {{name: good, namespace: {namespace}}}
spec:
  selector: all()
---
apiVersion: projectcalico.org/v3
kind: NetworkPolicy
metadata:
  name: bad
  namespace: {namespace}
spec:
  selector: all()
  ingress:
  - action: Allow
  - action: Allow
    destination:
      ports: [80]
  - action: Alow
  order: first
""")
    result = lab.bulkhead("apply", "-f", path, check=False)
    assert result.returncode == 1 and "networkpolicy/good created" in result.stdout
    lines = [line for line in result.stderr.splitlines() if line.startswith("bulkhead: ")]
    assert len(lines) == len(set(lines)) >= 2, result.stderr
    for place, field in ((f"{path}:20: networkpolicy/bad: ", "spec.ingress[2].action"), (f"{path}:21: networkpolicy/bad: ", "spec.order")):
        (line,) = [line for line in lines if line.startswith("bulkhead: " + place)]
        assert line.count(field) == 1, line
    path.write_text("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: x\n  name: y\n")
    assert f"{path}:4: \"name\" appears more than once" in lab.bulkhead("apply", "-f", path, check=False).stderr
    path.write_text("apiVersion: v9\nkind: Namespace\n")
    assert f"{path}:1: the kind v9 Namespace is not served" in lab.bulkhead("apply", "-f", path, check=False).stderr


def test_what_is_not_enforced_yet_is_said_once(room):
    lab, namespace = room
    result = lab.bulkhead("apply", "-f", "-", check=False, input=json.dumps(
        policy("http", namespace=namespace, ingress=[{"action": "Allow", "protocol": "TCP", "http": {"methods": ["GET"]}}])))
    assert result.returncode == 1
    assert result.stderr.count("spec.ingress[0].http") == 1 and result.stderr.count("networkpolicy/http") == 1, result.stderr


def test_prune_deletes_what_its_owner_no_longer_has(room, tmp_path):
    lab, namespace = room
    mine = [policy(name, namespace=namespace) for name in ("one", "two")]
    own = ("--owner", namespace)

    def apply(objects, *words, check=True):
        return lab.bulkhead("apply", "-f", "-", *own, *words, check=check, input="\n---\n".join(map(json.dumps, objects)))

    lab.apply(policy("foreign", namespace=namespace), policy("global-" + namespace, kind="GlobalNetworkPolicy"))
    apply([*mine, policy("world-" + namespace, kind="GlobalNetworkPolicy")])
    stored = json.loads(lab.bulkhead("get", "networkpolicy", "one", "-n", namespace, "-o", "json").stdout)
    assert stored["metadata"]["labels"][OWNER] == namespace
    trial = apply(mine[:1], "--prune", "--dry-run=server").stdout
    assert "networkpolicy/two pruned (server dry run)" in trial and "in force" not in trial
    assert lab.bulkhead("get", "networkpolicy", "two", "-n", namespace, "-o", "name").stdout == "networkpolicy/two\n"
    pruned = apply(mine[:1], "--prune").stdout
    assert "networkpolicy/two pruned" in pruned and f"globalnetworkpolicy/world-{namespace} pruned" in pruned
    left = lab.bulkhead("get", "networkpolicies", "-n", namespace, "-o", "name").stdout.split()
    assert left == ["networkpolicy/foreign", "networkpolicy/one"]
    assert lab.bulkhead("get", "gnp", "global-" + namespace, "-o", "name").returncode == 0
    # An object of somebody else, and a prune behind a failure.
    taken = lab.bulkhead("apply", "-f", "-", "--owner", "other", check=False, input=json.dumps(mine[0]))
    assert taken.returncode == 1 and f"belongs to the owner {namespace}, not to other" in taken.stderr
    broken = apply([policy("bad", "((", namespace)], "--prune", check=False)
    assert broken.returncode == 1 and "nothing was pruned" in broken.stderr
    assert lab.bulkhead("get", "networkpolicy", "one", "-n", namespace).returncode == 0
    assert lab.bulkhead("apply", "-f", "-", "--prune", check=False, input=json.dumps(mine[0])).returncode == 2
    lab.bulkhead("delete", "gnp", "global-" + namespace)


def test_a_dry_run_checks_everything_and_changes_nothing(room):
    lab, namespace = room
    good, bad = json.dumps(policy("dry", namespace=namespace)), json.dumps(policy("dry", "((", namespace))
    assert lab.bulkhead("apply", "-f", "-", "--dry-run=server", input=good).stdout == "networkpolicy/dry created (server dry run)\n"
    assert lab.bulkhead("apply", "-f", "-", "--dry-run=server", input=bad, check=False).returncode == 1
    assert lab.bulkhead("get", "networkpolicy", "dry", "-n", namespace, check=False).returncode == 1
    lab.bulkhead("apply", "-f", "-", input=good)
    assert lab.bulkhead("delete", "networkpolicy", "dry", "-n", namespace, "--dry-run=server").stdout == "networkpolicy/dry deleted (server dry run)\n"
    assert lab.bulkhead("get", "networkpolicy/dry", "-n", namespace).returncode == 0


def test_get_shows_objects_in_every_form(room):
    lab, namespace = room
    objects = [policy(name, namespace=namespace) for name in ("a", "b", "c")]
    for thing, colour in zip(objects, ("red", "red", "blue")):
        thing["metadata"]["labels"] = {"colour": colour}
    lab.apply(*objects)
    get = lambda *words, check=True: lab.bulkhead("get", *words, "-n", namespace, check=check).stdout
    assert get("networkpolicies", "-l", "colour=red", "-o", "name").split() == ["networkpolicy/a", "networkpolicy/b"]
    assert get("networkpolicies", "-l", "colour!=red", "-o", "name").split() == ["networkpolicy/c"]
    assert [item["metadata"]["name"] for item in json.loads(get("networkpolicy", "a", "c", "-o", "json"))["items"]] == ["a", "c"]
    assert json.loads(get("networkpolicy/a", "-o", "json"))["metadata"]["name"] == "a"
    assert len(get("networkpolicies", "-o", "wide").splitlines()[0]) > len(get("networkpolicies").splitlines()[0])
    assert f"in namespace {namespace} (-A shows all)" in get("networkpolicies", "-l", "colour=none")
    assert "NAMESPACE" in lab.bulkhead("get", "networkpolicies", "-A").stdout.splitlines()[0]
    assert lab.bulkhead("get", "networkpolicies", "-A", "-l", "((", check=False).returncode == 1
    lab.bulkhead("delete", "networkpolicies", "-n", namespace, "-l", "colour=red")
    assert get("networkpolicies", "-o", "name").split() == ["networkpolicy/c"]


def test_tables_are_100_columns_wide(lab):
    long = "a-name-that-nobody-would-like-to-type-twice-but-somebody-has-given"
    web = lab.workload("web", 10)
    web.policed({"app": "web", long[:60]: "x" * 60}, "shop")
    lab.apply(policy(long, " || ".join(f"app == 'value-{number}'" for number in range(20)), "shop", order=10, types=["Ingress", "Egress"]))
    lab.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "many"}, "spec": {
        "ports": [{"name": f"port-{number}", "port": number} for number in range(1000, 1040)]}})
    run(BULKHEAD, "user", "add", "somebody@" + "x" * 50, "--role", "viewer", "--state", lab.state)
    web.reaches(lab.v4(99), 80, timeout=0.2)
    for words in (["get", "networkpolicies", "-A"], ["get", "networkpolicies", "-n", "shop"], ["get", "services", "-A"], ["status"], ["workload", "list"],
                  ["get", "workloadendpoints", "-A"], ["flows"], ["limits"], ["why", "shop/web"], ["user", "list", "--state", lab.state],
                  ["explain", "shop/web", lab.v4(99), "--port", "tcp/80"]):
        lines = words_of(lab, *words).stdout.splitlines()
        assert lines and max(map(len, lines)) <= 100, (words, max(lines, key=len))


def test_watch_tells_every_change_once_also_over_a_restart(lab):
    lab.apply(policy("first"))
    streams = {}
    for form in ("table", "json"):
        streams[form] = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{lab.host}", BULKHEAD, "get", "networkpolicies", "-n", "default", "--watch", "-o", form, "--kubeconfig", lab.kubeconfig],
            stdout=open(lab.folder / form, "w"), stderr=subprocess.PIPE, text=True)
    read = lambda form: (lab.folder / form).read_text().splitlines()
    try:
        eventually(lambda: all("first" in "".join(read(form)) for form in streams), what="what is there")
        for number in range(5):
            lab.apply(policy(f"p{number}"))
        assert lab.stop() == 0
        lab.up()
        lab.apply(policy("last"))
        lab.bulkhead("delete", "networkpolicy", "p0", "-n", "default")
        eventually(lambda: all("DELETED" in "".join(read(form)) for form in streams), 20, what="the change after the restart")
        expected = [("ADDED", "first"), *(("ADDED", f"p{number}") for number in range(5)), ("ADDED", "last"), ("DELETED", "p0")]
        # The server writes a policy's status when it likes.
        events = [(event["type"], event["object"]["metadata"]["name"]) for event in map(json.loads, read("json"))]
        assert [event for event in events if event[0] != "MODIFIED"] == expected
        rows = [tuple(line.split()[:2]) for line in read("table")]
        assert rows[0] == ("EVENT", "NAME") and [row for row in rows[1:] if row[0] != "MODIFIED"] == expected
        assert max(map(len, read("table"))) <= 100
    finally:
        for stream in streams.values():
            stream.kill()
            stream.wait()


def test_describe(lab):
    server = lab.workload("server", 10)
    server.policed({"app": "server"}, "shop")
    lab.apply(policy("web", "app == 'server'", "shop"))
    text = lab.bulkhead("describe", "networkpolicy", "web", "-n", "shop").stdout
    assert re.search(r"^Name: +web$", text, re.M) and re.search(r"^In force: +yes$", text, re.M) and "  selector: app == 'server'" in text
    assert "last-applied" not in text
    assert re.search(r"^Policed: +yes$", lab.bulkhead("describe", "wep/server", "-n", "shop").stdout, re.M)
    run("ip", "-n", lab.host, "link", "del", server.interface)
    eventually(lambda: "Policed:     no: " in lab.bulkhead("describe", "wep/server", "-n", "shop").stdout, what="not policed")


def editor(folder, *steps):
    """An editor that does one step (Python on `text`) each time it is opened, then leaves the file as it is."""
    script = folder / "editor.py"
    script.write_text("import pathlib, subprocess, sys\npath = pathlib.Path(sys.argv[1])\ncount = pathlib.Path(__file__ + '.count')\n"
                      "number = int(count.read_text()) if count.exists() else 0\ncount.write_text(str(number + 1))\n"
                      "text = path.read_text()\npathlib.Path(__file__ + f'.seen{number}').write_text(text)\n"
                      f"steps = {list(steps)!r}\nplace = {{'text': text, 'subprocess': subprocess}}\n"
                      "if number < len(steps):\n    exec(steps[number], place)\npath.write_text(place['text'])\n")
    return {"EDITOR": f"/usr/bin/python3 {script}"}, lambda number: (folder / f"editor.py.seen{number}").read_text()


def test_edit(room, tmp_path):
    lab, namespace = room
    lab.apply(policy("web", "app == 'web'", namespace, order=10))
    get = lambda: json.loads(lab.bulkhead("get", "networkpolicy", "web", "-n", namespace, "-o", "json").stdout)

    def edit(name, *steps):
        folder = tmp_path / name
        folder.mkdir()
        environment, seen = editor(folder, *steps)
        return words_of(lab, "edit", "networkpolicy", "web", "-n", namespace, environment={**environment, "TMPDIR": str(folder)}), seen, folder

    result, _, folder = edit("nothing")
    assert result.returncode == 0 and "Edit cancelled, no changes made." in result.stdout
    assert not list(folder.glob("bulkhead-edit-*"))
    result, _, _ = edit("change", "text = text.replace('order: 10', 'order: 20')")
    assert result.returncode == 0 and "networkpolicy/web edited" in result.stdout and "in force" in result.stdout, result.stderr
    assert get()["spec"]["order"] == 20
    # Refused, mended.
    result, seen, _ = edit("refused", "text = text.replace('order: 20', 'order: soon')", "text = text.replace('order: soon', 'order: 30')")
    assert result.returncode == 0 and "# spec.order" in seen(1) and "order: soon" in seen(1), result.stderr
    assert get()["spec"]["order"] == 30
    # Refused, given up: the text is kept.
    result, _, folder = edit("given-up", "text = text.replace('order: 30', 'order: never')")
    (kept,) = folder.glob("bulkhead-edit-*")
    assert result.returncode == 1 and str(kept) in result.stderr and "order: never" in kept.read_text()
    # Not YAML.
    result, seen, _ = edit("broken", "text = text + '  x: [\\n'", "text = text.replace('  x: [\\n', '')")
    assert "not YAML" in seen(1) and "no changes made" in result.stdout
    # Somebody else, another field: both stay.
    merge = policy("web", "app == 'other'", namespace, order=30)
    (tmp_path / "merge.json").write_text(json.dumps(merge))
    command = ["nsenter", f"--net=/run/netns/{lab.host}", BULKHEAD, "apply", "-f", str(tmp_path / "merge.json"), "--kubeconfig", lab.kubeconfig]
    result, _, _ = edit("merged", f"subprocess.run({command!r}, check=True, capture_output=True); text = text.replace('order: 30', 'order: 40')")
    assert result.returncode == 0, result.stderr
    assert get()["spec"]["order"] == 40 and get()["spec"]["selector"] == "app == 'other'"
    # The same field: the editor opens again and says so.
    (tmp_path / "merge.json").write_text(json.dumps(policy("web", "app == 'other'", namespace, order=50)))
    result, seen, _ = edit("conflict", f"subprocess.run({command!r}, check=True, capture_output=True); text = text.replace('order: 40', 'order: 60')",
                           "text = text.replace('order: 60', 'order: 61')")
    assert "spec.order was changed by somebody else meanwhile, to 50" in seen(1), seen(1)
    assert result.returncode == 0 and get()["spec"]["order"] == 61, result.stderr
    result, seen, _ = edit("renamed", "text = text.replace('  name: web', '  name: web2')")
    assert result.returncode == 1 and "metadata.name cannot be edited" in seen(1)
    # What only the server writes is not shown, and an empty file changes nothing.
    assert not re.search("status:|uid:|resourceVersion:|managedFields:|creationTimestamp:", seen(0)), seen(0)
    result, _, _ = edit("empty", "text = ''")
    assert result.returncode == 0 and "the file is empty" in result.stdout and get()["spec"]["order"] == 61
    result, seen, _ = edit("status", "text = text + 'status:\\n  endpoints: 5\\n'")
    assert result.returncode == 1 and "status is written by the server alone" in seen(1), seen(1)
    failing = words_of(lab, "edit", "networkpolicy", "web", "-n", namespace, environment={"EDITOR": "false"})
    assert failing.returncode == 1 and "nothing was changed" in failing.stderr
    assert words_of(lab, "edit", "networkpolicy").returncode == 2


def on_terminal(words, environment):
    """What a command prints on a terminal of 200 columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(environment)
        os.execvp(words[0], words)
    output = b""
    while select.select([terminal], [], [], 20)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        output += data
    os.close(terminal)
    os.waitpid(pid, 0)
    return output.decode()


def test_colour_only_on_terminals_and_not_with_no_color(shared):
    words = ["nsenter", f"--net=/run/netns/{shared.host}", BULKHEAD, "get", "tiers", "--kubeconfig", shared.kubeconfig]
    assert "\x1b[" in on_terminal(words, {"TERM": "xterm", "NO_COLOR": ""})
    assert "\x1b[" not in on_terminal(words, {"TERM": "xterm", "NO_COLOR": "1"})
    assert "\x1b[" not in on_terminal(words, {"TERM": "dumb", "NO_COLOR": ""})
    assert "\x1b[" not in run(*words).stdout
    wrong = [*words[:-3], "nosuch", *words[-2:]]
    assert "\x1b[" in on_terminal(wrong, {"TERM": "xterm", "NO_COLOR": ""}) and "\x1b[" not in run(*wrong, check=False).stderr


def test_completion(tmp_path):
    for shell, check in (("bash", ["bash", "-n"]), ("zsh", ["zsh", "-n"]), ("fish", ["fish", "-n"])):
        script = tmp_path / shell
        script.write_text(run(BULKHEAD, "completion", shell).stdout)
        assert "workload" in script.read_text()
        assert shutil.which(shell), f"{shell} is not installed: Scripts/install-dependencies test"
        run(*check, script)
    # A person types `bulkhead get tie<TAB>` and `bulkhead app<TAB>`.
    for typed, wanted in ((["bulkhead", "app"], "apply"), (["bulkhead", "get", "tie"], "tiers")):
        words = " ".join(f"'{word}'" for word in typed)
        replies = run("bash", "-c", f"source {tmp_path}/bash; COMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}; COMP_LINE='{' '.join(typed)}'; "
                      f"COMP_POINT=${{#COMP_LINE}}; _bulkhead bulkhead '{typed[-1]}' '{typed[-2]}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"").stdout.split()
        assert wanted in replies, (typed, replies)
    assert run(BULKHEAD, "completion", "tcsh", check=False).returncode == 2


def test_why_shows_the_denials_and_a_staged_policy_that_would_allow_them(lab):
    web, database, stranger = lab.workload("web", 10), lab.workload("database", 11), lab.workload("stranger", 12)
    web.policed({"app": "web"}, "shop")
    database.policed({"app": "database"}, "shop")
    for workload in (web, database):
        workload.serve(5432)
    lab.apply(policy("database", "app == 'database'", "shop", ingress=[{"action": "Allow", "protocol": "TCP", "source": {"nets": ["203.0.113.0/24"]}}]),
              policy("no-strangers", "app == 'web'", kind="GlobalNetworkPolicy", order=5, ingress=[
                  {"action": "Allow", "protocol": "UDP"}, {"action": "Deny", "source": {"nets": [lab.v4(12) + "/32"]}}, {"action": "Allow"}]))
    assert "No denial" in lab.bulkhead("why", "shop/database").stdout
    assert not web.reaches(lab.v4(11), 5432) and not stranger.reaches(lab.v4(10), 5432)
    eventually(lambda: len([flow for flow in lab.flows() if flow["action"] == "Deny"]) >= 2, what="the denials in the flow log")

    def staged(workload):
        text = lab.bulkhead("why", workload, "-o", "yaml").stdout
        return [json.loads(run("/usr/bin/python3", "-c", "import sys, yaml, json; print(json.dumps(yaml.safe_load(sys.stdin)))", input=part).stdout)
                for part in text.split("---\n")]

    (remedy,) = staged("shop/database")
    assert (remedy["kind"], remedy["metadata"], remedy["spec"]["stagedAction"]) == ("StagedNetworkPolicy", {"name": "database", "namespace": "shop"}, "Set")
    assert remedy["spec"]["ingress"][-1] == {"action": "Allow", "protocol": "TCP", "source": {"selector": "app == 'web'"}, "destination": {"ports": [5432]}}
    remedies = {thing["metadata"]["name"]: thing for thing in staged("shop/web")}
    assert set(remedies) == {"database", "no-strangers"}
    assert remedies["no-strangers"]["spec"]["ingress"][1] == {
        "action": "Allow", "protocol": "TCP", "source": {"nets": [lab.v4(12) + "/32"]}, "destination": {"ports": [5432]}}
    # Enforced as they stand, both go through.
    for thing in remedies.values():
        del thing["spec"]["stagedAction"]
        lab.apply({**thing, "kind": thing["kind"].removeprefix("Staged")})
    assert web.reaches(lab.v4(11), 5432) and stranger.reaches(lab.v4(10), 5432)
    text = lab.bulkhead("why", "shop/web").stdout
    assert max(map(len, text.splitlines())) <= 100 and "rule 1 of GlobalNetworkPolicy no-strangers" in text
    assert json.loads(lab.bulkhead("why", lab.v4(12), "-o", "json").stdout)["denials"][0]["change"]["kind"] == "StagedGlobalNetworkPolicy"
    assert lab.bulkhead("why", "web", check=False).returncode == 2


def test_enforce_ends_observation_without_a_restart():
    lab = Lab()
    try:
        lab.up("--observe")
        server, client = lab.workload("server", 10), lab.workload("client", 11)
        server.policed({"app": "server"})
        server.serve(80)
        enforce = lambda *words: lab.bulkhead("enforce", "--all", "--pin", lab.pin, *words, check=False)
        assert enforce("--dry-run").returncode == 0
        lab.apply(policy("closed", "app == 'server'", ingress=[{"action": "Allow", "protocol": "TCP", "destination": {"ports": [81]}}]))
        assert client.reaches(lab.v4(10), 80) and lab.status()["observing"] is True
        eventually(lambda: [flow for flow in lab.flows() if flow.get("observed")], what="the observed denial")
        trial = enforce("--dry-run")
        assert trial.returncode == 3 and "default/server, TCP/80" in trial.stdout and client.reaches(lab.v4(10), 80)
        done = enforce()
        assert done.returncode == 0 and "would be denied: " in done.stdout and "enforced from now on" in done.stdout
        assert not client.reaches(lab.v4(10), 80) and lab.status()["observing"] is False
        assert "enforced already" in enforce().stdout
        assert lab.nsenter(BULKHEAD, "enforce", "--kubeconfig", lab.kubeconfig, check=False).returncode == 2
        # Without the daemon.
        lab.stop()
        lab.up("--observe")
        assert client.reaches(lab.v4(10), 80)
        lab.stop()
        alone = enforce()
        assert alone.returncode == 0 and "enforced from now on" in alone.stdout and not client.reaches(lab.v4(10), 80)
    finally:
        lab.close()
