# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For viewer_top.sh: --top in terminals of several sizes and kinds, signals, and a
# large table.

# shellcheck source=tests/viewer/top_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/top_lib.sh"

OLD_HEADER=${HEADER%DURATION*} # of a module without DURATION and what follows it
ROWS=20000 # of the large table, with which --top must stay usable

# The longest values that are not shortened, in as few columns as --top supports
narrow()
{
	local most=18446744073709551615 n

	{
		echo "$OLD_HEADER"
		for n in 1 2 3; do
			echo "curl 400000$n 10000 ESTABLISHED client 192.0.2.100:41000 198.51.100.10$n:50000" \
				"$most $most $most $most 4294967295 4294967295 1795366100.000 - - $n 1 1 $n"
		done
		echo '# version=1 rows=3 closed=0 missed=0 dropped=123456789012'
	} >"$scratch/wide"
	start 60x12 "'$VIEWER' -n --top 0.3 --file '$scratch/wide'"
	check 'a narrow terminal shows rates' shows 'received 0/s'
	fits 'a narrow terminal' COMMAND curl curl curl
	keys u
	check 'u shows exact numbers on a narrow terminal' shows_not 16E
	fits 'exact numbers' COMMAND curl curl curl
	for n in 80 100 130; do
		tm resize-window -x $n
		fits "exact numbers, $n columns" COMMAND curl curl curl
	done
	tm resize-window -x 60
	keys u g
	check 'g shows totals on a narrow terminal' shows 'by command'
	fits 'totals by command' COMMAND curl
	keys g
	check 'g g shows totals by user on a narrow terminal' shows 'by user'
	fits 'totals by user' USER 1 2 3
	keys u g
	check 'g g g shows totals by host on a narrow terminal' shows 'by remote'
	fits 'totals by host, exact' FOREIGN 198.51.100.101 198.51.100.102 198.51.100.103
	keys p
	check 'a pause is displayed' shows ' PAUSED '
	fits 'paused' FOREIGN 198.51.100.101 198.51.100.102 198.51.100.103
	keys p /
	type_text 198.51.100.10-and-so-on-for-as-long-as-there-is-room-to-the-end
	check 'the end of a long filter is displayed while it is typed' shows \
		'^filter: .*room-to-the-end_$'
	keys Enter
	check 'a long filter is displayed' shows '^show open .* filter "198'
	is 'a long filter stays on its line' 'sockstat sent show FOREIGN q' "$(first_words)"
}

# columns_at_80 NAME FILE: --top shows the state and both addresses at 80x24.
columns_at_80()
{
	start 80x24 "'$VIEWER' --top 60 --file '$2'"
	check "80x24, $1: state and both addresses are shown" shows \
		'^COMMAND +PID +FD +LOCAL( ADDRESS)? +FOREIGN( ADDRESS)? +STATE +TX/S +RX/S '
}

# Names and addresses that are too long for 80 columns, and names that are not ASCII
standard_size()
{
	local end='1 1 1 1 0 0 1795366100.000 - -'

	{
		echo "$OLD_HEADER"
		echo "chromium-browser 1234567 123 ESTABLISHED client 192.168.178.123:51234" \
			"203.0.113.254:443 $end 0 1 1 1"
		printf '%s\n' "tmux:\\040server 20 123 CLOSE_WAIT client 127.0.0.1:888 127.0.0.1:1234 $end 0 1 2 2"
		printf '%s ' "\\303\\251t\\303\\251 30 3 ESTABLISHED client" \
			"[2001:db8:1111:2222:3333:4444:5555:6666]:22" \
			"[2001:db8:7777:8888:9999:aaaa:bbbb:cccc]:65535"
		echo "$end 0 1 3 3"
		echo '# version=1 rows=3 closed=0 missed=0 dropped=0'
	} >"$scratch/names"
	columns_at_80 'short rows' "$scratch/table"
	check '80x24: short addresses are whole' shows \
		'^curl +30 +5 192.0.2.1:888 +192.0.2.8:443 +ESTAB '
	columns_at_80 'long numbers' "$scratch/wide"
	columns_at_80 'long addresses' "$scratch/names"
	check '80x24: long addresses keep their port' shows \
		' 1234567 123 192[0-9.]*~:51234 203.0.[0-9.]*~?:443 +ESTAB '
	check '80x24: IPv6 addresses keep their port' shows \
		'^été .* \[20[0-9:]*~:22 +\[2001:[0-9a-f:]+~:65535 +ESTAB '
	fits 'long addresses' COMMAND chromiu~ tmux: été
	tm resize-window -x 200
	check 'a wide terminal shortens nothing' shows \
		'^été +30 +3 \[2001:db8:1111:2222:3333:4444:5555:6666]:22 +\[2001:db8:7777:8888:9999:aaaa:bbbb:cccc]:65535 ESTABLISHED '
}

closed_at_80()
{
	cp "$scratch/table" "$scratch/closed"
	touch -d '2026-11-22 20:00' "$scratch/closed"
	start 80x24 "'$VIEWER' --top 0.3 --closed --file '$scratch/closed'"
	check '80x24: closed rows have the time of that day' shows \
		'^wget +50 .* 192.0.2.6:81 ECONNREFUSED +16:48:29 +7 +8$'
	touch -d '2026-11-23 20:00' "$scratch/closed"
	check '80x24: the next day closed rows have the date' shows \
		'^wget +50 .* 192.0.2.6:81 ECONNREFUSED +2026-11-22 +7 +8$'
	tm resize-window -x 120
	check 'a wide terminal shows date and time' shows \
		' ECONNREFUSED +2026-11-22T16:48:29 +7 +8$'
}

sizes()
{
	tm resize-window -x 80 -y 10
	check 'a smaller terminal shows fewer columns' shows \
		'^COMMAND +PID +FD LOCAL ADDRESS +FOREIGN .*STATE +TX/S'
	check 'a smaller terminal shows bars' shows '^curl .*█'
	fits 'a smaller terminal' COMMAND curl nginx nginx ssh
	tm resize-window -x 40 -y 5
	check 'a terminal that is too small says so' shows 'too small: make it 60x8'
	tm resize-window -x 130 -y 24
	check 'a terminal that is large again shows more columns' shows 'LOCAL ADDRESS'
}

# On a low terminal the help has several pages.
helping()
{
	start 60x8 "'$VIEWER' --top 60 --file '$scratch/table'"
	shows curl >/dev/null
	keys '?'
	check '? shows the first page of the help' shows 'its keys \(any key: the rest'
	check 'the help begins with q' on_screen '^  q  .*quit$'
	keys x
	check 'a key shows the second page of the help' shows '^  /  .*Esc drops it$'
	check 'the longest line of the help is whole' on_screen 'by command, user or host, or rows$'
	keys x
	check 'a key shows the last page of the help' shows '^  \+ -  .*interval$'
	check 'the help ends with its own key' on_screen 'h \?  .*leaves it$'
	check 'the last page does not promise another' not_on_screen 'the rest'
	keys x
	check 'a key leaves the help for the rows' shows '^curl'
}

# The size is that of the terminal, not that of the environment.
environment()
{
	start 60x10 "COLUMNS=140 LINES=30 '$VIEWER' --top 60 --file '$scratch/table'"
	shows curl >/dev/null
	fits 'another size in the environment' COMMAND nginx ssh curl nginx
	tm resize-window -x 80 -y 10
	check 'a new size is taken from the terminal' shows 'space pause.*c closed  g group'
}

failures()
{
	stop_feeding
	mv "$scratch/table" "$scratch/kept"
	check 'a missing table is an error on the screen' shows 'table: No such file or directory'
	check 'the rows stay without a table' shows '^curl'
	mv "$scratch/kept" "$scratch/table"
	check 'the error ends with the return of the table' shows_not 'No such file'
	keys q
	check 'q quits' shows '^status=0'
	check 'the previous screen is restored' shows '^before'
}

colors()
{
	local colored=$'\e\\[3[0-7]m'

	start 120x24 "'$VIEWER' --top --file '$scratch/table'"
	check 'a terminal with colors shows rows' shows curl
	check 'states have colors' grep -qE "${colored}ESTABLISHED" <(tm capture-pane -p -e)
	keys C-c
	check 'Ctrl-C quits' shows '^status=0'
	start 120x24 "NO_COLOR=1 '$VIEWER' --top --file '$scratch/table'"
	check 'NO_COLOR: rows are shown' shows curl
	is 'NO_COLOR: there are no colors' '' "$(tm capture-pane -p -e | grep -E "$colored")"
	start 120x24 "TERM=vt100 '$VIEWER' --top --file '$scratch/table'"
	check 'vt100: rows are shown' shows curl
	is 'vt100: there are no colors' '' "$(tm capture-pane -p -e | grep -E "$colored")"
	check 'vt100: a row is marked' marks 10
	start_feeding
	start 120x24 "LC_ALL=C '$VIEWER' --top 0.3 --file '$scratch/table'"
	check 'C locale: bars are ASCII' shows '^curl .*####'
	check 'C locale: the history is ASCII' shows ' all rows .*# *.* max [0-9]'
	keys / é x
	check 'C locale: the filter is ASCII' shows '^filter: x_$'
	stop_feeding
}

refusals()
{
	start 40x5 "'$VIEWER' --top --file '$scratch/table'"
	check 'a terminal that is too small at first is an error' shows '^status=2'
	check 'the error says that the terminal is too small' shows 'too small'
	start 120x24 "TERM=nonsense '$VIEWER' --top --file '$scratch/table'"
	check 'an unknown terminal has a message' shows 'knows no terminal "nonsense": set TERM'
	check 'an unknown terminal is an error' shows '^status=2'
	start 120x24 "TERM=dumb '$VIEWER' --top --file '$scratch/table'"
	check 'a terminal without cursor movement has a message' shows \
		'knows no terminal "dumb": set TERM'
	check 'a terminal without cursor movement is an error' shows '^status=2'
	start 120x24 "'$VIEWER' --top --file /nonexistent"
	check 'a missing table is an error at first' shows '^status=2'
}

# start_recorded SIZE OPTIONS: start --top; its PID is in the file pid, the settings
# of the terminal before and after it are in stty.1 and stty.2.
start_recorded()
{
	rm -f "$scratch/pid"
	start "$1" "trap : QUIT; stty -g >'$scratch/stty.1'
		sh -c 'echo \$\$ >$scratch/pid; exec $VIEWER --top $2'
		status=\$?; stty -g >'$scratch/stty.2'; (exit \$status)"
	wait_for 10 test -s "$scratch/pid"
}

# Whatever ends it, the terminal has its settings and its screen again.
signals()
{
	local signal

	for signal in INT TERM HUP QUIT PIPE; do
		start_recorded 120x24 "60 --file $scratch/table"
		shows curl >/dev/null
		kill -$signal "$(cat "$scratch/pid")"
		check "SIG$signal quits" shows '^status=0'
		is "SIG$signal: the terminal is restored" "before 0 $(cat "$scratch/stty.1")" \
			"$(screen | head -n 1) $(tm display-message -p '#{alternate_on}') $(
				)$(cat "$scratch/stty.2")"
	done
	start_recorded 120x24 "60 --file $scratch/table"
	shows curl >/dev/null
	keys C-\\
	check 'Ctrl-\ quits' shows '^status=0'
}

kill_recorded()
{
	kill "$(cat "$scratch/pid")"
}

# switches: how often the recorded process has waited for something so far.
switches()
{
	awk '/^voluntary/ { print $2 }' "/proc/$(cat "$scratch/pid")/status"
}

waits_again()
{
	[ "$(switches)" -gt "$1" ]
}

# signal_while_drawing COMMAND...: run COMMAND while --top writes to the terminal. A
# key has stopped the output, so after the next one --top waits in write().
signal_while_drawing()
{
	local before

	start_recorded 120x24 "30d --file $scratch/table"
	shows curl >/dev/null
	keys C-s
	before=$(switches)
	keys r
	wait_for 10 waits_again "$before"
	"$@"
	keys C-q
}

# A signal while it draws must not wait for the next table.
late_signals()
{
	signal_while_drawing tm resize-window -x 80 -y 20
	check 'a new size during drawing is used at once' shows \
		'^COMMAND +PID +FD LOCAL ADDRESS FOREIGN +STATE +TX/S'
	signal_while_drawing kill_recorded
	check 'SIGTERM during drawing quits' shows '^status=0'
}

# no_switches: whether --top waits for something else than its next interval: it would
# have woken up several times.
no_switches()
{
	local before

	before=$(switches)
	sleep 0.7
	[ "$(switches)" = "$before" ]
}

# The table is a pipe without a writer: opening it waits.
waiting()
{
	mkfifo "$scratch/pipe"
	start_recorded 120x24 "0.2 --file $scratch/pipe"
	cat "$scratch/table" >"$scratch/pipe"
	shows curl >/dev/null
	check 'it waits for the writer of a pipe' wait_for 20 no_switches
	keys C-c
	check 'Ctrl-C quits while it waits' shows '^status=0'
}

not_running()
{
	! kill -0 "$1" 2>/dev/null
}

many()
{
	local pid n

	awk -v head="$OLD_HEADER" -v n=$ROWS 'BEGIN {
		print head
		for (i = 0; i < n; i++)
			print "worker " 1000 + i " 3 ESTABLISHED client 10.0." int(i / 250) "." i % 250 ":1" \
				" 192.0.2.1:443 " i * 10 " " i " 1 1 0 0 1795366100.000 - - 0 1 " i " " i
		print "# version=1 rows=" n " closed=0 missed=0 dropped=0"
	}' >"$scratch/many"
	start 130x40 "exec '$VIEWER' --top 0.5 --file '$scratch/many'"
	check "$ROWS rows are shown" shows "$ROWS of $ROWS rows"
	pid=$(tm display-message -p '#{pane_pid}')
	keys End
	check "$ROWS rows: End shows the last one" shows "^worker +$((1000 + ROWS - 1)) "
	check "$ROWS rows: the last one is marked" marks $((1000 + ROWS - 1))
	keys '>' '>' Home
	check "$ROWS rows: > sorts" shows "sort -PID"
	is "$ROWS rows: the greatest comes first" $((1000 + ROWS - 1)) "$(column 2 | head -n 1)"
	keys / : 4 4 3
	check "$ROWS rows: a filter is displayed" shows '^filter: :443_'
	check "$ROWS rows: a filter selects rows" shows "$ROWS of $ROWS rows"
	keys Escape
	# the clock on the screen is that of the file
	for n in 1 2 3; do
		touch -d "2026-11-22 16:48:3$n" "$scratch/many"
		check "$ROWS rows: snapshot $n after the first" shows "16:48:3$n"
	done
	tm kill-server
	check 'it ends with its terminal' wait_for 10 not_running "$pid"
}
