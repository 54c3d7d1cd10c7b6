#ifndef BULKHEAD_CHOSTPROBES_H
#define BULKHEAD_CHOSTPROBES_H

/*
 * Questions to the kernel that only trying answers. Functions return 0, or a descriptor, and a negative errno on failure.
 */

#include <stdint.h>

/* Moves the calling thread into a new network namespace, which ends with it. */
int bulkhead_probe_own_namespace(void);

/* The smallest classifier and the smallest netfilter program: descriptors. */
int bulkhead_probe_classifier(void);
int bulkhead_probe_netfilter_program(void);

/* BPF_PROG_TEST_RUN with an empty Ethernet frame. */
int bulkhead_probe_test_run(int program);

/* A BPF ring buffer of one page: a descriptor. */
int bulkhead_probe_ring_buffer(void);

/* A link to an interface at TCX ingress: a descriptor. */
int bulkhead_probe_tcx(int program, uint32_t ifindex);

/* A link at LOCAL_IN for IPv4: a descriptor. */
int bulkhead_probe_netfilter_link(int program);

/* 1 when the kernel takes the clock to be synchronised. */
int bulkhead_probe_clock(void);

#endif
