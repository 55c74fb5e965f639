#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The columns that ss(8) has as well: the queues of listeners, cookies, inode numbers,
# owners and states are those of "ss -tane".

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need ss python3

# A program with listeners, some of whose connections wait for accept(), two of them in
# one SO_REUSEPORT group, and with open connections. It prints the number of
# connections that wait in each of the listeners that are not in the group.
coproc PYTHON { exec python3 -u -c '
import socket, sys
keep = []
def listen(family, host, backlog, port=0, shared=False):
    s = socket.socket(family)
    if shared:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((host, port))
    s.listen(backlog)
    keep.append(s)
    return s
def connect(listener, n):
    for _ in range(n):
        c = socket.socket(listener.family)
        c.connect(listener.getsockname()[:2])
        keep.append(c)
one = listen(socket.AF_INET, "127.0.0.1", 7)
two = listen(socket.AF_INET6, "::1", 100)
connect(one, 3)
connect(two, 5)
keep.append(two.accept()[0])
a = listen(socket.AF_INET, "127.0.0.1", 30, 0, True)
b = listen(socket.AF_INET, "127.0.0.1", 40, a.getsockname()[1], True)
connect(a, 20)
print(one.getsockname()[1], two.getsockname()[1], a.getsockname()[1])
sys.stdin.readline()
'; }
PID=$PYTHON_PID
cleanup()
{
	kill "$PID" 2>/dev/null
	unload_module
}
trap cleanup EXIT
read -r one two group <&"${PYTHON[0]}"
load_module

# by_ss: cookie, inode, queues and states of the program's sockets, as ss has them.
by_ss()
{
	ss -Htanep | grep -F "pid=$PID," | awk '{
		inode = cookie = "?"
		uid = 0
		for (i = 6; i <= NF; i++) {
			if ($i ~ /^ino:/) inode = substr($i, 5)
			if ($i ~ /^sk:/) cookie = substr($i, 4)
			if ($i ~ /^uid:/) uid = substr($i, 5)
		}
		state = $1
		if (state == "ESTAB") state = "ESTABLISHED"
		print cookie, inode, uid, state, $2, $3
	}' | LC_ALL=C sort
}

# by_module: the same from the table.
by_module()
{
	awk -v pid="$PID" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["PID"] == pid && $at["STATE"] != "CLOSED" {
			print $at["COOKIE"], $at["INODE"], $at["UID"], $at["STATE"], $at["RX_QUEUE"], $at["TX_QUEUE"]
		}' $SOCKSTAT | LC_ALL=C sort
}

# queues_of PORT: RX_QUEUE and TX_QUEUE of the listeners of a port.
queues_of()
{
	awk -v port=":$1\$" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["STATE"] == "LISTEN" && $at["LOCAL"] ~ port { print $at["RX_QUEUE"], $at["TX_QUEUE"] }' $SOCKSTAT
}

expected=$(by_ss)
check 'ss knows the sockets' test "$(wc -l <<<"$expected")" -ge 30
is 'every socket is as ss shows it' "$expected" "$(by_module)"
is '3 of 7 connections wait' '3 7' "$(queues_of "$one")"
is '4 of 100 connections wait' '4 100' "$(queues_of "$two")"
is 'a SO_REUSEPORT group has two queues, with 20 connections in both' '2 20' \
	"$(queues_of "$group" | awk '{ n++; sum += $1 } END { print n, sum }')"
finish
