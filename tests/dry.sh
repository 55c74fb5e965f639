#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sockstat-client without the module: every scenario makes its traffic, and the
# client's count is compared with TCP_INFO and the peer's count.  So its own calls
# and its parser run under the sanitizers that it may be built with.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# The names that T= accepts are read from the sources.
names_agree()
{
	diff <("$TREE/tests/vm/test-names" --scenarios | LC_ALL=C sort) \
		<("$CLIENT" --list | awk '{ print $1 }' | LC_ALL=C sort)
}

# A name that does not exist is refused before anything is built, and similar names
# are shown.
names_are_suggested()
{
	local output status=0

	output=$("$TREE/tests/vm/test-names" --find "$1" 2>&1) || status=$?
	echo "$output"
	[ "$status" = 2 ] && grep -qwF -- "$2" <<<"$output"
}

# dry_run NAME OPTION...: passes if no scenario differs, and shows those that do. If
# this machine can run none, show the reasons.
dry_run()
{
	local name=$1 output status=0

	shift
	output=$("$CLIENT" --dry-run --tap --patience="${SOCKSTAT_PATIENCE:-1}" "$@" 2>&1) || status=$?
	if [ $status = 0 ]; then
		echo "# $(grep -c '^ok' <<<"$output") scenarios, $(grep -c '# SKIP' <<<"$output") skipped"
		pass "$name"
	elif [ $status = 4 ]; then
		skip "$name" "$(sed -n 's/.*# SKIP //p' <<<"$output" | sort -u | paste -sd ';')"
	else
		fail "$name" "$(grep -v '^ok' <<<"$output")"
	fi
}

[ -x "$CLIENT" ] || skip_all 'userspace/sockstat-client is not built'
check 'the scenarios are called as in the sources' names_agree
check 'out.wirte is refused, and out.write suggested' names_are_suggested out.wirte out.write
check 'hostlie is refused, and hostile suggested' names_are_suggested hostlie hostile
check 'hostile.chmod is refused, and a case of hostile suggested' \
	names_are_suggested hostile.chmod_keeps_user_out hostile.chmod_keeps_users_out
for group in accept connect descriptors ends in out stacks steps tls; do
	dry_run "group $group" $group
done
dry_run 'actions mixed at random' --random --actions 200
finish
