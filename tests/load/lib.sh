# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For the load tests, which have two sizes: source this file after lib.sh.
#
#	cycles=$(size SHORT FULL)	SHORT in "make check", FULL in "make check-load"
#	report COUNT WHAT...		print how much was done, and in how many seconds
#	give_way PID...			lower their priority
#	readers_start N, readers_stop	N loops that read the table

SOCKSTAT_LOAD=${SOCKSTAT_LOAD:-short}

# size SHORT FULL
size()
{
	case $SOCKSTAT_LOAD in
	short) echo "$1" ;;
	full) echo "$2" ;;
	*)
		echo "# SOCKSTAT_LOAD must be short or full, not '$SOCKSTAT_LOAD'" >&2
		exit 1
		;;
	esac
}

# report COUNT WHAT...
report()
{
	echo "# ${SOCKSTAT_LOAD}: $* in $SECONDS s"
}

# give_way PID...: lower their priority, for the reason that traffic_start has.
give_way()
{
	renice -n 19 -p "$@" >/dev/null
}

# is_whole: succeed if the input is a table with as many rows as its last line says.
is_whole()
{
	awk '{ last = $0 }
		END { exit !(last ~ /^# version=1 rows=[0-9]+ / && substr(last, 18) + 2 == NR) }'
}

# reader_loop: read the table until the file $stop exists, then print how many reads
# were complete and how many were not.
reader_loop()
{
	local whole=0 cut=0

	until [ -e "$stop" ]; do
		if [ ! -e "$SOCKSTAT" ]; then
			sleep 0.01
		elif is_whole <"$SOCKSTAT"; then
			whole=$((whole + 1))
		else
			cut=$((cut + 1))
		fi
	done 2>/dev/null
	echo "$whole $cut"
}

# readers_start N: start N reader loops, which tolerate that the module is unloaded.
readers_start()
{
	local n

	counts=$(mktemp -d) stop=$counts/stop readers=()
	for ((n = 0; n < $1; n++)); do
		reader_loop >"$counts/$n" &
		readers+=($!)
	done
}

# readers_stop: stop the loops and set reads_whole and reads_cut.
# shellcheck disable=SC2034
readers_stop()
{
	touch "$stop"
	wait "${readers[@]}"
	rm "$stop"
	read -r reads_whole reads_cut < <(cat "$counts"/* | awk '{ w += $1; c += $2 } END { print w + 0, c + 0 }')
	rm -r "$counts"
}
