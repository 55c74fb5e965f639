#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Sockets that the kernel uses: a network block device, NFS, and NVMe over TCP, at both
# ends. Bytes and calls of kernel threads, and of programs that merely use a file or a
# device, are nobody's: one row per connection, with "-" as PID. The program that
# handed its socket to the kernel gains nothing after that.
#
#	nbd-client, then the kernel \
#	the kernel's NFS client      >--- relay ---> nbd-server, nfsd, nvmet
#	the kernel's NVMe host      /
#
# The relay counts every byte by the results of its own calls. Each part that this
# kernel or this machine lacks is skipped.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# More processes than a connection has holders for.
readers=1500
[ "${SOCKSTAT_LOAD-}" != full ] || readers=5000

need_root
work=$(mktemp -d)
started=()

clean()
{
	cd /
	umount "$work/mount" 2>/dev/null
	[ -z "${nbd_connected-}" ] || nbd-client -d /dev/nbd0 >/dev/null 2>&1
	nvme_stop 2>/dev/null
	nfsd_stop 2>/dev/null
	[ ${#started[@]} = 0 ] || kill "${started[@]}" 2>/dev/null
	wait
	rm -rf "$work"
	unload_module
}
trap clean EXIT

# start COMMAND...: in the background, until the end of this test.
start()
{
	"$@" &
	started+=($!)
}

# has_module NAME...: load the kernel's own modules.
has_module()
{
	modprobe -a "$@" 2>"$work/modprobe"
}

listens()
{
	ss -Hltn "sport = :$1" | grep -q .
}

# relay_start PORT TO-PORT
relay_start()
{
	relay_port=$1 counts=$work/counts-$1
	start "$TESTS/relay" "$1" "$2" "$counts"
	wait_for 20 listens "$1"
}

# rows 'CONDITION': print PID, TX_BYTES, RX_BYTES, TX_CALLS, RX_CALLS, STATE and COMMAND
# of the rows for which an awk condition on local and remote (ports) and pid holds: of
# those in the file $table, else of those now.
rows()
{
	awk 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	     /^#/ { next }
	     {
		local = $at["LOCAL"]; sub(/.*:/, "", local)
		remote = $at["REMOTE"]; sub(/.*:/, "", remote)
		pid = $at["PID"]
		if ('"$1"')
			print pid, $at["TX_BYTES"], $at["RX_BYTES"], $at["TX_CALLS"],
			      $at["RX_CALLS"], $at["STATE"], $1
	     }' "${table-$SOCKSTAT}"
}

sum() { awk '{ tx += $2; rx += $3 } END { print tx + 0, rx + 0 }'; }

dropped() { sed -n 's/^#.* dropped=\([0-9]*\).*/\1/p' "$SOCKSTAT"; }

# sums_are_exact TO-PORT: at both ends of the relay, the rows of each connection add up
# to what the relay has passed.
sums_are_exact()
{
	local client own up down table=$work/table

	cp "$counts" "$work/before"
	cat "$SOCKSTAT" >"$table"
	cmp "$counts" "$work/before" || return
	while read -r client own up down; do
		client_sum=$(rows "local == $client && remote == $relay_port" | sum)
		server_sum=$(rows "local == $1 && remote == $own" | sum)
		if [ "$client_sum" != "$up $down" ] || [ "$server_sum" != "$down $up" ]; then
			echo "relayed: $up up, $down down"
			echo "client's rows (TX RX): $client_sum, server's: $server_sum"
			rows "local == $client || remote == $own"
			return 1
		fi
	done <"$work/before"
	[ -s "$work/before" ]
}

# expect_exact NAME TO-PORT: try again while bytes are on their way.
expect_exact()
{
	local name="$1: the rows of each connection add up to what the relay has passed"

	if wait_for 20 sums_are_exact "$2" >"$work/sums"; then
		pass "$name"
	else
		fail "$name" "$(tail -n 8 "$work/sums")"
	fi
}

# one_row_of_nobody CONDITION N: N rows, each of nobody's
one_row_of_nobody()
{
	local seen

	seen=$(rows "$1")
	if [ "$(wc -l <<<"$seen")" != "$2" ] || grep -qv '^- ' <<<"$seen"; then
		echo "$seen" | head -n 20
		return 1
	fi
}

# move_through DEVICE: read 32 MiB, and write 32 MiB.
move_through()
{
	dd if="$1" of=/dev/null bs=1M count=32 iflag=direct status=none &&
		dd if="$1" of=/dev/null bs=1M count=8 status=none &&
		dd if=/dev/zero of="$1" bs=1M count=32 conv=fsync status=none
}

# ---- nbd: a program connects, hands its socket to the kernel, and exits ----

nbd_socket() { rows "remote == $relay_port && pid != \"-\""; }

nbd_client_is_gone() { ! pgrep -x nbd-client >/dev/null; }

nbd()
{
	local before

	if ! has_module nbd || ! command -v nbd-client nbd-server >/dev/null; then
		skip 'nbd: sums and rows' 'no nbd module or programs here'
		return
	fi
	truncate -s 64M "$work/disk"
	printf '[generic]\n\tlistenaddr = 127.0.0.1\n\tport = 10809\n[disk]\n\texportname = %s\n' \
		"$work/disk" >"$work/nbd.conf"
	start nbd-server -d -C "$work/nbd.conf" >"$work/nbd-server" 2>&1
	wait_for 20 listens 10809
	relay_start 10810 10809
	load_module
	check 'nbd: the client connects' nbd-client 127.0.0.1 10810 /dev/nbd0 -N disk
	nbd_connected=yes
	check 'nbd: the client has exited' wait_for 20 nbd_client_is_gone
	expect_exact 'nbd, negotiated' 10809
	before=$(nbd_socket)
	check 'nbd: read and write 32 MiB' move_through /dev/nbd0
	expect_exact 'nbd, used' 10809
	is 'nbd: the row of the program that is gone has not changed' "$before" "$(nbd_socket)"
	check 'nbd: it is one row' [ "$(wc -l <<<"$before")" = 1 ]
	check 'nbd: the other one is nobody'"'s, with calls of both kinds" \
		nbd_nobody_has_calls
	check 'nbd: disconnect' nbd-client -d /dev/nbd0
	nbd_connected=''
	is 'nbd: the row is still the same' "$before" "$(nbd_socket)"
	is 'nbd: nothing is dropped' 0 "$(dropped)"
}

nbd_nobody_has_calls()
{
	local seen

	seen=$(rows "remote == 10810 && pid == \"-\"")
	echo "$seen"
	[ "$(wc -l <<<"$seen")" = 1 ] && awk '{ exit !($4 > 64 && $5 > 64) }' <<<"$seen"
}

# ---- NFS: sockets of the kernel at both ends ----

nfsd_start()
{
	local export=$work/export

	mkdir -p "$export" "$work/mount" /run/rpc_pipefs /var/lib/nfs /var/lib/nfs/v4recovery
	mount -t tmpfs tmpfs "$export" && chmod 755 "$export" && seq 100 >"$export/file" &&
		mount -t nfsd nfsd /proc/fs/nfsd &&
		: >>/var/lib/nfs/etab && : >>/var/lib/nfs/rmtab &&
		exportfs -i -o rw,no_root_squash,insecure,no_subtree_check,fsid=0 "127.0.0.1:$export" &&
		rpc.mountd -N 2 -N 3 &&
		rpc.nfsd -N 3 -V 4 --no-udp 4 &&
		{ echo Y >/proc/fs/nfsd/v4_end_grace; } 2>/dev/null
	listens 2049
}

nfsd_stop()
{
	rpc.nfsd 0
	pkill -P 1 -x rpc.mountd
	exportfs -au
	umount /proc/fs/nfsd "$work/export"
}

# use_files N M: read the file in N processes, and copy it in M programs.
use_files()
{
	perl -e 'for (1 .. $ARGV[0]) {
			my $child = fork // die; 
			if (!$child) { open my $f, "<", $ARGV[1] or exit 1; <$f>; exit 0 }
			wait; exit 1 if $?
		 }' "$1" "$work/mount/file" || return
	for ((i = 0; i < $2; i++)); do
		cp "$work/mount/file" "$work/mount/copy$i" || return
	done
}

nfs()
{
	if ! has_module nfsd nfsv4 || ! command -v rpc.nfsd >/dev/null; then
		skip 'nfs: sums and rows' 'no NFS modules or programs here'
		return
	fi
	load_module
	check 'nfs: the server starts' nfsd_start
	relay_start 20490 2049
	check 'nfs: mount' mount -i -t nfs -o \
		vers=4.2,proto=tcp,addr=127.0.0.1,clientaddr=127.0.0.1,port=20490 \
		127.0.0.1:/ "$work/mount"
	expect_exact 'nfs, mounted' 2049
	check 'nfs: many processes read a file, and 50 programs copy it' use_files "$readers" 50
	expect_exact 'nfs, used' 2049
	check "nfs: one row, nobody's, for each end" one_row_of_nobody \
		'(remote == 20490 || local == 2049) && remote != "*"' 2
	is 'nfs: nothing is dropped' 0 "$(dropped)"
	load_module
	check 'nfs: processes read the file after a reload of the module' use_files 20 5
	expect_exact 'nfs, reloaded' 2049
	check "nfs: one row, nobody's, after the reload" one_row_of_nobody \
		'(remote == 20490 || local == 2049) && remote != "*"' 2
	check 'nfs: unmount' umount "$work/mount"
	expect_exact 'nfs, unmounted' 2049
	check "nfs: one row, nobody's, after the end" one_row_of_nobody \
		'(remote == 20490 || local == 2049) && remote != "*"' 2
	nfsd_stop
}

# ---- NVMe over TCP: sockets that the kernel reads in its own callback ----

NQN=nqn.2026-01.org.sockstat:test
SUBSYSTEM=/sys/kernel/config/nvmet/subsystems/$NQN
PORT=/sys/kernel/config/nvmet/ports/1

nvmet_start()
{
	mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
	truncate -s 64M "$work/namespace"
	mkdir -p "$SUBSYSTEM/namespaces/1" "$PORT" || return
	echo 1 >"$SUBSYSTEM/attr_allow_any_host"
	echo "$work/namespace" >"$SUBSYSTEM/namespaces/1/device_path"
	echo 1 >"$SUBSYSTEM/namespaces/1/buffered_io"
	echo 1 >"$SUBSYSTEM/namespaces/1/enable"
	echo tcp >"$PORT/addr_trtype"
	echo ipv4 >"$PORT/addr_adrfam"
	echo 127.0.0.1 >"$PORT/addr_traddr"
	echo 4420 >"$PORT/addr_trsvcid"
	ln -s "$SUBSYSTEM" "$PORT/subsystems/$NQN"
	listens 4420
}

nvme_connect()
{
	echo "transport=tcp,traddr=127.0.0.1,trsvcid=4421,nqn=$NQN,nr_io_queues=1,keep_alive_tmo=600" \
		>/dev/nvme-fabrics
}

nvme_disconnect()
{
	local control

	for control in /sys/class/nvme/nvme*/delete_controller; do
		[ ! -e "$control" ] || echo 1 >"$control"
	done
}

nvme_stop()
{
	nvme_disconnect
	rm -f "$PORT/subsystems/$NQN"
	rmdir "$PORT" "$SUBSYSTEM/namespaces/1" "$SUBSYSTEM"
}

nvme()
{
	if ! has_module nvmet-tcp nvme-tcp; then
		skip 'nvme: sums and rows' 'no NVMe over TCP here'
		return
	fi
	load_module
	check 'nvme: the target starts' nvmet_start
	relay_start 4421 4420
	check 'nvme: connect' nvme_connect
	check 'nvme: there is a device' wait_for 20 [ -b /dev/nvme0n1 ]
	expect_exact 'nvme, connected' 4420
	check 'nvme: read and write 32 MiB' move_through /dev/nvme0n1
	expect_exact 'nvme, used' 4420
	check "nvme: one row, nobody's, for each end of two connections" one_row_of_nobody \
		'(remote == 4421 || local == 4420) && remote != "*"' 4
	# No exact sums after this: the host may not have read the last answer.
	check 'nvme: disconnect' nvme_disconnect
	check "nvme: one row, nobody's, after the end" one_row_of_nobody \
		'(remote == 4421 || local == 4420) && remote != "*"' 4
	is 'nvme: nothing is dropped' 0 "$(dropped)"
}

[ $# != 0 ] || set -- nbd nfs nvme
for part; do
	"$part"
done

finish
