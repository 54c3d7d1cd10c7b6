"""The kernel's counters, and the flow log's, against an interface's own, where every frame is one packet."""

import ctypes
import fcntl
import json
import socket
import struct
import subprocess
import time

from lab import eventually, inside, run

SIOCETHTOOL, SET_TSO, SET_GSO, SET_GRO = 0x8946, 0x1F, 0x24, 0x2C
ETHERNET_HEADER = 14
LEAST_PACKETS = 1_000_000
PORT = 5201


def offload(namespace, interface, command, on):
    value = ctypes.create_string_buffer(struct.pack("II", command, int(on)))
    with inside(namespace), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCETHTOOL, struct.pack("16sP", interface.encode(), ctypes.addressof(value)))


def links(lab, interface):
    """Packets and layer-3 bytes that an interface sent and received. A veth with GRO counts what it received when the
    Ethernet header is off already."""
    link = json.loads(run("ip", "-n", lab.host, "-s", "-j", "link", "show", interface).stdout)[0]["stats64"]
    sent, got = link["tx"], link["rx"]
    return [sent["packets"], sent["bytes"] - ETHERNET_HEADER * sent["packets"], got["packets"], got["bytes"]]


def counted(lab):
    """What the flow table says that the one policed workload got and sent; entries stay for a time after a FIN."""
    totals = [0, 0, 0, 0]
    for folder in lab.pin.iterdir():
        for table in ("flows", "half_open"):
            for entry in json.loads(run("bpftool", "-j", "map", "dump", "pinned", folder / table).stdout):
                flow = entry["formatted"]["value"]
                is_egress = flow["word"] >> 32 & 1
                sent, got = ("out", "in") if is_egress else ("in", "out")
                for index, name in enumerate((f"packets_{sent}", f"bytes_{sent}", f"packets_{got}", f"bytes_{got}")):
                    totals[index] += flow[name]
    return totals


def recorded(lab):
    """The same out of the flow log: every record of the one policed workload, of each process there was."""
    totals = [0, 0, 0, 0]
    for line in lab.bulkhead("flows", "-o", "json", "--limit", "100000").stdout.splitlines():
        flow = json.loads(line)
        # Counted at the reporter: what left it, what came to it.
        for index, name in enumerate(("packets_out", "bytes_out", "packets_in", "bytes_in")):
            totals[index] += flow[name]
    return totals


def quiet(workload, lab, other):
    """No frame but what the test sends: addresses are known beforehand."""
    for where, interface in ((workload.namespace, "eth0"), (lab.host, workload.interface)):
        run("nsenter", f"--net=/run/netns/{where}", "sysctl", "-qw", f"net.ipv6.conf.{interface}.disable_ipv6=1")
    def hardware(namespace, interface):
        return json.loads(run("ip", "-n", namespace, "-j", "link", "show", interface).stdout)[0]["address"]
    router = hardware(lab.host, workload.interface)
    run("ip", "-n", workload.namespace, "neigh", "replace", "169.254.1.1", "lladdr", router, "nud", "permanent", "dev", "eth0")
    run("ip", "-n", lab.host, "neigh", "replace", workload.addresses[0], "lladdr", hardware(workload.namespace, "eth0"), "nud", "permanent",
        "dev", workload.interface)


def test_counts_are_exact_with_large_segments_and_over_a_kill(lab):
    """Behind the policed workload's interface segments are large in both directions (GSO from it, GRO towards it); at the
    peer's interface, which we compare with, each frame is what goes over a wire."""
    workload, peer = lab.workload("w", 10), lab.workload("o", 11)
    workload.policed({"app": "w"})
    quiet(workload, lab, peer)
    quiet(peer, lab, workload)
    for command in (SET_TSO, SET_GSO):
        offload(lab.host, peer.interface, command, False)
        offload(peer.namespace, "eth0", command, False)
    offload(lab.host, peer.interface, SET_GRO, True)
    time.sleep(1.2)  # what the kernels still had to say about groups
    before, table = links(lab, peer.interface), counted(lab)
    eventually(lambda: recorded(lab) == table, 5, what="the log has what the table counts")
    server = subprocess.Popen(["nsenter", f"--net=/run/netns/{peer.namespace}", "iperf3", "-s", "-p", str(PORT)], stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: f":{PORT}" in peer.command("ss", "-tln").stdout, what="iperf3 listens")
        client = ["nsenter", f"--net=/run/netns/{workload.namespace}", "iperf3", "-c", lab.v4(11), "-p", str(PORT), "-J"]
        # A window that no queue on the way is too short for: what is lost there one side counts and the other does not.
        stream = ["-C", "cubic", "-n", "900M", "-w", "200K"]
        for options in (stream, stream + ["-R"], ["-u", "-b", "50M", "-n", "20M"]):
            process = subprocess.Popen(client + options, stdout=subprocess.PIPE, text=True)
            time.sleep(0.3)
            lab.kill()
            time.sleep(0.2)
            lab.up(wait=False)
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
            lab.wait_ready()
    finally:
        server.terminate()
        server.wait()
    # What is still on its way: the last acknowledgements.
    eventually(lambda: links(lab, peer.interface) == (time.sleep(0.2), links(lab, peer.interface))[1], what="silence")
    interface = [now - then for now, then in zip(links(lab, peer.interface), before)]
    flows = [now - then for now, then in zip(counted(lab), table)]
    large = [way["bytes"] / way["packets"] for way in json.loads(
        run("ip", "-n", lab.host, "-s", "-j", "link", "show", workload.interface).stdout)[0]["stats64"].values() if "packets" in way]
    print(f"interface {interface}, flow table {flows}, bytes a frame at the workload's interface {[round(size) for size in large]}")
    assert interface[0] + interface[2] > LEAST_PACKETS
    assert any(size > 3000 for size in large), "nothing was segmented"
    # `ip` tells of the router's side: it sends what the workload sent.
    assert flows == interface
    # A window is a second.
    wanted = [then + now for then, now in zip(table, interface)]
    for _ in range(40):
        if (log := recorded(lab)) == wanted:
            break
        time.sleep(0.1)
    records = [json.loads(line) for line in lab.bulkhead("flows", "-o", "json", "--limit", "100000").stdout.splitlines()]
    print(f"{len(records)} flow records over three kills: {log}")
    assert log == wanted
    assert all(record["action"] == "Allow" for record in records)
