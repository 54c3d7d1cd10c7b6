/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Ethernet, IPv4 and IPv6 headers. */
#ifndef BULKHEAD_NETWORK_H
#define BULKHEAD_NETWORK_H

#include "packet.h"

struct ipv4_header {
	__u8 version_and_length;
	__u8 service;
	__u16 length;
	__u16 identification;
	__u16 fragment;
	__u8 hop_limit;
	__u8 protocol;
	__u16 checksum;
	__u32 source;
	__u32 destination;
};

struct ipv6_header {
	__u32 version_class_label;
	__u16 length;
	__u8 next;
	__u8 hop_limit;
	struct bulkhead_address source;
	struct bulkhead_address destination;
};

enum {
	NEXT_HOP_BY_HOP = 0,
	NEXT_ROUTING = 43,
	NEXT_FRAGMENT = 44,
	NEXT_NONE = 59,
	NEXT_DESTINATION = 60,
	NEXT_MOBILITY = 135,
	NEXT_HOST_IDENTITY = 139,
	NEXT_SHIM6 = 140,
};

/* More extension headers than any sender needs; a longer chain is dropped. */
#define MAX_EXTENSION_HEADERS 6

static __always_inline void set_ipv4(struct bulkhead_address *address, __u32 value)
{
	*(__u32 *)address = value;
}

static __always_inline __u32 parse_ipv4(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv4_header header;
	__u32 available = skb->len - ETHERNET_HEADER;
	__u32 header_length, total, option;
	__u16 offset;

	if (COPY_HEADER(skb, ETHERNET_HEADER, &header))
		return DROP(BULKHEAD_MALFORMED);
	header_length = (header.version_and_length & 15) << 2;
	total = swap16(header.length);
	if (!total && skb->gso_size)
		total = available; /* longer than the field can say; only the kernel itself makes these */
	if (header.version_and_length >> 4 != 4 || header_length < sizeof(header) || total < header_length ||
	    total > available)
		return DROP(BULKHEAD_MALFORMED);

	packet->key.family = 4;
	packet->key.protocol = header.protocol;
	set_ipv4(source_of(packet), header.source);
	set_ipv4(destination_of(packet), header.destination);
	packet->hop_limit = header.hop_limit;
	packet->bytes = total;
	packet->transport = ETHERNET_HEADER + header_length;
	packet->transport_length = total - header_length;
	if (multicast(4, source_of(packet)))
		return DROP(BULKHEAD_MALFORMED);

	if (header_length > sizeof(header)) {
		/* IGMP carries the router alert option (RFC 3376 section 4); no other option passes. */
		if (header.protocol != PROTOCOL_IGMP || header_length != sizeof(header) + sizeof(option) ||
		    bpf_skb_load_bytes(skb, ETHERNET_HEADER + sizeof(header), &option, sizeof(option)) ||
		    option != swap32(0x94040000))
			return DROP(BULKHEAD_IP_OPTIONS);
	}
	offset = swap16(header.fragment);
	packet->identification = swap16(header.identification);
	if (offset & 0x1fff) {
		if ((offset & 0x1fff) == 1)
			return DROP(BULKHEAD_FRAGMENT); /* would rewrite a TCP header's flags (RFC 3128) */
		packet->later_part = 1;
		packet->fragment_offset = (offset & 0x1fff) << 3;
	} else if (offset & 0x2000) {
		packet->first_part = 1;
	}
	return CONTINUE;
}

/* Walks the extension headers up to the transport header. */
static __always_inline __u32 walk_extensions(struct __sk_buff *skb, struct packet *packet, __u8 next)
{
	__u32 at = ETHERNET_HEADER + sizeof(struct ipv6_header);
	__u32 end = ETHERNET_HEADER + packet->bytes;
	int index;

	for (index = 0; index <= MAX_EXTENSION_HEADERS; index++) {
		struct {
			__u8 next;
			__u8 length;
			__u16 offset;
			__u32 identification;
		} part;
		__u16 offset;

		switch (next) {
		case NEXT_HOP_BY_HOP:
			if (index)
				return DROP(BULKHEAD_MALFORMED);
			break;
		case NEXT_DESTINATION:
		case NEXT_FRAGMENT:
			break;
		case NEXT_ROUTING:
		case NEXT_MOBILITY:
		case NEXT_HOST_IDENTITY:
		case NEXT_SHIM6:
			return DROP(BULKHEAD_IP_OPTIONS);
		default:
			packet->key.protocol = next;
			packet->transport = at;
			packet->transport_length = end - at;
			return CONTINUE;
		}
		if (index == MAX_EXTENSION_HEADERS)
			break;
		/* What follows a fragment header must be the transport: a later part could not repeat the chain. */
		if (packet->first_part)
			return DROP(BULKHEAD_FRAGMENT);
		if (bpf_skb_load_bytes(skb, at, &part, sizeof(part)))
			return DROP(BULKHEAD_MALFORMED);
		if (next == NEXT_FRAGMENT) {
			offset = swap16(part.offset);
			packet->identification = swap32(part.identification);
			at += sizeof(part);
			if (offset >> 3) {
				if (offset >> 3 == 1)
					return DROP(BULKHEAD_FRAGMENT);
				packet->later_part = 1;
				packet->fragment_offset = offset & 0xfff8;
				packet->key.protocol = part.next;
				packet->transport = at;
				packet->transport_length = end - at;
				return at > end ? DROP(BULKHEAD_MALFORMED) : CONTINUE;
			}
			/* Offset 0 and no more parts is a whole packet (RFC 6946). */
			packet->first_part = offset & 1;
		} else {
			at += (part.length + 1) << 3;
		}
		if (at > end)
			return DROP(BULKHEAD_MALFORMED);
		next = part.next;
	}
	return DROP(BULKHEAD_IP_OPTIONS);
}

static __always_inline __u32 parse_ipv6(struct __sk_buff *skb, struct packet *packet)
{
	struct ipv6_header header;
	__u32 available = skb->len - ETHERNET_HEADER;
	__u32 total;

	if (COPY_HEADER(skb, ETHERNET_HEADER, &header))
		return DROP(BULKHEAD_MALFORMED);
	total = swap16(header.length) + sizeof(header);
	if (!header.length && skb->gso_size)
		total = available;
	if ((header.version_class_label & 0xf0) != 0x60 || total > available)
		return DROP(BULKHEAD_MALFORMED);

	packet->key.family = 6;
	*source_of(packet) = header.source;
	*destination_of(packet) = header.destination;
	packet->hop_limit = header.hop_limit;
	packet->bytes = total;
	if (mapped(&header.source) || mapped(&header.destination) || multicast(6, &header.source))
		return DROP(BULKHEAD_MALFORMED);
	return walk_extensions(skb, packet, header.next);
}

#endif
