#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The parameter "history" limits the number of closed rows.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"

PARAMETER=/sys/module/sockstat/parameters/history

# ended_are ROWS: whether the closed rows, kept and removed ones together, are ROWS.
ended_are()
{
	[ $(($(trailer closed) + $(trailer evicted))) = "$1" ]
}

need_root
! module_loaded || unload_module
empty=$(kernel_state)
trap unload_module EXIT
traffic_start

load_module
is 'history is 1024 by default' 1024 "$(cat $PARAMETER)"
is 'the parameter is readable by everybody, writable by root' 644 "$(stat -c %a $PARAMETER)"
check 'closed connections below the limit have rows' ask_all 'churn 30' check
is 'each connection has two closed rows' 60 "$(trailer closed)"
is 'no row was removed' 0 "$(trailer evicted)"

echo 10 >$PARAMETER
is 'lowering the limit removes rows' 10 "$(trailer closed)"
is 'rows that were removed are counted' 50 "$(trailer evicted)"
check 'more connections close' ask 'churn 30'
is 'the new limit holds' 10 "$(trailer closed)"
check 'closed and evicted rows add up to all that there were' wait_for 10 ended_are 120

# sizes_kept: print the bytes of both directions of each closed connection. "churn 30"
# moves 130 bytes and half of that through the first one, 101 through the last.
sizes_kept()
{
	awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	     $at["STATE"] == "CLOSED" { print $at["TX_BYTES"] + $at["RX_BYTES"] }' \
		"$SOCKSTAT" | sort -nu | tr '\n' ' '
}
is 'the newest rows stay' '151 153 154 156 157 ' "$(sizes_kept)"

echo 0 >$PARAMETER
is '0 removes all rows' 0 "$(trailer closed)"
check 'connections close while it is 0' ask 'churn 10'
is 'while it is 0 no row is kept' 0 "$(trailer closed)"
check 'those rows are counted, too' wait_for 10 ended_are 140

echo 200 >$PARAMETER
check 'connections close after raising it' ask 'churn 60'
is 'raising the limit keeps more rows' 120 "$(trailer closed)"
check 'more connections close than it allows' ask 'churn 100'
is 'the raised limit holds' 200 "$(trailer closed)"

for value in -1 x '' 1.5 99999999999 '12 13'; do
	if (echo "$value" >$PARAMETER) 2>/dev/null; then
		fail "'$value' is refused" "history is $(cat $PARAMETER) now"
		echo 200 >$PARAMETER
	else
		is "'$value' is refused" 200 "$(cat $PARAMETER)"
	fi
done

# Under load the limit may be exceeded by connections of which only one end has
# closed yet, at most one for each busy thread.
echo 20 >$PARAMETER
check 'busy threads open and close connections' ask_all 'busy 4' progress
most=0
for _ in {1..25}; do
	ask progress
	closed=$(trailer closed)
	[ "$closed" -le "$most" ] || most=$closed
done
check "the limit holds under load ($most rows at most)" test "$most" -le $((20 + 2 * 4))
check 'the limit is reached under load' test "$most" -ge 20

# change_limit: write many values while connections close and the table is read.
change_limit()
{
	local value

	for value in 0 5 100 1 1000 0 300 2 50 1024; do
		echo "$value" >"$PARAMETER" && ask progress && whole_table || return
	done
}
check 'the limit can be changed under load' change_limit
check 'the busy threads saw no error' ask idle
unload_module
is 'nothing is left of the module' "$empty" "$(kernel_state)"

load_module history=3
is 'insmod sets the parameter' 3 "$(cat $PARAMETER)"
check 'connections close with that limit' ask 'churn 5'
is 'the limit given to insmod holds' 3 "$(trailer closed)"
unload_module

for value in -1 x; do
	if insmod "$MODULE" history=$value 2>/dev/null; then
		fail "history=$value is refused at load"
		unload_module
	else
		is "history=$value is refused at load" "$empty" "$(kernel_state)"
	fi
done

finish
