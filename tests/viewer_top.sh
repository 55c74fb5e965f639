#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sockstat --top in a terminal (tmux), on saved tables that are replaced while it
# runs. Needs neither the module nor root. The assertions are about the text on the
# screen.

set -u
# shellcheck source=tests/viewer/top_terminal.sh
. "$(dirname "$0")/viewer/top_terminal.sh"

rows_and_rates()
{
	start 120x24 "'$VIEWER' -n --top 0.3 --file '$scratch/table'"
	check 'the titles' shows '^COMMAND +PID +FD LOCAL ADDRESS +FOREIGN ADDRESS +STATE +TX/S +RX/S +TX_BYTES +RX_BYTES +BYTES/S'
	check 'rates, and their bar' shows 'curl +30 +5 .*ESTABLISHED +[0-9.]+[KM] .*█'
	check 'the recent throughput' shows '^sent [0-9.]+[KM]?/s  received [0-9.]+[KM]?/s  .*[▁▂▃▄▅▆▇█].*[▁▂▃▄▅▆▇█]'
	check 'and its maximum' shows '█.* max [0-9.]+[KM]/s$'
	check 'the fastest row comes first' wait_for 20 first_are 'curl nginx'
	keys u
	check 'exact numbers' shows 'curl .* [0-9]+000 +[0-9]+ +█'
	is 'all of one snapshot' 1000 "$(screen | awk '$1 == "curl" { print $9 / $10 }')"
	check 'an exact maximum' shows ' max [0-9]{4,}/s$'
	keys u
}

sorting()
{
	keys '>'
	check 'sort by the next column' shows 'sort COMMAND$'
	is 'rows by command' 'curl nginx nginx ssh' "$(column 1 | xargs)"
	keys '>'
	check 'sort by the one after it, the greatest first' shows 'sort -PID$'
	is 'rows by PID' '40 30 20 10' "$(column 2 | xargs)"
	keys r
	check 'reverse the order' shows 'sort PID$'
	is 'rows by PID, the least first' '10 20 30 40' "$(column 2 | xargs)"
	keys '>' '>'
	check 'the order has the title of its column' shows 'sort LOCAL ADDRESS$'
	keys '<' '<' '<' '<'
	check 'back to the rate, by its title' shows 'sort -BYTES/S$'
}

# Three intervals are shorter than the time in which 20 tables are written.
pausing()
{
	local before

	keys p
	check 'pause' shows PAUSED
	before=$(screen)
	check 'more tables meanwhile' wait_for_tables 20
	is 'a pause: the screen does not change' "$before" "$(screen)"
	keys '>'
	check 'a pause: keys work' shows 'sort COMMAND$'
	keys '<' p
	check 'the pause ends' shows_not PAUSED
}

filtering()
{
	keys / s s h
	check 'a filter is displayed while it is typed' shows '^filter: ssh_'
	check 'and selects rows at once' shows_not curl
	keys Enter
	check 'Enter keeps the filter' shows 'filter "ssh"'
	is 'one row' '20' "$(column 2 | xargs)"
	keys / BSpace BSpace BSpace
	type_text 192.0.2.7
	keys Enter
	check 'a filter by address' shows 'filter "192.0.2.7"'
	is 'the row of that address' '40' "$(column 2 | xargs)"
	keys Escape
	check 'Escape drops the filter' shows curl
}

# The history of the throughput is of all rows: a filter leaves no hole in it.
throughput_history()
{
	keys /
	type_text 'no such row'
	check 'a filter without rows: no throughput' shows '^sent 0/s  received 0/s  all rows'
	check 'more snapshots' wait_for_tables 30
	check 'the history of all rows goes on' shows '^sent 0/s .*[▁▂▃▄▅▆▇█] max [1-9]'
	keys Escape
	check 'all rows again' shows '^curl'
	check 'a long history' shows ' all rows .{10,} max '
	keys + + + + + + +
	check 'another interval: another history' shows 'received [0-9.]+[KM]?/s  all rows$'
	keys - - - - - - - -
	check 'with samples of that interval' shows ' all rows .*█.* max [0-9]'
}

kinds()
{
	keys c
	check 'closed descriptors, and why' shows 'wget +50 +3 .*ECONNREFUSED +2026-11-22T[0-9:]+ +7 +8'
	check 'and no open ones' shows_not curl
	keys c
	check 'all descriptors: open ones' shows curl
	check 'all descriptors: closed ones' shows 'wget .*CLOSED'
	keys c
	check 'open descriptors' shows_not wget
	keys g
	check 'totals by command' shows '^nginx +2 +2 '
	keys g
	check 'totals by user' shows '^0 +4 +4 '
	keys g
	check 'totals by remote host' shows '^192.0.2.9 +1 +1 '
	keys g
	check 'rows again' shows 'by descriptor'
	keys '?'
	check 'help' shows 'its keys'
	keys x
	check 'a key leaves the help' shows_not 'its keys'
}

# Rates depend on when the tables were written, and so does the order.
try_to_pause()
{
	keys p
	shows PAUSED >/dev/null
	! first_are 'curl nginx' || return 0
	keys p
	shows_not PAUSED >/dev/null
	return 1
}

# pause_in_order: pause while the rows are in the order of their usual rates.
pause_in_order()
{
	wait_for 20 try_to_pause
}

# The rows by rate are curl (30) and nginx (40), then those without, 10 and 20.
cursor()
{
	start 120x24 "'$VIEWER' --top 0.3 --file '$scratch/table'"
	check 'the first row is marked' marks 30
	pause_in_order
	keys Down
	check 'down' marks 40
	keys j
	check 'j' marks 10
	keys r
	check 'the order is reversed' shows 'sort BYTES/S$'
	is 'the marked row is the first now' 10 "$(column 2 | head -n 1)"
	check 'but the same row is marked' marks 10
	keys Up k
	check 'not beyond the first row' marks 10
	keys NPage
	check 'to the last row, by a page' marks 30
	keys PPage
	check 'and back' marks 10
	keys End
	check 'End' marks 30
	keys r
	check 'the last row becomes the first' marks 30
	keys End
	check 'the last row in this order' marks 20
	keys Home
	check 'Home' marks 30
	keys Down / s s h
	check 'the marked row is filtered out: another is marked' marks 20
	keys Escape
	check 'the filter is dropped: that row stays marked' marks 20
	keys Escape
	check 'Escape marks the first row' marks 30
}

# detail NAME: the value of a column in the details of a row.
detail()
{
	screen | sed -nE "s,.*\b$1: +([^ ]+).*,\1,p"
}

detail_is_not()
{
	[ -n "$(detail "$1")" ] && [ "$(detail "$1")" != "$2" ]
}

details()
{
	local before

	start 80x24 "'$VIEWER' -n --top 0.3 --file '$scratch/table'"
	pause_in_order
	keys Down p Enter
	check 'Enter shows the details of the marked row' shows '^COMMAND: +nginx$'
	check 'its columns by their titles' shows '^FOREIGN ADDRESS: +192.0.2.7:777$'
	check 'two numbers in a line' shows '^TX_BYTES: .* RX_BYTES: '
	check 'to the last column' shows '^INODE: +4 +COOKIE: +4$'
	is 'all columns fit on 80x24' 27 "$(screen | grep -oE '(^|  )[A-Z_/ ]*[A-Z]: ' | wc -l)"
	keys u
	check 'exact numbers in the details' shows '^OPENED: +1795366100.000 '
	before=$(detail RX_BYTES)
	check 'the details are those of the newest snapshot' \
		wait_for 20 detail_is_not RX_BYTES "$before"
	is 'of one snapshot' 10 "$(screen | awk '/^TX_BYTES/ { print $2 / $4 }')"
	keys q
	check 'q leaves the details' shows '^COMMAND +PID'
	check 'the row is still marked' marks 40
	keys Enter
	check 'details again' shows '^COMMAND: +nginx$'
	keys Escape
	check 'Escape leaves them' shows '^COMMAND +PID'
	keys Enter
	check 'and again' shows '^COMMAND: +nginx$'
	keys Enter
	check 'so does Enter' shows '^COMMAND +PID'
	tm resize-window -x 60 -y 8
	check 'a small terminal' shows_not 'g group'
	keys Enter
	check 'details on a small terminal: the first lines' shows '^USER: +0$'
	keys End
	check 'and the last ones' shows '^COOKIE: +4$'
	keys Home
	check 'and back' shows '^USER: +0$'
	keys Escape g Enter
	check 'the details of a total' shows '^COMMAND: +curl$'
	keys NPage NPage NPage NPage
	check 'to their end' shows '^RX_QUEUE: +0$'
	keys q
}

# The details outlive the row: it is closed, then it is no longer in the table.
details_of_closed()
{
	stop_feeding
	start 80x24 "'$VIEWER' --top 0.3 --file '$scratch/table'"
	shows '^curl' >/dev/null
	keys / c u r l Enter Enter
	check 'the details of an open connection' shows '^STATE: +ESTABLISHED$'
	sed '/^curl/{s/ESTABLISHED/CLOSED/;s/ - - 0 1/ 1795366109.000 ECONNRESET 0 1/}' \
		"$scratch/table" >"$scratch/next"
	mv "$scratch/next" "$scratch/table"
	check 'it is closed meanwhile' shows '^STATE: +CLOSED$'
	check 'with an error' shows '^ERROR: +ECONNRESET$'
	sed '/^curl/d;s/rows=5/rows=4/' "$scratch/table" >"$scratch/next"
	mv "$scratch/next" "$scratch/table"
	check 'it is not in the table any more' shows 'no longer in the table'
	check 'its last values' shows '^ERROR: +ECONNRESET$'
	keys Escape
	check 'no row is left to be marked' shows ' 0 of 4 rows'
	keys Enter
	check 'and Enter shows no details' shows 'filter "curl"'
	start_feeding
}

# filter_finds NAME TEXT PIDS: type a filter; it is displayed and selects those rows.
filter_finds()
{
	keys /
	type_text "$2"
	check "$1: displayed as typed" shows "^filter: ${2}_$"
	keys Enter
	shows "filter \"$2\"" >/dev/null
	is "$1: finds its rows" "$3" "$(screen | sed -n '5,$p' | grep -oE ' +(20|30|1234567) +' | xargs)"
	keys Escape
	shows_not 'filter "' >/dev/null
}

# The filter searches the text on the screen.
filtering_names()
{
	start 80x24 "'$VIEWER' --top 60 --file '$scratch/names'"
	shows '^été' >/dev/null
	filter_finds 'a name with a space' 'tmux: s' 20
	filter_finds 'a name that is not ASCII' 'été' 30
	filter_finds 'in capital letters' 'ÉTÉ' 30
	keys / é t BSpace BSpace
	check 'backspace removes a character, not a byte' shows '^filter: _$'
	keys ö
	check 'and another one can follow' shows '^filter: ö_$'
	keys Escape
	filter_finds 'a number of a port' ':443' 1234567
	if getent services 443/tcp | grep -q '^https '; then
		keys n
		check 'names of services' shows ':https'
		filter_finds 'a name of a service' ':https' 1234567
		filter_finds 'its number' ':443' 1234567
	else
		skip 'a name of a service' '/etc/services does not have https'
	fi
}

chosen_columns()
{
	start 80x24 "'$VIEWER' --top 60 --columns pid,state,rx_bytes,cookie --file '$scratch/table'"
	check '--columns' shows '^PID STATE +RX_BYTES COOKIE BYTES/S *$'
	check 'their values' shows '^ +20 ESTABLISHED +200 +2$'
	keys '>'
	check 'the keys sort by them' shows 'sort -PID$'
	keys '<' '<'
	check 'the last one' shows 'sort -COOKIE$'
	keys g
	check 'totals have their own' shows '^COMMAND +DESCRIPTORS +CONNECTIONS '
	keys g g g
	check 'rows have those of --columns again' shows '^PID STATE +RX_BYTES COOKIE'
	start 60x10 "'$VIEWER' --top 60 --columns all --file '$scratch/table'"
	check 'too many columns: the first ones' shows \
		'^USER COMMAND +PID +FD +PROTO LOCAL ADDRESS FOREIGN *$'
	check 'none of them is shortened' not_on_screen '~'
}

intervals()
{
	start 120x24 "'$VIEWER' --top 3m --file '$scratch/table'"
	check 'a long interval' shows 'every 180 s'
	keys +
	keys -
	check 'halved' shows 'every 90 s'
	keys - - - - - - - - - - - - -
	check 'down to the shortest' shows 'every 0.1 s'
	check 'which counts from the last snapshot' shows 'received [0-9]'
	keys + + + + + + + + + + + + +
	check 'up to the longest' shows 'every 60 s'
}

# --state applies until `c` chooses other rows, and again after a whole cycle.
states()
{
	start 120x24 "'$VIEWER' --top 60 --state listen --file '$scratch/table'"
	check 'one state' shows '^nginx .*LISTEN'
	check 'which are some of the rows' shows '^show some '
	keys c
	check 'closed descriptors instead' shows '^wget'
	check 'and no others' shows_not LISTEN
	keys c
	check 'all' shows '^curl'
	keys c
	check 'the state again' shows_not '^(curl|wget)'
	check 'with its rows' shows '^nginx .*LISTEN'
}

start_feeding
rows_and_rates
sorting
pausing
filtering
throughput_history
kinds
sizes
failures
start_feeding
cursor
details
details_of_closed
stop_feeding
colors
refusals
signals
late_signals
waiting
intervals
states
helping
environment
narrow
standard_size
closed_at_80
filtering_names
chosen_columns
many
finish
