/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A set of kprobes, kretprobes and tracepoint probes, registered all or none. A
 * function of a module is probed from when the module is loaded until it is
 * unloaded; that is no failure of the set.
 */
#ifndef SOCKSTAT_PROBE_H
#define SOCKSTAT_PROBE_H

#include <linux/kprobes.h>
#include <linux/notifier.h>
#include <linux/tracepoint.h>

/**
 * struct sockstat_entry_probe - a probe on a function's entry
 * @function: name of the function
 * @module: name of the module that has the function; NULL if it is the kernel's own
 * @handler: called at each entry, with preemption off
 * @optional: not every kernel has this function
 * @direct: the kernel only calls this function directly, never by its address
 * @jump: the kprobe on the instruction after the function's ftrace site; its addr
 *        is NULL if it is not registered
 * @site: the kprobe at the entry itself, registered instead of @jump; its addr
 *        is NULL if it is not registered
 * @missed: hits that the kernel skipped at earlier registrations
 */
struct sockstat_entry_probe {
	const char *function;
	const char *module;
	kprobe_pre_handler_t handler;
	bool optional;
	bool direct;
	struct kprobe jump;
	struct kprobe site;
	u64 missed;
};

/**
 * struct sockstat_return_probe - a probe on a function's return
 * @function: name of the function
 * @module: name of the module that has the function; NULL if it is the kernel's own
 * @entry: called at each entry; if it returns nonzero, @handler is not called
 * @handler: called at the return
 * @data_size: size of the data that @entry passes to @handler
 * @maxactive: number of calls in progress beyond which the kernel skips some
 * @rp: the kretprobe; its addr is NULL if it is not registered
 * @site: the kprobe that passes calls to @rp where the kernel refuses @rp on the
 *        function's entry; else its addr is NULL
 * @missed: calls that the kernel skipped at earlier registrations
 */
struct sockstat_return_probe {
	const char *function;
	const char *module;
	kretprobe_handler_t entry;
	kretprobe_handler_t handler;
	size_t data_size;
	int maxactive;
	struct kretprobe rp;
	struct kprobe site;
	u64 missed;
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
#define SOCKSTAT_PROBE_MAX 32

/**
 * struct sockstat_probe_set - probes that are registered together
 * @traces: tracepoint probes, registered first and unregistered last
 * @entries: probes on function entries
 * @returns: probes on function returns
 * @nr_traces: number of @traces
 * @nr_entries: number of @entries
 * @nr_returns: number of @returns
 * @past: offset of the instruction after the ftrace site in most of the kernel's
 *        functions; 0 if jumps there are not possible or not wanted
 * @modules: reports modules that are loaded and unloaded
 */
struct sockstat_probe_set {
	struct sockstat_trace_probe *traces;
	struct sockstat_entry_probe *entries;
	struct sockstat_return_probe *returns;
	unsigned int nr_traces;
	unsigned int nr_entries;
	unsigned int nr_returns;
	unsigned int past;
	struct notifier_block modules;
};

int sockstat_probe_register(struct sockstat_probe_set *set);
void sockstat_probe_unregister(struct sockstat_probe_set *set);
u64 sockstat_probe_missed(const struct sockstat_probe_set *set);

#endif /* SOCKSTAT_PROBE_H */
