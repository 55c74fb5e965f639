#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sockstat, the viewer, on saved tables. Needs neither the module nor root.
#
#	tests/viewer.sh --update	write the present output into viewer/golden.txt
#
# viewer/golden.txt has commands ("$ ..."), the output of each, and its exit status
# ("? N"). Two snapshots, names, JSON and the completion are tested here.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

VIEWER=$TREE/userspace/sockstat
GOLDEN=$TESTS/viewer/golden.txt
TABLE=$TESTS/viewer/table.txt

[ -x "$VIEWER" ] || skip_all 'userspace/sockstat is not built'
need jq
cd "$TESTS/viewer" || exit
export LC_ALL=C.UTF-8 TZ=UTC SOCKSTAT_FILE=$TABLE
unset COLUMNS
# The file is half a second younger than the last time in the table.
touch -d @1795366110.5 "$TABLE"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Machines have different users, so tests that are not about names use -n.
sockstat()
{
	"$VIEWER" -n "$@"
}

# run COMMAND: print its output, its errors and its exit status.
run()
{
	local status=0

	(eval "$1") </dev/null 2>&1 || status=$?
	echo "? $status"
}

update()
{
	local line

	while IFS= read -r line; do
		case $line in
		'#'* | '') echo "$line" ;;
		'$ '*)
			echo "$line"
			run "${line#'$ '}"
			;;
		esac
	done <"$GOLDEN" >"$scratch/golden"
	cp "$scratch/golden" "$GOLDEN"
}

# golden: report a result for each command of the file.
golden()
{
	local line command='' expected=''

	while IFS= read -r line; do
		case $line in
		'$ '*) command=${line#'$ '} expected='' ;;
		'? '*) is "$command" "$expected$line" "$(run "$command")" ;;
		*) expected+=$line$'\n' ;;
		esac
	done <"$GOLDEN"
}

# fields TABLE: print the rows without escapes, with tabs between fields and times in ms.
fields()
{
	LC_ALL=C awk '
		function unescape(s,   out, n) {
			out = ""
			while (match(s, /\\[0-7][0-7][0-7]/)) {
				n = substr(s, RSTART + 1, 1) * 64 + substr(s, RSTART + 2, 1) * 8 + substr(s, RSTART + 3, 1)
				out = out substr(s, 1, RSTART - 1) sprintf("%c", n)
				s = substr(s, RSTART + 4)
			}
			return out s
		}
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; n = NF; next }
		/^# version=/ { next }
		{
			$at["COMMAND"] = unescape($at["COMMAND"])
			sub(/\./, "", $at["OPENED"])
			sub(/\./, "", $at["CLOSED"])
			sub(/\./, "", $at["DURATION"])
			sub(/\./, "", $at["AGO"])
			sub(/^0+/, "", $at["DURATION"])
			sub(/^0+/, "", $at["AGO"])
			line = $1
			for (i = 2; i <= n; i++)
				line = line "\t" $i
			print line
		}' "$1"
}

# json_fields: print the rows of a JSON object in the same form.
json_fields()
{
	jq -r --arg names "$(head -n 1 "$TABLE")" '
		($names | ascii_downcase | split(" ") | map(select(. != ""))) as $keys |
		def ms: if . == null then null else . * 1000 | round end;
		.rows[] | .opened |= ms | .closed |= ms | .duration |= ms | .ago |= ms |
		[.[$keys[]] | if . == null then "-" else tostring end] | join("\t")'
}

json()
{
	# jq has room for numbers of 53 bits, and fields() does not escape
	sed 's/18446744073709551615/ 9007199254740991/; s/9007199254740993/9007199254740991/
		s/\\377/\\303\\237/; s/\\001x/yx/' "$TABLE" >"$scratch/table"
	sockstat --json --all --file "$scratch/table" >"$scratch/json"
	is 'JSON: every row, field by field' "$(fields "$scratch/table")" \
		"$(json_fields <"$scratch/json")"
	is 'JSON: the keys besides the rows' '[1,1,15,3,0,2,null,null]' \
		"$(jq -c '[.version, .table_version, .table_rows, .table_closed, .missed,
			.dropped, .interval, .group_by]' "$scratch/json")"
	is 'JSON: the types of values' number,number,string,number,number,string,number \
		"$(jq -r '[.rows[-1] | .pid, .fd, .remote, .remote_port, .tx_bytes, .cookie,
			.opened | type] | join(",")' "$scratch/json")"
	is 'JSON: the parts of an address' '2001:db8::22 22' \
		"$(jq -r '.rows[] | select(.pid == 901) |
			"\(.remote_address) \(.remote_port)"' "$scratch/json")"
}

# snapshot FILE: write a table with the rows from standard input.
snapshot()
{
	awk -v head="$(head -n 1 "$TABLE")" '
		{ row[NR] = $0; closed += $4 == "CLOSED" }
		END {
			print head
			for (i = 1; i <= NR; i++)
				print row[i]
			printf "# version=1 rows=%d closed=%d missed=0 dropped=0\n", NR, closed
		}' >"$1"
}

# row COMMAND PID FD STATE TX RX OPENED COOKIE [CLOSED]
row()
{
	echo "$1 $2 $3 $4 client 192.0.2.1:1 192.0.2.2:2 $5 $6 1 1 0 0 $7 ${9--} - 0 1 1 $8 - 0 -"
}

# between OPTION...: run sockstat --watch on two snapshots. The first one is a pipe, so
# sockstat waits for its text; meanwhile the second one takes the place of the pipe.
between()
{
	local pid

	ln -sf pipe "$scratch/now"
	"$VIEWER" --watch 0.2 --count 1 --file "$scratch/now" "$@" &
	pid=$!
	exec 5>"$scratch/pipe"
	ln -sfT after "$scratch/next"
	mv -T "$scratch/next" "$scratch/now"
	cat "$scratch/before" >&5
	exec 5>&-
	wait $pid
}

rates()
{
	mkfifo "$scratch/pipe"
	{
		row goes 1 3 ESTABLISHED 100 10 100.000 a1
		row twice 1 4 ESTABLISHED 100 10 100.000 a1
		row ends 2 3 ESTABLISHED 40 0 100.000 a2
		row old 2 4 CLOSED 700 7 100.000 a3
		row again 3 3 ESTABLISHED 50 5 100.000 a4
		row before 4 3 ESTABLISHED 20 1 100.000 a5
		row more 9 3 ESTABLISHED 50 0 100.000 b1
		row reborn 9 4 CLOSED 50 0 100.000 b1
		row evicted 9 5 ESTABLISHED 50 0 100.000 b1
		row first 5 3 UNCONN 0 0 - a6
		row gone 6 3 ESTABLISHED 400 4 100.000 a7
		row forgotten 10 3 CLOSED 10 0 100.000 c1 101.000
		row forgotten 10 3 CLOSED 20 0 102.000 c1 103.000
		row undated 11 3 CLOSED 10 0 - c2 101.000
		row undated 11 3 CLOSED 20 0 - c2 103.000
		row another 12 3 ESTABLISHED 50 0 100.000 c3
		row dated 13 3 CLOSED 50 5 100.000 c4
		row read 14 3 CLOSED 9 50 100.000 c5 101.000
	} | snapshot "$scratch/before"
	{
		row goes 1 3 ESTABLISHED 300 11 100.000 a1
		row twice 1 4 ESTABLISHED 100 10 100.000 a1
		row again 3 3 ESTABLISHED 30 3 200.000 a4
		row after 4 3 ESTABLISHED 9 1 100.000 a5
		row first 5 3 ESTABLISHED 6 0 200.000 a6
		row new 7 3 ESTABLISHED 70 0 200.000 a8
		row more 9 3 ESTABLISHED 90 0 200.000 b1
		row reborn 9 4 ESTABLISHED 60 0 200.000 b1
		row evicted 9 5 ESTABLISHED 40 0 200.000 b1
		row another 12 3 ESTABLISHED 60 0 200.000 c3
		row old 2 4 CLOSED 700 7 100.000 a3
		row ends 2 3 CLOSED 240 1 100.000 a2
		row again 3 3 CLOSED 80 5 100.000 a4
		row before 4 3 CLOSED 25 1 100.000 a5
		row more 9 3 CLOSED 55 0 100.000 b1
		row comes+goes 8 3 CLOSED 120 12 200.000 a9
		row forgotten 10 3 CLOSED 20 0 102.000 c1 103.000
		row forgotten 10 3 CLOSED 30 0 104.000 c1 105.000
		row undated 11 3 CLOSED 20 0 - c2 103.000
		row dated 13 3 CLOSED 60 5 100.000 c4 105.000
		row read 14 3 CLOSED 9 80 100.000 c5 101.000
	} | snapshot "$scratch/after"
	# the rows that are shown, and the bytes that moved: tx/rx
	between --json >"$scratch/json"
	is 'rates: rows are matched, connections in between are counted' \
		"goes 200/1 twice 0/0 again 30/3 after 9/1 first 6/0 new 70/0 more 90/0 reborn 60/0 evicted 40/0 another 60/0 $(
			)ends 200/1 again 30/0 before 5/0 more 5/0 comes+goes 120/12 forgotten 30/0 dated 10/0 read 0/30" \
		"$(jq -r '[.rows[] | "\(.command) \(.tx_delta)/\(.rx_delta)"] | join(" ")' \
			"$scratch/json")"
	# a rate has three decimals; the rounding of the interval is negligible
	is 'rates: per second' '[]' \
		"$(jq -c '.interval as $s | [.rows[] | .tx_rate * $s - .tx_delta, .rx_rate * $s - .rx_delta |
			select(fabs > 0.0005 * $s + 0.0001) | "\(.) in \($s) s"]' "$scratch/json")"
	is 'rates: totals' '965 48' \
		"$(between --json --group-by remote | jq -r '.rows[0] | "\(.tx_delta) \(.rx_delta)"')"
	is 'rates: closed rows only' \
		'old ends again before more comes+goes forgotten forgotten undated dated read' \
		"$(between --closed --csv --columns command,rate | sed 1d | cut -d, -f 2 | xargs)"
	is 'rates: sort by rate' 'goes comes+goes more' \
		"$(between -q --sort=-rate --columns command,state,rate |
			awk '$1 != "ends" { print $1 }' | head -n 3 | xargs)"
}

# memory FORMAT: print the peak memory in kB of a run that has written its first byte and
# waits for its reader.
memory()
{
	"$VIEWER" "$1" --file "$scratch/large" >"$scratch/output" &
	exec 6<"$scratch/output"
	read -rN 1 -u 6 _
	awk '$1 == "VmHWM:" { print $2 }' "/proc/$!/status"
	exec 6<&-
	wait $!
}

# JSON is written row by row: the document is not kept in memory.
memory_of_json()
{
	local csv json i

	mkfifo "$scratch/output"
	for ((i = 1; i <= 20000; i++)); do
		row "process$((i % 100))" $i 3 ESTABLISHED $i $i 100.000 "$(printf %x $i)"
	done | snapshot "$scratch/large"
	csv=$(memory --csv 2>/dev/null)
	json=$(memory --json 2>/dev/null)
	echo "# 20,000 rows: CSV $csv kB, JSON $json kB"
	check 'JSON takes at most 1.5 times the memory of CSV' test $((json * 2)) -le $((csv * 3))
}

# The three formats show the same text for names with any bytes.
same_text()
{
	local i

	{
		for ((i = 1; i < 256; i++)); do
			row "$(printf 'x\\%03oy' $i)" $i 3 LISTEN 0 0 - 1
		done
		row 'a\303\251\342\202\254\360\237\230\200z' 300 3 LISTEN 0 0 - 1
		row 'a\303\050\355\240\200\300\200\364\220\200\200\342\202z' 301 3 LISTEN 0 0 - 1
		row '\342\200\256\302\205\302\240\357\273\277z' 302 3 LISTEN 0 0 - 1
		row '\134101\134z' 303 3 LISTEN 0 0 - 1
		row '\000' 304 3 LISTEN 0 0 - 1
		row '-' 305 3 LISTEN 0 0 - 1
	} | snapshot "$scratch/names"
	set -- --file "$scratch/names" --columns command
	sockstat "$@" -q >"$scratch/in_table"
	sockstat "$@" --csv -q | sed 's/^"\(.*\)"$/\1/; s/""/"/g' >"$scratch/in_csv"
	sockstat "$@" --json | jq -r '.rows[].command' >"$scratch/in_json"
	is 'names: all are shown' 261 "$(wc -l <"$scratch/in_table")"
	is 'names: CSV has the text of the table' '' "$(diff "$scratch/in_table" "$scratch/in_csv")"
	is 'names: JSON has the text of the table' '' "$(diff "$scratch/in_table" "$scratch/in_json")"
	is 'names: no control characters' '' \
		"$(grep -P '[\x00-\x1f\x7f]' "$scratch/in_table")"
	is 'names: characters, invalid bytes, invisible characters' \
		'aé€😀z a\303(\355\240\200\300\200\364\220\200\200\342\202z \342\200\256\302\205 \357\273\277z \\101\z \000 -' \
		"$(tail -n 6 "$scratch/in_table" | sed 's/\xc2\xa0/ /; s/\\134101/\\\\101/' | xargs -d '\n')"
	is 'names: CSV and JSON are the same in the C locale' '' "$(
		LC_ALL=C sockstat "$@" --csv -q | sed 's/^"\(.*\)"$/\1/; s/""/"/g' | diff "$scratch/in_table" -
		LC_ALL=C sockstat "$@" --json | jq -r '.rows[].command' | diff "$scratch/in_table" -)"
	is 'names: a table is ASCII in the C locale' '' \
		"$(LC_ALL=C sockstat "$@" | LC_ALL=C grep -n '[^ -~]')"
}

# The kernel keeps 15 bytes of a name.
long_names()
{
	{
		row gnome-terminal- 1 3 LISTEN 0 0 - 1
		row gnome-terminalx 2 3 LISTEN 0 0 - 1
	} | snapshot "$scratch/long"
	is 'a long name matches its first 15 bytes' 1 \
		"$(sockstat -q --file "$scratch/long" --command gnome-terminal-server \
			--columns pid 2>/dev/null)"
	is 'a long name: the message' \
		'sockstat: --command: "gnome-terminal-server" also matches "gnome-terminal-", since the kernel keeps 15 bytes of a name' \
		"$(sockstat -q --file "$scratch/long" --command gnome-terminal-server 2>&1 >/dev/null)"
	is 'a long pattern is not truncated' '' \
		"$(sockstat -q --file "$scratch/long" --command 'gnome-terminal-*x' 2>&1)"
}

version()
{
	local module

	module=$(sed -n 's/^MODULE_VERSION("\(.*\)");/\1/p' "$TREE/module/main.c")
	is '--version: the versions of the module and the format' \
		"sockstat $module, reads format version 1" "$(sockstat --version)"
	is '-V is --version' "$(sockstat --version)" "$(sockstat -V)"
}

# The first table takes an interval, and a terminal shows a message until then.
waiting()
{
	local name='--watch says on a terminal that it waits'

	if command -v script >/dev/null; then
		is "$name" \
			'sockstat: waiting 0.1 s for the second snapshot, which the first table needs' \
			"$(script -qec "'$VIEWER' --watch 0.1 --count 1 >/dev/null" /dev/null |
				tr -d '\r')"
	else
		skip "$name" 'script is not installed'
	fi
	is '--watch does not say so in a file' '' \
		"$(sockstat --watch 0.1 --count 1 2>&1 >/dev/null)"
}

# A watch that was stopped skips the 20 tables that it missed: after the late table, the
# next three take three intervals.
stopped_watch()
{
	local pid late

	: >"$scratch/watch"
	"$VIEWER" --watch 0.1 --json -6 -l --columns pid >"$scratch/watch" &
	pid=$!
	wait_for 10 more_lines 1 "$scratch/watch"
	kill -STOP $pid
	wait_for 10 grep -q '^State:.*stopped' "/proc/$pid/status"
	late=$((${EPOCHREALTIME/[.,]/} + 2000000))
	wait_for 10 is_past $late
	kill -CONT $pid
	wait_for 10 late_and_more
	kill $pid
	wait $pid 2>/dev/null
	check '--watch continues after a stop' late_and_more
	is '--watch skips the tables that it missed' true \
		"$(jq -s "$LATE | .[1:4] | add >= 0.3" "$scratch/watch")"
}

# jq: the intervals, from the one in which the watch was stopped
LATE='map(.interval) | .[map(. > 1.9) | index(true):]'

late_and_more()
{
	[ "$(jq -s "$LATE | length >= 4" "$scratch/watch" 2>/dev/null)" = true ]
}

is_past()
{
	[ "${EPOCHREALTIME/[.,]/}" -ge "$1" ]
}

more_lines()
{
	[ "$(wc -l <"$2")" -gt "$1" ]
}

errors()
{
	local status=0 said

	if [ -e "$SOCKSTAT" ]; then
		skip 'no module' 'it is loaded'
	else
		said=$(SOCKSTAT_FILE='' sockstat 2>&1) || status=$?
		is 'no module: the message says what to do' '2 modprobe' \
			"$status $(grep -o modprobe <<<"$said")"
	fi
	status=0
	cp "$TABLE" "$scratch/secret"
	chmod 755 "$scratch"
	chmod 0 "$scratch/secret"
	if [ "$(id -u)" = 0 ]; then
		said=$(setpriv --reuid 65534 --clear-groups "$VIEWER" --file "$scratch/secret" 2>&1) ||
			status=$?
		is 'no permission: the message says what to do' \
			"2 sockstat: $scratch/secret may not be read here: run sockstat as root, or outside of this sandbox" \
			"$status $said"
		said=$(setpriv --reuid 65534 --clear-groups "$VIEWER" --netns /proc/1/ns/net 2>&1)
		is 'no permission for a namespace' \
			'sockstat: --netns: "/proc/1/ns/net" cannot be opened: that needs root' \
			"$(head -n 1 <<<"$said")"
	else
		skip 'no permission: the message says what to do' 'this needs root'
		skip 'no permission for a namespace' 'this needs root'
	fi
	# shellcheck disable=SC2016
	timeout $((20 * ${SOCKSTAT_PATIENCE:-1})) bash -o pipefail -c '"$0" --watch 0.1 | head -n 1 >/dev/null' "$VIEWER" || status=$?
	is '--watch ends if its reader closes the pipe' $((128 + 13)) $status
}

# complete_line WORD...: print the offers for the last word.
complete_line()
{
	COMP_WORDS=(sockstat "$@") COMP_CWORD=$#
	_sockstat
	echo "${COMPREPLY[*]}"
}

completion()
{
	local option offered missing='' name

	# bash has this command only while it completes a line
	compopt()
	{
		:
	}
	# shellcheck source=userspace/completion/sockstat
	. "$TREE/userspace/completion/sockstat"
	offered=" $(complete_line -) "
	for option in -4 -6 -c -l -L -q -p -P -w -h -n -s -a -V $(sockstat --help |
			sed -nE 's/^ .{5}(--[a-z0-9-]+).*/\1/p'); do
		[[ $offered = *" $option "* ]] || missing+=" $option"
	done
	is 'completion: every option of --help' '' "$missing"
	is 'completion: a state in a list' listen,close_wait "$(complete_line --state listen,close_w)"
	is 'completion: a group of states' synchronized "$(complete_line --state sync)"
	is 'completion: a column in a list' pid,remote "$(complete_line --columns pid,remo)"
	is 'completion: a protocol' tcp,tcp6 "$(complete_line -P tcp,tcp6)"
	is 'completion: a column, reversed' -rx_rate "$(complete_line --sort -rx_r)"
	is 'completion: after =' remote "$(complete_line --group-by = r)"
	missing=''
	for option in $(sockstat --watch 0.1 --count 1 --csv --resolve | head -n 1 |
			sed 's/^time,//; s/,/ /g') descriptors connections; do
		[ "$(complete_line --columns "$option" | cut -d ' ' -f 1)" = "$option" ] ||
			missing+=" $option"
	done
	is 'completion: every column' '' "$missing"
	mkfifo "$scratch/never"
	# shellcheck disable=SC2016
	for name in '$(>RUN)' '`>RUN`' 'a b;c'; do
		is "completion: a process is called $name" "$(printf %q "$name")" \
			"$(complete_name "$name")"
	done
	is 'completion: no name is run as a command' '' "$(cd "$scratch" && compgen -G 'RUN*')"
}

# complete_name NAME: print the offers for --command while a process has this name.
complete_name()
{
	local pid

	(
		printf %s "$1" >"/proc/$BASHPID/comm"
		read -r <"$scratch/never"
	) >/dev/null &
	pid=$!
	wait_for 10 grep -qxF -- "$1" "/proc/$pid/comm"
	cd "$scratch" || return
	complete_line --command "${1:0:2}"
	kill $pid
	wait $pid 2>/dev/null
}

names()
{
	if getent services 80/tcp >/dev/null; then
		is '--resolve: names of services' '0.0.0.0:http [::]:http' \
			"$(sockstat --resolve -q -l --columns local | xargs)"
		is '--port: names of services' '198.51.100.80:443 [2001:db8::22]:22' \
			"$(sockstat -q -p https,ssh --columns remote | xargs)"
		is '--remote: names of services' 198.51.100.80:443 \
			"$(sockstat -q --remote 198.51.100.0/24:https --columns remote)"
	else
		skip '--resolve: names of services' 'this machine has no /etc/services'
		skip '--port: names of services' 'this machine has no /etc/services'
		skip '--remote: names of services' 'this machine has no /etc/services'
	fi
	is 'JSON: --resolve keeps the numbers of ports' '0.0.0.0:80 [::]:80' \
		"$(sockstat --resolve --json -l | jq -r '.rows[].local' | xargs)"
	is 'USER is a name; with -n, a number' 'root root 0 0' \
		"$({
			"$VIEWER" -q -l --columns user
			"$VIEWER" -q -l -n --columns user
		} | xargs)"
	is 'LOCAL has numbers of ports by default' '0.0.0.0:80 [::]:80' \
		"$("$VIEWER" -q -l --columns local | xargs)"
}

if [ "${1-}" = --update ]; then
	update
	exit
fi
golden
json
memory_of_json
same_text
long_names
version
names
rates
waiting
stopped_watch
errors
completion
finish
