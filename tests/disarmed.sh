#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Root may disarm all kprobes at any time. While they are off, nothing crashes, the
# table can be read and the bytes of each connection stay exact, although not which of
# several processes moved them. When they are armed again, everything works as before.

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

# calls_are_counted: succeed if the probes run, which alone increase TX_CALLS and RX_CALLS.
calls_are_counted()
{
	local before after

	before=$(count_calls)
	ask 'move 100' || return
	after=$(count_calls)
	echo "calls: $before, then $after"
	[ "$after" -gt "$before" ]
}

count_calls()
{
	awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	     $1 == "traffic" { n += $at["TX_CALLS"] + $at["RX_CALLS"] }
	     END { print n + 0 }' "$SOCKSTAT"
}

not()
{
	! "$@"
}

# probes_are_off HOW: jump-optimised probes run without ftrace.
probes_are_off()
{
	[ "$1" = debugfs ] || grep -q 'tcp_sendmsg.*\[FTRACE\]' "$KPROBES/list"
}

# test_disarming HOW: before, while and after the probes are off
test_disarming()
{
	local how=$1

	load_module history=1000000
	traffic_start
	check "$how: bytes are exact before" ask_all 'open 9' 'move 1000' check
	check "$how: calls are counted" calls_are_counted
	check "$how: threads block in recv" ask 'block recv 10'
	check "$how: busy threads run" ask_all 'busy 4' progress
	if ! "disarm_$how"; then
		skip "$how: the probes can be switched off" 'this kernel refuses while probes use it'
		check "$how: the connections end" ask_all idle release close check
		traffic_stop
		unload_module
		return
	fi
	pass "$how: the probes can be switched off"
	check "$how: busy threads go on" ask progress
	if probes_are_off "$how"; then
		check "$how: calls are not counted" not calls_are_counted
	else
		check "$how: jump-optimised probes still count calls" calls_are_counted
	fi
	check "$how: bytes are exact while off" ask_all 'move 3333' check 'move 1' check
	check "$how: bytes of new connections are exact while off" \
		ask_all 'open 9' check 'move 777' check
	check "$how: bytes of closed connections are exact while off" ask_all 'churn 20' check
	check "$how: the blocked threads go on" ask release
	check "$how: the table can be read" whole_table
	check "$how: bytes are exact after closing all" ask_all close check
	check "$how: connections open while off" ask_all 'open 9' 'move 55'
	"arm_$how"
	check "$how: bytes are exact after rearming" ask_all check 'move 4444' check
	check "$how: calls are counted after rearming" calls_are_counted
	check "$how: busy threads go on after rearming" ask_all progress idle
	check "$how: bytes are exact after rearming and closing all" ask_all close check

	check "$how: the traffic starts again" ask_all 'open 9' 'busy 4' progress
	for _ in 1 2 3 4 5; do
		"disarm_$how"
		ask progress
		"arm_$how"
		ask progress
	done
	check "$how: bytes are exact after switching under load" ask_all 'move 99' check
	"disarm_$how"
	check "$how: the module unloads while off" remove_module
	"arm_$how"
	check "$how: the traffic goes on without the module" ask_all progress idle 'move 10' close
	is "$how: nothing is left of the module" "$empty" "$(kernel_state)"
	traffic_stop
}

test_disarming debugfs
test_disarming ftrace

finish
