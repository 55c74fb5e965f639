#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The manual pages and the text of the ABI: their lists are those that the programs and
# the module print, and the examples print and exit as they say.
#
#	tests/manual.sh --update	write the output of the examples into the pages
#
# A block from ".Bd -literal" to ".Ed" whose first line begins with "$ " or "# " has
# examples. Each is a line that begins so, and lines after it that begin with a tab.
# A command after "$ " is run with viewer/table.txt in place of /proc/sockstat; its exit
# status has to be 0, and its output that of the page, if the page shows one.  Commands
# after "# " need root and the module, and so do the lists of the module: the symbolic
# link manual_live.sh checks these, and nothing else; confirm() knows the effect of
# some of the commands.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

PAGES=("$TREE"/man/sockstat.5 "$TREE"/man/sockstat.8 "$TREE"/man/sockstat-client.1)
ABI=$TREE/Documentation/ABI/testing/procfs-sockstat
VIEWER=$TREE/userspace/sockstat
TABLE=$TESTS/viewer/table.txt
PARAMETERS=/sys/module/sockstat/parameters

for program in "$VIEWER" "$CLIENT"; do
	[ -x "$program" ] || skip_all "${program#"$TREE"/} is not built"
done
need jq tmux
unset COLUMNS LINES TMUX
export LC_ALL=C.UTF-8 TZ=UTC TERM=xterm
# The table was true half a second after the last time that is in it.
touch -d @1795366110.5 "$TABLE"
live=''
[ "$(basename "$0")" != manual_live.sh ] || live=yes
[ -z "$live" ] || need_root
scratch=$(mktemp -d)
cleanup()
{
	tm kill-server 2>/dev/null
	rm -rf "$scratch"
	[ -z "$live" ] || unload_module
}
trap cleanup EXIT
ln -s "$VIEWER" "$CLIENT" "$MODULE" "$scratch"
PATH=$scratch:$PATH
cd "$scratch" || exit

# plain: remove the escapes of roff.
plain()
{
	sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\(ti/~/g; s/\\(ha/^/g; s/\\&//g; s/\\e/\\/g'
}

# roff: add the escapes of roff.
roff()
{
	sed 's/\\/\\e/g; s/-/\\-/g; s/'\''/\\(aq/g; s/~/\\(ti/g; s/\^/\\(ha/g; s/^\./\\\&./'
}

# mark PAGE: print its lines, each after its kind: "$" or "#" an example, "+" more of
# it, ">" its output, "." the end of the block, " " any other line.
mark()
{
	awk '
		/^\.Bd -literal/ { first = 1; print " " $0; next }
		/^\.Ed/ { prompt = ""; print "." $0; next }
		first { prompt = /^[$#] / ? substr($0, 1, 1) : ""; first = 0 }
		prompt == "" { print " " $0; next }
		substr($0, 1, 2) == prompt " " { print prompt $0; next }
		{ print (/^\t/ ? "+" : ">") $0 }' "$1"
}

tm()
{
	tmux -u -S "$scratch/tmux" -f /dev/null "$@"
}

on_screen()
{
	tm capture-pane -p | grep -qE -- "$1"
}

# full_screen COMMAND [KEY TEXT]...: run COMMAND in a terminal. Press each KEY and wait
# until its TEXT is on the screen, then print the screen and press q.
full_screen()
{
	local command=$1 status=$scratch/status

	shift
	rm -f "$status"
	tm kill-server 2>/dev/null
	tm new-session -d -x 100 -y 40 "$command; echo \$? >$status"
	wait_for 60 on_screen 'q quit' || return 1
	while [ $# -gt 1 ]; do
		tm send-keys "$1"
		wait_for 60 on_screen "$2" || return 1
		shift 2
	done
	tm capture-pane -p
	tm send-keys q q
	wait_for 60 test -s "$status" || return 1
	return "$(cat "$status")"
}

# run PROMPT COMMAND: print its output.
run()
{
	local command=$2

	if [ "$1" = '$' ]; then
		local -x SOCKSTAT_FILE=$TABLE
		command=${command//\/proc\/sockstat/$TABLE}
	fi
	if [[ $command = *--top* ]]; then
		full_screen "$command"
	else
		timeout 600 bash -o pipefail -c "$command" </dev/null 2>&1
	fi
}

# confirm COMMAND SEEN: whether a command of root had its effect, and printed SEEN.
confirm()
{
	case $1 in
	insmod*) module_loaded && [ -r "$SOCKSTAT" ] && [ -z "$2" ] ;;
	rmmod*) ! module_loaded && [ ! -e "$SOCKSTAT" ] && [ -z "$2" ] ;;
	'cat /proc/sockstat') [[ $2 = 'COMMAND '*$'\n# version=1 rows='* ]] ;;
	'echo '*' >'"$PARAMETERS/"*)
		[ "$(cat "${1#*>}")" = "$(cut -d ' ' -f 2 <<<"$1")" ] && [ -z "$2" ]
		;;
	'sockstat-client '*) grep -qE '^[1-9][0-9]* exact, 0 differ' <<<"$2" ;;
	*) [ -n "$2" ] ;;
	esac
}

# example PAGE PROMPT COMMAND SHOWN
example()
{
	# TAP takes a "#" for a directive
	local name="$1: ${3%%$'\n'*}" seen status=0

	name=${name//#/}
	if [ "$2" != '#' ]; then
		[ -z "$live" ] || return
	else
		[ -n "$live" ] || return
		[[ $3 = insmod* ]] || module_loaded || load_module
	fi
	seen=$(run "$2" "$3") || status=$?
	# SIGPIPE: head may exit before the program has written everything
	[[ $status != 141 || $3 != *'| head'* ]] || status=0
	if [ "$status" != 0 ]; then
		fail "$name" "it exited with $status" "$seen"
	elif [ "$2" = '$' ] && [ -n "$4" ]; then
		is "$name" "$4" "$seen"
	elif [ "$2" = '#' ]; then
		if confirm "$3" "$seen"; then
			pass "$name"
		else
			fail "$name" 'it did not have its effect' "$seen"
		fi
	elif [[ $3 = *--top* || $3 = *--watch* ]]; then
		check "$name" grep -qE '^(FOREIGN HOST|USER) ' <<<"$seen"
	else
		pass "$name"
	fi
}

# each PAGE FUNCTION: call FUNCTION PAGE PROMPT COMMAND SHOWN for all examples.
each()
{
	local line prompt='' command shown

	while IFS= read -r line; do
		case $line in
		'$'* | '#'* | .*)
			[ -z "$prompt" ] || "$2" "$(basename "$1")" "$prompt" "$command" "${shown%$'\n'}"
			prompt=${line:0:1} command=${line:3} shown=''
			[ "$prompt" != . ] || prompt=''
			;;
		+*) command+=$'\n'${line:1} ;;
		'>'*) shown+=${line:1}$'\n' ;;
		esac
	done < <(mark "$1" | plain)
}

# update PAGE: replace the output that it shows of each example.
update()
{
	local line prompt='' command='' shown='' out=$scratch/page

	while IFS= read -r line; do
		case $line in
		'$'* | '#'* | .*)
			# a later example may need the effect of one without output
			[ "$prompt$shown" != "\$no" ] ||
				run "$prompt" "$(plain <<<"$command")" >/dev/null
			prompt=${line:0:1} command=${line:3} shown=no
			;;
		+*) command+=$'\n'${line:1} ;;
		'>'*)
			[ $shown = yes ] || run "$prompt" "$(plain <<<"$command")" | roff
			shown=yes
			continue
			;;
		esac
		printf '%s\n' "${line:1}"
	done < <(mark "$1") >"$out"
	cp "$out" "$1"
}

# section PAGE HEADING: print the lines of a section or a subsection.
section()
{
	plain <"$1" | awk -v name="$2" '
		/^\.S[hs] / { inside = substr($0, 5) == name; next }
		inside'
}

# items PAGE HEADING MACRO: print the terms of its list, one per line.
items()
{
	section "$1" "$2" | sed -n "s/^\.It $3 //p" | sed 's/ , /\n/g'
}

# options_of_page PAGE: print the options in the form of --help: "-p --port=PORTS".
options_of_page()
{
	plain <"$1" | awk '
		$1 == ".It" && $2 == "Fl" {
			line = close_with = ""
			for (i = 2; i <= NF; i++) {
				if ($i == "Fl")
					line = line " -" $(++i)
				else if ($i == "Ns")
					line = line "\001"
				else if ($i == "Ar")
					line = line " " toupper($(++i))
				else if ($i == "Op" || $i == "Oo")
					line = line " [\001"
				else if ($i == "Oc")
					line = line "\001]"
				else if ($i != "Cm")
					line = line " " ($i == "|" ? "\001|\001" : $i)
				if ($i == "Op")
					close_with = "]"
			}
			gsub(/ *\001+ */, "", line)
			gsub(/ *\001+ */, "", line)
			gsub(/( [A-Z]+)? ,/, "", line)
			print substr(line, 2) close_with
		}' | sort
}

options_of_program()
{
	"$1" --help | sed -nE 's/^ {2}(-.)?,? +(--[a-z0-9-]+[^ ]*).*/\1 \2/p' | sed 's/^ //' | sort
}

# synopsis PAGE: print the options there, one per line.
synopsis()
{
	section "$1" SYNOPSIS | awk '
		{
			for (i = 1; i < NF; i++) {
				if ($i !~ /^\.?Fl$/ && !($i == "|" && $(i + 1) ~ /^-/))
					continue
				word = $(i + 1)
				if (word ~ /^-/)
					print "-" word
				else
					for (k = 1; k <= length(word); k++)
						print "-" substr(word, k, 1)
			}
		}' | sort -u
}

# options PAGE PROGRAM
options()
{
	local name=${2##*/} all short long missing='' word

	is "$name: options and their arguments" "$(options_of_program "$2")" "$(options_of_page "$1")"
	all=" $(synopsis "$1" | xargs) "
	while read -r short long; do
		case $short in
		--*) long=$short ;;
		esac
		[[ $all = *" $short "* || $all = *" ${long%%[=[]*} "* ]] || missing+=" $short"
	done < <(options_of_program "$2" | sed 's/[=[].*//')
	is "$name: the synopsis has all options" '' "$missing"
	missing=''
	for word in $all; do
		"$2" --help | grep -qE -- "^ +(-., )?$word([,=[ ]|$)" || missing+=" $word"
	done
	is "$name: the synopsis has no others" '' "$missing"
}

# words: sort words, and remove duplicates.
words()
{
	sed 's/[, ]/\n/g' | sort -u | xargs
}

# columns_of_program: print the columns of rows and of totals, in their order.
columns_of_program()
{
	local group

	{
		"$VIEWER" --columns help
		for group in $("$VIEWER" --group-by help); do
			"$VIEWER" --columns help --group-by "$group"
		done
	} | awk '!seen[$1]++ { print toupper($1) }'
}

viewer()
{
	local page=$TREE/man/sockstat.8 of_file rows key missing=''

	export SOCKSTAT_FILE=$TABLE
	of_file=$(items "$TREE/man/sockstat.5" Columns Cm)
	is 'sockstat: columns' "$(columns_of_program | words)" \
		"$({
			items "$page" COLUMNS Cm
			echo "$of_file"
		} | words)"
	is 'sockstat: columns that the table does not have, in their order' \
		"$(columns_of_program | grep -vxF "$of_file" | xargs)" \
		"$(items "$page" COLUMNS Cm | xargs)"
	is 'sockstat: CSV has all columns' "$(columns_of_program | words)" \
		"$({
			sockstat --watch 0.1 --count 1 --csv
			for key in command user remote; do
				sockstat --csv --group-by $key
			done
		} | grep -E '^(time,)?(user|command|remote),' | sed 's/^time,//' |
			tr '[:lower:]' '[:upper:]' | words)"
	is 'sockstat: keys of the full screen' \
		"$(full_screen 'sockstat --top' '?' 'q  +quit' | sed -n 's/^  \([^ ]\)/\1/p' |
			sed 's/  .*//' | words)" \
		"$(items "$page" 'THE FULL SCREEN' Ic | words)"
	is "sockstat: JSON's keys" "$(sockstat --json | jq -r 'keys[]' | words)" \
		"$(items "$page" JSON Va | words)"
	rows=$(section "$page" JSON)
	for key in $(sockstat --json | jq -r '.rows[0] | keys[] | select(endswith("_address", "_port"))'); do
		grep -qE "^(\.Va )?.*\b$key\b" <<<"$rows" || missing+=" $key"
	done
	is 'sockstat: parts of addresses in JSON' '' "$missing"
	unset SOCKSTAT_FILE
}

# The order of the columns is part of the description.
table()
{
	local page=$TREE/man/sockstat.5 names states

	# a connection in TIME_WAIT has no descriptor, so the table never has that state
	states=$("$VIEWER" --state help | grep -xE '[A-Z_0-9]+' | grep -vx TIME_WAIT | words)
	names=$(head -n 1 "$TABLE" | xargs)
	is 'the table: columns' "$names" "$(items "$page" Columns Cm | xargs)"
	is 'the table: columns in the ABI' "$names" \
		"$(grep -oE '^\s+[A-Z_]{2,8}  ' "$ABI" | xargs)"
	is 'the table: states' "$states" \
		"$(section "$page" Columns | sed -n '/Cm STATE/,/Cm ROLE/s/^\.Dv //p' | words)"
	is 'the table: states in the ABI' "$states" \
		"$(sed -n '/STATE  /,/ROLE  /p' "$ABI" | grep -oE '[A-Z][A-Z_]{4,}[12]?' |
			grep -vx STATE | words)"
	is 'the table: words of the last line' "$(tail -n 1 "$TABLE" | grep -o '[a-z]*=' | xargs)" \
		"$(items "$page" 'The last line' Va | sed 's/$/=/' | xargs)"
	is 'the ABI: its files' \
		"$SOCKSTAT $(items "$page" 'MODULE PARAMETERS' Va | sed "s,^,$PARAMETERS/," | xargs)" \
		"$(sed -n 's/^What:\t*//p' "$ABI" | xargs)"
}

# The lists of the module itself.
module_lists()
{
	local page=$TREE/man/sockstat.5 columns parameter

	load_module
	columns=$(head -n 1 "$SOCKSTAT" | xargs)
	is 'the module: columns' "$columns" "$(items "$page" Columns Cm | xargs)"
	parameter=$(items "$page" 'MODULE PARAMETERS' Va)
	is 'the module: parameters' "$(cd "$PARAMETERS" && ls)" "$parameter"
	check 'the module: the default of history' grep -q "$(cat "$PARAMETERS/history") by default" \
		<(section "$page" 'MODULE PARAMETERS' | tr '\n' ' ')
	unload_module
}

# exits PAGE NAME: read lines of a status and a command, run the command, and compare its
# status. The page has to list these statuses and no others.
exits()
{
	local expected command status all=''

	while read -r expected command; do
		status=0
		run '$' "$command" >/dev/null || status=$?
		is "exit status: $command" "$expected" $status
		all+="$status "
	done
	is "$2: exit statuses" "$(words <<<"$all")" \
		"$(section "$1" 'EXIT STATUS' | sed -n 's/^\.It //p' | words)"
}

statuses()
{
	local few='ulimit -n 100; exec' poor='setpriv --bounding-set=-sys_resource'
	local alone='unshare --net'

	[ "$(id -u)" = 0 ] || alone+=' --map-root-user'

	$poor true 2>/dev/null || poor=''
	exits "$TREE/man/sockstat.8" sockstat <<-END
		0 sockstat
		0 sockstat --command nobody
		0 sockstat --exit-status
		0 sockstat --columns help
		0 sockstat --version
		1 sockstat --exit-status --command nobody
		2 sockstat --nonsense
		2 sockstat --pid nonsense
		2 sockstat nonsense
		2 sockstat --file nonsense
		2 sockstat --file /dev/null
		2 sockstat >/dev/full
	END
	exits "$TREE/man/sockstat-client.1" sockstat-client <<-END
		0 sockstat-client --dry-run --family 4 in.peek
		1 $alone sockstat-client --dry-run --family 4 in.peek
		2 sockstat-client --nonsense
		2 sockstat-client --bytes nonsense
		2 sockstat-client --dry-run nonsense
		4 $few $poor sockstat-client --dry-run size.many_descriptors
	END
}

if [ "${1-}" = --update ]; then
	for page in "${PAGES[@]}"; do
		update "$page"
	done
	exit
fi
if [ -n "$live" ]; then
	module_lists
else
	options "$TREE/man/sockstat.8" "$VIEWER"
	options "$TREE/man/sockstat-client.1" "$CLIENT"
	viewer
	is 'sockstat-client: groups' "$("$CLIENT" --list | cut -d . -f 1 | words)" \
		"$(items "$TREE/man/sockstat-client.1" DESCRIPTION Cm | words)"
	statuses
	table
fi
examples=0
for page in "${PAGES[@]}"; do
	before=$tap_count
	each "$page" example
	examples=$((examples + tap_count - before))
	[ -n "$live" ] || [ "$tap_count" != "$before" ] || fail "$(basename "$page"): has examples"
done
[ $examples != 0 ] || fail 'the pages have examples'
finish
