"""The packets of Documentation/Packets.md: one function a row, named by its id, that makes the frames for one direction."""

import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_RS,
                                ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig, ICMPv6Unknown, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, PadN)
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

EVERYBODY = "ff:ff:ff:ff:ff:ff"
SHAPES = {}


class Shape:
    """The frames of one row. `before`: (direction, frame) to send first. Of `forwarded` ones routers hand on every frame."""

    def __init__(self, function, forwarded, closed):
        self.function, self.forwarded, self.closed = function, forwarded, closed


def shape(name, forwarded=False, closed=None):
    """`closed`: the world in which the row's "else" is tried, if not the one that closes the row's own direction."""
    def register(function):
        assert name not in SHAPES, name
        SHAPES[name] = Shape(function, forwarded, closed)
        return function
    return register


class Side:
    def __init__(self, hardware, v4, v6, link_local):
        self.hardware, self.v4, self.v6, self.link_local = hardware, v4, v6, link_local


class Ends:
    """Who sends to whom, seen from one direction; `marker` and `port` are this packet's alone."""

    def __init__(self, own, peer, direction, number, foreign4, foreign6):
        self.own, self.peer, self.direction = own, peer, direction
        self.source, self.target = (own, peer) if direction == "from" else (peer, own)
        self.other = "to" if direction == "from" else "from"
        self.foreign4, self.foreign6 = foreign4, foreign6
        self.number, self.port = number, 10_000 + number
        self.marker = b"mark" + struct.pack("!I", number)

    def ether(self, **fields):
        return Ether(src=self.source.hardware, dst=fields.pop("dst", self.target.hardware), **fields)

    def ip(self, **fields):
        return self.ether(dst=fields.pop("hardware", self.target.hardware)) / IP(**{"src": self.source.v4, "dst": self.target.v4, **fields})

    def ip6(self, **fields):
        return self.ether(dst=fields.pop("hardware", self.target.hardware)) / IPv6(**{"src": self.source.v6, "dst": self.target.v6, **fields})

    def udp(self, **fields):
        return UDP(**{"sport": self.port, "dport": 9, **fields}) / Raw(self.marker)

    def back(self):
        """The same conversation seen from the other end."""
        ends = Ends(self.own, self.peer, self.other, self.number, self.foreign4, self.foreign6)
        return ends

    def tcp(self, flags, sequence=100, acknowledgement=0, opener=True, payload=True):
        ports = (self.port, 80) if opener else (80, self.port)
        segment = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=sequence, ack=acknowledgement)
        return self.ip() / segment / Raw(self.marker if payload else b"")

    def opened_by_the_other(self):
        """A handshake that the other end began."""
        back = self.back()
        return [(self.other, back.tcp("S", 100, payload=False)), (self.direction, self.tcp("SA", 500, 101, opener=False, payload=False)),
                (self.other, back.tcp("A", 101, 501, payload=False))]


def frame(kind, content=None):
    return lambda e: e.ether(type=kind) / (content(e) if content else Raw(bytes(40) + e.marker))


# Frames
shape("vlan")(lambda e: e.ether() / Dot1Q(vlan=5) / IP(src=e.source.v4, dst=e.target.v4) / e.udp())
shape("vlan-priority")(lambda e: e.ether() / Dot1Q(vlan=0) / IP(src=e.source.v4, dst=e.target.v4) / e.udp())
shape("qinq")(lambda e: e.ether(type=0x88A8) / Dot1Q(vlan=5, type=0x8100) / Dot1Q(vlan=6) / IP(src=e.source.v4, dst=e.target.v4) / e.udp())
for name, kind in {"mpls": 0x8847, "pppoe-discovery": 0x8863, "pppoe-session": 0x8864, "lldp": 0x88CC, "eapol": 0x888E, "old-qinq": 0x9100,
                   "experimental": 0x88B5}.items():
    shape(name)(frame(kind))
shape("llc")(frame(46, lambda e: Raw(b"\x42\x42\x03" + bytes(43))))
shape("snap")(frame(60, lambda e: Raw(b"\xaa\xaa\x03\0\0\0\x08\0" + bytes(IP(src=e.source.v4, dst=e.target.v4) / e.udp()))))


# ARP and neighbour discovery
def arp(e, **fields):
    return e.ether(dst=EVERYBODY) / ARP(**{"hwsrc": e.source.hardware, "psrc": e.source.v4, "pdst": e.target.v4, **fields})


shape("arp-request")(arp)
shape("arp-probe")(lambda e: arp(e, psrc="0.0.0.0", pdst=e.source.v4))
shape("arp-reply")(lambda e: arp(e, op=2, hwdst=e.target.hardware))
shape("arp-foreign")(lambda e: arp(e, op=2, psrc=e.foreign4))
shape("arp-gratuitous-foreign")(lambda e: arp(e, op=1, psrc=e.foreign4, pdst=e.foreign4))
shape("arp-long")(lambda e: arp(e) / Raw(bytes(19)))
shape("arp-hardware")(lambda e: arp(e, hwtype=6))


def discovery(e, message, source=None, hop_limit=255, target="ff02::1"):
    return e.ether(dst="33:33:00:00:00:01") / IPv6(src=source or e.source.v6, dst=target, hlim=hop_limit) / message


shape("ns")(lambda e: discovery(e, ICMPv6ND_NS(tgt=e.target.v6) / ICMPv6NDOptSrcLLAddr(lladdr=e.source.hardware)))
shape("ns-dad")(lambda e: discovery(e, ICMPv6ND_NS(tgt=e.source.v6), "::"))
shape("ns-dad-foreign")(lambda e: discovery(e, ICMPv6ND_NS(tgt=e.foreign6), "::"))
shape("na")(lambda e: discovery(e, ICMPv6ND_NA(tgt=e.source.v6)))
shape("na-foreign")(lambda e: discovery(e, ICMPv6ND_NA(tgt=e.foreign6)))
shape("na-link-local")(lambda e: discovery(e, ICMPv6ND_NA(tgt=e.source.link_local), e.source.link_local))
shape("na-link-local-second")(lambda e: (
    [(e.direction, discovery(e, ICMPv6ND_NA(tgt=e.source.link_local), e.source.link_local))],
    discovery(e, ICMPv6ND_NA(tgt="fe80::bad"), "fe80::bad")))
shape("nd-hop-limit")(lambda e: discovery(e, ICMPv6ND_NA(tgt=e.source.v6), hop_limit=254))
shape("nd-long")(lambda e: discovery(e, ICMPv6ND_NA(tgt=e.source.v6) / Raw(b"\x0e\x06" + bytes(46))))
shape("nd-fragment")(lambda e: discovery(e, IPv6ExtHdrFragment(nh=58, m=1, id=e.number) / Raw(bytes(ICMPv6ND_NS(tgt=e.target.v6, cksum=1)))))
shape("rs")(lambda e: discovery(e, ICMPv6ND_RS(), e.source.link_local, target="ff02::2"))
shape("ra")(lambda e: discovery(e, ICMPv6ND_RA(), e.source.link_local))
shape("ra-global")(lambda e: discovery(e, ICMPv6ND_RA(), e.source.v6))
shape("redirect-v6")(lambda e: discovery(e, ICMPv6Unknown(type=137, code=0, msgbody=bytes(36)), e.source.link_local, target=e.target.v6))
shape("redirect-v4")(lambda e: e.ip() / ICMP(type=5, code=1, gw=e.foreign4) / IP(src=e.target.v4, dst=e.foreign4) / e.udp())


# DHCP and groups
def dhcp(e):
    return e.ip(src="0.0.0.0", dst="255.255.255.255", hardware=EVERYBODY) / e.udp(sport=68, dport=67)


def dhcp6(e):
    return e.ip6(src=e.source.link_local, dst="ff02::1:2", hardware="33:33:00:01:00:02") / e.udp(sport=546, dport=547)


shape("dhcp-question")(dhcp)
shape("dhcp-answer")(lambda e: ([(e.other, dhcp(e.back()))] if e.direction == "to" else [], e.ip() / e.udp(sport=67, dport=68)))
shape("dhcp6-question")(dhcp6)
shape("dhcp6-answer")(lambda e: ([(e.other, dhcp6(e.back()))] if e.direction == "to" else [],
                                 e.ip6(src=e.source.link_local, dst=e.target.link_local) / e.udp(sport=547, dport=546)))
shape("multicast-v4")(lambda e: e.ip(dst="239.1.1.1", hardware="01:00:5e:01:01:01") / e.udp())
shape("multicast-v6")(lambda e: e.ip6(dst="ff0e::114", hardware="33:33:00:00:01:14") / e.udp())
shape("broadcast")(lambda e: e.ip(dst="255.255.255.255", hardware=EVERYBODY) / e.udp())


def igmp(e, kind, source=None, ttl=1):
    return e.ip(src=source or e.source.v4, dst="224.0.0.22", hardware="01:00:5e:00:00:16", proto=2, ttl=ttl,
                options=b"\x94\x04\0\0") / Raw(bytes([kind]) + bytes(7) + e.marker)


def mld(e, kind):
    body = ICMPv6Unknown(type=kind, code=0, msgbody=bytes(4) + (bytes(16) if kind == 130 else b""))
    return discovery(e, IPv6ExtHdrHopByHop(nh=58, options=[PadN(otype=5, optdata=b"\0\0"), PadN(otype=1, optdata=b"")]) / body, e.source.link_local, 1,
                     "ff02::16")


shape("igmp-report")(lambda e: igmp(e, 0x22))
shape("igmp-query")(lambda e: igmp(e, 0x11))
shape("igmp-forwarded")(lambda e: igmp(e, 0x22, ttl=2))
shape("igmp-other")(lambda e: igmp(e, 0x30))
shape("igmp-spoofed")(lambda e: igmp(e, 0x22, e.foreign4))
shape("mld-report")(lambda e: mld(e, 143))
shape("mld-query")(lambda e: mld(e, 130))

# IPv4
shape("udp-v4", True)(lambda e: e.ip() / e.udp())
shape("syn-v4", True)(lambda e: e.tcp("S"))
shape("echo-v4", True)(lambda e: e.ip() / ICMP(id=e.number) / Raw(e.marker))
shape("echo-reply-unasked", True)(lambda e: e.ip() / ICMP(type=0, id=e.number) / Raw(e.marker))
shape("protocol-253", True)(lambda e: e.ip(proto=253) / Raw(e.marker))
shape("gre", True)(lambda e: e.ip(proto=47) / Raw(b"\0\0\x08\0" + e.marker))
shape("sctp-v4", True)(lambda e: e.ip(proto=132) / Raw(struct.pack("!HHII", e.port, 9, 0, 0) + b"\1\0\0\x14" + bytes(16) + e.marker))
shape("ipip", True)(lambda e: e.ip(proto=4) / IP(src=e.source.v4, dst=e.target.v4) / e.udp())
shape("six-in-four", True)(lambda e: e.ip(proto=41) / IPv6(src=e.source.v6, dst=e.target.v6) / e.udp())
shape("vxlan", True)(lambda e: e.ip() / e.udp(dport=4789))
shape("vxlan-old", True)(lambda e: e.ip() / e.udp(dport=8472))
shape("source-foreign")(lambda e: e.ip(src=e.foreign4) / e.udp())
shape("source-loopback")(lambda e: e.ip(src="127.0.0.1") / e.udp())
shape("source-unspecified")(lambda e: e.ip(src="0.0.0.0") / e.udp())
shape("source-group")(lambda e: e.ip(src="224.0.0.1") / e.udp())
shape("source-own")(lambda e: e.ip(src=e.own.v4, dst=e.own.v4) / e.udp())
shape("destination-foreign")(lambda e: e.ip(dst=e.foreign4) / e.udp())
shape("option-record-route", True)(lambda e: e.ip(options=b"\x07\x07\x04\0\0\0\0\0") / e.udp())
shape("option-source-route")(lambda e: e.ip(options=b"\x83\x07\x04\x0a\0\0\x01\0") / e.udp())
shape("option-router-alert", True)(lambda e: e.ip(options=b"\x94\x04\0\0") / e.udp())
shape("padded", True)(lambda e: Raw(bytes(e.ip() / e.udp()) + bytes(20)))
shape("checksum")(lambda e: e.ip(chksum=0x1234) / e.udp())
shape("truncated-v4")(lambda e: Raw(bytes(e.ip() / e.udp())[:24]))
shape("length-long")(lambda e: e.ip(len=200) / e.udp())
shape("length-short")(lambda e: e.ip(len=19) / e.udp())
shape("header-short")(lambda e: e.ip(ihl=4) / e.udp())
shape("version-five")(lambda e: e.ip(version=5) / e.udp())
shape("host")(lambda e: None)  # sent by a socket of the host's

# IPv6
EIGHT = bytes(6)


def extension(kind, following=17, size=0):
    return lambda e: e.ip6(nh=kind) / Raw(bytes([following, size]) + (b"\x04\0" + bytes(4) if kind == 43 else b"\x01\x04" + bytes(4))) / e.udp()


shape("udp-v6", True)(lambda e: e.ip6() / e.udp())
shape("syn-v6", True)(lambda e: e.ip6() / TCP(sport=e.port, dport=80, flags="S") / Raw(e.marker))
shape("echo-v6", True)(lambda e: e.ip6() / ICMPv6EchoRequest(id=e.number, data=e.marker))
shape("hop-by-hop", True)(lambda e: e.ip6() / IPv6ExtHdrHopByHop(options=[PadN(optdata=EIGHT[:4])]) / e.udp())
shape("destination-options", True)(lambda e: e.ip6() / IPv6ExtHdrDestOpt(options=[PadN(optdata=EIGHT[:4])]) / e.udp())
shape("no-next-header", True)(lambda e: e.ip6(nh=59) / Raw(e.marker))
shape("authentication", True)(lambda e: e.ip6(nh=51) / Raw(b"\x3b\x04\0\0" + bytes(20) + e.marker))
shape("hop-by-hop-late")(lambda e: e.ip6() / IPv6ExtHdrDestOpt(nh=0, options=[PadN(optdata=EIGHT[:4])]) / Raw(b"\x11\0\x01\x04" + bytes(4)) / e.udp())
shape("routing-header", True)(extension(43))
shape("mobility", True)(extension(135))
shape("host-identity", True)(extension(139))
shape("shim6", True)(extension(140))
shape("chain-long", True)(lambda e: e.ip6(nh=60) / Raw((b"\x3c\0\x01\x04" + bytes(4)) * 6 + b"\x11\0\x01\x04" + bytes(4)) / e.udp())
shape("chain-truncated", True)(lambda e: e.ip6(nh=60) / Raw(b"\x11\x20\x01\x04" + bytes(4)))
shape("length-long-v6")(lambda e: e.ip6(plen=300) / e.udp())
shape("mapped")(lambda e: e.ip6(src="::ffff:10.9.0.10") / e.udp())
shape("source-group-v6")(lambda e: e.ip6(src="ff02::1") / e.udp())
shape("source-foreign-v6")(lambda e: e.ip6(src=e.foreign6) / e.udp())
shape("link-local")(lambda e: e.ip6(src=e.source.link_local, dst=e.target.link_local) / e.udp())

# Fragments


def part(e, offset, payload, more=False, protocol=17):
    """`offset` in units of 8 bytes."""
    return e.ip(id=e.number, flags="MF" if more else 0, frag=offset, proto=protocol) / Raw(payload)


def part6(e, offset, payload, more=False, following=17):
    return e.ip6() / IPv6ExtHdrFragment(nh=following, offset=offset, m=int(more), id=e.number) / Raw(payload)


def first(e):
    """32 of 48 bytes."""
    return struct.pack("!HHHH", e.port, 9, 48, 0) + bytes(24)


shape("fragments", True)(lambda e: ([(e.direction, part(e, 0, first(e), True))], part(e, 4, bytes(8) + e.marker)))
shape("fragments-v6", True)(lambda e: ([(e.direction, part6(e, 0, first(e), True))], part6(e, 4, bytes(8) + e.marker)))
shape("fragment-atomic", True)(lambda e: part6(e, 0, struct.pack("!HHHH", e.port, 9, 16, 0) + e.marker))
shape("fragment-early", True)(lambda e: part(e, 4, bytes(8) + e.marker))
shape("fragment-orphan", True)(lambda e: part6(e, 4, bytes(8) + e.marker))
shape("fragment-overlapping", True)(lambda e: ([(e.direction, part(e, 0, first(e), True))], part(e, 3, bytes(16) + e.marker)))
shape("fragment-tiny", True)(lambda e: part(e, 0, bytes(TCP(sport=e.port, dport=80))[:8], True, 6))
shape("fragment-offset-one", True)(lambda e: ([(e.direction, part(e, 0, first(e), True))], part(e, 1, bytes(8) + e.marker)))
shape("fragment-chain", True)(lambda e: part6(e, 0, b"\x11\0\x01\x04" + bytes(4) + first(e), True, 60))

# Connections
shape("syn-ack", True)(lambda e: ([(e.other, e.back().tcp("S", payload=False))], e.tcp("SA", 500, 101, opener=False)))
shape("established", True)(lambda e: (e.opened_by_the_other(), e.tcp("PA", 501, 101, opener=False)))
shape("fin", True)(lambda e: (e.opened_by_the_other(), e.tcp("FA", 501, 101, opener=False)))
shape("rst", True)(lambda e: (e.opened_by_the_other(), e.tcp("R", 501, 0, opener=False)))
shape("udp-reply", True)(lambda e: ([(e.other, e.back().ip() / e.udp())], e.ip() / e.udp(sport=9, dport=e.port)))
shape("echo-reply", True)(lambda e: ([(e.other, e.back().ip() / ICMP(id=e.number))], e.ip() / ICMP(type=0, id=e.number) / Raw(e.marker)))
shape("syn-on-flow", True)(lambda e: (e.opened_by_the_other(), e.tcp("S", 9000, opener=False)))
shape("mid-stream", True, closed="none")(lambda e: e.tcp("PA", 77, 88))
shape("rst-unknown", True)(lambda e: e.tcp("R", 77))
shape("error-related", True)(lambda e: (
    [(e.other, e.back().ip() / e.udp())],
    e.ip() / ICMP(type=3, code=3) / IP(src=e.target.v4, dst=e.source.v4, len=28 + len(e.marker)) / e.udp()))
shape("error-related-v6", True)(lambda e: (
    [(e.other, e.back().ip6() / e.udp())], e.ip6() / ICMPv6PacketTooBig(mtu=1280) / IPv6(src=e.target.v6, dst=e.source.v6) / e.udp()))
shape("error-unrelated", True)(lambda e: e.ip() / ICMP(type=3, code=1) / IP(src=e.target.v4, dst=e.source.v4) / e.udp())
shape("error-truncated", True)(lambda e: e.ip() / ICMP(type=3, code=1) / Raw(b"\x45" + bytes(9)))
shape("syn-fin", True)(lambda e: e.tcp("SF"))
shape("syn-rst", True)(lambda e: e.tcp("SR"))
shape("tcp-truncated", True)(lambda e: e.ip(proto=6) / Raw(bytes(TCP(sport=e.port, dport=80))[:10]))
shape("tcp-offset", True)(lambda e: e.ip() / TCP(sport=e.port, dport=80, flags="S", dataofs=4) / Raw(e.marker))
shape("udp-length", True)(lambda e: e.ip() / e.udp(len=900))
