/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The two programs of a workload's host-side interface (veth or tap).
 *
 * One packet: frame and headers, then what is not policy's business, then the flow it belongs to, then policy.
 */
#include "reject.h"

char bulkhead_license[] SEC("license") = "Dual MIT/GPL";

/*
 * The kernel's own clock costs 35 ns a call, more than finding the flow; so packets of one tick (1 to 10 ms) share the time
 * of its first. Two CPUs that write at once leave a time within this tick, or one that the next packet corrects.
 */
static __always_inline __u64 tick_time(void)
{
	__u32 tick_index = BULKHEAD_META_TICK, time_index = BULKHEAD_META_TICK_TIME;
	__u64 *tick = bpf_map_lookup_elem(&meta, &tick_index);
	__u64 *time = bpf_map_lookup_elem(&meta, &time_index);
	__u64 current = bpf_jiffies64();
	__u64 now;

	if (!tick || !time)
		return bpf_ktime_get_boot_ns();
	if (READ_ONCE(*tick) == current)
		return READ_ONCE(*time);
	now = bpf_ktime_get_boot_ns();
	WRITE_ONCE(*time, now);
	WRITE_ONCE(*tick, current);
	return now;
}

/* The slot of an interface that has no place in interface_slots. */
VERIFIED_ONCE int slot_number(__u32 ifindex, __u32 *number)
{
	struct bulkhead_interface_key key = {.ifindex = ifindex};

	if (!number)
		return WORD_NONE;
	return tagged(&interfaces, &key, bulkhead_tag(&key, sizeof(key)), number);
}

/* Fills in whose packet it is. */
static __always_inline __u32 identify(struct __sk_buff *skb, struct packet *packet)
{
	__u32 index = skb->ifindex % BULKHEAD_INTERFACE_SLOTS;
	__u64 *place = bpf_map_lookup_elem(&interface_slots, &index);
	__u64 word = place ? READ_ONCE(*place) : 0;
	__u32 number = (__u32)word;
	struct bulkhead_slot *slot;

	if (word >> 32 != skb->ifindex) {
		int found = slot_number(skb->ifindex, &number);

		if (found == WORD_TORN)
			return DROP(BULKHEAD_TORN_READ);
		if (found == WORD_NONE)
			return DROP(BULKHEAD_UNKNOWN_INTERFACE);
	}
	slot = bpf_map_lookup_elem(&slots, &number);
	if (!slot || !slot->attached)
		return DROP(BULKHEAD_UNKNOWN_INTERFACE);
	packet->key.slot = number;
	return CONTINUE;
}

VERIFIED_ONCE __u32 parse(struct __sk_buff *skb, struct packet *packet)
{
	if (!packet)
		return DROP(BULKHEAD_MALFORMED);
	struct {
		__u8 destination[6];
		__u8 source[6];
		__u16 type;
	} header;
	__u32 outcome;

	/* With an offloaded tag the frame's own type is the inner one. */
	if (skb->vlan_present && !(slot_flags(packet) & BULKHEAD_SLOT_TAGGED))
		return DROP(BULKHEAD_TAGGED);
	if (COPY_HEADER(skb, 0, &header))
		return DROP(BULKHEAD_MALFORMED);
	packet->group = header.destination[0] & 1;
	switch (swap16(header.type)) {
	case ETHERTYPE_IPV4:
		outcome = parse_ipv4(skb, packet);
		break;
	case ETHERTYPE_IPV6:
		outcome = parse_ipv6(skb, packet);
		break;
	case ETHERTYPE_ARP:
		return arp(skb, packet);
	case ETHERTYPE_VLAN:
	case ETHERTYPE_QINQ:
		return DROP(BULKHEAD_TAGGED);
	default:
		return DROP(BULKHEAD_UNKNOWN_FRAME);
	}
	return outcome == CONTINUE ? parse_transport(skb, packet) : outcome;
}

static __always_inline void fragment_key(struct packet *packet, struct bulkhead_fragment_key *key)
{
	__builtin_memset(key, 0, sizeof(*key));
	key->slot = packet->key.slot;
	key->direction = packet->direction;
	key->family = packet->key.family;
	key->protocol = packet->key.protocol;
	key->identification = packet->identification;
	key->source = *source_of(packet);
	key->destination = *destination_of(packet);
}

VERIFIED_ONCE int remember_fragment(struct packet *packet)
{
	if (!packet)
		return 0;
	struct bulkhead_fragment_key key;
	struct bulkhead_fragment value;
	__u32 payload = (__u32)packet->key.local_port << 16 | packet->key.peer_port;

	if (packet->key.asker)
		payload = (__u32)packet->key.local_port << 16 | packet->type_code;
	fragment_key(packet, &key);
	value.word = bulkhead_word(payload, bulkhead_tag(&key, sizeof(key)));
	value.seen = packet->now;
	value.end = packet->transport_length;
	bpf_map_update_elem(&fragments, &key, &value, BPF_ANY);
	return 0;
}

/* Gives a later fragment what its first said. */
VERIFIED_ONCE __u32 recall_fragment(struct packet *packet)
{
	if (!packet)
		return DROP(BULKHEAD_FRAGMENT);
	struct bulkhead_fragment_key key;
	struct bulkhead_fragment *value;
	__u8 protocol = packet->key.protocol;
	__u64 word;

	fragment_key(packet, &key);
	value = bpf_map_lookup_elem(&fragments, &key);
	if (!value)
		return DROP(BULKHEAD_FRAGMENT);
	word = READ_ONCE(value->word);
	/* One that overlaps the first could make the receiver see other than we did (RFC 5722). */
	if (word >> 32 != bulkhead_tag(&key, sizeof(key)) || elapsed(value->seen, packet->now) > BULKHEAD_FRAGMENT_LIFETIME ||
	    packet->fragment_offset < value->end)
		return DROP(BULKHEAD_FRAGMENT);
	if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
		__u16 low = (__u16)word;
		__u16 high = (__u32)word >> 16;

		/* The two halves are complements for all but echo (layout.h). */
		packet->type_code = high == (__u16)~low ? high : low;
		icmp_key(&packet->key, packet->type_code, high, packet->direction == BULKHEAD_EGRESS);
	} else {
		packet->key.local_port = (__u32)word >> 16;
		packet->key.peer_port = (__u16)word;
	}
	return CONTINUE;
}

/* Turns the packet's key into that of the packet an ICMP error quotes. Returns 0 if it can. */
VERIFIED_ONCE int quote(struct __sk_buff *skb, struct packet *packet)
{
	__u16 part[4];
	__u32 transport;

	if (!packet)
		return 1;
	transport = packet->transport + 8;
	packet->key.asker = 0;
	packet->key.local_port = 0;
	packet->key.peer_port = 0;
	if (packet->key.family == 4) {
		struct ipv4_header header;

		if (bpf_skb_load_bytes(skb, transport, &header, sizeof(header)) ||
		    header.version_and_length >> 4 != 4 || header.fragment & swap16(0x1fff))
			return 1;
		packet->key.protocol = header.protocol;
		set_ipv4(source_of(packet), header.source);
		set_ipv4(destination_of(packet), header.destination);
		transport += (header.version_and_length & 15) << 2;
	} else {
		struct ipv6_header header;

		if (bpf_skb_load_bytes(skb, transport, &header, sizeof(header)) ||
		    (header.version_class_label & 0xf0) != 0x60)
			return 1;
		packet->key.protocol = header.next;
		*source_of(packet) = header.source;
		*destination_of(packet) = header.destination;
		transport += sizeof(header);
	}
	switch (packet->key.protocol) {
	case PROTOCOL_TCP:
	case PROTOCOL_UDP:
	case PROTOCOL_UDPLITE:
	case PROTOCOL_SCTP:
	case PROTOCOL_ICMP:
	case PROTOCOL_ICMPV6:
		if (bpf_skb_load_bytes(skb, transport, part, sizeof(part)))
			return 1;
		if (packet->key.protocol == PROTOCOL_ICMP || packet->key.protocol == PROTOCOL_ICMPV6)
			icmp_key(&packet->key, swap16(part[0]), swap16(part[2]), packet->direction == BULKHEAD_EGRESS);
		else
			set_ports(packet, swap16(part[0]), swap16(part[1]));
	}
	return 0;
}

/* A denial of this packet is told as the entry's flow began. */
static __always_inline void belongs_to(struct packet *packet, const struct entry *entry)
{
	packet->initiator = flags_of(entry->word) & BULKHEAD_FLOW_EGRESS ? BULKHEAD_EGRESS : BULKHEAD_INGRESS;
	packet->type_code = entry->flow->type_code;
}

/* An ICMP error passes when the packet it quotes belongs to a live, allowed flow of this slot, sent the other way. */
VERIFIED_ONCE __u32 icmp_error(struct __sk_buff *skb, struct packet *packet)
{
	struct bulkhead_flow_key key;
	struct entry entry = {};
	__u32 leg, outcome = DROP(BULKHEAD_ICMP_ERROR_UNRELATED);
	__u32 found;

	if (!packet)
		return DROP(BULKHEAD_ICMP_ERROR_UNRELATED);
	found = find_leg(packet, &leg);
	if (found != CONTINUE)
		return found;

	/* The packet stands for the quoted one meanwhile: a copy of it would not fit the stack. */
	key = packet->key;
	packet->direction ^= BULKHEAD_EGRESS;
	if (!quote(skb, packet) && find(&packet->key, flow_tag(&packet->key), &entry) &&
	    !expired(entry.flow, packet->key.protocol, packet->now))
		outcome = consult(packet, entry.flow, entry.word);
	packet->direction ^= BULKHEAD_EGRESS;
	/* What a cut flow denies is told as the flow's. */
	if (entry.flow && outcome != DROP(BULKHEAD_ICMP_ERROR_UNRELATED) && !allows(outcome)) {
		belongs_to(packet, &entry);
		return outcome;
	}
	packet->key = key;
	if (outcome == DROP(BULKHEAD_ICMP_ERROR_UNRELATED) && packet->from_host)
		return PASS(BULKHEAD_LOCAL_HOST);
	return outcome;
}

/*
 * TCP without a SYN and without an entry: a connection from before our time, or whose entry was lost. It is learnt if
 * policy lets its sender begin it, and while the interface is new to us also if its receiver may have begun it.
 */
static __always_inline __u32 mid_stream(const struct packet *packet, __u32 leg, __u32 *outcome)
{
	__u32 other = packet->direction == BULKHEAD_EGRESS ? BULKHEAD_INGRESS : BULKHEAD_EGRESS;
	const struct bulkhead_slot *slot = slot_of(packet);

	*outcome = DROP(BULKHEAD_MID_STREAM);
	if (packet->tcp_flags & TCP_RST)
		return packet->direction;
	if (!(packet->tcp_flags & TCP_SYN)) {
		*outcome = judge(packet, leg, packet->direction, 0);
		if (allows(*outcome) || BULKHEAD_OUTCOME_PAYLOAD(*outcome) < BULKHEAD_FIRST_DECISION)
			return packet->direction;
		*outcome = DROP(BULKHEAD_MID_STREAM);
	}
	if (slot && elapsed(slot->attached, packet->now) < meta_word(BULKHEAD_META_ADOPTION)) {
		__u32 reversed = judge(packet, leg, other, 0);

		if (allows(reversed)) {
			*outcome = reversed;
			return other;
		}
	}
	return packet->direction;
}

/* A packet that no live entry speaks for. `old`: the entry, if any, that this packet replaces if allowed. */
VERIFIED_ONCE __u32 first_packet(struct packet *packet, const struct bulkhead_flow *old, __u32 old_confirmed)
{
	if (!packet)
		return DROP(BULKHEAD_NO_TABLE);
	__u32 direction = packet->direction;
	__u32 flags, outcome, leg, state = 0;
	int bare_syn = (packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;

	if (direction == BULKHEAD_EGRESS && asks_for_address(packet))
		return PASS(BULKHEAD_CONTROL);
	outcome = find_leg(packet, &leg);
	if (outcome != CONTINUE) {
		if (direction == BULKHEAD_INGRESS && dhcp_answer(packet))
			return PASS(BULKHEAD_CONTROL);
		return outcome == DROP(BULKHEAD_MULTICAST) && packet->from_host ? PASS(BULKHEAD_LOCAL_HOST) : outcome;
	}
	if (packet->key.protocol == PROTOCOL_TCP)
		state = bare_syn ? BULKHEAD_STATE_SYN : BULKHEAD_STATE_ACK | BULKHEAD_STATE_ADOPTED;

	if (packet->from_host) {
		if (packet->tcp_flags & TCP_RST)
			return PASS(BULKHEAD_LOCAL_HOST);
		outcome = PASS(BULKHEAD_LOCAL_HOST);
	} else if (is_own(packet, &packet->key.peer)) {
		/* Anybody on a bridge can send with the workload's address: what it did not send does not come back. */
		if (packet->direction == BULKHEAD_INGRESS)
			return sent_by_itself(packet) ? PASS(0) : DROP(BULKHEAD_SPOOFED_SOURCE);
		outcome = PASS(BULKHEAD_ITSELF);
		state = 0; /* each way has its entry, and is none that was adopted */
	} else if (packet->direction == BULKHEAD_INGRESS && dhcp_answer(packet)) {
		return PASS(BULKHEAD_CONTROL);
	} else if (packet->key.protocol == PROTOCOL_TCP && !bare_syn) {
		direction = mid_stream(packet, leg, &outcome);
	} else {
		outcome = judge(packet, leg, direction, packet->type_code);
	}
	if (!allows(outcome))
		return outcome;
	if (packet->entry_denied)
		return PASS(0);
	if (old) {
		report_closed(&packet->key, old, packet->now);
		if (old_confirmed)
			bpf_map_delete_elem(&flows, &packet->key);
	}
	flags = direction == BULKHEAD_EGRESS ? BULKHEAD_FLOW_EGRESS : 0;
	if (packet->from_host)
		flags |= BULKHEAD_FLOW_LOCAL_HOST;
	return open_flow(packet, outcome, flags, state);
}

/* Whether an entry speaks for this packet; if not, whether the packet may replace it. */
static __always_inline int speaks_for(struct packet *packet, const struct entry *entry)
{
	__u32 flags = flags_of(entry->word);
	__u32 initiator = flags & BULKHEAD_FLOW_EGRESS ? BULKHEAD_EGRESS : BULKHEAD_INGRESS;

	if (expired(entry->flow, packet->key.protocol, packet->now))
		return 0;
	/* What the host began is not a way in for others that come with its address (masquerading). */
	if (flags & BULKHEAD_FLOW_LOCAL_HOST && packet->direction == BULKHEAD_INGRESS && !packet->from_host) {
		packet->entry_denied = 1;
		return 0;
	}
	if ((packet->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		/* A bare SYN begins: never a reply, never part of what has ended. */
		if (initiator != packet->direction || READ_ONCE(entry->flow->state) & BULKHEAD_STATE_CLOSING)
			return 0;
		if (packet->from_host && !(flags & BULKHEAD_FLOW_LOCAL_HOST))
			return 0;
	}
	return 1;
}

static __always_inline __u32 follow(struct packet *packet)
{
	__u32 tag = flow_tag(&packet->key);
	struct entry entry = {};
	__u32 outcome, state;
	int from_initiator;

	if (!find(&packet->key, tag, &entry)) {
		if (!packet->key.asker || packet->type_code == 8 << 8 || packet->type_code == 128 << 8)
			return first_packet(packet, NULL, 0);
		/* An answer to no question is a flow of its own. */
		packet->key.asker = 0;
		packet->key.local_port = packet->type_code;
		packet->key.peer_port = ~packet->type_code;
		tag = flow_tag(&packet->key);
		if (!find(&packet->key, tag, &entry))
			return first_packet(packet, NULL, 0);
	}
	if (!speaks_for(packet, &entry))
		return first_packet(packet, entry.flow, entry.confirmed);
	outcome = consult(packet, entry.flow, entry.word);
	if (!allows(outcome)) {
		belongs_to(packet, &entry);
		return outcome;
	}
	from_initiator = (flags_of(entry.word) & BULKHEAD_FLOW_EGRESS ? BULKHEAD_EGRESS : BULKHEAD_INGRESS) ==
			 packet->direction;
	state = track(packet, entry.flow, from_initiator);
	if (!entry.confirmed && is_confirmed(packet->key.protocol, state))
		confirm(packet, entry.flow);
	return PASS(0);
}

static __always_inline __u32 decide_packet(struct __sk_buff *skb, struct packet *packet)
{
	__u32 outcome = identify(skb, packet);

	if (outcome == CONTINUE)
		outcome = parse(skb, packet);
	if (outcome != CONTINUE)
		return outcome;
	switch (packet->class) {
	case CLASS_NEIGHBOUR:
		return neighbour(skb, packet);
	case CLASS_MEMBERSHIP:
		outcome = membership(skb, packet);
		if (outcome != CONTINUE)
			return outcome;
		break;
	case CLASS_ERROR:
		return icmp_error(skb, packet);
	}
	if (same(&packet->key.local, &packet->key.peer) && !is_own(packet, &packet->key.local))
		return DROP(BULKHEAD_SPOOFED_SOURCE);
	if (packet->later_part) {
		outcome = recall_fragment(packet);
		if (outcome != CONTINUE)
			return outcome;
	}
	outcome = follow(packet);
	if (packet->first_part && allows(outcome))
		remember_fragment(packet);
	return outcome;
}

static __always_inline int run(struct __sk_buff *skb, __u8 direction)
{
	struct packet packet = {};
	__u32 outcome, reason;

	if (skb->mark && is_answer(skb)) {
		count(BULKHEAD_ANSWER, 1);
		return TC_ACT_UNSPEC;
	}
	packet.direction = direction;
	packet.initiator = direction;
	packet.segments = 1;
	packet.bytes = skb->len - ETHERNET_HEADER;
	packet.from_host = direction == BULKHEAD_INGRESS && !skb->ingress_ifindex;
	packet.observe = !!meta_word(BULKHEAD_META_OBSERVE);
	packet.now = tick_time();
	/* Before any table: a packet decided by old tables must not pass for one decided after the change. */
	packet.epoch = (__u32)meta_word(BULKHEAD_META_EPOCH);
	barrier();
	outcome = decide_packet(skb, &packet);

	reason = BULKHEAD_OUTCOME_PAYLOAD(outcome);
	if (reason && reason < BULKHEAD_SYSTEM_REASONS)
		count(reason, packet.segments);
	if (allows(outcome))
		return TC_ACT_UNSPEC;
	report(&packet, BULKHEAD_EVENT_DENIED, outcome, packet.initiator, packet.type_code);
	if (packet.observe)
		return TC_ACT_UNSPEC;
	return BULKHEAD_OUTCOME_KIND(outcome) == BULKHEAD_OUTCOME_REJECT ? answer(skb, &packet) : TC_ACT_SHOT;
}

/* tc ingress of the host-side interface. */
SEC("tc") int bulkhead_from_workload(struct __sk_buff *skb) { return run(skb, BULKHEAD_EGRESS); }

/* tc egress of the host-side interface. */
SEC("tc") int bulkhead_to_workload(struct __sk_buff *skb) { return run(skb, BULKHEAD_INGRESS); }
