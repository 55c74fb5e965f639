# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For viewer_top.sh: sockstat --top in a terminal of tmux, and a table that changes.

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

VIEWER=$TREE/userspace/sockstat
HEADER=$(head -n 1 "$TESTS/viewer/table.txt")

[ -x "$VIEWER" ] || skip_all 'userspace/sockstat is not built'
need tmux perl
unset COLUMNS LINES NO_COLOR TMUX
export LC_ALL=C.UTF-8 TZ=UTC
# LeakSanitizer stops a process at its exit by ptrace(2).  If the terminal goes away
# meanwhile, the kernel's SIGCONT cancels the stop, and the process waits for it in a
# busy loop.  So only one test looks for leaks; it ends the program by a key.
export ASAN_OPTIONS=detect_leaks=0
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
		my $open = "11.000 0 -";
		for (my $n = 1;; $n++) {
			open(my $next, ">", "$table.next") or die "$table.next: $!\n";
			print $next "$head\n",
				"nginx 10 6 LISTEN - 0.0.0.0:80 *:* 0 0 0 0 0 0 - - - 0 1 1 1 - 0 -\n",
				"ssh 20 3 ESTABLISHED client 192.0.2.1:999 192.0.2.9:22 ",
				"100 200 $end - - 0 1 2 2 $open\n",
				"curl 30 5 ESTABLISHED client 192.0.2.1:888 192.0.2.8:443 ",
				$n * 1000, " $n $end - - 0 1 3 3 $open\n",
				"nginx 40 7 ESTABLISHED server 192.0.2.1:80 192.0.2.7:777 ",
				$n * 100, " ", $n * 10, " $end - - 0 1 4 4 $open\n",
				"wget 50 3 CLOSED client 192.0.2.1:666 192.0.2.6:81 ",
				"7 8 $end 1795366109.000 ECONNREFUSED 0 1 5 5 9.000 0 2.000\n",
				"# version=1 rows=5 closed=1 missed=0 dropped=0\n";
			close($next) && rename("$table.next", $table) or die "$table: $!\n";
			select(undef, undef, undef, 0.05);
		}' "$HEADER" "$scratch/table"
}

start_feeding()
{
	rm -f "$scratch/table"
	feed &
	feeder=$!
	wait_for 10 test -e "$scratch/table"
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
