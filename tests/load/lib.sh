# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For the tests under load, which have two sizes: to be sourced after lib.sh.
#
#	cycles=$(size SHORT FULL)	SHORT in "make check", FULL in "make check-load"
#	did COUNT WHAT...		says how much was done, and in how long
#	give_way PID...			they run beside this script, not instead of it
#	readers_start N, readers_stop	loops that read the table

SOCKSTAT_LOAD=${SOCKSTAT_LOAD:-short}

# size SHORT FULL
size()
{
	case $SOCKSTAT_LOAD in
	short) echo "$1" ;;
	full) echo "$2" ;;
	*)
		echo "# SOCKSTAT_LOAD is '$SOCKSTAT_LOAD', neither short nor full" >&2
		exit 1
		;;
	esac
}

# did COUNT WHAT...
did()
{
	echo "# ${SOCKSTAT_LOAD}: $* in $SECONDS s"
}

# give_way PID...: where one CPU has to play two, a few busy threads make insmod
# take ten seconds. They go on in its pauses, and on the other CPU.
give_way()
{
	renice -n 19 -p "$@" >/dev/null
}

# is_whole: whether that is the table, to its end, with as many rows as it says.
is_whole()
{
	awk '{ last = $0 }
		END { exit !(last ~ /^# version=1 rows=[0-9]+ / && substr(last, 18) + 2 == NR) }'
}

# read_on: read the table again and again until $stop is there, then tell how
# often it was whole, and how often not.
read_on()
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

# readers_start N: which loop over the table, and may find it gone.
readers_start()
{
	local n

	said=$(mktemp -d) stop=$said/stop readers=()
	for ((n = 0; n < $1; n++)); do
		read_on >"$said/$n" &
		readers+=($!)
	done
}

# readers_stop: sets reads_whole and reads_cut.
# shellcheck disable=SC2034
readers_stop()
{
	touch "$stop"
	wait "${readers[@]}"
	rm "$stop"
	read -r reads_whole reads_cut < <(cat "$said"/* | awk '{ w += $1; c += $2 } END { print w + 0, c + 0 }')
	rm -r "$said"
}
