#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A link-local address is shown with the name of its interface, which any user may
# choose in a user namespace: the name can neither break a row nor control a terminal.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need ip socat
name=$'a]\e[2J\\b\xff'

# listen_on NAME: listen on a link-local address of a dummy interface with that name,
# in a new network namespace.
listen_on()
{
	# The inner shell expands this, not the outer one.
	# shellcheck disable=SC2016
	exec unshare --net bash -euc '
		ip link add name "$1" type dummy
		ip link set up dev "$1"
		ip addr add fe80::77/64 nodad dev "$1"
		exec socat "TCP6-LISTEN:7777,bind=[fe80::77%$(ip -o link | grep -c .)]" -
	' bash "$1"
}

find_row()
{
	grep -a 'fe80::77' "$SOCKSTAT"
}

load_module
listen_on "$name" </dev/zero >/dev/null &
listener=$!
trap 'kill $listener; unload_module' EXIT
check 'the listener on that interface has a row' wait_for 30 find_row
row=$(find_row)
is 'characters that an address must not have are replaced by ?' '[fe80::77%a???2J?b?]:7777' \
	"$(awk '{ print $6 }' <<<"$row")"
is 'every byte of the table is printable' '' "$(LC_ALL=C grep -an '[^ -~]' "$SOCKSTAT")"
is 'the row has as many fields as the header' "$(head -n 1 "$SOCKSTAT" | wc -w)" "$(wc -w <<<"$row")"
finish
