#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# All kinds of traffic, mixed at random by sockstat-client: seeds that are the
# same each time, twice, and ones that nobody has chosen.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/load/lib.sh
. "$(dirname "$0")/lib.sh"

MIX=("$CLIENT" --tap --patience="${SOCKSTAT_PATIENCE:-1}")
total=0

# mix SEED OPTION...: one run, which leaves its output in $output and its digest in $digest.
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

# mix_with SYSCTL=VALUE ACTIONS: seed 1, in a network namespace of its own.
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

# A run without a difference passes; else all that the client has to say is shown.
try()
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

# The last one came upon a byte that was to be read by mapping none, after the FIN.
for seed in 1 2 3 643550800; do
	try "seed $seed" "$seed" --actions "$(size 60 1000)"
	first=$digest
	[ $seed != 1 ] || {
		mix "$seed" --actions "$(size 60 1000)"
		is 'a seed is a sequence of actions' "$first" "$digest"
	}
done

# As on a busy machine: connections are reset that no program has reset.
output=$(mix_with net.ipv4.tcp_max_tw_buckets=0 60)
check 'no place in TIME_WAIT: that is said' grep -q 'no place in TIME_WAIT' <<<"$output"

# What has been sent waits until what lies unread makes room for it.
output=$(mix_with net.ipv4.tcp_rmem='4096 4096 16384' 100)
if grep -qx 'ok 1 random.mix' <<<"$output"; then
	pass 'little room: nothing waits for ever'
else
	fail 'little room: nothing waits for ever' "$output"
fi

# The time of each run, and how many: a run's rows have to fit the history.
deadline=$((SECONDS + $(size 8 600)))
fresh=0
while [ $SECONDS -lt $deadline ] && [ "$tap_failed" = 0 ]; do
	seed=$((1 + $(od -An -N4 -tu4 /dev/urandom)))
	echo "# seed $seed"
	try "a fresh seed" "$seed" --seconds "$(size 8 30)"
	fresh=$((fresh + 1))
done

did "$total" "actions, 3 seeds and $fresh fresh ones,"
finish
