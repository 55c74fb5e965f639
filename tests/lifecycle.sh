#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module comes and goes: with a word in the log, at any moment, and without
# leaving anything behind.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"

CYCLES=8

need_root
need perl modinfo
! module_loaded || unload_module
empty=$(kernel_state)
trap unload_module EXIT

insmod_and_cat()
{
	insmod "$MODULE" && cat "$SOCKSTAT" >/dev/null && whole_table &&
		head -n 1 "$SOCKSTAT" | grep -q '^COMMAND  *PID  *FD '
}

check 'insmod and cat' insmod_and_cat
is 'mode of /proc/sockstat' '444 0:0' "$(stat -c '%a %u:%g' "$SOCKSTAT")"
check 'rmmod' rmmod sockstat

# The kernel itself has a word on the first module of its kind, hence not then.
log_mark
insmod "$MODULE"
is 'one line in the log at load' 1 "$(log_since | grep -c .)"
check 'that line names the module' grep -q 'sockstat: loaded' <(log_since)
log_mark
rmmod sockstat
is 'one line in the log at unload' 1 "$(log_since | grep -c .)"
check 'that line names the module, too' grep -q 'sockstat: unloaded' <(log_since)

# Each parameter that modinfo knows of has a description and is in sysfs.
insmod "$MODULE"
is 'modinfo describes each parameter' \
	"$(ls /sys/module/sockstat/parameters)" \
	"$(modinfo -p "$MODULE" | sed -n 's/^\([a-z_]*\):..*/\1/p' | LC_ALL=C sort)"
for field in license description author; do
	check "modinfo has its $field" test -n "$(modinfo -F $field "$MODULE")"
done
rmmod sockstat

# ---- rmmod in the middle of something ----

traffic_start
for how in recv send accept; do
	# Both orders: entered before insmod, and after it.
	unload_while_blocked()
	{
		ask "block $how 24" && insmod "$MODULE" && whole_table &&
			timeout 240 rmmod sockstat && ask release &&
			insmod "$MODULE" && ask "block $how 24" && whole_table &&
			timeout 240 rmmod sockstat && ask release
	}
	check "rmmod with 24 threads blocked in $how" unload_while_blocked
	is "nothing is left after that ($how)" "$empty" "$(kernel_state)"
done

unload_half_read()
{
	local rest

	ask_all 'open 200' 'move 10' && insmod "$MODULE" || return
	exec 6<"$SOCKSTAT" 7<"$SOCKSTAT"
	dd bs=100 count=1 status=none <&6 | grep -q '^COMMAND' || return
	timeout 240 rmmod sockstat || return
	# neither more of what is gone, nor the first of it, nor of the next one
	for _ in 1 2; do
		rest=$(dd bs=100 count=1 status=none <&6 2>/dev/null)
		rest+=$(dd bs=100 count=1 status=none <&7 2>/dev/null)
		if [ -n "$rest" ]; then
			echo "an open file still gives: $rest"
			return 1
		fi
		if [ -e "$SOCKSTAT" ]; then
			rmmod sockstat
		else
			insmod "$MODULE" && whole_table || return
		fi
	done
	exec 6<&- 7<&-
	ask close
}

check 'rmmod with /proc/sockstat open, unread and half read' unload_half_read
is 'nothing is left after that (half read)' "$empty" "$(kernel_state)"

# Readers that never stop; each ends with the file.
unload_while_read()
{
	local reader status=0 readers=()

	insmod "$MODULE" || return
	ask 'open 100' || return
	for _ in 1 2 3 4; do
		(while cat "$SOCKSTAT"; do :; done) >/dev/null 2>&1 &
		readers+=($!)
	done
	for _ in 1 2 3 4 5; do
		whole_table || return
	done
	timeout 240 rmmod sockstat || status=1
	for reader in "${readers[@]}"; do
		wait "$reader"
	done
	[ "$status" = 0 ] && ask close
}

check 'rmmod with 4 readers that never stop' unload_while_read
is 'nothing is left after that (readers)' "$empty" "$(kernel_state)"

# ---- again and again under load ----

cycle()
{
	insmod "$MODULE" && ask progress && whole_table && ask 'move 1111' &&
		ask check && timeout 240 rmmod sockstat && ask progress &&
		ask 'move 2222'
}

# Connections closed so far were closed without the module: nothing to compare.
traffic_stop
traffic_start
check 'traffic starts' ask_all 'open 6' 'busy 3' progress
cycles=0
while [ "$cycles" -lt "$CYCLES" ] && output=$(cycle 2>&1); do
	cycles=$((cycles + 1))
done
[ "$cycles" = "$CYCLES" ] || echo "# $output"
is "loaded and unloaded $CYCLES times under load" "$CYCLES" "$cycles"
is 'nothing is left after that (load)' "$empty" "$(kernel_state)"

# What stayed registered would be called here.
check 'traffic goes on without the module' ask_all progress idle 'move 5' close
is 'the log has no complaint' '' "$(complaints)"

finish
