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
	check 'all titles are shown at 120 columns' shows \
		'^COMMAND +PID +FD LOCAL ADDRESS +FOREIGN ADDRESS +STATE +TX/S +RX/S +TX_BYTES +RX_BYTES +BYTES/S'
	check 'a row has its rates and a bar' shows 'curl +30 +5 .*ESTABLISHED +[0-9.]+[KM] .*█'
	check 'the head shows the throughput and its history' shows \
		'^sent [0-9.]+[KM]?/s  received [0-9.]+[KM]?/s  .*[▁▂▃▄▅▆▇█].*[▁▂▃▄▅▆▇█]'
	check 'the maximum of the history follows it' shows '█.* max [0-9.]+[KM]/s$'
	check 'the fastest row comes first' wait_for 20 first_are 'curl nginx'
	keys u
	check 'u shows exact numbers' shows 'curl .* [0-9]+000 +[0-9]+ +█'
	is 'exact numbers are all of one snapshot' 1000 "$(screen | awk '$1 == "curl" { print $9 / $10 }')"
	check 'u shows the exact maximum of the history' shows ' max [0-9]{4,}/s$'
	keys u
}

sorting()
{
	keys '>'
	check '> sorts by the next column' shows 'sort COMMAND$'
	is 'rows are sorted by command' 'curl nginx nginx ssh' "$(column 1 | xargs)"
	keys '>'
	check '> sorts numbers with the greatest first' shows 'sort -PID$'
	is 'rows are sorted by PID' '40 30 20 10' "$(column 2 | xargs)"
	keys r
	check 'r reverses the order' shows 'sort PID$'
	is 'rows are sorted by PID, the least first' '10 20 30 40' "$(column 2 | xargs)"
	keys '>' '>'
	check 'the sort column is displayed by its title' shows 'sort LOCAL ADDRESS$'
	keys '<' '<' '<' '<'
	check '< goes back to the rate, displayed by its title' shows 'sort -BYTES/S$'
}

# Three intervals are shorter than the time in which 20 tables are written.
pausing()
{
	local before

	keys p
	check 'p pauses' shows PAUSED
	before=$(screen)
	check 'more tables are written during a pause' wait_for_tables 20
	is 'the screen does not change during a pause' "$before" "$(screen)"
	keys '>'
	check 'keys work during a pause' shows 'sort COMMAND$'
	keys '<' p
	check 'p ends the pause' shows_not PAUSED
}

filtering()
{
	keys / s s h
	check 'a filter is displayed while it is typed' shows '^filter: ssh_'
	check 'a filter selects rows while it is typed' shows_not curl
	keys Enter
	check 'Enter keeps the filter' shows 'filter "ssh"'
	is 'a filter by command finds its row' '20' "$(column 2 | xargs)"
	keys / BSpace BSpace BSpace
	type_text 192.0.2.7
	keys Enter
	check 'a filter by address is displayed' shows 'filter "192.0.2.7"'
	is 'a filter by address finds its row' '40' "$(column 2 | xargs)"
	keys Escape
	check 'Escape drops the filter' shows curl
}

# The history of the throughput is of all rows: a filter leaves no hole in it.
throughput_history()
{
	keys /
	type_text 'no such row'
	check 'without rows there is no throughput' shows '^sent 0/s  received 0/s  all rows'
	check 'more tables are written while no row is shown' wait_for_tables 30
	check 'the history of all rows continues' shows '^sent 0/s .*[▁▂▃▄▅▆▇█] max [1-9]'
	keys Escape
	check 'without a filter all rows are shown' shows '^curl'
	check 'the history has ten samples' shows ' all rows .{10,} max '
	keys + + + + + + +
	check 'another interval starts another history' shows 'received [0-9.]+[KM]?/s  all rows$'
	keys - - - - - - - -
	check 'the new history gets samples' shows ' all rows .*█.* max [0-9]'
}

kinds()
{
	keys c
	check 'c shows closed descriptors with error and time' shows \
		'wget +50 +3 .*ECONNREFUSED +2026-11-22T[0-9:]+ +7 +8'
	check 'c hides open descriptors' shows_not curl
	keys c
	check 'c c shows open descriptors' shows curl
	check 'c c shows closed descriptors as well' shows 'wget .*CLOSED'
	keys c
	check 'c c c shows open descriptors only' shows_not wget
	keys g
	check 'g shows totals by command' shows '^nginx +2 +2 '
	keys g
	check 'g g shows totals by user' shows '^0 +4 +4 '
	keys g
	check 'g g g shows totals by remote host' shows '^192.0.2.9 +1 +1 '
	keys g
	check 'g g g g shows rows' shows 'by descriptor'
	keys '?'
	check '? shows the help' shows 'its keys'
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
	check 'the first row is marked at first' marks 30
	pause_in_order
	keys Down
	check 'Down marks the next row' marks 40
	keys j
	check 'j marks the next row' marks 10
	keys r
	check 'the order is reversed under the mark' shows 'sort BYTES/S$'
	is 'the marked row has become the first' 10 "$(column 2 | head -n 1)"
	check 'the same row is still marked' marks 10
	keys Up k
	check 'Up and k stop at the first row' marks 10
	keys NPage
	check 'PgDn stops at the last row' marks 30
	keys PPage
	check 'PgUp stops at the first row' marks 10
	keys End
	check 'End marks the last row' marks 30
	keys r
	check 'the last row stays marked when it becomes the first' marks 30
	keys End
	check 'End marks the last row of the new order' marks 20
	keys Home
	check 'Home marks the first row' marks 30
	keys Down / s s h
	check 'another row is marked if a filter hides the marked one' marks 20
	keys Escape
	check 'that row stays marked without the filter' marks 20
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
	check 'details have the titles of columns' shows '^FOREIGN ADDRESS: +192.0.2.7:777$'
	check 'details have two numbers in a line at 80 columns' shows '^TX_BYTES: .* RX_BYTES: '
	check 'details end with the last column' shows '^INODE: +4 +COOKIE: +4$'
	is 'details show all columns at 80x24' 30 "$(screen | grep -oE '(^|  )[A-Z_/ ]*[A-Z]: ' | wc -l)"
	keys u
	check 'u shows exact numbers in the details' shows '^OPENED: +1795366100.000 '
	before=$(detail RX_BYTES)
	check 'details are updated' \
		wait_for 20 detail_is_not RX_BYTES "$before"
	is 'details are of one snapshot' 10 "$(screen | awk '/^TX_BYTES/ { print $2 / $4 }')"
	keys q
	check 'q leaves the details' shows '^COMMAND +PID'
	check 'the row is still marked after its details' marks 40
	keys Enter
	check 'Enter shows the details for Escape' shows '^COMMAND: +nginx$'
	keys Escape
	check 'Escape leaves the details' shows '^COMMAND +PID'
	keys Enter
	check 'Enter shows the details for Enter' shows '^COMMAND: +nginx$'
	keys Enter
	check 'Enter leaves the details' shows '^COMMAND +PID'
	tm resize-window -x 60 -y 8
	check 'the terminal is small' shows_not 'g group'
	keys Enter
	check 'details on a small terminal begin with the first lines' shows '^USER: +0$'
	keys End
	check 'End scrolls the details to the last lines' shows '^COOKIE: +4$'
	keys Home
	check 'Home scrolls the details to the first lines' shows '^USER: +0$'
	keys Escape g Enter
	check 'Enter shows the details of a total' shows '^COMMAND: +curl$'
	keys NPage NPage NPage NPage
	check 'PgDn scrolls the details to their end' shows '^RX_QUEUE: +0$'
	keys q
}

# The details outlive the row: it is closed, then it is no longer in the table.
details_of_closed()
{
	stop_feeding
	start 80x24 "'$VIEWER' --top 0.3 --file '$scratch/table'"
	shows '^curl' >/dev/null
	keys / c u r l Enter Enter
	check 'details show an open connection' shows '^STATE: +ESTABLISHED$'
	sed '/^curl/{s/ESTABLISHED/CLOSED/;s/ - - 0 1/ 1795366109.000 ECONNRESET 0 1/}' \
		"$scratch/table" >"$scratch/next"
	mv "$scratch/next" "$scratch/table"
	check 'details show that it is closed' shows '^STATE: +CLOSED$'
	check 'details show its error' shows '^ERROR: +ECONNRESET$'
	sed '/^curl/d;s/rows=5/rows=4/' "$scratch/table" >"$scratch/next"
	mv "$scratch/next" "$scratch/table"
	check 'details say that it has left the table' shows 'no longer in the table'
	check 'details keep its last values' shows '^ERROR: +ECONNRESET$'
	keys Escape
	check 'the filter finds no row' shows ' 0 of 4 rows'
	keys Enter
	check 'Enter without rows shows no details' shows 'filter "curl"'
	start_feeding
}

# filter_finds NAME TEXT PIDS: type a filter; it is displayed and selects those rows.
filter_finds()
{
	keys /
	type_text "$2"
	check "$1: the filter is displayed as typed" shows "^filter: ${2}_$"
	keys Enter
	shows "filter \"$2\"" >/dev/null
	is "$1: the filter finds its rows" "$3" \
		"$(screen | sed -n '5,$p' | grep -oE ' +(20|30|1234567) +' | xargs)"
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
	keys / x é BSpace
	check 'Backspace removes a character of two bytes' shows '^filter: x_$'
	keys BSpace ö
	check 'another one can follow' shows '^filter: ö_$'
	keys Escape
	filter_finds 'a number of a port' ':443' 1234567
	if getent services 443/tcp | grep -q '^https '; then
		keys n
		check 'n shows names of services' shows ':https'
		filter_finds 'a name of a service' ':https' 1234567
		filter_finds 'the number of a service' ':443' 1234567
	else
		skip 'a name of a service' '/etc/services does not have https'
	fi
}

chosen_columns()
{
	start 80x24 "'$VIEWER' --top 60 --columns pid,state,rx_bytes,cookie --file '$scratch/table'"
	check '--columns chooses the columns' shows '^PID STATE +RX_BYTES COOKIE BYTES/S *$'
	check 'chosen columns have their values' shows '^ +20 ESTABLISHED +200 +2$'
	keys '>'
	check '> sorts by the first chosen column' shows 'sort -PID$'
	keys '<' '<'
	check '< sorts by the last chosen column' shows 'sort -COOKIE$'
	keys g
	check 'totals have their own columns' shows '^COMMAND +DESCRIPTORS +CONNECTIONS '
	keys g g g
	check 'rows have the chosen columns again' shows '^PID STATE +RX_BYTES COOKIE'
	start 60x10 "'$VIEWER' --top 60 --columns all --file '$scratch/table'"
	check 'of too many columns the first ones are shown' shows \
		'^USER COMMAND +PID +FD +PROTO LOCAL ADDRESS FOREIGN *$'
	check 'columns that are shown are whole' not_on_screen '~'
}

intervals()
{
	start 120x24 "'$VIEWER' --top 3m --file '$scratch/table'"
	check 'a long interval is displayed' shows 'every 180 s'
	keys +
	keys -
	check '- halves the interval' shows 'every 90 s'
	keys - - - - - - - - - - - - -
	check '- stops at the shortest interval' shows 'every 0.1 s'
	check 'a new interval counts from the last snapshot' shows 'received [0-9]'
	keys + + + + + + + + + + + + +
	check '+ stops at the longest interval' shows 'every 60 s'
}

# --state applies until `c` chooses other rows, and again after a whole cycle.
states()
{
	start 120x24 "'$VIEWER' --top 60 --state listen --file '$scratch/table'"
	check '--state shows rows of one state' shows '^nginx .*LISTEN'
	check '--state is displayed as some rows' shows '^show some '
	keys c
	check 'c shows closed descriptors instead' shows '^wget'
	check 'c hides the rows of the state' shows_not LISTEN
	keys c
	check 'c c shows all rows' shows '^curl'
	keys c
	check 'c c c hides all other rows' shows_not '^(curl|wget)'
	check 'c c c shows the rows of the state' shows '^nginx .*LISTEN'
}

# LeakSanitizer makes the exit status 23.
leaks()
{
	start 100x30 "ASAN_OPTIONS=detect_leaks=1 '$VIEWER' --top 0.3 --file '$scratch/table'"
	check 'the rows are on the screen' shows curl
	keys / s s h Enter
	check 'the filter is set' shows 'filter "ssh"'
	keys Escape Down Enter
	check 'the details are on the screen' shows 'COOKIE'
	keys Escape g
	check 'totals are on the screen' shows 'by command'
	keys '?'
	check 'the help is on the screen' shows 'q  +quit'
	keys q q
	check 'nothing leaks' shows 'status=0'
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
leaks
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
