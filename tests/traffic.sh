# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For tests that load, unload and disturb the module while there is traffic:
# source this file after lib.sh.
#
#	traffic_start			start tests/traffic
#	traffic_stop			stop it
#	ask COMMAND...			give it one command and wait until that is done
#	state=$(kernel_state)		list every trace of the module in the kernel
#	log_mark; ...; log_since	print the kernel log's lines since the mark
#	complaints			print those of them that report a kernel bug

KPROBES=/sys/kernel/debug/kprobes
mark=0

# traffic_start: its threads have a low priority.  Otherwise, in a guest whose two CPUs
# are emulated on one, a few busy threads make insmod take ten seconds.
traffic_start()
{
	coproc TRAFFIC { exec "$TESTS/traffic"; }
	renice -n 19 -p "$TRAFFIC_PID" >/dev/null
	# bash closes a coprocess's descriptors in subshells; copies stay open there.
	exec 8>&"${TRAFFIC[1]}" 9<&"${TRAFFIC[0]}"
}

# traffic_stop: end the traffic program, and with it its connections.
traffic_stop()
{
	local pid=$TRAFFIC_PID

	eval "exec ${TRAFFIC[0]}<&- ${TRAFFIC[1]}>&-"
	exec 8>&- 9<&-
	wait "$pid"
}

# ask COMMAND...: print the reason if it fails. "block send" and "release" move
# megabytes through each of their threads, hence the long limit.
ask()
{
	local reply

	echo "$*" >&8
	if ! read -r -t "$(scaled 300)" reply <&9; then
		echo "traffic: $*: no answer"
		return 1
	fi
	if [ "${reply%% *}" != ok ]; then
		echo "traffic: $*: $reply"
		return 1
	fi
}

# ask_all COMMAND...: ask for each argument in turn; one with spaces must be quoted.
ask_all()
{
	local command

	for command; do
		ask "$command" || return 1
	done
}

log_mark()
{
	mark=$((mark + 1))
	echo "$0: mark $mark of $$" >/dev/kmsg
}

log_since()
{
	dmesg | sed "1,/mark $mark of $$\$/d"
}

complaints()
{
	log_since | grep -E "$(grep -v '^#' "$TESTS/vm/kernel-log-patterns")" | head -n 5
}

probes_now()
{
	sed 's/^[0-9a-f]* *//' "$KPROBES/list" | LC_ALL=C sort
}

# kernel_state: list everything that an unloaded module might have left in the
# kernel. The list includes other users' probes, so compare it with an earlier one.
# /proc/kallsyms lists the symbols of the modules in /proc/modules, so it would show no
# more, but reading it takes as long as insmod.
kernel_state()
{
	[ ! -e "$SOCKSTAT" ] || echo "there is $SOCKSTAT"
	[ ! -e /sys/module/sockstat ] || echo 'there is /sys/module/sockstat'
	grep '^sockstat' /proc/slabinfo /proc/modules
	find /sys/kernel/slab -maxdepth 1 -name '*sockstat*'
	probes_now
}

# whole_table: succeed if the table can be read up to its last line.
whole_table()
{
	tail -n 1 "$SOCKSTAT" | grep -q '^# version=1 rows='
}

# trailer KEY: print the value of KEY in the table's last line.
trailer()
{
	tail -n 1 "$SOCKSTAT" | sed "s/.* $1=\([0-9]*\).*/\1/"
}
