#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Print for how long interrupts are off at most, in instructions, beside 10 and beside
# 10,000 connections, closed rows, and holders of one connection:
#
#	tests/vm/guest --kernel 7.3 --icount -- tests/bench/irqs_off.sh
#
# SECURITY.md has the numbers; costs.sh limits the largest of them.

. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/bench/hold.sh
. "$TESTS/bench/hold.sh"

LONGEST=/sys/module/irqs_off/parameters/longest
HISTORY=/sys/module/sockstat/parameters/history

need_root
ulimit -n 1000000
trap 'rmmod irqs_off; unload_module' EXIT
insmod "$TESTS/irqs_off/irqs_off.ko"

# longest LABEL RUNS COMMAND...: run the command RUNS times, and print for how long
# interrupts were off at most.
longest()
{
	local label=$1 runs=$2 most=0 seen

	shift 2
	while [ $((runs--)) -gt 0 ]; do
		echo 0 >$LONGEST
		"$@" >/dev/null
		seen=$(cat $LONGEST)
		[ "$seen" -le "$most" ] || most=$seen
	done
	echo "$label: $most"
}

# leave: close all connections, and wait for what the module does later.
leave()
{
	release
	sleep 1
}

# evict: let the history give up all of its rows.
evict()
{
	echo 0 >$HISTORY
	sleep 1
}

longest 'nothing happens' 5 sleep 1
for n in 10 10000; do
	hold_used $n
	longest "without the module, $n connections are closed" 1 leave
done
load_module
for n in 10 10000; do
	echo $((2 * n)) >$HISTORY
	hold_used $n
	longest "$n connections: the table is read" 5 cat $SOCKSTAT
	hold_shared $n
	longest "$n descriptors were used for one of them: the table is read" 5 cat $SOCKSTAT
	longest "$n connections are closed" 1 leave
	longest "$(grep -c CLOSED $SOCKSTAT) closed rows: the table is read" 5 cat $SOCKSTAT
	longest 'they are evicted' 1 evict
done
