#ifndef BULKHEAD_CBENCHMARKS_H
#define BULKHEAD_CBENCHMARKS_H

/* What the benchmarks need of the kernel beyond the product's own shims. Functions return a negative errno on failure. */

/* Moves the calling thread into a network namespace of its own, which goes with its last thread. */
int benchmark_enter_new_network_namespace(void);

/* The calling thread's network namespace; the descriptor is the caller's. */
int benchmark_open_network_namespace(void);

/* Moves the calling thread there. */
int benchmark_enter_network_namespace(int descriptor);

/* The descriptor of a program that returns at once: what remains of a measurement is its harness. */
int benchmark_load_empty_program(void);

#endif
