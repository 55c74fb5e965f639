#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sockstat --top in a terminal (tmux), on tables that change: needs no module.
# What is asserted is what stands on the screen.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

VIEWER=$TREE/userspace/sockstat
ROWS=20000 # with these it still has to be usable

[ -x "$VIEWER" ] || skip_all 'userspace/sockstat is not built'
need tmux perl
unset COLUMNS LINES NO_COLOR TMUX
export LC_ALL=C.UTF-8 TZ=UTC
scratch=$(mktemp -d)
feeder=''
terminals=0
cleanup()
{
	[ -z "$feeder" ] || kill "$feeder"
	tm kill-server 2>/dev/null
	rm -rf "$scratch"
}
trap cleanup EXIT

tm()
{
	tmux -u -S "$scratch/tmux.$terminals" -f /dev/null "$@"
}

# start SIZE COMMAND: in a terminal of that size; its exit status is the
# last thing that is written there.
start()
{
	local columns=${1%x*} lines=${1#*x}

	tm kill-server 2>/dev/null
	# one that has not quite ended would take the next one with it
	terminals=$((terminals + 1))
	tm new-session -d -x "$columns" -y "$lines" \
		"echo before; $2; echo status=\$?; exec sleep 1000"
	# a single session's size is that of its (missing) client otherwise
	tm set-option -g window-size manual
	tm resize-window -x "$columns" -y "$lines"
}

screen()
{
	tm capture-pane -p
}

keys()
{
	tm send-keys "$@"
}

# shows PATTERN: whether it stands on the screen, soon.
on_screen()
{
	screen | grep -qE -- "$1"
}

not_on_screen()
{
	! on_screen "$1"
}

shows()
{
	wait_for 20 on_screen "$1" || {
		screen
		return 1
	}
}

shows_not()
{
	wait_for 20 not_on_screen "$1" || {
		screen
		return 1
	}
}

# column N: of the rows on the screen, from the top.
column()
{
	screen | sed -n '5,$p' | sed '$d' | awk -v n="$1" 'NF > 4 { print $n }'
}

# feed, in the background: table after table, whose counts are N times something;
# 1000 sent for 1 received. In one process, so that a slow machine, too, has
# another one each time that somebody looks: if not, nothing has a rate.
feed()
{
	# shellcheck disable=SC2016
	exec perl -e '
		my ($head, $table) = @ARGV;
		my $end = "1 1 0 0 1795366100.000";
		for (my $n = 1;; $n++) {
			open(my $next, ">", "$table.next") or die "$table.next: $!\n";
			print $next "$head\n",
				"nginx 10 6 LISTEN - 0.0.0.0:80 *:* 0 0 0 0 0 0 - - - 0 1 1 1\n",
				"ssh 20 3 ESTABLISHED client 192.0.2.1:999 192.0.2.9:22 ",
				"100 200 $end - - 0 1 2 2\n",
				"curl 30 5 ESTABLISHED client 192.0.2.1:888 192.0.2.8:443 ",
				$n * 1000, " $n $end - - 0 1 3 3\n",
				"nginx 40 7 ESTABLISHED server 192.0.2.1:80 192.0.2.7:777 ",
				$n * 100, " ", $n * 10, " $end - - 0 1 4 4\n",
				"wget 50 3 CLOSED client 192.0.2.1:666 192.0.2.6:81 ",
				"7 8 $end 1795366109.000 ECONNREFUSED 0 1 5 5\n",
				"# version=1 rows=5 closed=1 missed=0 dropped=0\n";
			close($next) && rename("$table.next", $table) or die "$table: $!\n";
			select(undef, undef, undef, 0.05);
		}' "$(head -n 1 "$TESTS/viewer/table.txt")" "$scratch/table"
}

first_are()
{
	[ "$(column 1 | head -n 2 | xargs)" = "$1" ]
}

rows_and_rates()
{
	start 120x24 "'$VIEWER' --top 0.3 --file '$scratch/table'"
	check 'the title' shows '^COMMAND +PID +FD LOCAL ADDRESS +FOREIGN ADDRESS +STATE +TX/S +RX/S +TX_BYTES +RX_BYTES +BYTES/S'
	check 'rates, and their bar' shows 'curl +30 +5 .*ESTABLISHED +[0-9.]+[KM] .*█'
	check 'throughput of late' shows '^sent [0-9.]+[KM]?/s  received [0-9.]+[KM]?/s  .*[▁▂▃▄▅▆▇█].*[▁▂▃▄▅▆▇█]'
	check 'the fastest first' wait_for 20 first_are 'curl nginx'
	keys u
	check 'exact numbers' shows 'curl .* [0-9]+000 +[0-9]+ +█'
	is 'of one snapshot' 1000 "$(screen | awk '$1 == "curl" { print $9 / $10 }')"
	keys u
}

sorting()
{
	keys '>'
	check 'sorted by the next column' shows 'sort COMMAND$'
	is 'by command' 'curl nginx nginx ssh' "$(column 1 | xargs)"
	keys '>'
	check 'and the next, the greatest first' shows 'sort -PID$'
	is 'by PID' '40 30 20 10' "$(column 2 | xargs)"
	keys r
	check 'reversed' shows 'sort PID$'
	is 'by PID, the least first' '10 20 30 40' "$(column 2 | xargs)"
	keys '<' '<'
	check 'back' shows 'sort -RATE$'
}

pausing()
{
	local before

	keys p
	check 'paused' shows PAUSED
	before=$(screen)
	sleep 1
	is 'nothing changes then' "$before" "$(screen)"
	keys '>'
	check 'but by keys' shows 'sort COMMAND$'
	keys '<' p
	check 'it goes on' shows_not PAUSED
}

filtering()
{
	keys / s s h
	check 'what is typed' shows '^filter: ssh_'
	check 'narrows at once' shows_not curl
	keys Enter
	check 'the filter stays' shows 'filter "ssh"'
	is 'one row' '20' "$(column 2 | xargs)"
	keys / BSpace BSpace BSpace 1 9 2 . 0 . 2 . 7 Enter
	check 'another, by address' shows 'filter "192.0.2.7"'
	is 'its row' '40' "$(column 2 | xargs)"
	keys Escape
	check 'none' shows curl
}

kinds()
{
	keys c
	check 'closed ones, and why' shows 'wget +50 +3 .*ECONNREFUSED +2026-11-22T[0-9:]+ +7 +8'
	check 'only these' shows_not curl
	keys c
	check 'all' shows curl
	check 'closed ones among them' shows 'wget .*CLOSED'
	keys c
	check 'open ones' shows_not wget
	keys g
	check 'by command' shows '^nginx +2 +2 '
	keys g
	check 'by user' shows '^0 +4 +4 '
	keys g
	check 'by remote host' shows '^192.0.2.9 +1 +1 '
	keys g
	check 'by descriptor' shows 'by descriptor'
	keys '?'
	check 'help' shows 'its keys'
	keys x
	check 'and back' shows_not 'its keys'
}

# rows_sorted: the lines below the title, so that they can be compared.
rows_sorted()
{
	local lines

	mapfile -t lines
	{
		printf '%s\n' "${lines[@]:0:4}"
		printf '%s\n' "${lines[@]:4}" | sort
	} | xargs
}

# first_words: of all lines.
first_words()
{
	screen | awk '{ print $1 }' | rows_sorted
}

first_words_are()
{
	[ "$(first_words)" = "$1" ]
}

# fits NAME TITLE ROW...: no line goes on in the next one, and no column's title is
# cut off; TITLE and ROWs, in whatever order, are what those lines begin with.
fits()
{
	local name=$1 expected

	expected=$(printf '%s\n' sockstat sent show "${@:2}" q | rows_sorted)
	wait_for 5 first_words_are "$expected"
	is "$name: each line begins where it should" "$expected" "$(first_words)"
	check "$name: no title is cut off" grep -qE \
		'(PID|FD|ADDRESS|STATE|DESCRIPTORS|CONNECTIONS|TX/S|RX/S|TX_BYTES|RX_BYTES|BYTES/S) *$' \
		<(screen | sed -n 4p)
}

# The longest of all that is not cut, in as few columns as there may be
narrow()
{
	local most=18446744073709551615 n

	{
		head -n 1 "$TESTS/viewer/table.txt"
		for n in 1 2 3; do
			echo "curl 400000$n 10000 ESTABLISHED client 192.0.2.100:41000 198.51.100.10$n:50000" \
				"$most $most $most $most 4294967295 4294967295 1795366100.000 - - $n 1 1 $n"
		done
		echo '# version=1 rows=3 closed=0 missed=0 dropped=123456789012'
	} >"$scratch/wide"
	start 60x12 "'$VIEWER' --top 0.3 --file '$scratch/wide'"
	check 'a narrow terminal' shows 'received 0/s'
	fits 'a narrow terminal' COMMAND curl curl curl
	keys u
	check 'exact numbers' shows_not 16E
	fits 'exact numbers' COMMAND curl curl curl
	for n in 80 100 130; do
		tm resize-window -x $n
		fits "exact numbers, $n columns" COMMAND curl curl curl
	done
	tm resize-window -x 60
	keys u g
	check 'totals' shows 'by command'
	fits 'totals by command' COMMAND curl
	keys g
	check 'totals by user' shows 'by user'
	fits 'totals by user' USER 1 2 3
	keys u g
	check 'totals by host' shows 'by remote'
	fits 'totals by host, exact' FOREIGN 198.51.100.101 198.51.100.102 198.51.100.103
	keys p
	check 'it says that it is paused' shows ' PAUSED '
	fits 'paused' FOREIGN 198.51.100.101 198.51.100.102 198.51.100.103
	keys p /
	tm send-keys -l 198.51.100.10-and-so-on-for-as-long-as-there-is-room-to-the-end
	check 'a long filter: its end' shows '^filter: .*room-to-the-end_$'
	keys Enter
	check 'and the filter that stays' shows '^show open .* filter "198'
	is 'on one line' 'sockstat sent show FOREIGN q' "$(first_words)"
}

sizes()
{
	tm resize-window -x 80 -y 10
	check 'a smaller terminal: fewer columns' shows '^COMMAND +PID +FD FOREIGN ADDRESS +TX/S'
	check 'and still a bar' shows '^curl .*█'
	fits 'a smaller terminal' COMMAND curl nginx nginx ssh
	tm resize-window -x 40 -y 5
	check 'one that is too small' shows 'too small: make it 60x8'
	tm resize-window -x 130 -y 24
	check 'and large again' shows 'LOCAL ADDRESS'
}

# On a low terminal the help has more than one page.
helping()
{
	start 60x8 "'$VIEWER' --top 60 --file '$scratch/table'"
	shows curl >/dev/null
	keys '?'
	check 'help, and that there is more of it' shows 'its keys \(any key: the rest'
	check 'its first line' on_screen '^  q  .*quit$'
	check 'its longest line' on_screen 'Escape ends it$'
	keys x
	check 'the rest' shows 'c  .*open ones'
	check 'to the last line' on_screen 'h \?  .*leaves it$'
	check 'which is all' not_on_screen 'the rest'
	keys x
	check 'and back to the rows' shows '^curl'
}

# The size is the terminal's, whatever the environment says.
environment()
{
	start 60x10 "COLUMNS=140 LINES=30 '$VIEWER' --top 60 --file '$scratch/table'"
	shows curl >/dev/null
	fits 'one with another size in its environment' COMMAND nginx ssh curl nginx
	tm resize-window -x 80 -y 10
	check 'and the new one' shows 'space pause.*c closed  g group'
}

failures()
{
	kill "$feeder"
	wait "$feeder" 2>/dev/null
	feeder=''
	mv "$scratch/table" "$scratch/kept"
	check 'the table is gone: what is wrong' shows 'table: No such file or directory'
	check 'the rows stay' shows '^curl'
	mv "$scratch/kept" "$scratch/table"
	check 'it is back' shows_not 'No such file'
	keys q
	check 'quit' shows '^status=0'
	check 'what was there before' shows '^before'
}

colours()
{
	local coloured=$'\e\\[3[0-7]m'

	start 120x24 "'$VIEWER' --top --file '$scratch/table'"
	check 'rows' shows curl
	check 'colours' grep -qE "${coloured}ESTABLISHED" <(tm capture-pane -p -e)
	keys C-c
	check 'interrupted' shows '^status=0'
	start 120x24 "NO_COLOR=1 '$VIEWER' --top --file '$scratch/table'"
	check 'no colours, but rows' shows curl
	is 'no colours if they are not wanted' '' "$(tm capture-pane -p -e | grep -E "$coloured")"
	start 120x24 "TERM=vt100 '$VIEWER' --top --file '$scratch/table'"
	check 'a terminal without colours' shows curl
	is 'has none' '' "$(tm capture-pane -p -e | grep -E "$coloured")"
	feed &
	feeder=$!
	start 120x24 "LC_ALL=C '$VIEWER' --top 0.3 --file '$scratch/table'"
	check 'bars where only ASCII is known' shows '^curl .*####'
	kill $feeder
	feeder=''
}

refusals()
{
	start 40x5 "'$VIEWER' --top --file '$scratch/table'"
	check 'too small at first' shows '^status=2'
	check 'and what to do' shows 'too small'
	start 120x24 "TERM=nonsense '$VIEWER' --top --file '$scratch/table'"
	check 'an unknown terminal' shows 'knows no terminal "nonsense": set TERM'
	check 'is trouble' shows '^status=2'
	start 120x24 "TERM=dumb '$VIEWER' --top --file '$scratch/table'"
	check 'a terminal without a cursor to move' shows 'knows no terminal "dumb": set TERM'
	check 'is trouble, too' shows '^status=2'
	start 120x24 "'$VIEWER' --top --file /nonexistent"
	check 'no table' shows '^status=2'
}

# start_recorded SIZE OPTIONS: its PID in the file pid, the terminal's settings
# before it and after it in two more.
start_recorded()
{
	rm -f "$scratch/pid"
	start "$1" "trap : QUIT; stty -g >'$scratch/stty.1'
		sh -c 'echo \$\$ >$scratch/pid; exec $VIEWER --top $2'
		status=\$?; stty -g >'$scratch/stty.2'; (exit \$status)"
	wait_for 10 test -s "$scratch/pid"
}

# The terminal is as it was, by its settings and by its screen.
signals()
{
	local signal

	for signal in INT TERM HUP QUIT PIPE; do
		start_recorded 120x24 "60 --file $scratch/table"
		shows curl >/dev/null
		kill -$signal "$(cat "$scratch/pid")"
		check "SIG$signal ends it" shows '^status=0'
		is 'and the terminal is as it was' "before 0 $(cat "$scratch/stty.1")" \
			"$(screen | head -n 1) $(tm display-message -p '#{alternate_on}') $(
				)$(cat "$scratch/stty.2")"
	done
	start_recorded 120x24 "60 --file $scratch/table"
	shows curl >/dev/null
	keys C-\\
	check 'the key that ends a program at once, too' shows '^status=0'
}

# ticks PID: of CPU time that it has used, or its children have that have ended.
ticks()
{
	awk -v from="$2" '{ print $from + $(from + 1) }' "/proc/$1/stat"
}

# By how much a machine is slowed down that is emulated, nobody knows; so what is
# compared is writing the same table, as often.
ticks_of_tables()
{
	local me=$BASHPID before

	before=$(ticks "$me" 16)
	for _ in {1..5}; do
		"$VIEWER" --file "$scratch/many" >/dev/null
	done
	echo $(($(ticks "$me" 16) - before))
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
	check 'which counts at once' shows 'received [0-9]'
	keys + + + + + + + + + + + + +
	check 'up to the longest' shows 'every 60 s'
}

# States of the command line are shown until other kinds are.
states()
{
	start 120x24 "'$VIEWER' --top 60 --state listen --file '$scratch/table'"
	check 'one state' shows '^nginx .*LISTEN'
	check 'which are some of them' shows '^show some '
	keys c
	check 'closed ones instead' shows '^wget'
	check 'and no others' shows_not LISTEN
	keys c
	check 'all' shows '^curl'
	keys c
	check 'the state again' shows_not '^(curl|wget)'
	check 'with its rows' shows '^nginx .*LISTEN'
}

# A signal while it draws has to be seen without waiting for the next table. The
# terminal is stopped by a key meanwhile, so that it cannot but be drawing.
signal_while_drawing()
{
	start_recorded 120x24 "30d --file $scratch/table"
	shows curl >/dev/null
	keys C-s
	keys r
	sleep 0.5
	"$@"
	keys C-q
}

late_signals()
{
	signal_while_drawing tm resize-window -x 80 -y 20
	check 'a new size while it draws' shows '^COMMAND +PID +FD FOREIGN'
	signal_while_drawing kill_recorded
	check 'SIGTERM while it draws' shows '^status=0'
}

# It waits for a table, and does not have to.
waiting()
{
	mkfifo "$scratch/pipe"
	start 120x24 "'$VIEWER' --top 0.2 --file '$scratch/pipe'"
	cat "$scratch/table" >"$scratch/pipe"
	shows curl >/dev/null
	sleep 1
	keys C-c
	check 'interrupted while it reads' shows '^status=0'
}

kill_recorded()
{
	kill "$(cat "$scratch/pid")"
}

many()
{
	local pid used table

	awk -v head="$(head -n 1 "$TESTS/viewer/table.txt")" -v n=$ROWS 'BEGIN {
		print head
		for (i = 0; i < n; i++)
			print "worker " 1000 + i " 3 ESTABLISHED client 10.0." int(i / 250) "." i % 250 ":1" \
				" 192.0.2.1:443 " i * 10 " " i " 1 1 0 0 1795366100.000 - - 0 1 " i " " i
		print "# version=1 rows=" n " closed=0 missed=0 dropped=0"
	}' | sed 's/ \([0-9]*\)$/ \1/' >"$scratch/many"
	start 130x40 "exec '$VIEWER' --top 1 --file '$scratch/many'"
	check "$ROWS rows" shows "$ROWS of $ROWS rows"
	pid=$(tm display-message -p '#{pane_pid}')
	keys End
	check 'to the last one' shows "^worker +$((1000 + ROWS - 1)) "
	keys '>' '>' Home
	check 'sorted' shows "sort -PID"
	is 'the greatest first' $((1000 + ROWS - 1)) "$(column 2 | head -n 1)"
	keys / : 4 4 3
	check 'filtered' shows '^filter: :443_'
	keys Escape
	used=$(ticks "$pid" 14)
	sleep 5
	used=$(($(ticks "$pid" 14) - used))
	table=$(ticks_of_tables)
	echo "# $ROWS rows: $used ticks in 5 s, a refresh each second; 5 tables: $table"
	check 'a refresh costs less than two tables' test "$used" -le $((2 * table))
	tm kill-server
	check 'it ends with its terminal' wait_for 10 not_running "$pid"
}

not_running()
{
	! kill -0 "$1" 2>/dev/null
}

feed &
feeder=$!
wait_for 10 test -e "$scratch/table"
rows_and_rates
sorting
pausing
filtering
kinds
sizes
failures
colours
refusals
signals
late_signals
waiting
intervals
states
helping
environment
narrow
many
finish
