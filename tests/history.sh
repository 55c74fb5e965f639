#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The parameter "history": how many closed rows there are.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"

PARAMETER=/sys/module/sockstat/parameters/history

need_root
! module_loaded || unload_module
empty=$(kernel_state)
trap unload_module EXIT
traffic_start

load_module
is 'history is 1024 at first' 1024 "$(cat $PARAMETER)"
is 'mode of the parameter' 644 "$(stat -c %a $PARAMETER)"
check 'few connections all stay' ask_all 'churn 30' check
is 'two rows of each' 60 "$(trailer closed)"

# A connection is two rows, one of each end.
echo 10 >$PARAMETER
is 'lowered at run time' 10 "$(trailer closed)"
check 'connections after that' ask 'churn 30'
is 'never more than history' 10 "$(trailer closed)"

# Those that stay are the last ones: 100 bytes and one more each, last first.
newest()
{
	awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	     $at["STATE"] == "CLOSED" { print $at["TX_BYTES"] + $at["RX_BYTES"] }' \
		"$SOCKSTAT" | sort -nu | tr '\n' ' '
}
is 'the newest ones stay' '151 153 154 156 157 ' "$(newest)"

echo 0 >$PARAMETER
is '0 keeps none' 0 "$(trailer closed)"
check 'connections meanwhile' ask 'churn 10'
is '0 still keeps none' 0 "$(trailer closed)"

echo 200 >$PARAMETER
check 'connections after it was raised' ask 'churn 60'
is 'raised at run time' 120 "$(trailer closed)"
check 'more connections than that' ask 'churn 100'
is 'bounded by the new value' 200 "$(trailer closed)"

for value in -1 x '' 1.5 99999999999 '12 13'; do
	if (echo "$value" >$PARAMETER) 2>/dev/null; then
		fail "'$value' is refused" "history is $(cat $PARAMETER) now"
		echo 200 >$PARAMETER
	else
		is "'$value' is refused" 200 "$(cat $PARAMETER)"
	fi
done

# Closing goes on while it is read: a connection whose other end is not closed
# yet may stand there besides, one of each busy thread.
echo 20 >$PARAMETER
check 'connections come and go' ask_all 'busy 4' progress
most=0
for _ in {1..25}; do
	ask progress
	closed=$(trailer closed)
	[ "$closed" -le "$most" ] || most=$closed
done
check "never more than history under load ($most)" test "$most" -le $((20 + 2 * 4))
check 'nor fewer' test "$most" -ge 20

# Changed all the time while connections close and readers read.
change()
{
	local value

	for value in 0 5 100 1 1000 0 300 2 50 1024; do
		echo "$value" >"$PARAMETER" && ask progress && whole_table || return
	done
}
check 'changed under load' change
check 'the connections ended well' ask idle
unload_module
is 'nothing is left' "$empty" "$(kernel_state)"

load_module history=3
is 'given at load' 3 "$(cat $PARAMETER)"
check 'connections with that' ask 'churn 5'
is 'bounded by what was given at load' 3 "$(trailer closed)"
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
