#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loading and unloading the module: each logs one line, each works at any moment
# (threads blocked in TCP calls, open readers, traffic), and unloading leaves
# nothing behind.

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

check 'the module loads and the table can be read' insmod_and_cat
is '/proc/sockstat belongs to root and everybody may read it' '444 0:0' \
	"$(stat -c '%a %u:%g' "$SOCKSTAT")"
check 'the module unloads' rmmod sockstat

# module_log: the first word of each line that the module has logged since the mark.
module_log()
{
	log_since | sed -n 's/.*\(sockstat: [a-z]*\).*/\1/p'
}

# Not at the first load: the kernel then logs that the module taints it, with the
# same prefix.
log_mark
insmod "$MODULE"
is 'the log has one line at load' 'sockstat: loaded' "$(module_log)"
log_mark
rmmod sockstat
is 'the log has one line at unload' 'sockstat: unloaded' "$(module_log)"

insmod "$MODULE"
is 'modinfo describes every parameter in sysfs' \
	"$(ls /sys/module/sockstat/parameters)" \
	"$(modinfo -p "$MODULE" | sed -n 's/^\([a-z_]*\):..*/\1/p' | LC_ALL=C sort)"
for field in license description author; do
	check "modinfo shows the $field" test -n "$(modinfo -F $field "$MODULE")"
done
rmmod sockstat

# ---- rmmod during calls and reads ----

traffic_start
for how in recv send accept; do
	# The threads block before insmod the first time, after it the second time.
	unload_while_blocked()
	{
		ask "block $how 24" && insmod "$MODULE" && whole_table &&
			remove_module && ask release &&
			insmod "$MODULE" && ask "block $how 24" && whole_table &&
			remove_module && ask release
	}
	check "the module unloads while 24 threads are blocked in $how" unload_while_blocked
	is "nothing is left of it ($how)" "$empty" "$(kernel_state)"
done

unload_half_read()
{
	local rest

	ask_all 'open 200' 'move 10' && insmod "$MODULE" || return
	exec 6<"$SOCKSTAT" 7<"$SOCKSTAT"
	dd bs=100 count=1 status=none <&6 | grep -q '^COMMAND' || return
	remove_module || return
	# Reads return nothing: not the rest of the snapshot, not its beginning, and
	# not the table of a module that has been loaded since.
	for _ in 1 2; do
		rest=$(dd bs=100 count=1 status=none <&6 2>/dev/null)
		rest+=$(dd bs=100 count=1 status=none <&7 2>/dev/null)
		if [ -n "$rest" ]; then
			echo "a file opened before rmmod still returns: $rest"
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

check 'the module unloads while /proc/sockstat is open, unread and half read' unload_half_read
is 'nothing is left of it (half read)' "$empty" "$(kernel_state)"

# Four loops read the table; each ends when cat fails, because the file is gone.
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
	remove_module || status=1
	for reader in "${readers[@]}"; do
		wait "$reader"
	done
	[ "$status" = 0 ] && ask close
}

check 'the module unloads while 4 readers loop over the table' unload_while_read
is 'nothing is left of it (readers)' "$empty" "$(kernel_state)"

# ---- repeatedly, under load ----

cycle()
{
	insmod "$MODULE" && ask progress && whole_table && ask 'move 1111' &&
		ask check && remove_module && ask progress &&
		ask 'move 2222'
}

# Start afresh: the module cannot have rows of connections that closed before it
# was loaded, and "check" would ask for them.
traffic_stop
traffic_start
check 'the traffic starts' ask_all 'open 6' 'busy 3' progress
cycles=0
while [ "$cycles" -lt "$CYCLES" ] && output=$(cycle 2>&1); do
	cycles=$((cycles + 1))
done
[ "$cycles" = "$CYCLES" ] || echo "# $output"
is "the module loads and unloads $CYCLES times under load" "$CYCLES" "$cycles"
is 'nothing is left of it (load)' "$empty" "$(kernel_state)"

# A probe that rmmod had left registered would run here.
check 'the traffic goes on without the module' ask_all progress idle 'move 5' close
is 'the kernel log has no warning' '' "$(complaints)"

finish
