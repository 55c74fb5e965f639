#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Others look at the same functions at the same time: bpftrace, ftrace's function
# tracer, and perf's probes, one of those at the very address of the module's.
# Whoever comes or goes first: bytes are exact, and the others go on counting.

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
# Not every bpftrace can have BPF trampolines.
trampolines=''
if timeout 60 bpftrace -e 'BEGIN { exit() } kfunc:tcp_sendmsg { @n++ }' >/dev/null 2>&1; then
	trampolines='kfunc:tcp_recvmsg, kfunc:tcp_sendmsg { @n++ }'
else
	echo '# without BPF trampolines, which this bpftrace cannot have'
fi
[ -e $TRACING/set_ftrace_filter ] || skip_all 'this kernel has no function tracer'
! module_loaded || unload_module
empty=$(kernel_state)
scratch=$(mktemp -d)
trap 'detach_all; unload_module; rm -r "$scratch"' EXIT

# ---- the others: attach_X, detach_X, and how often X has seen a call, count_X ----

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

# What fell out of the buffer is counted, too.
count_ftrace()
{
	cat "$INSTANCE"/per_cpu/cpu*/stats |
		awk '$1 == "entries:" || $1 == "overrun:" { n += $2 } END { print n + 0 }'
}

# places: the functions, and where in them the module has its probes.
places()
{
	printf '%s\n' "${FUNCTIONS[@]}"
	! module_loaded ||
		grep -oE ' tcp_(sendmsg|recvmsg|close)\+0x[0-9a-f]*[1-9a-f]\b' "$KPROBES/list"
}

attach_perf()
{
	local place add=()

	for place in $(places); do
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
	# Debian 11's does not always bear the others' company; later ones have to.
	[ -z "$trampolines" ] || { cat "$scratch/errors"; return 1; }
	lost="it ended: $(grep . "$scratch/errors" | tail -n 1)"
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

# ---- what is to be seen ----

# here NAME COMMAND...: what check does, in this shell.
here()
{
	local name=$1

	shift
	if "$@" >"$scratch/said" 2>&1; then
		pass "$name"
	else
		fail "$name" "$(cat "$scratch/said")"
	fi
}

has_grown()
{
	[ "$("count_$1")" -gt "$2" ]
}

# others_count WHEN: each of them goes on counting.
others_count()
{
	local tool was

	for tool in "${TOOLS[@]}"; do
		was=$("count_$tool")
		ask 'move 10'
		check "$tool counts, $1 (after $was)" wait_for 30 has_grown "$tool" "$was"
	done
}

# exact WHEN: what open, blocked and closed connections moved.
exact()
{
	check "bytes are exact, $1" ask_all 'block recv 4' 'move 4321' check release \
		'churn 5' check progress
}

# afresh: the module, and connections that it sees from here on. What was closed
# without it, it cannot know.
afresh()
{
	check "$1" ask_all idle close
	traffic_stop
	traffic_start
	give_way "$TRAFFIC_PID"
	check "connections, $1" ask_all 'open 6' 'busy 1' 'move 500' progress
}

round()
{
	local tool

	insmod "$MODULE" history=100000
	for tool in "${TOOLS[@]}"; do
		here "$tool comes to the module" "attach_$tool"
	done
	if [ -n "$lost" ]; then
		skip 'bpftrace beside the others' "$lost"
		TOOLS=(ftrace perf) lost=''
	fi
	exact 'the module was first'
	others_count 'the module was first'
	check 'rmmod, the others stay' remove_module
	others_count 'the module has left'
	afresh 'the others are there'
	insmod "$MODULE" history=100000
	exact 'the others were first'
	others_count 'the others were first'
	for tool in "${TOOLS[@]}"; do
		here "$tool leaves the module" "detach_$tool"
	done
	exact 'the others have left'
	check 'rmmod' remove_module
	afresh 'nobody is there'
}

traffic_start
give_way "$TRAFFIC_PID"
check 'traffic starts' ask_all 'open 6' 'busy 1' 'move 77' progress
rounds=0
while [ $rounds -lt "$ROUNDS" ] && [ "$tap_failed" = 0 ]; do
	round
	rounds=$((rounds + 1))
done
did $rounds "rounds with ${TOOLS[*]}"
check 'traffic ends' ask_all idle close
traffic_stop
is 'nothing is left' "$empty" "$(kernel_state)"
is 'the log has no complaint' '' "$(complaints)"
finish
