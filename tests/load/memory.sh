#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A hundred thousand connections are opened, used and closed, twenty times over: the
# rows of open and closed sockets have each byte, and once the closed rows have been
# dropped, the module holds as much memory as before.
#
# tests/bench/hold moves one byte through each connection. In the full size, 200,000
# sockets are open at once, which takes about a gigabyte.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/load/lib.sh
. "$TESTS/load/lib.sh"
# shellcheck source=tests/bench/hold.sh
. "$TESTS/bench/hold.sh"

CONNECTIONS=$(size 2000 100000)
ROUNDS=$(size 4 20)
FREE_SECONDS=$(size 60 600) # until all records are freed
HISTORY=/sys/module/sockstat/parameters/history
KFENCE=/sys/module/kfence/parameters/sample_interval

need_root
ulimit -n 1000000
sampling=$(cat $KFENCE 2>/dev/null)
trap 'unload_module; kfence_sample "$sampling"' EXIT

# kfence_sample INTERVAL: 0 stops KFENCE. Objects that it samples are in its own pool,
# not in the slab caches that are counted here.
kfence_sample()
{
	[ ! -e $KFENCE ] || echo "$1" >$KFENCE
}

# shrink_caches CACHE...: free objects that KASAN keeps in quarantine, which count as
# used until then.
shrink_caches()
{
	local cache

	for cache; do
		[ ! -w "$cache/shrink" ] || echo 1 >"$cache/shrink"
	done
}

# objects: print the number of objects in each of the module's slab caches.
objects()
{
	awk '/^sockstat_/ { print $1, $2 }' /proc/slabinfo
}

# kernel_kb: print the kernel's memory that is not reclaimable, in kB.
kernel_kb()
{
	shrink_caches /sys/kernel/slab/*
	awk '$1 == "SUnreclaim:" || $1 == "VmallocUsed:" || $1 == "Percpu:" { n += $2 }
		END { print n }' /proc/meminfo
}

# row_sums: print "OPEN CLOSED TX RX dropped=DROPPED" of the rows of tests/bench/hold.
row_sums()
{
	awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$1 == "hold" {
			if ($at["STATE"] == "CLOSED") closed++
			else if ($at["STATE"] != "LISTEN") open++
			tx += $at["TX_BYTES"]; rx += $at["RX_BYTES"]
		}
		/^#/ { for (i = 1; i <= NF; i++) if ($i ~ /^dropped=/) dropped = $i }
		END { print open + 0, closed + 0, tx + 0, rx + 0, dropped }' "$SOCKSTAT"
}

objects_are_as_before()
{
	shrink_caches /sys/kernel/slab/sockstat_*
	[ "$(objects)" = "$before" ]
}

# round: run one round; set "wrong" to the reason if it fails.
round()
{
	local ends=$((2 * CONNECTIONS)) dropped

	echo 1000000 >$HISTORY
	hold_used "$CONNECTIONS" || { wrong='tests/bench/hold has exited'; return 1; }
	open=$(row_sums) held=$(objects)
	release || { wrong='tests/bench/hold failed'; return 1; }
	closed=$(row_sums) dropped=${closed##*=}
	all_dropped=$((all_dropped + dropped - last_dropped))
	# Rows may be missing only if "dropped" counts them.
	if [ "${open% dropped=*}" != "$ends 0 $CONNECTIONS $CONNECTIONS" ]; then
		wrong="open: $open"
	elif [ "$dropped" = "$last_dropped" ] &&
	     [ "${closed% dropped=*}" != "0 $ends $CONNECTIONS $CONNECTIONS" ]; then
		wrong="closed: $closed"
	elif [ "$(echo "$closed" | cut -d ' ' -f 2)" -lt $((ends - dropped + last_dropped)) ]; then
		wrong="closed: $closed, dropped before: $last_dropped"
	elif [ "$(echo "$held" | awk '$1 == "sockstat_conn" { print $2 }')" -lt $((ends - dropped + last_dropped)) ]; then
		wrong="/proc/slabinfo has too few records: $held"
	fi
	last_dropped=$dropped
	echo 0 >$HISTORY
	wait_for "$FREE_SECONDS" objects_are_as_before || wrong="objects not freed: $(objects)"
	[ -z "$wrong" ]
}

kfence_sample 0
load_module history=0
before=$(objects)
wrong='' rounds=0 first_kb=0 last_dropped=0 all_dropped=0
while [ $rounds -lt "$ROUNDS" ] && round; do
	rounds=$((rounds + 1))
	[ $rounds != 1 ] || first_kb=$(kernel_kb)
done
last_kb=$(kernel_kb)
report $rounds "rounds of $CONNECTIONS connections, $all_dropped dropped,"
echo "# objects before and after: $(echo "$before" | tr '\n' ' ')"
echo "# the kernel's memory after the first and the last round: $first_kb $last_kb kB"
check '/proc/slabinfo lists the caches of the module' test -n "$before"
is "$ROUNDS rounds show every byte${wrong:+: $wrong}" "$ROUNDS" "$rounds"
is 'the module holds as many objects as before' "$before" "$(objects)"

# Records that a round did not free would take 300 bytes for each socket.
limit=$((first_kb + 4096 + CONNECTIONS / 4))
check 'the kernel holds as much memory as after the first round' test "$last_kb" -le "$limit"
finish
