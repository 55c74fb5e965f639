#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who makes a user namespace names its interfaces, and a link-local address is
# shown with that name: it may neither break a row nor command a terminal.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need ip socat
name=$'a]\e[2J\\b\xff'

# In a network namespace of its own, on a link-local address of that interface.
listen()
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

row()
{
	grep -a 'fe80::77' "$SOCKSTAT"
}

load_module
listen "$name" </dev/zero >/dev/null &
listener=$!
trap 'kill $listener; unload_module' EXIT
check 'a listener on an interface of that name' wait_for 30 row
row=$(row)
is 'its name, without what is not for an address' '[fe80::77%a???2J?b?]:7777' \
	"$(awk '{ print $6 }' <<<"$row")"
is 'no byte that is not printable' '' "$(LC_ALL=C grep -an '[^ -~]' "$SOCKSTAT")"
is 'as many fields as there are columns' "$(head -n 1 "$SOCKSTAT" | wc -w)" "$(wc -w <<<"$row")"
finish
