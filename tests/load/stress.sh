#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# stress-ng runs its socket stressors, while readers loop over the table and the
# traffic program compares its own connections with their rows.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"
# shellcheck source=tests/load/lib.sh
. "$TESTS/load/lib.sh"

DURATION=$(size 12 600) # seconds
TCP=(sock sockmany sockabuse)
# Those that the installed version does not have are left out.
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

# stressors_worked NAME...: succeed if the log has operations of each of them.
stressors_worked()
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
check 'the traffic starts' ask_all 'open 6' 'busy 2' 'move 1000' check
readers_start 2
log=$(mktemp)
(
	# Without a limit, stressors would use up all open files of the machine.
	ulimit -n 4096
	cd /tmp || exit
	end=$((SECONDS + DURATION))
	# stress-ng stops when one stressor fails, which does not fail this test. Repeat it
	# on a slow machine until each of the TCP stressors has done something.
	until [ "$SECONDS" -ge $end ] &&
	      { stressors_worked "${TCP[@]}" || [ "$SECONDS" -ge $((end + $(scaled 120))) ]; }; do
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
report "$moves" "moves of six connections, $reads_whole reads, $((${#stressors[@]} / 2)) stressors,"
check "stress-ng used TCP in ${TCP[*]}" stressors_worked "${TCP[@]}"
rm "$log"
is 'bytes are exact under stress' '' "$wrong"
check 'the readers read the table' test "$reads_whole" -gt 0
is 'every read is complete' 0 "$reads_cut"
check 'bytes are exact after the stress' ask_all idle 'churn 20' 'move 99' check close check
is 'the kernel log has no warning' '' "$(complaints)"
traffic_stop
unload_module
is 'nothing is left' "$empty" "$(kernel_state)"
finish
