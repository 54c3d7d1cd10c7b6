/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * From frame to tuple. Whatever is not understood is dropped with its own reason. Headers are copied out of the packet, and
 * the frame's own type counts, not what the kernel noted of it.
 */
#ifndef BULKHEAD_PACKET_H
#define BULKHEAD_PACKET_H

#include "decide.h"

#define ETHERNET_HEADER 14u
#define CONTINUE 0xffffffffu /* not decided yet */

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,
};

enum {
	PROTOCOL_ICMP = 1,
	PROTOCOL_IGMP = 2,
	PROTOCOL_IPIP = 4,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_ICMPV6 = 58,
	PROTOCOL_SCTP = 132,
	PROTOCOL_UDPLITE = 136,
};

enum {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
};

enum packet_class {
	CLASS_PLAIN,
	CLASS_ERROR,	  /* ICMP error */
	CLASS_NEIGHBOUR,  /* ICMPv6 133-137 */
	CLASS_MEMBERSHIP, /* MLD, IGMP */
};

struct packet {
	struct bulkhead_flow_key key;
	__u32 epoch;
	__u64 now;
	__u32 bytes; /* layer 3, as if segmented */
	__u32 segments;
	__u32 transport;	/* offset of the transport header */
	__u32 transport_length; /* bytes of the packet from there on */
	__u32 sequence;
	__u32 acknowledgement;
	__u32 identification;
	__u32 fragment_offset; /* bytes */
	__u16 type_code;
	__u8 direction; /* of this packet */
	__u8 initiator; /* direction of the flow's initiator; this packet's own where no entry speaks for it */
	__u8 class;
	__u8 tcp_flags;
	__u8 hop_limit;
	__u8 group;	   /* sent to a group at layer 2 */
	__u8 from_host;	   /* made by the host itself, on its way to the workload */
	__u8 first_part;   /* first fragment */
	__u8 later_part;   /* any other fragment */
	__u8 entry_denied; /* an entry exists and must not be replaced */
	__u8 observe;
};

/* What few packets need to know of their slot; NULL cannot be. */
static __always_inline const struct bulkhead_slot *slot_of(const struct packet *packet)
{
	__u32 slot = packet->key.slot;

	return bpf_map_lookup_elem(&slots, &slot);
}

static __always_inline __u32 slot_flags(const struct packet *packet)
{
	const struct bulkhead_slot *slot = slot_of(packet);

	return slot ? slot->flags : 0;
}

/* Nanoseconds from `before` until `now`. What seems later was another CPU's, in the same tick: none have passed. */
static __always_inline __u64 elapsed(__u64 before, __u64 now) { return (__s64)(now - before) > 0 ? now - before : 0; }

/* Beyond this the verifier does not follow an offset into the packet. */
#define MAX_DIRECT_OFFSET 0x7fffu

/*
 * Copies a header out of the packet, 0 if it is there. Straight from the linear part costs 5 ns less than by the helper; but a
 * tap delivers linear parts that end anywhere.
 */
#define COPY_HEADER(skb, at, header)                                                                          \
	({                                                                                                    \
		void *__start = (void *)(long)(skb)->data;                                                     \
		void *__end = (void *)(long)(skb)->data_end;                                                   \
		__u32 __at = (at);                                                                             \
		long __error = 0;                                                                              \
		if (__at <= MAX_DIRECT_OFFSET && __start + __at + sizeof(*(header)) <= __end)                   \
			*(header) = *(typeof(header))(__start + __at);                                         \
		else                                                                                           \
			__error = bpf_skb_load_bytes(skb, __at, header, sizeof(*(header)));                    \
		__error;                                                                                       \
	})

static __always_inline struct bulkhead_address *source_of(struct packet *packet)
{
	return packet->direction == BULKHEAD_EGRESS ? &packet->key.local : &packet->key.peer;
}

static __always_inline struct bulkhead_address *destination_of(struct packet *packet)
{
	return packet->direction == BULKHEAD_EGRESS ? &packet->key.peer : &packet->key.local;
}

static __always_inline __u16 source_port_of(const struct packet *packet)
{
	return packet->direction == BULKHEAD_EGRESS ? packet->key.local_port : packet->key.peer_port;
}

static __always_inline __u16 destination_port_of(const struct packet *packet)
{
	return packet->direction == BULKHEAD_EGRESS ? packet->key.peer_port : packet->key.local_port;
}

static __always_inline void set_ports(struct packet *packet, __u16 source, __u16 destination)
{
	packet->key.local_port = packet->direction == BULKHEAD_EGRESS ? source : destination;
	packet->key.peer_port = packet->direction == BULKHEAD_EGRESS ? destination : source;
}

static __always_inline __u32 word_of(const struct bulkhead_address *address, __u32 index)
{
	return ((const __u32 *)address)[index];
}

static __always_inline int same(const struct bulkhead_address *left, const struct bulkhead_address *right)
{
	return word_of(left, 0) == word_of(right, 0) && word_of(left, 1) == word_of(right, 1) &&
	       word_of(left, 2) == word_of(right, 2) && word_of(left, 3) == word_of(right, 3);
}

static __always_inline int unspecified(const struct bulkhead_address *address)
{
	return !(word_of(address, 0) | word_of(address, 1) | word_of(address, 2) | word_of(address, 3));
}

static __always_inline int link_local6(const struct bulkhead_address *address)
{
	return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

/* 224.0.0.0/4 and what is above, the broadcast address among it; ff00::/8. */
static __always_inline int multicast(__u8 family, const struct bulkhead_address *address)
{
	return family == 4 ? address->bytes[0] >= 0xe0 : address->bytes[0] == 0xff;
}

static __always_inline int mapped(const struct bulkhead_address *address)
{
	return !word_of(address, 0) && !word_of(address, 1) && word_of(address, 2) == swap32(0x0000ffff);
}

/* Whether packets in this packet may pass unjudged: those to a workload were judged where they were sent. */
static __always_inline int may_carry(const struct packet *packet)
{
	return packet->direction == BULKHEAD_INGRESS || slot_flags(packet) & BULKHEAD_SLOT_TUNNELS;
}

/* How many packets the wire carries for this one, and their bytes: each repeats the headers. */
static __always_inline void measure(struct __sk_buff *skb, struct packet *packet, __u32 transport_header)
{
	__u32 headers = packet->transport - ETHERNET_HEADER + transport_header;
	__u32 size = skb->gso_size;
	__u32 segments = skb->gso_segs;

	if (!size)
		return;
	if (!segments && packet->bytes > headers)
		segments = (packet->bytes - headers + size - 1) / size; /* a tap leaves the count to us */
	if (segments > 1) {
		packet->segments = segments;
		packet->bytes += (segments - 1) * headers;
	}
}

/*
 * ICMP's place in the flow key (layout.h). `sender_is_local` is about the packet of this type, which may be one
 * embedded in an error.
 */
static __always_inline void icmp_key(struct bulkhead_flow_key *key, __u16 type_code, __u16 identifier,
				     int sender_is_local)
{
	__u16 request = key->family == 4 ? 8 << 8 : 128 << 8;
	__u16 reply = key->family == 4 ? 0 : 129 << 8;

	if (type_code == request || type_code == reply) {
		key->local_port = identifier;
		key->peer_port = identifier;
		key->asker = sender_is_local == (type_code == request) ? 1 : 2;
	} else {
		key->local_port = type_code;
		key->peer_port = ~type_code;
		key->asker = 0;
	}
}

VERIFIED_ONCE __u32 parse_icmp(struct __sk_buff *skb, struct packet *packet)
{
	if (!packet)
		return DROP(BULKHEAD_MALFORMED);
	__u16 part[4]; /* type and code, checksum, identifier, sequence */
	__u8 type;

	if (bpf_skb_load_bytes(skb, packet->transport, part, sizeof(part)))
		return DROP(packet->first_part ? BULKHEAD_FRAGMENT : BULKHEAD_MALFORMED);
	packet->type_code = swap16(part[0]);
	type = packet->type_code >> 8;
	icmp_key(&packet->key, packet->type_code, swap16(part[2]), packet->direction == BULKHEAD_EGRESS);
	if (packet->key.family == 4 && packet->key.protocol == PROTOCOL_ICMP) {
		if (type == 5)
			return DROP(BULKHEAD_REDIRECT);
		if (type == 3 || type == 11 || type == 12)
			packet->class = CLASS_ERROR;
	} else if (packet->key.family == 6 && packet->key.protocol == PROTOCOL_ICMPV6) {
		if (type >= 1 && type <= 4)
			packet->class = CLASS_ERROR;
		else if (type >= 133 && type <= 137)
			packet->class = CLASS_NEIGHBOUR;
		else if ((type >= 130 && type <= 132) || type == 143)
			packet->class = CLASS_MEMBERSHIP;
		if (packet->class >= CLASS_NEIGHBOUR && packet->first_part)
			return DROP(BULKHEAD_FRAGMENT); /* RFC 6980 */
	}
	return CONTINUE;
}

static __always_inline __u32 parse_tcp(struct __sk_buff *skb, struct packet *packet)
{
	struct {
		__u16 source;
		__u16 destination;
		__u32 sequence;
		__u32 acknowledgement;
		__u8 offset;
		__u8 flags;
		__u16 window;
		__u32 rest;
	} header;
	__u32 length;

	if (COPY_HEADER(skb, packet->transport, &header))
		return DROP(packet->first_part ? BULKHEAD_FRAGMENT : BULKHEAD_MALFORMED);
	length = header.offset >> 4 << 2;
	if (length < sizeof(header) || length > packet->transport_length)
		return DROP(packet->first_part ? BULKHEAD_FRAGMENT : BULKHEAD_MALFORMED);
	if (header.flags & TCP_SYN && header.flags & (TCP_FIN | TCP_RST))
		return DROP(BULKHEAD_MALFORMED);
	packet->tcp_flags = header.flags;
	packet->sequence = swap32(header.sequence);
	packet->acknowledgement = swap32(header.acknowledgement);
	set_ports(packet, swap16(header.source), swap16(header.destination));
	measure(skb, packet, length);
	return CONTINUE;
}

static __always_inline __u32 parse_udp(struct __sk_buff *skb, struct packet *packet)
{
	struct {
		__u16 source;
		__u16 destination;
		__u16 length; /* UDP-Lite: coverage */
		__u16 checksum;
	} header;
	__u16 length;

	if (COPY_HEADER(skb, packet->transport, &header))
		return DROP(packet->first_part ? BULKHEAD_FRAGMENT : BULKHEAD_MALFORMED);
	length = swap16(header.length);
	if (packet->key.protocol == PROTOCOL_UDP && !skb->gso_size &&
	    (length < sizeof(header) || (length > packet->transport_length && !packet->first_part)))
		return DROP(BULKHEAD_MALFORMED);
	set_ports(packet, swap16(header.source), swap16(header.destination));
	if (packet->direction == BULKHEAD_EGRESS && packet->key.protocol == PROTOCOL_UDP) {
		/* VXLAN, by its assigned port and by Linux's old default: the inner frames are not judged. */
		if ((packet->key.peer_port == 4789 || packet->key.peer_port == 8472) && !may_carry(packet))
			return DROP(BULKHEAD_TUNNEL);
		if (packet->key.local_port == (packet->key.family == 4 ? 67 : 547))
			return DROP(BULKHEAD_DHCP_SERVER);
	}
	measure(skb, packet, sizeof(header));
	return CONTINUE;
}

static __always_inline __u32 parse_transport(struct __sk_buff *skb, struct packet *packet)
{
	__u8 protocol = packet->key.protocol;
	__u32 minimum = protocol == PROTOCOL_TCP ? 20 : protocol == PROTOCOL_SCTP ? 12 : 8;
	__u16 ports[2];

	if ((protocol == PROTOCOL_IPIP || protocol == PROTOCOL_IPV6) && !may_carry(packet))
		return DROP(BULKHEAD_TUNNEL);
	if (packet->later_part)
		return CONTINUE;
	switch (protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_UDPLITE:
	case PROTOCOL_SCTP:
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
	case PROTOCOL_IGMP:
		if (packet->transport_length < minimum)
			return DROP(packet->first_part ? BULKHEAD_FRAGMENT : BULKHEAD_MALFORMED);
	}
	switch (protocol) {
	case PROTOCOL_TCP:
		return parse_tcp(skb, packet);
	case PROTOCOL_UDP:
	case PROTOCOL_UDPLITE:
		return parse_udp(skb, packet);
	case PROTOCOL_SCTP:
		if (bpf_skb_load_bytes(skb, packet->transport, ports, sizeof(ports)))
			return DROP(BULKHEAD_MALFORMED);
		set_ports(packet, swap16(ports[0]), swap16(ports[1]));
		return CONTINUE;
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		return parse_icmp(skb, packet);
	case PROTOCOL_IGMP:
		if (packet->key.family == 4)
			packet->class = CLASS_MEMBERSHIP;
		return CONTINUE;
	default:
		return CONTINUE;
	}
}

#endif
