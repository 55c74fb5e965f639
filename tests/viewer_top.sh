#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sockstat --top in a terminal (tmux), on saved tables that are replaced while it
# runs. Needs neither the module nor root. The assertions are about the text on the
# screen.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

VIEWER=$TREE/userspace/sockstat
HEADER=$(head -n 1 "$TESTS/viewer/table.txt")
ROWS=20000 # of the large table, with which --top must stay usable

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

# start SIZE COMMAND: run COMMAND in a terminal of SIZE (COLUMNSxLINES). When it
# ends, its exit status is written there.
start()
{
	local columns=${1%x*} lines=${1#*x}

	tm kill-server 2>/dev/null
	# a server of its own: the old one may not have ended yet
	terminals=$((terminals + 1))
	tm new-session -d -x "$columns" -y "$lines" \
		"echo before; $2; echo status=\$?; exec sleep 1000"
	# without a client, the default is to follow the size of the missing client
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

# type_text TEXT: keys that are not names of keys.
type_text()
{
	tm send-keys -l "$1"
}

# on_screen PATTERN: whether a line on the screen matches now.
on_screen()
{
	screen | grep -qE -- "$1"
}

not_on_screen()
{
	! on_screen "$1"
}

# shows PATTERN: wait until a line on the screen matches.
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

# column N: column N of the rows on the screen, from the top.
column()
{
	screen | sed -n '5,$p' | sed '$d' | awk -v n="$1" 'NF > 4 { print $n }'
}

# marked_rows: the rows that are drawn in reverse video.
marked_rows()
{
	tm capture-pane -p -e | perl -ne '
		my $first;
		while (/\G(?:\e\[([0-9;]*)m|([^\e]))/gc) {
			if (defined $2) {
				$first //= $reverse // 0;
				next;
			}
			for (split /;/, length $1 ? $1 : 0) {
				$reverse = 0 if $_ == 0 || $_ == 27;
				$reverse = 1 if $_ == 7;
			}
		}
		s/\e\[[0-9;]*m//g;
		print if $. > 4 && $first'
}

# marked PID: whether the row of that process is marked, and no other row.
marked()
{
	[ "$(marked_rows | awk '{ print $2 }' | xargs)" = "$1" ]
}

# marks PID: wait until its row is marked.
marks()
{
	wait_for 20 marked "$1" || {
		screen
		marked_rows | sed 's/^/marked: /'
		return 1
	}
}

# feed, in the background: replace the table again and again. curl sends 1000 bytes
# for each byte that it receives; its RX_BYTES is the number of the table. One
# process writes all tables, so that on a slow machine, too, there is a new one at
# each interval: there would be no rates otherwise.
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
		}' "$HEADER" "$scratch/table"
}

stop_feeding()
{
	kill "$feeder"
	wait "$feeder" 2>/dev/null
	feeder=''
}

# fed: the number of the newest table.
fed()
{
	awk '$1 == "curl" { print $9 }' "$scratch/table"
}

fed_until()
{
	[ "$(fed)" -ge "$1" ]
}

# wait_for_tables N: wait until the feeder has written N more tables, one each 0.05 s.
wait_for_tables()
{
	wait_for 20 fed_until $(($(fed) + $1))
}

first_are()
{
	[ "$(column 1 | head -n 2 | xargs)" = "$1" ]
}

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

start_feeding()
{
	rm -f "$scratch/table"
	feed &
	feeder=$!
	wait_for 10 test -e "$scratch/table"
}

# rows_sorted: sort the lines below the title, so that they can be compared.
rows_sorted()
{
	local lines

	mapfile -t lines
	{
		printf '%s\n' "${lines[@]:0:4}"
		printf '%s\n' "${lines[@]:4}" | sort
	} | xargs
}

# first_words: the first word of each line, those of the rows sorted.
first_words()
{
	screen | awk '{ print $1 }' | rows_sorted
}

first_words_are()
{
	[ "$(first_words)" = "$1" ]
}

# fits NAME TITLE ROW...: no line continues on the next one, and the last title is
# not cut off. TITLE and the ROWs, in any order, are the first words of those lines.
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

# The longest values that are not shortened, in as few columns as --top supports
narrow()
{
	local most=18446744073709551615 n

	{
		echo "$HEADER"
		for n in 1 2 3; do
			echo "curl 400000$n 10000 ESTABLISHED client 192.0.2.100:41000 198.51.100.10$n:50000" \
				"$most $most $most $most 4294967295 4294967295 1795366100.000 - - $n 1 1 $n"
		done
		echo '# version=1 rows=3 closed=0 missed=0 dropped=123456789012'
	} >"$scratch/wide"
	start 60x12 "'$VIEWER' -n --top 0.3 --file '$scratch/wide'"
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
	check 'a pause is displayed' shows ' PAUSED '
	fits 'paused' FOREIGN 198.51.100.101 198.51.100.102 198.51.100.103
	keys p /
	type_text 198.51.100.10-and-so-on-for-as-long-as-there-is-room-to-the-end
	check 'a long filter: its end' shows '^filter: .*room-to-the-end_$'
	keys Enter
	check 'and the filter that stays' shows '^show open .* filter "198'
	is 'on one line' 'sockstat sent show FOREIGN q' "$(first_words)"
}

# columns_at_80 NAME FILE: --top shows the state and both addresses at 80x24.
columns_at_80()
{
	start 80x24 "'$VIEWER' --top 60 --file '$2'"
	check "80x24, $1: the state and both addresses" shows \
		'^COMMAND +PID +FD +LOCAL( ADDRESS)? +FOREIGN( ADDRESS)? +STATE +TX/S +RX/S '
}

# Names and addresses that are too long for 80 columns, and names that are not ASCII
standard_size()
{
	local end='1 1 1 1 0 0 1795366100.000 - -'

	{
		echo "$HEADER"
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
	check 'short addresses are whole' shows \
		'^curl +30 +5 192.0.2.1:888 +192.0.2.8:443 +ESTAB '
	columns_at_80 'long numbers' "$scratch/wide"
	columns_at_80 'long addresses' "$scratch/names"
	check 'long addresses keep their port' shows \
		' 1234567 123 192[0-9.]*~:51234 203.0.[0-9.]*~?:443 +ESTAB '
	check 'so do those of IPv6' shows '^été .* \[20[0-9:]*~:22 +\[2001:[0-9a-f:]+~:65535 +ESTAB '
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
	check '80x24: closed rows, and when on that day' shows \
		'^wget +50 .* 192.0.2.6:81 ECONNREFUSED +16:48:29 +7 +8$'
	touch -d '2026-11-23 20:00' "$scratch/closed"
	check 'the next day: the date' shows \
		'^wget +50 .* 192.0.2.6:81 ECONNREFUSED +2026-11-22 +7 +8$'
	tm resize-window -x 120
	check 'a wide terminal: both' shows ' ECONNREFUSED +2026-11-22T16:48:29 +7 +8$'
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

sizes()
{
	tm resize-window -x 80 -y 10
	check 'a smaller terminal: fewer columns' shows '^COMMAND +PID +FD LOCAL ADDRESS +FOREIGN .*STATE +TX/S'
	check 'and still a bar' shows '^curl .*█'
	fits 'a smaller terminal' COMMAND curl nginx nginx ssh
	tm resize-window -x 40 -y 5
	check 'a terminal that is too small' shows 'too small: make it 60x8'
	tm resize-window -x 130 -y 24
	check 'and a large one again' shows 'LOCAL ADDRESS'
}

# On a low terminal the help has several pages.
helping()
{
	start 60x8 "'$VIEWER' --top 60 --file '$scratch/table'"
	shows curl >/dev/null
	keys '?'
	check 'help, and that there is more of it' shows 'its keys \(any key: the rest'
	check 'its first line' on_screen '^  q  .*quit$'
	keys x
	check 'the second page' shows '^  /  .*Esc drops it$'
	check 'its longest line' on_screen 'by command, user or host, or rows$'
	keys x
	check 'the rest' shows '^  \+ -  .*interval$'
	check 'to the last line' on_screen 'h \?  .*leaves it$'
	check 'and no more' not_on_screen 'the rest'
	keys x
	check 'and back to the rows' shows '^curl'
}

# The size is that of the terminal, not that of the environment.
environment()
{
	start 60x10 "COLUMNS=140 LINES=30 '$VIEWER' --top 60 --file '$scratch/table'"
	shows curl >/dev/null
	fits 'another size in the environment' COMMAND nginx ssh curl nginx
	tm resize-window -x 80 -y 10
	check 'and a new one' shows 'space pause.*c closed  g group'
}

failures()
{
	stop_feeding
	mv "$scratch/table" "$scratch/kept"
	check 'the table is gone: an error' shows 'table: No such file or directory'
	check 'the rows stay' shows '^curl'
	mv "$scratch/kept" "$scratch/table"
	check 'the table is back' shows_not 'No such file'
	keys q
	check 'quit' shows '^status=0'
	check 'the previous screen is restored' shows '^before'
}

colors()
{
	local colored=$'\e\\[3[0-7]m'

	start 120x24 "'$VIEWER' --top --file '$scratch/table'"
	check 'rows' shows curl
	check 'colors' grep -qE "${colored}ESTABLISHED" <(tm capture-pane -p -e)
	keys C-c
	check 'interrupted' shows '^status=0'
	start 120x24 "NO_COLOR=1 '$VIEWER' --top --file '$scratch/table'"
	check 'NO_COLOR: rows' shows curl
	is 'NO_COLOR: no colors' '' "$(tm capture-pane -p -e | grep -E "$colored")"
	start 120x24 "TERM=vt100 '$VIEWER' --top --file '$scratch/table'"
	check 'a terminal without colors: rows' shows curl
	is 'no colors there' '' "$(tm capture-pane -p -e | grep -E "$colored")"
	check 'but a marked row' marks 10
	start_feeding
	start 120x24 "LC_ALL=C '$VIEWER' --top 0.3 --file '$scratch/table'"
	check 'the C locale: bars of ASCII' shows '^curl .*####'
	check 'and a history of ASCII' shows ' all rows .*# *.* max [0-9]'
	keys / é x
	check 'and a filter of ASCII' shows '^filter: x_$'
	stop_feeding
}

refusals()
{
	start 40x5 "'$VIEWER' --top --file '$scratch/table'"
	check 'too small at first' shows '^status=2'
	check 'and the remedy' shows 'too small'
	start 120x24 "TERM=nonsense '$VIEWER' --top --file '$scratch/table'"
	check 'an unknown terminal' shows 'knows no terminal "nonsense": set TERM'
	check 'is an error' shows '^status=2'
	start 120x24 "TERM=dumb '$VIEWER' --top --file '$scratch/table'"
	check 'a terminal whose cursor cannot be moved' shows 'knows no terminal "dumb": set TERM'
	check 'is an error as well' shows '^status=2'
	start 120x24 "'$VIEWER' --top --file /nonexistent"
	check 'no table' shows '^status=2'
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
		check "SIG$signal ends it" shows '^status=0'
		is "SIG$signal: the terminal is restored" "before 0 $(cat "$scratch/stty.1")" \
			"$(screen | head -n 1) $(tm display-message -p '#{alternate_on}') $(
				)$(cat "$scratch/stty.2")"
	done
	start_recorded 120x24 "60 --file $scratch/table"
	shows curl >/dev/null
	keys C-\\
	check 'the key that sends SIGQUIT' shows '^status=0'
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
	check 'a new size while it draws' shows '^COMMAND +PID +FD LOCAL ADDRESS FOREIGN +STATE +TX/S'
	signal_while_drawing kill_recorded
	check 'SIGTERM while it draws' shows '^status=0'
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
	check 'it waits for a table' wait_for 20 no_switches
	keys C-c
	check 'interrupted while it waits' shows '^status=0'
}

kill_recorded()
{
	kill "$(cat "$scratch/pid")"
}

many()
{
	local pid n

	awk -v head="$HEADER" -v n=$ROWS 'BEGIN {
		print head
		for (i = 0; i < n; i++)
			print "worker " 1000 + i " 3 ESTABLISHED client 10.0." int(i / 250) "." i % 250 ":1" \
				" 192.0.2.1:443 " i * 10 " " i " 1 1 0 0 1795366100.000 - - 0 1 " i " " i
		print "# version=1 rows=" n " closed=0 missed=0 dropped=0"
	}' >"$scratch/many"
	start 130x40 "exec '$VIEWER' --top 0.5 --file '$scratch/many'"
	check "$ROWS rows" shows "$ROWS of $ROWS rows"
	pid=$(tm display-message -p '#{pane_pid}')
	keys End
	check 'to the last one' shows "^worker +$((1000 + ROWS - 1)) "
	check 'which is marked' marks $((1000 + ROWS - 1))
	keys '>' '>' Home
	check 'sorted' shows "sort -PID"
	is 'the greatest first' $((1000 + ROWS - 1)) "$(column 2 | head -n 1)"
	keys / : 4 4 3
	check 'filtered' shows '^filter: :443_'
	check 'which all rows pass' shows "$ROWS of $ROWS rows"
	keys Escape
	# the clock on the screen is that of the file
	for n in 1 2 3; do
		touch -d "2026-11-22 16:48:3$n" "$scratch/many"
		check "$ROWS rows: snapshot $n after the first" shows "16:48:3$n"
	done
	tm kill-server
	check 'it ends with its terminal' wait_for 10 not_running "$pid"
}

not_running()
{
	! kill -0 "$1" 2>/dev/null
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
