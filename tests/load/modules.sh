#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Load and unload the module a thousand times, while connections open and close,
# threads block in recv and readers loop: in each cycle the rows count every byte, also
# those moved while the module was unloaded, and unloading leaves nothing behind.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"
# shellcheck source=tests/load/lib.sh
. "$TESTS/load/lib.sh"

CYCLES=$(size 6 1000)
LEFT_EVERY=$(size 3 100) # cycles from one check for leftovers to the next
BLOCKED=6

need_root
! module_loaded || unload_module
empty=$(kernel_state)
trap unload_module EXIT

# The threads block before insmod or after it, and return before rmmod or after it;
# the cycles go through all four combinations.
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
	[ $((n % LEFT_EVERY)) != 0 ] || nothing_is_left
}

nothing_is_left()
{
	local left

	left=$(kernel_state)
	[ "$left" = "$empty" ] || { echo "left in the kernel: $left"; return 1; }
}

traffic_start
check 'the traffic starts' ask_all 'open 6' 'busy 3' progress
readers_start 2
give_way "${readers[@]}"
cycles=0
while [ "$cycles" -lt "$CYCLES" ] && output=$(cycle $((cycles + 1)) 2>&1); do
	cycles=$((cycles + 1))
done
readers_stop
[ "$cycles" = "$CYCLES" ] || echo "# cycle $((cycles + 1)): $output"
report "$cycles" "cycles, $reads_whole complete reads, $reads_cut cut off by rmmod,"
is "the module loads and unloads $CYCLES times" "$CYCLES" "$cycles"
check 'the table was read meanwhile' test "$reads_whole" -gt 0
is 'nothing is left' "$empty" "$(kernel_state)"

load_module
check 'open connections have the bytes of all cycles' ask_all check 'move 7' check
check 'closed connections have the bytes of all cycles' ask_all 'churn 20' close check
unload_module
check 'the traffic goes on without the module' ask_all progress idle
traffic_stop
is 'nothing is left in the end' "$empty" "$(kernel_state)"

finish
