#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Other tracers of the same functions: bpftrace, ftrace's function tracer, and perf
# probes, some of them at the very addresses of the module's probes. Whichever is
# attached or detached first, the module's bytes are exact and the tracers count on.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"
# shellcheck source=tests/load/lib.sh
. "$TESTS/load/lib.sh"

ROUNDS=$(size 1 20)
TRACING=/sys/kernel/tracing
INSTANCE=/sys/kernel/tracing/instances/sockstat_company
FUNCTIONS=(tcp_sendmsg tcp_recvmsg tcp_close tcp_v4_connect)

need_root
log_mark
need perf bpftrace
# Some versions of bpftrace cannot attach BPF trampolines (kfunc).
trampolines=''
if timeout "$(scaled 60)" bpftrace -e 'BEGIN { exit() } kfunc:tcp_sendmsg { @n++ }' \
	>/dev/null 2>&1; then
	trampolines='kfunc:tcp_recvmsg, kfunc:tcp_sendmsg { @n++ }'
else
	echo '# without BPF trampolines, which this bpftrace does not support'
fi
[ -e $TRACING/set_ftrace_filter ] || skip_all 'this kernel has no function tracer'
! module_loaded || unload_module
empty=$(kernel_state)
scratch=$(mktemp -d)
trap 'detach_all; unload_module; rm -r "$scratch"' EXIT

# ---- the tracers: attach_X, detach_X, and count_X, the calls that X has seen ----

attach_ftrace()
{
	mkdir "$INSTANCE" &&
	printf '%s\n' "${FUNCTIONS[@]}" >"$INSTANCE"/set_ftrace_filter &&
	echo function >"$INSTANCE"/current_tracer
}

detach_ftrace()
{
	[ ! -e "$INSTANCE" ] || { echo nop >"$INSTANCE"/current_tracer && rmdir "$INSTANCE"; }
}

# Entries that were overwritten in the ring buffer count as well.
count_ftrace()
{
	cat "$INSTANCE"/per_cpu/cpu*/stats |
		awk '$1 == "entries:" || $1 == "overrun:" { n += $2 } END { print n + 0 }'
}

# probe_places: print the functions, and the addresses in them of the module's probes.
probe_places()
{
	printf '%s\n' "${FUNCTIONS[@]}"
	! module_loaded ||
		grep -oE ' tcp_(sendmsg|recvmsg|close)\+0x[0-9a-f]*[1-9a-f]\b' "$KPROBES/list"
}

attach_perf()
{
	local place add=()

	for place in $(probe_places); do
		add+=(--add "company:at_${place//+/_}=$place")
	done
	perf probe -q "${add[@]}" || return
	perf stat -a -e 'company:*' >/dev/null 2>&1 &
	perf=$!
	wait_for 60 perf_counts
}

perf_counts()
{
	ask 'move 1' && [ "$(count_perf)" -gt 0 ]
}

count_perf()
{
	awk '{ n += $2 } END { print n + 0 }' "$TRACING/kprobe_profile"
}

detach_perf()
{
	[ -z "${perf-}" ] || { kill "$perf"; wait "$perf"; perf=''; }
	perf probe -q --del 'company:*' 2>/dev/null
}

attach_bpftrace()
{
	bpftrace -B line -e 'BEGIN { printf("0\n") }
		kprobe:tcp_sendmsg, kprobe:tcp_recvmsg, kprobe:tcp_close { @n++ }
		kretprobe:tcp_sendmsg { @n++ }
		'"$trampolines"'
		interval:ms:200 { printf("%d\n", @n) }' >"$scratch/bpftrace" 2>"$scratch/errors" &
	bpftrace=$!
	wait_for 120 bpftrace_counts && kill -0 "$bpftrace" && return
	# Debian 11's bpftrace sometimes exits beside the other tracers. Later versions,
	# which are those with trampolines, must not.
	[ -z "$trampolines" ] || { cat "$scratch/errors"; return 1; }
	lost="bpftrace exited: $(grep . "$scratch/errors" | tail -n 1)"
} 2>/dev/null

bpftrace_counts()
{
	kill -0 "$bpftrace" || return 0
	ask 'move 1' && [ "$(count_bpftrace)" -gt 0 ]
}

count_bpftrace()
{
	tail -n 2 "$scratch/bpftrace" | head -n 1 | grep -E '^[0-9]+$' || echo 0
}

detach_bpftrace()
{
	[ -z "${bpftrace-}" ] || { kill "$bpftrace"; wait "$bpftrace"; bpftrace=''; }
}

detach_all()
{
	local tool

	for tool in "${TOOLS[@]}"; do
		"detach_$tool"
	done
} 2>/dev/null

TOOLS=(ftrace perf bpftrace) lost=''

# ---- checks ----

# check_here NAME COMMAND...: like check(), without a subshell, because the command
# sets variables.
check_here()
{
	local name=$1

	shift
	if "$@" >"$scratch/output" 2>&1; then
		pass "$name"
	else
		fail "$name" "$(cat "$scratch/output")"
	fi
}

has_grown()
{
	[ "$("count_$1")" -gt "$2" ]
}

# tracers_count WHEN: each tracer goes on counting calls.
tracers_count()
{
	local tool was

	for tool in "${TOOLS[@]}"; do
		was=$("count_$tool")
		ask 'move 10'
		check "$tool counts, $1 (after $was)" wait_for 30 has_grown "$tool" "$was"
	done
}

# bytes_are_exact WHEN: for open, blocked and closed connections.
bytes_are_exact()
{
	check "bytes are exact, $1" ask_all 'block recv 4' 'move 4321' check release \
		'churn 5' check progress
}

# traffic_restart WHEN: end all connections and open new ones, because the module
# cannot have rows of connections that closed while it was unloaded.
traffic_restart()
{
	check "the traffic stops, $1" ask_all idle close
	traffic_stop
	traffic_start
	check "the traffic starts, $1" ask_all 'open 6' 'busy 1' 'move 500' progress
}

round()
{
	local tool

	insmod "$MODULE" history=100000
	for tool in "${TOOLS[@]}"; do
		check_here "$tool attaches beside the module" "attach_$tool"
	done
	if [ -n "$lost" ]; then
		skip 'bpftrace runs beside the other tracers' "$lost"
		TOOLS=(ftrace perf) lost=''
	fi
	bytes_are_exact 'with tracers attached after insmod'
	tracers_count 'attached after insmod'
	check 'the module unloads beside the tracers' remove_module
	tracers_count 'after rmmod'
	traffic_restart 'with tracers but no module'
	insmod "$MODULE" history=100000
	bytes_are_exact 'with tracers attached before insmod'
	tracers_count 'attached before insmod'
	for tool in "${TOOLS[@]}"; do
		check_here "$tool detaches beside the module" "detach_$tool"
	done
	bytes_are_exact 'after the tracers have detached'
	check 'the module unloads without tracers' remove_module
	traffic_restart 'with neither tracers nor module'
}

traffic_start
check 'the traffic starts' ask_all 'open 6' 'busy 1' 'move 77' progress
rounds=0
while [ $rounds -lt "$ROUNDS" ] && [ "$tap_failed" = 0 ]; do
	round
	rounds=$((rounds + 1))
done
report $rounds "rounds with ${TOOLS[*]}"
check 'the traffic ends' ask_all idle close
traffic_stop
is 'nothing is left' "$empty" "$(kernel_state)"
is 'the kernel log has no warning' '' "$(complaints)"
finish
