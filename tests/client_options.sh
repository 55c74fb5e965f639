#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command line of sockstat-client; needs neither the module nor root.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

[ -x "$CLIENT" ] || skip_all 'userspace/sockstat-client is not built'
unset SOCKSTAT_PATIENCE

# client ARGUMENT...: the first line of the output, and the exit status.
client()
{
	local output status=0

	output=$("$CLIENT" "$@" 2>&1) || status=$?
	echo "${output%%$'\n'*} ($status)"
}

# refused MESSAGE ARGUMENT...: a mistake in the command line, before anything runs.
refused()
{
	is "${*:2}" "sockstat-client: $1 (2)" "$(client "${@:2}")"
}

version=$(sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' "$TREE/module/main.c")
is '--version' "sockstat-client $version (0)" "$(client --version)"
is '-V' "sockstat-client $version (0)" "$(client -V)"

refused '--bytes: "1e3" is not a positive decimal number' --bytes 1e3
refused '--bytes: "-1" is not a positive decimal number' --bytes=-1
refused '--threads: 0 is out of range: from 1 to 4294967295' --threads 0
refused '--patience: 1001 is out of range: from 1 to 1000' --patience 1001
refused '--family: "5" is no address family: 4, 6 or mapped' --family 5
refused '--to: "localhost" has no port: HOST:PORT' --to localhost
refused '"random.mix" cannot be run with these options' --dry-run random.mix
SOCKSTAT_PATIENCE=slow refused 'SOCKSTAT_PATIENCE: "slow" is not a positive decimal number' --dry-run

unknown='no group or scenario is called'
refused "$unknown \"conect\": did you mean connect?" conect
refused "$unknown \"in.peak\": did you mean in.peek or in.read?" in.peak
refused "$unknown \"in.peek.5\": did you mean in.peek?" --dry-run in.peek in.peek.5
check 'a name that resembles no other: the groups' \
	grep -q 'the groups are out, .*, random; --list shows the scenarios (2)' \
	<<<"$(client nonsense)"

# names ARGUMENT...: the scenarios that --list prints.
names()
{
	"$CLIENT" --list "$@" | awk '{ print $1 }' | xargs
}

is '--list: a scenario' in.peek "$(names in.peek)"
is '--list: a test' in.peek "$(names in.peek.6.nonblock)"
is '--list: a pattern' 'in.peek_then_read in.peek in.peek_waitall' "$(names 'in.peek*')"
is '--list: a scenario of --random' random.mix "$(names random)"
check '--list: all' [ "$(names | wc -w)" -gt 150 ]
check '--list: a name that exists' "$CLIENT" --list out
refused "$unknown \"in.peak\": did you mean in.peek or in.read?" --list in.peak

output=$("$CLIENT" --dry-run --tap --family 4 in.oob_unseen)
is 'a dry run says what it did not compare' 2 "$(grep -c '^# nothing compared$' <<<"$output")"
check 'a dry run counts what it did not compare' grep -qx '# 2 compared nothing' <<<"$output"
check 'a table says what was not compared' grep -q 'ok, nothing compared$' \
	<<<"$("$CLIENT" --dry-run --family 4 in.oob_unseen)"
finish
