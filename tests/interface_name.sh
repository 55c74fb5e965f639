#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who makes a user namespace names its interfaces, and a link-local address is
# shown with that name: it may neither break a row nor command a terminal.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need ip python3
name=$'a]\e[2J\\b\xff'

# listen NAME: on a link-local address there, until its input ends.
listen()
{
	unshare --net python3 -u -c '
import os, socket, subprocess, sys
name = os.fsencode(sys.argv[1])
subprocess.check_call([b"ip", b"link", b"add", b"name", name, b"type", b"dummy"])
subprocess.check_call([b"ip", b"link", b"set", b"up", b"dev", name])
subprocess.check_call([b"ip", b"addr", b"add", b"fe80::77/64", b"nodad", b"dev", name])
s = socket.socket(socket.AF_INET6)
s.bind(("fe80::77", 7777, 0, socket.if_nametoindex(name)))
s.listen()
print("listens")
sys.stdin.readline()
' "$1"
}

load_module
trap unload_module EXIT
coproc LISTENER { listen "$name"; }
read -r -t 60 said <&"${LISTENER[0]}"
is 'there is an interface of that name' listens "$said"
row=$(grep -a 'fe80::77' $SOCKSTAT)
is 'its name, without what is not for an address' '[fe80::77%a???2J?b?]:7777' \
	"$(awk '{ print $6 }' <<<"$row")"
is 'no byte that is not printable' '' "$(LC_ALL=C grep -an '[^ -~]' $SOCKSTAT)"
is 'as many fields as there are columns' "$(head -n 1 $SOCKSTAT | wc -w)" "$(wc -w <<<"$row")"
[ ! -x "$TREE/userspace/sockstat" ] ||
	check 'the viewer reads it' "$TREE/userspace/sockstat" -p 7777
[ -z "${LISTENER_PID-}" ] || kill "$LISTENER_PID"
finish
