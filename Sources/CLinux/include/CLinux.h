#ifndef BULKHEAD_CLINUX_H
#define BULKHEAD_CLINUX_H

/*
 * What Swift's Glibc module lacks. Functions return a negative errno on failure.
 */

#include <stdint.h>

#include "CLinuxNamespaces.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

/* Waits until every packet that is in a program now has left it: MEMBARRIER_CMD_GLOBAL, about 11 ms. */
int bulkhead_wait_for_grace(void);

/* Nanoseconds of CLOCK_BOOTTIME. */
uint64_t bulkhead_boot_time(void);

/* Opens and locks a folder, which unlocks when the descriptor closes; -EWOULDBLOCK when another has it. */
int bulkhead_lock_directory(const char *path);

/*
 * Takes a name that one process in the thread's network namespace can have, until the descriptor closes; -EADDRINUSE when
 * another process of the same user has it. A holder calls bulkhead_answer_namespace_lock() now and then.
 */
int bulkhead_lock_namespace(const char *name);

/* Lets go of those who asked for the name meanwhile: too many of them would hide that it is taken. */
void bulkhead_answer_namespace_lock(int lock);

/* How many TCX programs an interface of the thread's namespace has at ingress (46) or egress (47). */
int bulkhead_tcx_programs(uint32_t ifindex, uint32_t attach_type);

#endif
