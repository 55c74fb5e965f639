#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loaded and unloaded a thousand times, while connections come and go, threads
# are blocked in recv, and readers never stop: what the connections moved, with
# the module and without it, is exact in each cycle, and nothing stays behind.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"
# shellcheck source=tests/load/lib.sh
. "$TESTS/load/lib.sh"

CYCLES=$(size 6 1000)
LOOK=$(size 3 100) # cycles from one look at what is left to the next
BLOCKED=6

need_root
! module_loaded || unload_module
empty=$(kernel_state)
trap unload_module EXIT

# Threads are blocked before insmod or after it, and go on before rmmod or after
# it: each of the four in turn.
cycle()
{
	local n=$1

	[ $((n % 2)) = 0 ] || ask "block recv $BLOCKED" || return
	insmod "$MODULE" || return
	[ $((n % 2)) != 0 ] || ask "block recv $BLOCKED" || return
	ask_all check "move $((n % 5000))" check progress || return
	[ $((n / 2 % 2)) != 0 ] || ask release || return
	remove_module || return
	[ $((n / 2 % 2)) = 0 ] || ask release || return
	ask "move $((1 + n % 300))" || return
	[ $((n % LOOK)) != 0 ] || nothing_is_left
}

nothing_is_left()
{
	local left

	left=$(kernel_state)
	[ "$left" = "$empty" ] || { echo "left behind: $left"; return 1; }
}

traffic_start
give_way "$TRAFFIC_PID"
check 'traffic starts' ask_all 'open 6' 'busy 3' progress
readers_start 2
give_way "${readers[@]}"
cycles=0
while [ "$cycles" -lt "$CYCLES" ] && output=$(cycle $((cycles + 1)) 2>&1); do
	cycles=$((cycles + 1))
done
readers_stop
[ "$cycles" = "$CYCLES" ] || echo "# cycle $((cycles + 1)): $output"
did "$cycles" "cycles, $reads_whole whole reads, $reads_cut that met none or rmmod,"
is "loaded and unloaded $CYCLES times" "$CYCLES" "$cycles"
check 'the table was read meanwhile' test "$reads_whole" -gt 0
is 'nothing is left' "$empty" "$(kernel_state)"

load_module
check 'bytes of all those cycles are exact' ask_all check 'move 7' check
check 'so are those of closed connections' ask_all 'churn 20' close check
unload_module
check 'traffic goes on without the module' ask_all progress idle
traffic_stop
is 'nothing is left after all' "$empty" "$(kernel_state)"

finish
