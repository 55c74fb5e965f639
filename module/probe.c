// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errname.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "compat.h"
#include "probe.h"

/* Protects the kprobes and kretprobes of all sets, and their @missed. */
static DEFINE_MUTEX(probe_mutex);

/* No function's ftrace site ends farther from its entry, in bytes. */
#define PROBE_PAST_MAX 16

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

/* Whether a probe is one of @name's, or any if @name is NULL. */
static bool probe_is_chosen(const char *module, const char *name)
{
	return !name || (module && !strcmp(module, name));
}

static int probe_ignore(struct kprobe *kp, struct pt_regs *regs)
{
	return 0;
}

/* Register a kprobe; clear it if that fails, as its addr says whether it is registered. */
static int probe_register_kprobe(struct kprobe *kp)
{
	int err = register_kprobe(kp);

	if (err)
		*kp = (struct kprobe){};
	return err;
}

/*
 * Register a kprobe on a function's entry or, if the kernel refuses that, on the
 * instruction after its ftrace site, where the registers of the arguments and of the
 * return address are still unchanged.
 */
static int probe_register_site(struct kprobe *site)
{
	const char *function = site->symbol_name;
	kprobe_pre_handler_t handler = site->pre_handler;
	int err = probe_register_kprobe(site);

	if (err != -EINVAL || !SOCKSTAT_COMPAT_PAST_SITE)
		return err;
	site->symbol_name = function;
	site->offset = SOCKSTAT_COMPAT_PAST_SITE;
	site->pre_handler = handler;
	return probe_register_kprobe(site);
}

#if defined(CONFIG_OPTPROBES) && defined(CONFIG_KPROBES_ON_FTRACE)
/*
 * Whether @addr is that of the first instruction past an ftrace site. Asked to remove
 * an address from an empty filter, ftrace answers -ENOENT if the address is inside a
 * site, and -EINVAL if it is not.
 */
static bool probe_is_past_site(unsigned long addr)
{
	static struct ftrace_ops empty;

	return ftrace_set_filter_ip(&empty, addr - 1, 1, 0) == -ENOENT &&
	       ftrace_set_filter_ip(&empty, addr, 1, 0) == -EINVAL;
}

/*
 * Find the offset of the instruction past the ftrace site: most functions of the kernel
 * begin alike, so look at one that is exported. Return 0 if there is none.
 */
static unsigned int probe_find_past(void)
{
	unsigned long entry = (unsigned long)register_module_notifier;
	unsigned int past;

	for (past = MCOUNT_INSN_SIZE; past <= PROBE_PAST_MAX; past++)
		if (probe_is_past_site(entry + past))
			return past;
	return 0;
}

/*
 * Register a kprobe @past bytes behind the function's beginning. Look at the place after
 * the registration, which finds the function. The handler is not called until the place
 * is known to be the right one.
 *
 * jump.list is linked only if the kernel has prepared the probe for optimization;
 * otherwise it would stay an int3, which costs more than ftrace.
 *
 * Return -EOPNOTSUPP if the place is right but a jump is not possible there.
 */
static int probe_register_past(struct sockstat_entry_probe *p, unsigned int past)
{
	bool is_right;
	int err;

	p->jump = (struct kprobe){
		.symbol_name = p->function,
		.offset = past,
		.pre_handler = probe_ignore,
	};
	err = probe_register_kprobe(&p->jump);
	if (err)
		return err;
	is_right = probe_is_past_site((unsigned long)p->jump.addr);
	if (is_right && !list_empty(&p->jump.list)) {
		WRITE_ONCE(p->jump.pre_handler, p->handler);
		return 0;
	}
	unregister_kprobe(&p->jump);
	p->jump = (struct kprobe){};
	return is_right ? -EOPNOTSUPP : -EINVAL;
}

/*
 * A probe on a function's ftrace site is called through ftrace. The kernel can
 * optimize a probe on the next instruction, where the argument registers are still
 * unchanged, into a jump, which costs a third less.
 *
 * Most of insmod's time goes to registrations, so the first is to be at the right place.
 * With IBT, a function that may be called by its address begins with an instruction that
 * says so; others begin with their ftrace site.
 *
 * Return -ENOENT if there is no such function, another errno if it can have no jump.
 */
static int probe_register_jump(struct sockstat_entry_probe *p, unsigned int past)
{
	unsigned int first = p->direct ? MCOUNT_INSN_SIZE : past;
	unsigned int second = p->direct ? past : MCOUNT_INSN_SIZE;
	int err = probe_register_past(p, first);

	if (err && err != -ENOENT && err != -EOPNOTSUPP && second != first)
		err = probe_register_past(p, second);
	return err;
}
#else
static unsigned int probe_find_past(void)
{
	return 0;
}

static int probe_register_jump(struct sockstat_entry_probe *p, unsigned int past)
{
	return -EOPNOTSUPP;
}
#endif

static int probe_register_entry_site(struct sockstat_entry_probe *p, kprobe_pre_handler_t handler)
{
	p->site = (struct kprobe){ .symbol_name = p->function, .pre_handler = handler };
	return probe_register_site(&p->site);
}

/*
 * Only the kernel's own functions get jumps. In a module that is unloaded soon after
 * the jump was removed, kill_optimized_kprobe() of 7.3 leaves the unused probe behind,
 * and no other can be registered at that address.
 */
static int probe_register_entry(struct sockstat_entry_probe *p, unsigned int past)
{
	int err = past && !p->module ? probe_register_jump(p, past) : -EOPNOTSUPP;

	return err && err != -ENOENT ? probe_register_entry_site(p, p->handler) : err;
}

/*
 * The functions of a module that is not loaded do not exist. Without @name, that
 * is the same error as that of a function that the kernel lacks. A module that is
 * being loaded may be found here before it is reported to probe_on_module(). If it
 * is loaded while this searches for its functions, probe_on_module() will register all.
 * With @name, each function that can be probed is.
 */
static int probe_register_entries(struct sockstat_probe_set *set, const char *name)
{
	const char *absent = NULL;
	unsigned int i;
	int err;

	for (i = 0; i < set->nr_entries; i++) {
		struct sockstat_entry_probe *p = &set->entries[i];

		if (!probe_is_chosen(p->module, name) || p->jump.addr || p->site.addr)
			continue;
		if (absent && probe_is_chosen(p->module, absent))
			continue;
		err = probe_register_entry(p, set->past);
		if (err == -ENOENT && p->module && !name && !p->optional)
			absent = p->module;
		if (err == -ENOENT && (p->optional || (p->module && !name)))
			continue;
		if (err)
			probe_fail("function", p->function, err);
		if (err && !name)
			return err;
	}
	return 0;
}

/* One call for all probes, since each call waits for a grace period. */
static void probe_unregister_entries(struct sockstat_probe_set *set, const char *name)
{
	struct kprobe *live[2 * SOCKSTAT_PROBE_MAX];
	struct sockstat_entry_probe *p;
	int nr_live = 0;
	unsigned int i;

	for (i = 0; i < set->nr_entries; i++) {
		p = &set->entries[i];
		if (!probe_is_chosen(p->module, name))
			continue;
		if (p->jump.addr)
			live[nr_live++] = &p->jump;
		if (p->site.addr)
			live[nr_live++] = &p->site;
	}
	unregister_kprobes(live, nr_live);
	for (i = 0; i < set->nr_entries; i++) {
		p = &set->entries[i];
		if (!probe_is_chosen(p->module, name))
			continue;
		p->missed += p->jump.nmissed + p->site.nmissed;
		p->jump = (struct kprobe){};
		p->site = (struct kprobe){};
	}
}

/*
 * A livepatch redirects a function at its ftrace site, and the instructions behind
 * that are not executed any more. So probe the sites themselves, before the first
 * livepatch is applied. The kernel reads pre_handler at each hit: both kprobes are
 * registered while one of them passes the calls to the handler, and at most a call
 * that is between them at the change is counted twice.
 */
static void probe_leave_jumps(struct sockstat_probe_set *set)
{
	struct kprobe *left[SOCKSTAT_PROBE_MAX];
	struct sockstat_entry_probe *p;
	int nr_left = 0;
	unsigned int i;
	int err;

	for (i = 0; i < set->nr_entries; i++) {
		p = &set->entries[i];
		if (!p->jump.addr)
			continue;
		err = probe_register_entry_site(p, probe_ignore);
		if (err) {
			probe_fail("the livepatched function", p->function, err);
			continue;
		}
		WRITE_ONCE(p->site.pre_handler, p->handler);
		WRITE_ONCE(p->jump.pre_handler, probe_ignore);
		left[nr_left++] = &p->jump;
	}
	unregister_kprobes(left, nr_left);
	for (i = 0; i < set->nr_entries; i++) {
		p = &set->entries[i];
		if (!p->site.addr)
			continue;
		p->missed += p->jump.nmissed;
		p->jump = (struct kprobe){};
	}
}

/* A function that is never called. It has no ftrace site, so it can have a kretprobe. */
static noinline notrace void probe_uncalled(void)
{
	barrier();
}

/* The kretprobe's own pre_handler replaces the return address. */
static int probe_enter_return(struct kprobe *site, struct pt_regs *regs)
{
	struct sockstat_return_probe *p = container_of(site, struct sockstat_return_probe, site);

	return p->rp.kp.pre_handler(&p->rp.kp, regs);
}

static int probe_register_kretprobe(struct sockstat_return_probe *p, kprobe_opcode_t *addr)
{
	int err;

	p->rp = (struct kretprobe){
		.kp.addr = addr,
		.kp.symbol_name = addr ? NULL : p->function,
		.entry_handler = p->entry,
		.handler = p->handler,
		.data_size = p->data_size,
		.maxactive = p->maxactive,
	};
	err = register_kretprobe(&p->rp);
	if (err)
		p->rp.kp.addr = NULL;
	return err;
}

/*
 * The kernel accepts a kretprobe only on a function's entry. If it refuses all probes
 * there, the kretprobe is on another function, and a kprobe after the ftrace site passes
 * the calls on.
 */
static int probe_register_return(struct sockstat_return_probe *p)
{
	int err = probe_register_kretprobe(p, NULL);

	if (err != -EINVAL || !SOCKSTAT_COMPAT_PAST_SITE)
		return err;
	err = probe_register_kretprobe(p, (kprobe_opcode_t *)probe_uncalled);
	if (err)
		return err;
	p->site = (struct kprobe){
		.symbol_name = p->function,
		.pre_handler = probe_enter_return,
	};
	err = probe_register_site(&p->site);
	if (err) {
		unregister_kretprobe(&p->rp);
		p->rp.kp.addr = NULL;
	}
	return err;
}

static int probe_register_returns(struct sockstat_probe_set *set, const char *name)
{
	unsigned int i;
	int err;

	for (i = 0; i < set->nr_returns; i++) {
		struct sockstat_return_probe *p = &set->returns[i];

		if (!probe_is_chosen(p->module, name) || p->rp.kp.addr)
			continue;
		err = probe_register_return(p);
		if (err == -ENOENT && p->module && !name)
			continue;
		if (err)
			probe_fail("function", p->function, err);
		if (err && !name)
			return err;
	}
	return 0;
}

static void probe_unregister_returns(struct sockstat_probe_set *set, const char *name)
{
	struct kretprobe *live[SOCKSTAT_PROBE_MAX];
	int nr_live = 0;
	unsigned int i;

	for (i = 0; i < set->nr_returns; i++) {
		struct sockstat_return_probe *p = &set->returns[i];

		if (!probe_is_chosen(p->module, name) || !p->rp.kp.addr)
			continue;
		live[nr_live++] = &p->rp;
		if (p->site.addr)
			unregister_kprobe(&p->site);
	}
	unregister_kretprobes(live, nr_live);
	while (nr_live--) {
		struct sockstat_return_probe *p =
			container_of(live[nr_live], struct sockstat_return_probe, rp);

		p->missed += p->rp.kp.nmissed + p->rp.nmissed + p->site.nmissed;
		p->rp = (struct kretprobe){};
		p->site = (struct kprobe){};
	}
}

/*
 * MODULE_STATE_COMING comes before the module's init function, so before any use
 * of its functions, and before a livepatch is applied. An error is logged: the
 * module may be loaded all the same.
 */
static int probe_on_module(struct notifier_block *nb, unsigned long state, void *data)
{
	struct sockstat_probe_set *set = container_of(nb, struct sockstat_probe_set, modules);
	struct module *mod = data;

	mutex_lock(&probe_mutex);
	switch (state) {
	case MODULE_STATE_COMING:
		if (is_livepatch_module(mod))
			probe_leave_jumps(set);
		probe_register_returns(set, mod->name);
		probe_register_entries(set, mod->name);
		break;
	case MODULE_STATE_GOING:
		probe_unregister_entries(set, mod->name);
		probe_unregister_returns(set, mod->name);
		break;
	}
	mutex_unlock(&probe_mutex);
	return NOTIFY_DONE;
}

static int probe_register_functions(struct sockstat_probe_set *set)
{
	int err;

	mutex_lock(&probe_mutex);
	set->past = test_taint(TAINT_LIVEPATCH) ? 0 : probe_find_past();
	err = probe_register_returns(set, NULL) ?: probe_register_entries(set, NULL);
	mutex_unlock(&probe_mutex);
	return err;
}

static void probe_unregister_functions(struct sockstat_probe_set *set)
{
	mutex_lock(&probe_mutex);
	probe_unregister_entries(set, NULL);
	probe_unregister_returns(set, NULL);
	mutex_unlock(&probe_mutex);
}

/**
 * sockstat_probe_register() - register all probes of a set
 * @set: the probes
 *
 * Handlers may run before this returns. If one probe fails, its symbol is
 * logged and the others are unregistered. Functions of modules that are not
 * loaded are probed when the module is loaded.
 *
 * Context: process, may sleep.
 * Return: 0 or a negative errno.
 */
int sockstat_probe_register(struct sockstat_probe_set *set)
{
	unsigned int traces;
	int err;

	err = probe_register_traces(set, &traces);
	if (err)
		goto err_traces;
	/*
	 * From here on, modules and livepatches are reported. Those that were loaded
	 * earlier are found by the names of their functions, and by the taint. Our
	 * call comes after kprobes' own, which takes the probes out of the code of a
	 * module that is unloaded.
	 */
	set->modules.notifier_call = probe_on_module;
	set->modules.priority = -1;
	err = register_module_notifier(&set->modules);
	if (err)
		goto err_traces;
	err = probe_register_functions(set);
	if (err)
		goto err_functions;
	return 0;

err_functions:
	unregister_module_notifier(&set->modules);
	probe_unregister_functions(set);
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
	unregister_module_notifier(&set->modules);
	probe_unregister_functions(set);
	probe_unregister_traces(set, set->nr_traces);
}

/**
 * sockstat_probe_missed() - count the hits whose handler the kernel has skipped
 * @set: a registered set
 *
 * Context: process, may sleep.
 * Return: the count since the set was registered.
 */
u64 sockstat_probe_missed(const struct sockstat_probe_set *set)
{
	u64 missed = 0;
	unsigned int i;

	mutex_lock(&probe_mutex);
	for (i = 0; i < set->nr_entries; i++) {
		const struct sockstat_entry_probe *p = &set->entries[i];

		missed += p->missed + READ_ONCE(p->jump.nmissed) + READ_ONCE(p->site.nmissed);
	}
	for (i = 0; i < set->nr_returns; i++) {
		const struct sockstat_return_probe *p = &set->returns[i];

		missed += p->missed + READ_ONCE(p->rp.kp.nmissed) + READ_ONCE(p->rp.nmissed) +
			  READ_ONCE(p->site.nmissed);
	}
	mutex_unlock(&probe_mutex);
	return missed;
}
