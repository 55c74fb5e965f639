#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the module costs, held to limits: with it and without it in one boot, in
# instructions. This is for a guest whose clock counts them, on an idle machine
# of one CPU ("tests/vm/guest --icount"); elsewhere it is skipped.

. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/bench/hold.sh
. "$TESTS/bench/hold.sh"

BENCH=$TESTS/bench
CALLS=(pair eagain pair64k high_fd cycle)

need_root
ulimit -n 1000000
trap unload_module EXIT

# the_calls: how much each costs, as NAME=INSTRUCTIONS.
the_calls()
{
	"$BENCH/call" "${CALLS[@]}" | awk '{ printf "%s=%.0f ", $1, $2 }'
}

# of NAME "NAME=VALUE ...": its value.
of()
{
	local pair

	for pair in $2; do
		[ "${pair%%=*}" != "$1" ] || echo "${pair#*=}"
	done
}

# at_most NAME LIMIT VALUE: all integers, which nothing else is.
at_most()
{
	echo "# $1: $3"
	if [[ $3 =~ ^-?[0-9]+$ ]] && [ "$3" -le "$2" ]; then
		pass "$1"
	else
		fail "$1" "limit: $2" "seen: $3"
	fi
}

# per_million OF BASE
per_million()
{
	echo $((($1 - $2) * 1000000 / $2))
}

# added NAME LIMIT: what it costs more with the module, in parts per million of
# what it costs without.
added()
{
	local with without

	with=$(of "$1" "$loaded") without=$(of "$1" "$bare")
	at_most "$1: at most $2 ppm more than without" "$2" \
		"$(per_million "$with" "$without")"
}

# read_cost FILE: of reading it whole.
read_cost()
{
	"$BENCH/cost" cat "$1" | cut -d ' ' -f 2
}

# Instructions do not depend on how busy this machine is; time does.
"$BENCH/call" pair cycle >/dev/null
once=$("$BENCH/call" eagain | awk '{ printf "%.0f", $2 }')
again=$("$BENCH/call" eagain | awk '{ printf "%.0f", $2 }')
if [ "$once" = 0 ] || [ "$(per_million "$once" "$again" | tr -d -)" -gt 2000 ]; then
	skip_all "this clock does not count instructions ($once, then $again)"
fi

bare=$(the_calls)
load_module
# until the kernel has made jumps of the probes
sleep 2
loaded=$(the_calls)
added pair 26000
added eagain 240000
added pair64k 5000
added high_fd 26000
added cycle 85000

few=$("$BENCH/call" pair | awk '{ printf "%.0f", $2 }')
hold_used 1000
read_cost $SOCKSTAT >/dev/null
small=$(read_cost $SOCKSTAT)
release
hold_used 10000
many=$("$BENCH/call" pair | awk '{ printf "%.0f", $2 }')
read_cost $SOCKSTAT >/dev/null
large=$(read_cost $SOCKSTAT)
tcp=$(read_cost /proc/net/tcp)
release
at_most 'pair: 20,000 sockets seen add at most 20,000 ppm' 20000 "$(per_million "$many" "$few")"
at_most 'reading: at most 4,500 instructions a row' 4500 $(((large - small) / 18000))
at_most 'reading: less than /proc/net/tcp' "$tcp" "$large"
finish
