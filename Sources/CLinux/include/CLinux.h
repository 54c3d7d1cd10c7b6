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

/*
 * TCX (Linux 6.6): programs of an interface of the thread's namespace, run before its classifiers. They are named by the
 * kernel's numbers, and stay without the process that attached them.
 */
enum bulkhead_tcx_hook { BULKHEAD_TCX_INGRESS = 46, BULKHEAD_TCX_EGRESS = 47 };

/* In the order in which they run; how many there are, of which at most `room` are written. */
int bulkhead_tcx_programs(uint32_t ifindex, enum bulkhead_tcx_hook hook, uint32_t *numbers, uint32_t room);

/* Before all others, or without a packet that meets neither in the place of the program numbered `replaced` (0: none). */
int bulkhead_tcx_attach(uint32_t ifindex, enum bulkhead_tcx_hook hook, int program, uint32_t replaced);

int bulkhead_tcx_detach(uint32_t ifindex, enum bulkhead_tcx_hook hook, uint32_t number);

/* What a program was loaded as, cut by the kernel to 15 characters. */
int bulkhead_program_name(uint32_t number, char name[16]);

#endif
