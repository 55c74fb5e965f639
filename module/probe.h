/* SPDX-License-Identifier: GPL-2.0-only */
/* A set of kprobes, kretprobes and tracepoint probes, registered all or none. */
#ifndef SOCKSTAT_PROBE_H
#define SOCKSTAT_PROBE_H

#include <linux/kprobes.h>
#include <linux/tracepoint.h>

/**
 * struct sockstat_entry_probe - a probe on a function's entry
 * @function: name of the function
 * @handler: called at each entry, with preemption off
 * @optional: not every kernel has this function
 * @past: address of the instruction after the function's ftrace site; NULL if
 *        there is no such site or the kernel cannot optimize probes
 * @kp: the kprobe; its addr is NULL if this kernel lacks the function
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
 * @name: name of the tracepoint
 * @handler: function with the tracepoint's prototype
 * @tp: the tracepoint, NULL if it is not found
 */
struct sockstat_trace_probe {
	const char *name;
	void *handler;
	struct tracepoint *tp;
};

/* Limit of the entry probes, and of the return probes, in a set. */
#define SOCKSTAT_PROBE_MAX 16

/**
 * struct sockstat_probe_set - probes that are registered together
 * @traces: tracepoint probes, registered first and unregistered last
 * @entries: probes on function entries
 * @returns: probes on function returns
 * @nr_traces: number of @traces
 * @nr_entries: number of @entries
 * @nr_returns: number of @returns
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
