#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The manual pages and the text of the ABI: what they list is what there is, and
# every example and exit status is as the page shows.
#
#	tests/manual.sh --update	write what the examples print into the pages
#
# In a page, a block from ".Bd -literal" to ".Ed" that begins with "$ " or "# " is
# examples, each a line that begins so, and on in lines that begin with a tab.
# Those after "$ " are run on viewer/table.txt, which takes the place of
# /proc/sockstat, and what they print is compared if the page shows something;
# those after "# " by root and with the module, where it differs each time. The
# exit status has to be 0.

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
need jq script
unset COLUMNS LINES
export LC_ALL=C.UTF-8 TZ=UTC TERM=xterm
# The table was true half a second after the last time that is in it.
touch -d @1795366110.5 "$TABLE"
no_module=''
[ "$(id -u)" = 0 ] || no_module='this needs root'
[ -e "$MODULE" ] || no_module='sockstat.ko is not built'
scratch=$(mktemp -d)
cleanup()
{
	rm -rf "$scratch"
	[ -n "$no_module" ] || unload_module
}
trap cleanup EXIT
ln -s "$VIEWER" "$CLIENT" "$MODULE" "$scratch"
PATH=$scratch:$PATH
cd "$scratch" || exit

# plain: text without roff's escapes in it.
plain()
{
	sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\(ti/~/g; s/\\(ha/^/g; s/\\&//g; s/\\e/\\/g'
}

# roff: and back.
roff()
{
	sed 's/\\/\\e/g; s/-/\\-/g; s/'\''/\\(aq/g; s/~/\\(ti/g; s/\^/\\(ha/g; s/^\./\\\&./'
}

# mark: a page's lines, before each what it is: "$" or "#" an example, "+" more of
# it, ">" what it prints, "." its end, " " anything else.
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

# run PROMPT COMMAND: what it prints. A full screen gets a terminal, and a key.
run()
{
	local command=$2

	if [ "$1" = '$' ]; then
		local -x SOCKSTAT_FILE=$TABLE
		command=${command//\/proc\/sockstat/$TABLE}
	fi
	if [[ $command = *--top* ]]; then
		(sleep 1; echo q) | timeout 60 script -qec "stty cols 100 rows 24; $command" /dev/null
	else
		timeout 600 bash -o pipefail -c "$command" </dev/null 2>&1
	fi
}

# example PAGE PROMPT COMMAND SHOWN
example()
{
	# of one line, and without what TAP takes for something else
	local name="$1: ${3%%$'\n'*}" seen status=0

	name=${name//#/}
	if [ "$2" = '#' ]; then
		if [ -n "$no_module" ]; then
			skip "$name" "$no_module"
			return
		fi
		[[ $3 = insmod* ]] || module_loaded || load_module
	fi
	seen=$(run "$2" "$3") || status=$?
	# SIGPIPE: head may have left before all was written.
	[[ $status != 141 || $3 != *'| head'* ]] || status=0
	if [ "$status" != 0 ]; then
		fail "$name" "it exited with $status" "$seen"
	elif [ "$2" = '$' ] && [ -n "$4" ]; then
		is "$name" "$4" "$seen"
	else
		pass "$name"
	fi
}

# each PAGE FUNCTION: calls FUNCTION PAGE PROMPT COMMAND SHOWN for all examples.
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

# update PAGE: what it shows of an example becomes what that prints.
update()
{
	local line prompt='' command='' shown='' out=$scratch/page

	while IFS= read -r line; do
		case $line in
		'$'* | '#'* | .*)
			# one that shows nothing may do something for the next
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

# section PAGE HEADING: its lines, or those of a subsection.
section()
{
	plain <"$1" | awk -v name="$2" '
		/^\.S[hs] / { inside = substr($0, 5) == name; next }
		inside'
}

# items PAGE HEADING MACRO: the words of its list, a line for each.
items()
{
	section "$1" "$2" | sed -n "s/^\.It $3 //p" | sed 's/ , /\n/g'
}

# options_of_page PAGE: as --help has them: "-p --port=PORTS".
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

# synopsis PAGE: the options there, bundled ones one by one.
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

	is "$name: options, and what they take" "$(options_of_program "$2")" "$(options_of_page "$1")"
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

# words: in lines, sorted.
words()
{
	sed 's/[, ]/\n/g' | sort -u | xargs
}

viewer()
{
	local page=$TREE/man/sockstat.8 rows key missing=''

	export SOCKSTAT_FILE=$TABLE
	is 'sockstat: columns' "$({
		sockstat --watch 0.1 --count 1 --resolve --csv
		sockstat --csv --group-by command
	} | grep -E '^(time,)?(user|command),' | sed 's/^time,//' | tr '[:lower:]' '[:upper:]' | words)" \
		"$(items "$page" COLUMNS Cm | words)"
	is 'sockstat: keys of the full screen' \
		"$(sed -n '/ help\[\]/,/};/s/^\t"\(.*\)",$/\1/p' "$TREE/userspace/viewer/top_draw.c" |
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

# The columns' order is part of what is described.
table()
{
	local page=$TREE/man/sockstat.5 live parameter names states

	# that of TIME_WAIT is no socket that has a descriptor
	states=$(sed -n '/ state_names\[\]/,/};/p' "$TREE/userspace/procfield.c" |
		grep -oE '"[A-Z_0-9]+"' | tr -d '"' | grep -vx TIME_WAIT | words)
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
	is 'the ABI: of what it is' \
		"$SOCKSTAT $(items "$page" 'MODULE PARAMETERS' Va | sed "s,^,$PARAMETERS/," | xargs)" \
		"$(sed -n 's/^What:\t*//p' "$ABI" | xargs)"
	if [ -n "$no_module" ]; then
		skip "the module: columns" "$no_module"
		skip 'the module: parameters' "$no_module"
		return
	fi
	load_module
	live=$(head -n 1 "$SOCKSTAT" | xargs)
	is 'the module: columns' "$live" "$names"
	parameter=$(items "$page" 'MODULE PARAMETERS' Va)
	is 'the module: parameters' "$(cd "$PARAMETERS" && ls)" "$parameter"
	check 'the module: the default of history' grep -q "$(cat "$PARAMETERS/history") by default" \
		<(section "$page" 'MODULE PARAMETERS')
	unload_module
}

# exits PAGE NAME: lines of a status and a command that exits with it are read; a
# page has all of these statuses and no others.
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
		1 sockstat --command nobody
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
options "$TREE/man/sockstat.8" "$VIEWER"
options "$TREE/man/sockstat-client.1" "$CLIENT"
viewer
is 'sockstat-client: groups' "$("$CLIENT" --list | cut -d . -f 1 | words)" \
	"$(items "$TREE/man/sockstat-client.1" DESCRIPTION Cm | words)"
statuses
table
for page in "${PAGES[@]}"; do
	before=$tap_count
	each "$page" example
	[ "$tap_count" != "$before" ] || fail "$(basename "$page"): has examples"
done
finish
