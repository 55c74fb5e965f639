/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel probes as one set: all are there, or none. */
#ifndef SOCKSTAT_PROBE_H
#define SOCKSTAT_PROBE_H

#include <linux/kprobes.h>
#include <linux/tracepoint.h>

/**
 * struct sockstat_entry_probe - a probe on a function's entry
 * @function: its name
 * @handler: called at each entry, with preemption off
 * @optional: not every kernel has this function
 * @past: the instruction past the one that ftrace owns, if the kernel can make
 *        a jump of a probe there
 * @kp: the probe; without a place if this kernel has no such function
 */
struct sockstat_entry_probe {
	const char *function;
	kprobe_pre_handler_t handler;
	bool optional;
	kprobe_opcode_t *past;
	struct kprobe kp;
};

/**
 * struct sockstat_trace_probe - a probe on a tracepoint
 * @name: the tracepoint's
 * @handler: a function of the tracepoint's prototype
 * @tp: the tracepoint once it is found
 */
struct sockstat_trace_probe {
	const char *name;
	void *handler;
	struct tracepoint *tp;
};

/* Probes of one kind in a set. */
#define SOCKSTAT_PROBE_MAX 16

/**
 * struct sockstat_probe_set - probes that only make sense together
 * @traces: registered first, unregistered last
 * @entries: function entries
 * @returns: function returns
 * @nr_traces: how many
 * @nr_entries: how many
 * @nr_returns: how many
 */
struct sockstat_probe_set {
	struct sockstat_trace_probe *traces;
	struct sockstat_entry_probe *entries;
	struct kretprobe *returns;
	unsigned int nr_traces;
	unsigned int nr_entries;
	unsigned int nr_returns;
};

int sockstat_probe_register(struct sockstat_probe_set *set);
void sockstat_probe_unregister(struct sockstat_probe_set *set);
u64 sockstat_probe_missed(const struct sockstat_probe_set *set);

#endif /* SOCKSTAT_PROBE_H */
