"""The rules of other firewalls stay as they are, to the byte, and go on deciding."""

import os
import re
import shutil

import pytest

from lab import Lab, eventually, policy, run

# What a person tells ufw. Its files are a copy that only its own commands see.
UFW = """ufw default deny incoming; ufw default deny routed; ufw --force enable
ufw allow 22/tcp; ufw route deny proto tcp to any port 82; ufw route allow proto tcp to any port 80"""
# As Docker writes them.
DOCKER = """*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:FORWARD ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A DOCKER-USER -p tcp -m tcp --dport 82 -j DROP
-A DOCKER-USER -j RETURN
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
COMMIT
"""
# As firewalld writes them, into a table of its own.
FIREWALLD = """table inet firewalld {
    chain raw_PREROUTING {
        type filter hook prerouting priority raw + 10; policy accept;
        icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
    }
    chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        jump filter_FORWARD_IN_ZONES
        tcp dport 80 accept
        ct state invalid drop
        meta l4proto tcp reject with icmpx admin-prohibited
    }
    chain filter_FORWARD_IN_ZONES { jump filter_FWDI_public; }
    chain filter_FWDI_public { tcp dport 82 drop; }
}
"""


@pytest.mark.parametrize("shape", ["ufw", "docker", "firewalld"])
def test_rules_of_others_stay_and_decide(shape):
    lab = Lab()
    try:
        web, client = lab.workload("web", 10), lab.workload("client", 11)
        for port in (80, 82):
            web.serve(port)
        if shape == "firewalld":
            lab.nsenter("nft", "-f", "-", input=FIREWALLD)
        elif shape == "ufw":
            shutil.copytree("/etc/ufw", lab.folder / "ufw")
            lab.nsenter("unshare", "-m", "sh", "-ec", f'mount --bind "$0" /etc/ufw\n{UFW}', lab.folder / "ufw")
        else:
            lab.nsenter("iptables-nft-restore", input=DOCKER)
        # With handles, so that a rule that was taken out and put back shows; without counters.
        rules = lambda: lab.nsenter("nft", "--stateless", "--handle", "list", "ruleset").stdout
        before = rules()
        assert len(before) > 500 and "dport 82" in before
        lab.up()
        web.policed({"app": "web"})
        client.policed({"app": "client"})
        lab.apply(policy("open", ingress=[{"action": "Allow"}], egress=[{"action": "Allow"}]))
        # Each may deny: what policy allows the other firewall still forbids.
        assert client.reaches(lab.v4(10), 80) and not client.reaches(lab.v4(10), 82, timeout=0.3)
        assert rules() == before
        lab.apply(policy("open", ingress=[], egress=[{"action": "Allow"}]))
        assert not client.reaches(lab.v4(10), 80, timeout=0.3)
        assert rules() == before
        lab.kill()
        lab.up()
        assert rules() == before
        lab.stop()
        lab.release("--all")
        assert client.reaches(lab.v4(10), 80) and rules() == before
    finally:
        lab.close()


def test_a_program_that_decides_before_is_named_and_left_alone():
    lab, pinned = Lab(), None
    try:
        web = lab.workload("web", 10)
        filters = lambda: lab.nsenter("tc", "filter", "show", "dev", web.interface, "ingress").stdout
        lab.nsenter("tc", "qdisc", "add", "dev", web.interface, "clsact")
        lab.nsenter("tc", "filter", "add", "dev", web.interface, "ingress", "prio", "60000", "protocol", "ip", "u32", "match", "u32", "0", "0", "flowid", "1:1")
        behind = filters()
        lab.up()
        web.policed({"app": "web"})
        named = lambda: [text for text in lab.status()["warnings"] if "decides before Bulkhead" in text]
        assert named() == [] and behind.splitlines()[-1] in filters()
        # A newer filter of the same priority is asked first. Any program will do; ours is at hand.
        number = re.search(r" id (\d+)", filters())[1]
        pinned = f"/sys/fs/bpf/{lab.prefix}-foreign"
        run("bpftool", "prog", "pin", "id", number, pinned)
        lab.nsenter("tc", "filter", "add", "dev", web.interface, "ingress", "prio", "1", "handle", "7", "protocol", "all", "bpf", "da", "object-pinned", pinned)
        eventually(named, what="the filter in status")
        assert f"ingress of interface {web.interface}" in named()[0]
        lab.nsenter("tc", "filter", "del", "dev", web.interface, "ingress", "prio", "1", "handle", "7", "protocol", "all", "bpf")
        eventually(lambda: not named(), what="a status without it")
        lab.stop()
        lab.release("--all")
        assert filters() == behind
    finally:
        if pinned:
            os.unlink(pinned)
        lab.close()
