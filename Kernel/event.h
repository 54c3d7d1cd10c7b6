/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What user space is told. A lost event is counted, never waited for; none wakes the reader, who looks on its own clock. */
#ifndef BULKHEAD_EVENT_H
#define BULKHEAD_EVENT_H

#include "packet.h"

static __always_inline void fill(struct bulkhead_event *event, const struct bulkhead_flow_key *key, __u32 kind,
				 __u32 outcome, __u64 now)
{
	__builtin_memset(event, 0, sizeof(*event));
	event->timestamp = now;
	event->key = *key;
	event->outcome = outcome;
	event->kind = kind;
}

/* `direction`: the initiator's. */
VERIFIED_ONCE int report(const struct packet *packet, __u32 kind, __u32 outcome, __u32 direction,
			      __u16 type_code)
{
	if (!packet)
		return 0;
	struct bulkhead_event *event;

	/* A flood of denials must not push out what tells of connections. */
	if (kind == BULKHEAD_EVENT_DENIED && bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > BULKHEAD_EVENTS_BYTES / 4 * 3)
		goto lost;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		goto lost;
	fill(event, &packet->key, kind, outcome, packet->now);
	event->direction = direction;
	event->type_code = type_code;
	event->observed = packet->observe && !allows(outcome);
	if (kind == BULKHEAD_EVENT_DENIED) {
		event->reply = packet->direction != direction;
		event->packets = packet->segments;
		event->bytes = packet->bytes;
	}
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	return 0;
lost:
	count(BULKHEAD_COUNTER_EVENTS_LOST, 1);
	return 0;
}

VERIFIED_ONCE int report_closed(const struct bulkhead_flow_key *key, const struct bulkhead_flow *flow, __u64 now)
{
	if (!key || !flow)
		return 0;
	struct bulkhead_closed_event *closed = bpf_ringbuf_reserve(&events, sizeof(*closed), 0);

	if (!closed) {
		count(BULKHEAD_COUNTER_EVENTS_LOST, 1);
		return 0;
	}
	fill(&closed->event, key, BULKHEAD_EVENT_CLOSED, flow->outcome, now);
	closed->event.direction = flow->word >> 32 & BULKHEAD_FLOW_EGRESS ? BULKHEAD_EGRESS : BULKHEAD_INGRESS;
	closed->event.type_code = flow->type_code;
	closed->created = flow->created;
	closed->last_seen = flow->last_seen;
	closed->packets_out = flow->packets_out;
	closed->bytes_out = flow->bytes_out;
	closed->packets_in = flow->packets_in;
	closed->bytes_in = flow->bytes_in;
	bpf_ringbuf_submit(closed, BPF_RB_NO_WAKEUP);
	return 0;
}

#endif
