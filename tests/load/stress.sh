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
# Those of these that this version has.
WANTED=(sock sockfd sockmany sockabuse sockpair sockdiag splice sendfile io-uring epoll poll)

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

# A thousand descriptors of each is a load; the machine's last one is an outage.
load_module
traffic_start
check 'connections whose bytes are known' ask_all 'open 6' 'busy 2' 'move 1000' check
readers_start 2
log=$(mktemp)
(
	ulimit -n 4096
	cd /tmp || exit
	end=$((SECONDS + DURATION))
	# Where one of them fails, all end: its own faults are not ours.
	while [ "$SECONDS" -lt $end ]; do
		stress-ng "${stressors[@]}" --timeout $((end - SECONDS)) --oomable --metrics-brief
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
worked=$(awk '$4 == "sock" && $5 > 0 { seconds += $6 } END { print int(seconds) }' "$log")
rm "$log"
did "$moves" "moves of six connections, $reads_whole reads, $((${#stressors[@]} / 2)) stressors,"
check 'stress-ng was at it most of the time' test "$worked" -gt $((DURATION / 2))
is 'bytes were exact all the time' '' "$wrong"
check 'the table was read' test "$reads_whole" -gt 0
is 'each time to its end' 0 "$reads_cut"
check 'it is right after all' ask_all idle 'churn 20' 'move 99' check close check
is 'the log has no complaint' '' "$(complaints)"
traffic_stop
unload_module
is 'nothing is left' "$empty" "$(kernel_state)"
finish
