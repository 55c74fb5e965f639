#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Root may switch all kprobes off at any time. Then nothing crashes, a
# connection's bytes stay exact (whose they are cannot be told), rows can be
# read, and when they are on again all is as before.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"

need_root
[ -e "$KPROBES/enabled" ] || skip_all "there is no $KPROBES/enabled"
empty=$(! module_loaded || unload_module; kernel_state)
ftrace=$(cat /proc/sys/kernel/ftrace_enabled)
trap 'arm_debugfs; arm_ftrace; unload_module' EXIT

disarm_debugfs() { echo 0 >"$KPROBES/enabled"; }
arm_debugfs() { echo 1 >"$KPROBES/enabled"; }
disarm_ftrace() { echo 0 2>/dev/null >/proc/sys/kernel/ftrace_enabled; }
arm_ftrace() { echo "$ftrace" >/proc/sys/kernel/ftrace_enabled; }

# The table counts calls through probes only: by that one sees whether they work.
calls_are_counted()
{
	local before after

	before=$(calls)
	ask 'move 100' || return
	after=$(calls)
	echo "calls: $before, then $after"
	[ "$after" -gt "$before" ]
}

calls()
{
	awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	     $1 == "traffic" { n += $at["TX_CALLS"] + $at["RX_CALLS"] }
	     END { print n + 0 }' "$SOCKSTAT"
}

not()
{
	! "$@"
}

# Jump-optimised probes do without ftrace.
switched_off()
{
	[ "$1" = debugfs ] || grep -q 'tcp_sendmsg.*\[FTRACE\]' "$KPROBES/list"
}

# with HOW: what happens before, while and after probes are off
with()
{
	local how=$1

	load_module history=1000000
	traffic_start
	check "$how: connections before" ask_all 'open 9' 'move 1000' check
	check "$how: calls are counted" calls_are_counted
	check "$how: threads that wait" ask 'block recv 10'
	check "$how: busy threads" ask_all 'busy 4' progress
	if ! "disarm_$how"; then
		skip "$how: switched off" 'this kernel does not allow it while there are probes'
		check "$how: the connections end" ask_all idle release close check
		traffic_stop
		unload_module
		return
	fi
	pass "$how: switched off"
	check "$how: busy threads go on" ask progress
	if switched_off "$how"; then
		check "$how: calls are not counted" not calls_are_counted
	else
		check "$how: calls are counted all the same" calls_are_counted
	fi
	check "$how: bytes are exact" ask_all 'move 3333' check 'move 1' check
	check "$how: new connections" ask_all 'open 9' check 'move 777' check
	check "$how: closed ones" ask_all 'churn 20' check
	check "$how: threads that waited go on" ask release
	check "$how: rows can be read" whole_table
	check "$how: all close" ask_all close check
	check "$how: more that stay" ask_all 'open 9' 'move 55'
	"arm_$how"
	check "$how: bytes are exact when on again" ask_all check 'move 4444' check
	check "$how: calls are counted when on again" calls_are_counted
	check "$how: busy threads still go on" ask_all progress idle
	check "$how: all close when on again" ask_all close check

	# off and on while there is traffic, and unloaded while off
	check "$how: traffic once more" ask_all 'open 9' 'busy 4' progress
	for _ in 1 2 3 4 5; do
		"disarm_$how"
		ask progress
		"arm_$how"
		ask progress
	done
	check "$how: off and on under load" ask_all 'move 99' check
	"disarm_$how"
	check "$how: unloaded while off" remove_module
	"arm_$how"
	check "$how: traffic after that" ask_all progress idle 'move 10' close
	is "$how: nothing is left" "$empty" "$(kernel_state)"
	traffic_stop
}

with debugfs
with ftrace

finish
