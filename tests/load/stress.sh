#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# stress-ng does to sockets whatever it knows, while readers loop over the table,
# each time to its end, and connections whose bytes are known move them.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"
# shellcheck source=tests/load/lib.sh
. "$TESTS/load/lib.sh"

DURATION=$(size 12 600) # seconds
TCP=(sock sockmany sockabuse)
# Those of these that this version has.
WANTED=("${TCP[@]}" sockfd sockpair sockdiag splice sendfile io-uring epoll poll)

need_root
log_mark
need stress-ng
! module_loaded || unload_module
empty=$(kernel_state)
trap unload_module EXIT

stressors=()
known=" $(stress-ng --stressors) "
for name in "${WANTED[@]}"; do
	[[ $known != *" $name "* ]] || stressors+=("--$name" 1)
done

# worked NAME...: whether all of these have done something, by the log.
worked()
{
	awk -v names="$*" '
		$5 + 0 > 0 { did[$4] }
		END {
			split(names, wanted)
			for (i in wanted)
				if (!(wanted[i] in did))
					exit 1
		}' "$log"
}

load_module
traffic_start
check 'connections whose bytes are known' ask_all 'open 6' 'busy 2' 'move 1000' check
readers_start 2
log=$(mktemp)
(
	# A thousand descriptors of each is a load; the machine's last one is an outage.
	ulimit -n 4096
	cd /tmp || exit
	end=$((SECONDS + DURATION))
	# Where one of them fails, all end: its own faults are not ours. On a slow
	# machine it takes longer until each of TCP's has come to do something.
	until [ "$SECONDS" -ge $end ] && { worked "${TCP[@]}" || [ "$SECONDS" -ge $((end + 120)) ]; }; do
		left=$((end - SECONDS))
		stress-ng "${stressors[@]}" --timeout $((left > 0 ? left : 12)) --oomable --metrics-brief
	done
) >"$log" 2>&1 &
stress=$!

moves=0 wrong=''
while kill -0 $stress 2>/dev/null && [ -z "$wrong" ]; do
	moves=$((moves + 1))
	wrong=$(ask_all "move $((moves * 37 % 9000))" check progress)
done
wait $stress
readers_stop

sed 's/^/# /' "$log"
did "$moves" "moves of six connections, $reads_whole reads, $((${#stressors[@]} / 2)) stressors,"
check "stress-ng did something with TCP: ${TCP[*]}" worked "${TCP[@]}"
rm "$log"
is 'bytes were exact all the time' '' "$wrong"
check 'the table was read' test "$reads_whole" -gt 0
is 'each time to its end' 0 "$reads_cut"
check 'it is right after all' ask_all idle 'churn 20' 'move 99' check close check
is 'the log has no complaint' '' "$(complaints)"
traffic_stop
unload_module
is 'nothing is left' "$empty" "$(kernel_state)"
finish
