#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# sockstat-client --random mixes all kinds of traffic: with fixed seeds, one of which
# must give the same run twice, and with fresh seeds.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/load/lib.sh
. "$(dirname "$0")/lib.sh"

MIX=("$CLIENT" --tap --patience="${SOCKSTAT_PATIENCE:-1}")
total=0

# mix SEED OPTION...: do one run; set $output, and $digest, a hash of its actions.
mix()
{
	local actions

	digest=''
	output=$("${MIX[@]}" "--random=$1" "${@:2}" 2>&1) || return 1
	read -r actions digest < <(sed -nE \
		's/^# (.*, )?([0-9]+) actions, .*, digest ([0-9a-f]+),.*/\2 \3/p' <<<"$output")
	[ -n "$digest" ] || return 1
	total=$((total + actions))
}

# mix_with SYSCTL=VALUE ACTIONS: do a run with seed 1 in a new network namespace.
mix_with()
{
	# The inner shell expands this, not the outer one.
	# shellcheck disable=SC2016
	unshare --net sh -euc '
		ip link set lo up
		sysctl -q "$1"
		shift
		exec "$@"
	' sh "$1" "${MIX[@]}" --random=1 --actions "$2"
}

# check_mix NAME SEED OPTION...: pass if the run finds no difference.
check_mix()
{
	local name=$1

	shift
	if mix "$@"; then
		pass "$name"
	elif grep -q '^ok .* # SKIP' <<<"$output"; then
		skip "$name" "${output##*# SKIP }"
	else
		fail "$name" "$output"
	fi
}

need ip unshare
load_module history=70000
trap unload_module EXIT

# With seed 643550800 the client used to ask TCP_ZEROCOPY_RECEIVE to map 0 bytes after
# the FIN had come, which fails with EIO.
for seed in 1 2 3 643550800; do
	check_mix "the run with seed $seed is exact" "$seed" --actions "$(size 60 1000)"
	first=$digest
	[ $seed != 1 ] || {
		mix "$seed" --actions "$(size 60 1000)"
		is 'the same seed gives the same actions' "$first" "$digest"
	}
done

# Without room for TIME_WAIT sockets, as on a busy machine, the kernel resets
# connections that no program has reset.
output=$(mix_with net.ipv4.tcp_max_tw_buckets=0 60)
check 'the client reports that TIME_WAIT has no room' grep -q 'no place in TIME_WAIT' <<<"$output"

# With small receive buffers, senders wait until the peer has read its unread data.
output=$(mix_with net.ipv4.tcp_rmem='4096 4096 16384' 100)
if grep -qx 'ok 1 random.mix' <<<"$output"; then
	pass 'a run with small receive buffers does not hang'
else
	fail 'a run with small receive buffers does not hang' "$output"
fi

# Many runs instead of a long one, because the rows of a run must fit into "history".
deadline=$((SECONDS + $(size 8 600)))
fresh=0
while [ $SECONDS -lt $deadline ] && [ "$tap_failed" = 0 ]; do
	seed=$((1 + $(od -An -N4 -tu4 /dev/urandom)))
	echo "# seed $seed"
	check_mix "the run with a fresh seed is exact" "$seed" --seconds "$(size 8 30)"
	fresh=$((fresh + 1))
done

report "$total" "actions, 3 seeds and $fresh fresh ones,"
finish
