/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What keeps a link going and is no policy's business: let through when it speaks only for the workload itself. */
#ifndef BULKHEAD_CONTROL_H
#define BULKHEAD_CONTROL_H

#include "network.h"

/* Whether an address is the slot's own. */
VERIFIED_ONCE int own_leg(__u32 slot, __u32 family, const struct bulkhead_address *address, __u32 *leg)
{
	if (!address || !leg)
		return WORD_NONE;
	struct bulkhead_leg_key key;

	key.slot = slot;
	key.family = family;
	key.address = *address;
	return tagged(&legs, &key, bulkhead_tag(&key, sizeof(key)), leg);
}

static __always_inline int is_own(struct packet *packet, const struct bulkhead_address *address)
{
	__u32 leg;

	return own_leg(packet->key.slot, packet->key.family, address, &leg) == WORD_FOUND;
}

struct arp_packet {
	__u16 hardware;
	__u16 protocol;
	__u8 hardware_length;
	__u8 protocol_length;
	__u16 operation;
	__u8 sender_hardware[6];
	__u8 sender[4];
	__u8 target_hardware[6];
	__u8 target[4];
};

/* Ethernet's minimum without its checksum; an ARP packet (42 bytes) is padded up to it. More would carry data. */
#define ARP_FRAME_BYTES 60u

/*
 * What solicitations and advertisements have at most on Ethernet: 24 bytes, then the options link-layer address (8),
 * nonce (8, RFC 7527) and address registration (16, RFC 8505). More would carry data.
 */
#define NEIGHBOUR_BYTES 64u

VERIFIED_ONCE __u32 arp(struct __sk_buff *skb, struct packet *packet)
{
	if (!packet)
		return DROP(BULKHEAD_MALFORMED);
	struct arp_packet request;
	struct bulkhead_address sender = {};
	__u32 value;

	if (skb->len > ARP_FRAME_BYTES ||
	    bpf_skb_load_bytes(skb, ETHERNET_HEADER, &request, sizeof(request)) || request.hardware != swap16(1) ||
	    request.protocol != swap16(ETHERTYPE_IPV4) || request.hardware_length != 6 || request.protocol_length != 4)
		return DROP(BULKHEAD_MALFORMED);
	packet->key.family = 4;
	__builtin_memcpy(&value, request.sender, sizeof(value));
	set_ipv4(&sender, value);
	*source_of(packet) = sender;
	__builtin_memcpy(&value, request.target, sizeof(value));
	set_ipv4(destination_of(packet), value);
	if (packet->direction == BULKHEAD_INGRESS)
		return PASS(BULKHEAD_CONTROL);
	/* An address probe has no sender (RFC 5227). */
	if (unspecified(&sender) || is_own(packet, &sender))
		return PASS(BULKHEAD_CONTROL);
	return DROP(BULKHEAD_SPOOFED_NEIGHBOUR);
}

/* The part of a link-local address that tells interfaces apart; 0: of no form that a link has (RFC 4291 section 2.5.6). */
static __always_inline __u64 link_local_identifier(const struct bulkhead_address *address)
{
	if (word_of(address, 0) != swap32(0xfe800000) || word_of(address, 1))
		return 0;
	return (__u64)word_of(address, 3) << 32 | word_of(address, 2);
}

/*
 * Whether a link-local address is the one that the interface speaks for. No object names it, so the first that it uses is
 * taken for it.
 */
VERIFIED_ONCE int own_link_local(const struct packet *packet, const struct bulkhead_address *address)
{
	if (!packet || !address)
		return 0;
	__u32 number = packet->key.slot;
	const struct bulkhead_slot *slot = slot_of(packet);
	struct bulkhead_link_local *own;
	__u64 identifier = link_local_identifier(address), before;

	own = bpf_map_lookup_elem(&link_locals, &number);
	if (!own || !slot || !identifier)
		return 0;
	before = READ_ONCE(own->identifier);
	if (READ_ONCE(own->attached) != slot->attached || !before ||
	    elapsed(READ_ONCE(own->seen), packet->now) > BULKHEAD_LINK_LOCAL_LIFETIME) {
		/* Of two packets at once one is the first. */
		if (__sync_val_compare_and_swap(&own->identifier, before, identifier) != before)
			return READ_ONCE(own->identifier) == identifier;
		WRITE_ONCE(own->attached, slot->attached);
	} else if (before != identifier) {
		return 0;
	}
	WRITE_ONCE(own->seen, packet->now);
	return 1;
}

/* The same of an address that others use for it: what they say teaches nothing. */
static __always_inline int known_link_local(const struct packet *packet, const struct bulkhead_address *address)
{
	__u32 number = packet->key.slot;
	const struct bulkhead_slot *slot = slot_of(packet);
	__u64 identifier = link_local_identifier(address);
	struct bulkhead_link_local *own = bpf_map_lookup_elem(&link_locals, &number);

	return own && slot && identifier && READ_ONCE(own->attached) == slot->attached &&
	       READ_ONCE(own->identifier) == identifier;
}

static __always_inline int own_or_link_local(struct packet *packet, const struct bulkhead_address *address)
{
	return is_own(packet, address) || own_link_local(packet, address);
}

/* Sent to many. A subnet's broadcast address is known by its frame only. */
static __always_inline int is_group(const struct packet *packet)
{
	return packet->direction == BULKHEAD_INGRESS &&
	       (multicast(packet->key.family, &packet->key.local) || (packet->key.family == 4 && packet->group));
}

static __always_inline int admitted_source(const struct packet *packet)
{
	struct bulkhead_source_key key;

	key.prefixlen = packet->key.family == 6 ? 32 + 128 : 32 + 32;
	key.slot_and_family = swap32(packet->key.slot << 1 | (packet->key.family == 6));
	key.address = packet->key.local;
	return bpf_map_lookup_elem(&admitted_sources, &key) != NULL;
}

/*
 * The leg of an address that no object names: many have it, the link made it, or it is admitted as a source. The tables
 * have one where policy does not ask about the local end's address.
 */
VERIFIED_ONCE int shared_leg(const struct packet *packet, __u32 *leg)
{
	if (!packet || !leg)
		return WORD_NONE;
	__u32 family = packet->key.family;
	int is_egress = packet->direction == BULKHEAD_EGRESS;
	struct bulkhead_address address = {};
	__u8 kind;

	if (is_group(packet))
		kind = BULKHEAD_LEG_OF_GROUPS;
	else if (family == 6 && (is_egress ? own_link_local(packet, &packet->key.local) : known_link_local(packet, &packet->key.local)))
		kind = BULKHEAD_LEG_OF_LINK_LOCAL;
	else if (is_egress && admitted_source(packet))
		kind = BULKHEAD_LEG_OF_OTHERS;
	else
		return WORD_NONE;
	address.bytes[0] = family == 4 ? 0xe0 : 0xff;
	address.bytes[family == 4 ? 3 : 15] = kind;
	return own_leg(packet->key.slot, family | BULKHEAD_SHARED_LEG, &address, leg);
}

/* CONTINUE with the leg that decides for the packet's local address, or why there is none. */
static __always_inline __u32 find_leg(const struct packet *packet, __u32 *leg)
{
	int found = own_leg(packet->key.slot, packet->key.family, &packet->key.local, leg);

	if (found == WORD_NONE)
		found = shared_leg(packet, leg);
	if (found == WORD_FOUND)
		return CONTINUE;
	if (found == WORD_TORN)
		return DROP(BULKHEAD_TORN_READ);
	if (packet->direction == BULKHEAD_EGRESS)
		return DROP(BULKHEAD_SPOOFED_SOURCE);
	return DROP(is_group(packet) ? BULKHEAD_MULTICAST : BULKHEAD_NOT_ITS_ADDRESS);
}

/* Neighbour and router discovery (RFC 4861). Always judged here: policy cannot allow a forged one. */
VERIFIED_ONCE __u32 neighbour(struct __sk_buff *skb, struct packet *packet)
{
	if (!packet)
		return DROP(BULKHEAD_MALFORMED);
	__u8 type = packet->type_code >> 8;
	struct bulkhead_address source = *source_of(packet);
	struct bulkhead_address target = {};

	if (type == 137)
		return DROP(BULKHEAD_REDIRECT);
	if (type == 134 && packet->direction == BULKHEAD_EGRESS)
		return DROP(BULKHEAD_ROUTER_ADVERTISEMENT);
	/* A hop limit of 255 proves that no router forwarded it. */
	if (packet->hop_limit != 255)
		return DROP(BULKHEAD_SPOOFED_NEIGHBOUR);
	/* Of the frame, so that neither extension headers nor padding hold more. A router may have much to tell. */
	if (type != 134 && skb->len > ETHERNET_HEADER + sizeof(struct ipv6_header) + NEIGHBOUR_BYTES)
		return DROP(BULKHEAD_MALFORMED);
	if (type >= 135 && (packet->transport_length < 24 ||
			    bpf_skb_load_bytes(skb, packet->transport + 8, &target, sizeof(target))))
		return DROP(BULKHEAD_MALFORMED);
	if (packet->direction == BULKHEAD_INGRESS) {
		if (type == 134 && !link_local6(&source))
			return DROP(BULKHEAD_SPOOFED_NEIGHBOUR);
		return PASS(BULKHEAD_CONTROL);
	}
	if (type == 136) {
		if (!own_or_link_local(packet, &target))
			return DROP(BULKHEAD_SPOOFED_NEIGHBOUR);
	} else if (unspecified(&source)) {
		/* Duplicate address detection, for an address of its own. */
		if (type == 135 && !own_or_link_local(packet, &target))
			return DROP(BULKHEAD_SPOOFED_NEIGHBOUR);
		return PASS(BULKHEAD_CONTROL);
	}
	return own_or_link_local(packet, &source) ? PASS(BULKHEAD_CONTROL) : DROP(BULKHEAD_SPOOFED_NEIGHBOUR);
}

enum {
	IGMP_QUERY = 0x11,
	IGMP_REPORT_1 = 0x12,
	IGMP_REPORT_2 = 0x16,
	IGMP_LEAVE = 0x17,
	IGMP_REPORT_3 = 0x22,
};

/*
 * MLD (RFC 3810) and IGMP (RFC 3376). What is not of the form they demand is policy's business, above all what a router would
 * forward.
 */
VERIFIED_ONCE __u32 membership(struct __sk_buff *skb, struct packet *packet)
{
	if (!packet)
		return DROP(BULKHEAD_MALFORMED);
	const struct bulkhead_address *source = source_of(packet);
	__u8 type;

	if (!multicast(packet->key.family, destination_of(packet)) || packet->hop_limit != 1)
		return CONTINUE;
	if (packet->key.family == 6) {
		if (!link_local6(source) && !unspecified(source))
			return CONTINUE;
		type = packet->type_code >> 8;
		if (type == 130 && packet->direction == BULKHEAD_EGRESS)
			return DROP(BULKHEAD_ROUTER_ADVERTISEMENT); /* only a router asks */
		if (packet->direction == BULKHEAD_EGRESS && !unspecified(source) && !own_link_local(packet, source))
			return DROP(BULKHEAD_SPOOFED_SOURCE);
		return PASS(BULKHEAD_CONTROL);
	}
	if (bpf_skb_load_bytes(skb, packet->transport, &type, sizeof(type)))
		return DROP(BULKHEAD_MALFORMED);
	if (type != IGMP_QUERY && type != IGMP_REPORT_1 && type != IGMP_REPORT_2 && type != IGMP_LEAVE && type != IGMP_REPORT_3)
		return CONTINUE;
	if (packet->direction == BULKHEAD_INGRESS)
		return PASS(BULKHEAD_CONTROL);
	if (type == IGMP_QUERY)
		return DROP(BULKHEAD_ROUTER_ADVERTISEMENT);
	return unspecified(source) || is_own(packet, source) ? PASS(BULKHEAD_CONTROL) : DROP(BULKHEAD_SPOOFED_SOURCE);
}

/*
 * The record that a slot has asked for an address, for IPv6 from which one: kept like a fragment's that goes towards
 * no address, which none can.
 */
static __always_inline void dhcp_key(struct bulkhead_fragment_key *key, const struct packet *packet)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->slot = packet->key.slot;
	key->family = packet->key.family;
	key->protocol = PROTOCOL_UDP;
	key->identification = 0xffffffff;
	if (packet->key.family == 6)
		key->source = packet->key.local;
}

/* A question for an address goes to everybody (RFC 2131), or to all agents and servers of the link (RFC 8415). */
static __always_inline int dhcp_question(const struct packet *packet)
{
	const struct bulkhead_address *local = &packet->key.local;
	const struct bulkhead_address *peer = &packet->key.peer;

	if (packet->key.family == 4)
		return packet->key.local_port == 68 && packet->key.peer_port == 67 && unspecified(local) &&
		       word_of(peer, 0) == 0xffffffff;
	return packet->key.local_port == 546 && packet->key.peer_port == 547 && link_local6(local) &&
	       word_of(peer, 0) == swap32(0xff020000) && !word_of(peer, 1) && !word_of(peer, 2) &&
	       word_of(peer, 3) == swap32(0x00010002);
}

/* A question for an address, which nobody has yet; notes that its answer may come. */
VERIFIED_ONCE int asks_for_address(struct packet *packet)
{
	if (!packet)
		return 0;
	struct bulkhead_fragment_key key;
	struct bulkhead_fragment value;

	if (packet->key.protocol != PROTOCOL_UDP || packet->first_part || packet->later_part || !dhcp_question(packet) ||
	    (packet->key.family == 6 && !own_link_local(packet, &packet->key.local)))
		return 0;
	dhcp_key(&key, packet);
	value.word = bulkhead_word(0, bulkhead_tag(&key, sizeof(key)));
	value.seen = packet->now;
	value.end = 0;
	bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
	return 1;
}

/* A DHCP answer to a workload that asked a moment ago. */
static __always_inline int dhcp_answer(const struct packet *packet)
{
	struct bulkhead_fragment_key key;
	struct bulkhead_fragment *value;

	if (packet->key.protocol != PROTOCOL_UDP || packet->first_part || packet->later_part)
		return 0;
	if (packet->key.family == 4) {
		if (packet->key.local_port != 68 || packet->key.peer_port != 67)
			return 0;
	} else if (packet->key.local_port != 546 || packet->key.peer_port != 547 ||
		   !link_local6(&packet->key.local) || !link_local6(&packet->key.peer)) {
		return 0;
	}
	dhcp_key(&key, packet);
	value = bpf_map_lookup_elem(&fragments, &key);
	return value && READ_ONCE(value->word) == bulkhead_word(0, bulkhead_tag(&key, sizeof(key))) &&
	       elapsed(value->seen, packet->now) < BULKHEAD_FRAGMENT_LIFETIME;
}

#endif
