"""Every example of every command's help, word for word, on a host of its own."""

import contextlib
import json
import os
import re
import signal
import subprocess

from lab import BULKHEAD, Lab, eventually, policy, run

# Called by container engines, not by people.
ENGINES = {("hook", "createRuntime"), ("hook", "poststop")}


def commands(words=()):
    """Every command with its help, depth first: (words, text, whether it has commands of its own)."""
    text = run(BULKHEAD, *words, "--help").stdout
    names = [name for section in re.findall(r"^[A-Z ]*SUBCOMMANDS:\n((?:  .*\n|\n)+)", text, re.M)
             for name in re.findall(r"^  ([a-z][a-zA-Z-]*)(?:[ ,]|$)", section, re.M) if name != "help"]
    yield words, text, bool(names)
    for name in names:
        yield from commands((*words, name))


def examples(text):
    match = re.search(r"EXAMPLES\n((?:  .*\n)+)", text)
    return [line.strip() for line in match[1].splitlines()] if match else []


class Machine:
    """A host whose standard folders are its own: `up` runs with no option at all, and examples mean what they say."""

    def __init__(self, lab):
        """What the laboratory has by now is what the machine sees: its mounts are a copy."""
        self.lab = lab
        self.server = None
        self.room = self.lab.folder / "room"
        self.room.mkdir()
        (self.room / "bin").mkdir()
        (self.room / "bin/bulkhead").symlink_to(BULKHEAD)
        # Changes of these folders stay in the layer above, and the BPF file system is a new one.
        layers = "".join(
            f"mkdir -p {self.lab.folder}/layers{folder}/upper {self.lab.folder}/layers{folder}/work; "
            f"mount -t overlay overlay -o lowerdir={folder},upperdir={self.lab.folder}/layers{folder}/upper,"
            f"workdir={self.lab.folder}/layers{folder}/work {folder}; " for folder in ("/var/lib", "/usr/share", "/etc", "/root"))
        mounts = (f"mount -t tmpfs tmpfs {self.lab.folder}/layers; {layers}"
                  "rm -rf /var/lib/bulkhead; mount -t bpf bpf /sys/fs/bpf; [ ! -d /run/podman ] || mount -t tmpfs tmpfs /run/podman; echo made; exec sleep 1000")
        (self.lab.folder / "layers").mkdir()
        self.holder = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.lab.host}", "unshare", "--mount", "--propagation", "private", "bash", "-ec", mounts],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.holder.stdout.readline() == "made\n", self.holder.stderr.read()

    def popen(self, line, **options):
        environment = {**os.environ, "EDITOR": "true", "PATH": f"{self.room}/bin:{os.environ['PATH']}"}
        environment.pop("KUBECONFIG", None)
        return subprocess.Popen(
            ["nsenter", "-t", str(self.holder.pid), "--mount", "--net", f"--wd={self.room}", "bash", "-o", "pipefail", "-c", line],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, **options)

    def run(self, line, allowed=(0,)):
        process = self.popen(line)
        try:
            output, _ = process.communicate(timeout=60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        assert process.returncode in allowed, f"{line}: {process.returncode}\n{output}"
        return output

    def follow(self, line):
        """A command that goes on until it is stopped: it must not have ended by itself."""
        process = self.popen(line)
        try:
            output, _ = process.communicate(timeout=1.5)
            raise AssertionError(f"{line}: ended with {process.returncode}\n{output}")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate(timeout=10)

    @property
    def is_ready(self):
        return subprocess.run(["nsenter", "-t", str(self.holder.pid), "--mount", "test", "-e", "/var/lib/bulkhead/ready"]).returncode == 0

    def start(self, line="bulkhead up"):
        log = open(self.lab.folder / "log", "a+")
        environment = {**os.environ, "PATH": f"{self.room}/bin:{os.environ['PATH']}"}
        self.server = subprocess.Popen(
            ["nsenter", "-t", str(self.holder.pid), "--mount", "--net", "bash", "-c", f"exec {line}"], env=environment, stdout=log, stderr=log)

        def ready():
            assert self.server.poll() is None, f"{line}: ended with {self.server.returncode}\n{self.lab.log_text()}"
            return self.is_ready
        eventually(ready, 30, what=lambda: f"{line}: ready\n{self.lab.log_text()}")

    def stop(self):
        if self.server and self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
            assert self.server.wait(20) == 0, self.lab.log_text()

    def close(self):
        with contextlib.suppress(Exception):
            self.stop()
        with contextlib.suppress(Exception):
            self.run("bulkhead release --all")
        self.holder.kill()
        self.holder.wait()


def test_every_example_of_every_command_runs():
    with contextlib.ExitStack() as stack:
        lab = Lab()
        stack.callback(lab.close)
        web, database = lab.workload("web", 10), lab.workload("database", 11)
        # The examples name namespaces as a person would.
        named = {"--netns web": f"--netns {web.namespace}", "--netns database": f"--netns {database.namespace}"}
        lab.nsenter("ip", "tuntap", "add", "tap0", "mode", "tap")
        machine = Machine(lab)
        stack.callback(machine.close)
        (machine.room / "policies").mkdir()

        def write(name, *objects):
            (machine.room / name).write_text("\n---\n".join(map(json.dumps, objects)))

        allow = [{"action": "Allow"}]
        write("web.yaml", policy("web", "app == 'web'", "shop", ingress=allow, egress=allow))
        write("database.yaml", policy("database", "app == 'database'", "shop", ingress=allow))
        write("policies/strangers.json", policy("no-strangers", "app == 'web'", kind="GlobalNetworkPolicy", ingress=allow))

        for folder in ("manifests", "old", "new", "workloads", "tests"):
            (machine.room / folder).mkdir()
        ends = [{"apiVersion": "projectcalico.org/v3", "kind": "WorkloadEndpoint", "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
                 "spec": {"ipNetworks": [f"10.1.0.{number}"]}} for number, name in enumerate(("web", "database"), 1)]
        test = {"apiVersion": "bulkhead.io/v1alpha1", "kind": "PolicyTest", "metadata": {"name": "shop"}, "spec": {"cases": [
            {"name": "one", "from": {"workload": "shop/web"}, "to": {"workload": "shop/database"}, "expect": "Allowed"}]}}
        for folder in ("manifests", "old", "new", "workloads"):
            write(f"{folder}/workloads.yaml", *ends)
        write("new/policies.yaml", policy("web", "app == 'web'", "shop", ingress=allow))
        write("policies/tests.yaml", test)
        write("tests/tests.yaml", {**test, "metadata": {"name": "shop-2"}})

        def prepare(words, line):
            """What an earlier example deleted, renamed or ended is there for each."""
            if not machine.server or machine.server.poll() is not None:
                machine.start()
            machine.run(f"bulkhead workload add web -n shop --netns {web.namespace} --label app=web", (0, 1))
            machine.run(f"bulkhead workload add database -n shop --netns {database.namespace} --label app=database", (0, 1))
            machine.run("bulkhead apply -f policies -f web.yaml -f database.yaml --wait 0")
            machine.run("rm -f /root/bulkhead.backup anna.kubeconfig; bulkhead user remove anna; bulkhead user remove ci; true")
            match words:
                case ("workload", "add"):
                    machine.run(f"bulkhead workload remove {line.split()[3]} -n shop; true")
                case ("user", "remove"):
                    machine.run("bulkhead user add anna --role viewer --output anna.kubeconfig")
                case ("restore",):
                    machine.run("bulkhead backup /root/bulkhead.backup")
                    machine.stop()
                case ("up",):
                    machine.stop()

        done = set()
        for words, text, has_commands in commands():
            lines = examples(text)
            assert lines or has_commands or words in ENGINES, f"{' '.join(words)} has no examples"
            for line in lines:
                prepare(words, line)
                for name, namespace in named.items():
                    line = line.replace(name, namespace)
                if words == ("up",):
                    machine.start(line)
                    machine.stop()
                elif "--follow" in line or "--watch" in line:
                    machine.follow(line)
                else:
                    # Denied, findings: what the command tells and no failure.
                    tells = "--exit-code" in line or "--dry-run" in line or words[0] in ("doctor", "diff", "lint", "verify")
                    machine.run(line, (0, 3) if tells else (0,))
                if words == ("release",) and "--all" in line:
                    machine.stop()
                done.add(line)
        print(f"{len(done)} examples ran")
        assert len(done) >= 45, sorted(done)
