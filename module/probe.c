// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errname.h>
#include <linux/ftrace.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "probe.h"

static int probe_fail(const char *what, const char *symbol, int err)
{
	pr_err("cannot probe %s %s: %pe\n", what, symbol, ERR_PTR(err));
	return err;
}

/* Not every tracepoint is exported to modules, so they are looked up by name. */
static void probe_match_trace(struct tracepoint *tp, void *arg)
{
	struct sockstat_probe_set *set = arg;
	unsigned int i;

	for (i = 0; i < set->nr_traces; i++)
		if (!strcmp(tp->name, set->traces[i].name))
			set->traces[i].tp = tp;
}

static int probe_register_traces(struct sockstat_probe_set *set, unsigned int *done)
{
	for_each_kernel_tracepoint(probe_match_trace, set);
	for (*done = 0; *done < set->nr_traces; ++*done) {
		struct sockstat_trace_probe *p = &set->traces[*done];
		int err = -ENOENT;

		if (p->tp)
			err = tracepoint_probe_register(p->tp, p->handler, NULL);
		if (err)
			return probe_fail("tracepoint", p->name, err);
	}
	return 0;
}

static void probe_unregister_traces(struct sockstat_probe_set *set, unsigned int n)
{
	while (n--)
		tracepoint_probe_unregister(set->traces[n].tp, set->traces[n].handler, NULL);
	tracepoint_synchronize_unregister();
}

static struct kprobe probe_make_entry(const struct sockstat_entry_probe *p, kprobe_opcode_t *addr)
{
	return (struct kprobe){
		.addr = addr,
		.symbol_name = addr ? NULL : p->function,
		.pre_handler = p->handler,
	};
}

/*
 * A probe on a function's ftrace site is called through ftrace. The kernel can
 * optimize a probe on the next instruction, where the argument registers are
 * still unchanged, into a jump, which costs a third less. Registering a disabled
 * probe by the function's name reveals the address of its ftrace site.
 */
static void probe_locate_entries(struct sockstat_probe_set *set)
{
#if defined(CONFIG_OPTPROBES) && defined(CONFIG_KPROBES_ON_FTRACE)
	struct kprobe *found[SOCKSTAT_PROBE_MAX];
	int nr_found = 0;
	unsigned int i;

	for (i = 0; i < set->nr_entries; i++) {
		struct sockstat_entry_probe *p = &set->entries[i];

		p->kp = probe_make_entry(p, NULL);
		p->kp.flags = KPROBE_FLAG_DISABLED;
		if (register_kprobe(&p->kp))
			continue;
		if (kprobe_ftrace(&p->kp))
			p->past = p->kp.addr + MCOUNT_INSN_SIZE / sizeof(*p->kp.addr);
		found[nr_found++] = &p->kp;
	}
	unregister_kprobes(found, nr_found);
#endif
}

/*
 * kp.list is linked only if the kernel has prepared the probe for optimization;
 * otherwise it would stay an int3, which costs more than ftrace.
 */
static bool probe_register_jump(struct sockstat_entry_probe *p)
{
	if (!p->past)
		return false;
	p->kp = probe_make_entry(p, p->past);
	if (register_kprobe(&p->kp))
		return false;
	if (!list_empty(&p->kp.list))
		return true;
	unregister_kprobe(&p->kp);
	return false;
}

static int probe_register_entry(struct sockstat_entry_probe *p)
{
	int err;

	if (probe_register_jump(p))
		return 0;
	p->kp = probe_make_entry(p, NULL);
	err = register_kprobe(&p->kp);
	return p->optional && err == -ENOENT ? 0 : err;
}

static int probe_register_entries(struct sockstat_probe_set *set, unsigned int *done)
{
	probe_locate_entries(set);
	for (*done = 0; *done < set->nr_entries; ++*done) {
		struct sockstat_entry_probe *p = &set->entries[*done];
		int err = probe_register_entry(p);

		if (err)
			return probe_fail("function", p->function, err);
	}
	return 0;
}

/* One call for all probes, since each call waits for a grace period. */
static void probe_unregister_entries(struct sockstat_probe_set *set, unsigned int n)
{
	struct kprobe *live[SOCKSTAT_PROBE_MAX];
	int nr_live = 0;

	while (n--)
		if (set->entries[n].kp.addr)
			live[nr_live++] = &set->entries[n].kp;
	unregister_kprobes(live, nr_live);
}

static int probe_register_returns(struct sockstat_probe_set *set, unsigned int *done)
{
	for (*done = 0; *done < set->nr_returns; ++*done) {
		struct kretprobe *p = &set->returns[*done];
		int err = register_kretprobe(p);

		if (err)
			return probe_fail("function", p->kp.symbol_name, err);
	}
	return 0;
}

static void probe_unregister_returns(struct sockstat_probe_set *set, unsigned int n)
{
	struct kretprobe *live[SOCKSTAT_PROBE_MAX];
	unsigned int i;

	for (i = 0; i < n; i++)
		live[i] = &set->returns[i];
	unregister_kretprobes(live, n);
}

/**
 * sockstat_probe_register() - register all probes of a set
 * @set: the probes
 *
 * Handlers may run before this returns. If one probe fails, its symbol is
 * logged and the others are unregistered.
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int sockstat_probe_register(struct sockstat_probe_set *set)
{
	unsigned int traces, entries, returns;
	int err;

	err = probe_register_traces(set, &traces);
	if (err)
		goto err_traces;
	err = probe_register_returns(set, &returns);
	if (err)
		goto err_returns;
	err = probe_register_entries(set, &entries);
	if (err)
		goto err_entries;
	return 0;

err_entries:
	probe_unregister_entries(set, entries);
err_returns:
	probe_unregister_returns(set, returns);
err_traces:
	probe_unregister_traces(set, traces);
	return err;
}

/**
 * sockstat_probe_unregister() - unregister all probes of a set
 * @set: a registered set
 *
 * No handler runs any more when this returns.
 *
 * Context: process, may sleep.
 */
void sockstat_probe_unregister(struct sockstat_probe_set *set)
{
	probe_unregister_entries(set, set->nr_entries);
	probe_unregister_returns(set, set->nr_returns);
	probe_unregister_traces(set, set->nr_traces);
}

/**
 * sockstat_probe_missed() - count the hits whose handler the kernel has skipped
 * @set: a registered set
 *
 * Context: any.
 * Return: the count since the set was registered.
 */
u64 sockstat_probe_missed(const struct sockstat_probe_set *set)
{
	u64 missed = 0;
	unsigned int i;

	for (i = 0; i < set->nr_entries; i++)
		missed += READ_ONCE(set->entries[i].kp.nmissed);
	for (i = 0; i < set->nr_returns; i++)
		missed +=
			READ_ONCE(set->returns[i].kp.nmissed) + READ_ONCE(set->returns[i].nmissed);
	return missed;
}
