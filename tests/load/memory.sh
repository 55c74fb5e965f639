#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A hundred thousand connections, opened, used, looked at and closed, twenty
# times over: each of their bytes has its row, open and closed, and once the
# closed rows are given up, the module's memory is what it was.
#
# One byte goes through each connection, and tests/bench/hold says when. All of
# them are open at once (200,000 sockets, about a gigabyte).

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/load/lib.sh
. "$TESTS/load/lib.sh"
# shellcheck source=tests/bench/hold.sh
. "$TESTS/bench/hold.sh"

CONNECTIONS=$(size 2000 100000)
ROUNDS=$(size 4 20)
PATIENCE=$(size 60 600) # seconds
HISTORY=/sys/module/sockstat/parameters/history
KFENCE=/sys/module/kfence/parameters/sample_interval

need_root
ulimit -n 1000000
sampling=$(cat $KFENCE 2>/dev/null)
trap 'unload_module; kfence "$sampling"' EXIT

# kfence INTERVAL: what it samples is in none of the caches that are counted.
kfence()
{
	[ ! -e $KFENCE ] || echo "$1" >$KFENCE
}

# shrink CACHE...: KASAN keeps back what was freed, which counts as held until then.
shrink()
{
	local cache

	for cache; do
		[ ! -w "$cache/shrink" ] || echo 1 >"$cache/shrink"
	done
}

# objects: how many of each kind the module holds.
objects()
{
	awk '/^sockstat_/ { print $1, $2 }' /proc/slabinfo
}

# kernel_kb: what the kernel holds that it cannot give up.
kernel_kb()
{
	shrink /sys/kernel/slab/*
	awk '$1 == "SUnreclaim:" || $1 == "VmallocUsed:" || $1 == "Percpu:" { n += $2 }
		END { print n }' /proc/meminfo
}

# sums: of the holder's rows, "OPEN CLOSED TX RX dropped=DROPPED".
sums()
{
	awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$1 == "hold" {
			if ($at["STATE"] == "CLOSED") closed++
			else if ($at["STATE"] != "LISTEN") open++
			tx += $at["TX_BYTES"]; rx += $at["RX_BYTES"]
		}
		END { print open + 0, closed + 0, tx + 0, rx + 0, $NF }' "$SOCKSTAT"
}

as_before()
{
	shrink /sys/kernel/slab/sockstat_*
	[ "$(objects)" = "$before" ]
}

# round: one more; sets "wrong" if it went wrong.
round()
{
	local ends=$((2 * CONNECTIONS)) dropped

	echo 1000000 >$HISTORY
	hold_used "$CONNECTIONS" || { wrong='the holder is gone'; return 1; }
	open=$(sums) held=$(objects)
	release || { wrong='the holder failed'; return 1; }
	closed=$(sums) dropped=${closed##*=}
	all_dropped=$((all_dropped + dropped - last_dropped))
	# A record that was dropped is a row fewer; none is dropped in silence.
	if [ "${open% dropped=*}" != "$ends 0 $CONNECTIONS $CONNECTIONS" ]; then
		wrong="open: $open"
	elif [ "$dropped" = "$last_dropped" ] &&
	     [ "${closed% dropped=*}" != "0 $ends $CONNECTIONS $CONNECTIONS" ]; then
		wrong="closed: $closed"
	elif [ "$(echo "$closed" | cut -d ' ' -f 2)" -lt $((ends - dropped + last_dropped)) ]; then
		wrong="closed: $closed, dropped before: $last_dropped"
	elif [ "$(echo "$held" | awk '$1 == "sockstat_conn" { print $2 }')" -lt $((ends - dropped + last_dropped)) ]; then
		wrong="what is held is not seen: $held"
	fi
	last_dropped=$dropped
	echo 0 >$HISTORY
	wait_for "$PATIENCE" as_before || wrong="held: $(objects)"
	[ -z "$wrong" ]
}

kfence 0
load_module history=0
before=$(objects)
wrong='' rounds=0 first_kb=0 last_dropped=0 all_dropped=0
while [ $rounds -lt "$ROUNDS" ] && round; do
	rounds=$((rounds + 1))
	[ $rounds != 1 ] || first_kb=$(kernel_kb)
done
last_kb=$(kernel_kb)
did $rounds "rounds of $CONNECTIONS connections, $all_dropped dropped,"
echo "# held before and after: $(echo "$before" | tr '\n' ' ')"
echo "# the kernel's memory after the first and the last round: $first_kb $last_kb kB"
check 'slabinfo knows the module' test -n "$before"
is "$ROUNDS times opened, used and closed: $wrong" "$ROUNDS" "$rounds"
is 'the module holds what it held before' "$before" "$(objects)"

# A round that left its records would leave 300 bytes for each socket.
limit=$((first_kb + 4096 + CONNECTIONS / 4))
check 'nor has the kernel lost anything' test "$last_kb" -le "$limit"
finish
