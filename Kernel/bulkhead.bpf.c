/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#include "maps.h"

char bulkhead_license[] SEC("license") = "Dual MIT/GPL";

static __always_inline int run(struct __sk_buff *skb)
{
	struct bulkhead_interface_key key = {.ifindex = skb->ifindex};

	return bpf_map_lookup_elem(&interfaces, &key) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

/* tc ingress of the host-side interface. */
SEC("tc") int bulkhead_from_workload(struct __sk_buff *skb) { return run(skb); }

/* tc egress of the host-side interface. */
SEC("tc") int bulkhead_to_workload(struct __sk_buff *skb) { return run(skb); }
