# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Functions for scripts that need many connections; source it after lib.sh.
#
#	hold_used CONNECTIONS	open and use that many connections; fail if it could not
#	hold_shared DESCRIPTORS	use the first of them through that many more descriptors
#	release			close them

hold_used()
{
	local answer

	coproc HOLDER { exec "$TESTS/bench/hold" "$1"; }
	# shellcheck disable=SC2153
	hold_in=${HOLDER[1]} hold_pid=$HOLDER_PID
	echo "use $1" >&"$hold_in"
	while read -r answer && [ "$answer" != "used $1" ]; do :; done <&"${HOLDER[0]}"
	[ "$answer" = "used $1" ]
}

hold_shared()
{
	local answer

	echo "share $1" >&"$hold_in"
	while read -r answer && [ "$answer" != "shared $1" ]; do :; done <&"${HOLDER[0]}"
	[ "$answer" = "shared $1" ]
}

release()
{
	exec {hold_in}>&-
	wait "$hold_pid"
}
