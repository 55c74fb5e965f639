# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For tests that load, unload and disturb the module while there is traffic:
# to be sourced after lib.sh.
#
#	traffic_start			starts tests/traffic
#	traffic_stop			and stops it
#	ask COMMAND...			one of its commands, done when this returns
#	state=$(kernel_state)		what of the module is in the kernel
#	log_mark; ...; log_since	the kernel log's lines since then
#	complaints	those of them that a healthy kernel's log does not have

KPROBES=/sys/kernel/debug/kprobes
mark=0

traffic_start()
{
	coproc TRAFFIC { exec "$TESTS/traffic"; }
	# subshells must have them, too
	exec 8>&"${TRAFFIC[1]}" 9<&"${TRAFFIC[0]}"
}

# traffic_stop: its connections end, too.
traffic_stop()
{
	local pid=$TRAFFIC_PID

	eval "exec ${TRAFFIC[0]}<&- ${TRAFFIC[1]}>&-"
	exec 8>&- 9<&-
	wait "$pid"
}

# ask COMMAND...: what went wrong is printed.
ask()
{
	local reply

	echo "$*" >&8
	if ! read -r -t 300 reply <&9; then
		echo "traffic: $*: no answer"
		return 1
	fi
	if [ "${reply%% *}" != ok ]; then
		echo "traffic: $*: $reply"
		return 1
	fi
}

# ask_all COMMAND...: each a word or a quoted command
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
	log_since | grep -E -f "$TESTS/vm/kernel-log-patterns" | head -n 5
}

probes_now()
{
	sed 's/^[0-9a-f]* *//' "$KPROBES/list" | LC_ALL=C sort
}

# kernel_state: everything by which a module that is gone could still be known.
# Probes of others are part of it, so it is to be compared.
kernel_state()
{
	[ ! -e "$SOCKSTAT" ] || echo "there is $SOCKSTAT"
	[ ! -e /sys/module/sockstat ] || echo 'there is /sys/module/sockstat'
	grep '^sockstat' /proc/slabinfo /proc/modules
	find /sys/kernel/slab -maxdepth 1 -name '*sockstat*'
	grep '\[sockstat\]' /proc/kallsyms
	probes_now
}

# whole_table: whether the table can be read to its end.
whole_table()
{
	tail -n 1 "$SOCKSTAT" | grep -q '^# version=1 rows='
}

# trailer KEY: a value of the last line.
trailer()
{
	tail -n 1 "$SOCKSTAT" | sed "s/.* $1=\([0-9]*\).*/\1/"
}
