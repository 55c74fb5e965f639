#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# sockstat, the viewer, on the module's own table: curl and nginx, iperf3, ssh and a
# Python program, each of which counts the bytes that it sends and receives.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

VIEWER=$TREE/userspace/sockstat
WEB=18080 PERF=18081 SECURE=18082
REFUSED='ECONNREFUSED|111' # a kernel without CONFIG_SYMBOLIC_ERRNAME prints the number

need_root
[ -x "$VIEWER" ] || skip_all 'userspace/sockstat is not built'
need jq tmux curl nginx iperf3 ssh sshd ssh-keygen python3
unset SOCKSTAT_FILE COLUMNS TMUX
export LC_ALL=C.UTF-8
scratch=$(mktemp -d)
chmod 755 "$scratch"
cleanup()
{
	tm kill-server 2>/dev/null
	[ ! -e "$scratch/nginx.pid" ] || kill "$(cat "$scratch/nginx.pid")"
	[ ! -e "$scratch/sshd.pid" ] || kill "$(cat "$scratch/sshd.pid")"
	[ -z "${PYTHON_PID-}" ] || kill "$PYTHON_PID"
	rm -rf "$scratch"
	unload_module
}

tm()
{
	tmux -u -S "$scratch/tmux" -f /dev/null "$@"
}

sockstat()
{
	"$VIEWER" "$@"
}

is_refused()
{
	[[ $1 =~ ^($REFUSED)$ ]]
}

# of FILTER OPTION...: print what FILTER of jq selects in the JSON of sockstat.
of()
{
	local filter=$1

	shift
	sockstat --json "$@" | jq -r "$filter"
}

listens()
{
	[ -n "$(sockstat -q -l -p "$1")" ]
}

web()
{
	local said local_port received sent

	mkdir "$scratch/www"
	head -c 1000000 /dev/urandom >"$scratch/www/file"
	chmod -R a+rX "$scratch/www"
	cat >"$scratch/nginx.conf" <<-END
		pid $scratch/nginx.pid;
		error_log $scratch/nginx.error;
		worker_processes 1;
		events { }
		http {
			log_format counts '\$remote_port \$request_length \$bytes_sent';
			access_log $scratch/nginx.log counts;
			server { listen 127.0.0.1:$WEB; root $scratch/www; }
		}
	END
	nginx -c "$scratch/nginx.conf"
	check 'nginx listens' wait_for 20 listens $WEB
	is 'the listener of nginx' 'nginx tcp4 LISTEN null' \
		"$(of '.rows[0] | "\(.command) \(.proto) \(.state) \(.remote_port)"' -l -p $WEB)"
	said=$(curl -s -o /dev/null "http://127.0.0.1:$WEB/file" \
		-w '%{local_port} %{size_request} %{size_header} %{size_download}')
	read -r local_port sent received said <<<"$said"
	received=$((received + said))
	is 'bytes that curl sent and received' "$sent $received client" \
		"$(of '.rows[] | "\(.tx_bytes) \(.rx_bytes) \(.role)"' \
			--closed --command curl -p "$local_port" --remote "127.0.0.0/8:$WEB")"
	wait_for 10 test -s "$scratch/nginx.log"
	read -r local_port received sent <"$scratch/nginx.log"
	is 'bytes that nginx received and sent, by its log' "$sent $received server" \
		"$(of '.rows[] | "\(.tx_bytes) \(.rx_bytes) \(.role)"' \
			--closed --command 'ngin?' --remote "127.0.0.1:$local_port")"
	is '--since finds closed rows' 2 "$(of '.rows | length' --closed --since 1h -p "$local_port")"
	curl -s "http://127.0.0.1:1/" || :
	check 'a refused connection has its error' is_refused "$(of '.rows[].error' --closed --remote :1)"
}

# The deltas of --watch add up to all bytes, also those of connections in between.
perf()
{
	local watch server sent received

	sockstat --watch 0.5 --json --command iperf3 >"$scratch/watch" &
	watch=$!
	wait_for 20 test -s "$scratch/watch"
	iperf3 -s -1 -p $PERF >/dev/null &
	server=$!
	wait_for 20 listens $PERF
	iperf3 -c 127.0.0.1 -p $PERF -n 4M -J >"$scratch/perf"
	wait $server
	# the server reports its count over the other connection, and may not read all data
	read -r sent received < <(jq -r '.end | "\(.sum_sent.bytes) \(.sum_received.bytes)"' \
		"$scratch/perf")
	wait_for 20 two_more "$(wc -l <"$scratch/watch")"
	kill $watch
	# each stream of iperf3 begins with 37 bytes of its own
	is 'bytes that iperf3 sent' $((sent + 37)) \
		"$(of '[.rows[] | select(.role == "client") | .tx_bytes] | max' -a --command iperf3)"
	is 'bytes that iperf3 received' $((received + 37)) \
		"$(of '[.rows[] | select(.role == "server") | .rx_bytes] | max' -a --command iperf3)"
	is '--watch counts each byte once' \
		"$(of '[.rows[] | .tx_bytes + .rx_bytes] | add' -a --command iperf3)" \
		"$(jq -s '[.[].rows[] | .tx_delta + .rx_delta] | add' "$scratch/watch")"
	is '--group-by command' "$(of '[.rows[].tx_bytes] | add' -a --command iperf3)" \
		"$(of '.rows[] | select(.command == "iperf3") | .tx_bytes' -a --group-by command)"
}

two_more()
{
	[ "$(wc -l <"$scratch/watch")" -ge $(($1 + 2)) ]
}

secure()
{
	local sent

	ssh-keygen -q -t ed25519 -N '' -f "$scratch/host"
	ssh-keygen -q -t ed25519 -N '' -f "$scratch/key"
	mkdir -p /run/sshd
	"$(command -v sshd)" -f /dev/null -p $SECURE -h "$scratch/host" -o UsePAM=no \
		-o StrictModes=no -o PidFile="$scratch/sshd.pid" \
		-o AuthorizedKeysFile="$scratch/key.pub" -E "$scratch/sshd.log"
	wait_for 20 listens $SECURE
	head -c 200000 /dev/urandom | ssh -v -p $SECURE -i "$scratch/key" -F /dev/null \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1 \
		'wc -c' >"$scratch/out" 2>"$scratch/ssh.log"
	is 'ssh worked' 200000 "$(cat "$scratch/out")"
	wait_for 20 ssh_is_over
	sent=$(sed -n 's/^Transferred: sent \([0-9]*\).*/\1/p' "$scratch/ssh.log")
	# ssh counts neither its greeting nor its last packets: 408 bytes with OpenSSH 8.4
	is 'bytes that ssh sent, by its own count' "$sent, and a bit more" \
		"$(of "[.rows[] | select(.command == \"ssh\") | .tx_bytes] | add |
			if . >= $sent and . < $sent + 600 then \"$sent, and a bit more\" else . end" \
			--closed --remote ":$SECURE")"
	is 'the processes of sshd have received all of it' \
		"$(of '[.rows[].tx_bytes] | add' --closed --remote ":$SECURE")" \
		"$(of "[.rows[] | select(.role == \"server\" and .local_port == $SECURE) |
			.rx_bytes] | add" --closed)"
}

ssh_is_over()
{
	[ -z "$(sockstat -q -c -p "$SECURE")" ]
}

# A program with an open connection prints its descriptors and byte counts.
python()
{
	local pid port sent received

	coproc PYTHON { exec python3 -u -c '
import os, socket, sys
listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
client = socket.create_connection(listener.getsockname()[:2])
server, _ = listener.accept()
sent = received = 0
for size in (1, 10, 1000, 30000):
    sent += client.send(b"x" * size)
    received += len(server.recv(size // 2 + 1))
print(os.getpid(), client.getsockname()[1], sent, received, client.fileno(), server.fileno())
sys.stdin.readline()
while True:
    client.send(b"x" * 4096)
    server.recv(65536)
'; }
	read -r pid port sent received client server <&"${PYTHON[0]}"
	is "the two ends of an open connection" "client $client $sent 0 server $server 0 $received" \
		"$(of '[.rows[] | "\(.role) \(.fd) \(.tx_bytes) \(.rx_bytes)"] | join(" ")' \
			-c -6 --pid "$pid" --sort fd)"
	is 'bytes that it has not read yet' $((sent - received)) \
		"$(of '.rows[].rx_queue' --pid "$pid" --remote "[::1]:$port")"
	is '--state' 2 "$(of '.rows | length' --pid "$pid" --state established)"
	is '--netns' 3 "$(of '.rows | length' --pid "$pid" --netns "/proc/$pid/ns/net")"
	is '--netns: another namespace' 1 "$(sockstat --exit-status --pid "$pid" --netns 1 >/dev/null; echo $?)"
	is '--user' "3 root" "$(of '"\(.rows | length) \(.rows[0].user)"' --user root --pid "$pid")"
	is 'another user sees nothing, and a message' \
		'0 sockstat: nothing to show of your own processes; root sees all' \
		"$(said=$(setpriv --reuid 65534 --clear-groups "$VIEWER" -l 2>&1 >/dev/null)
			echo "$? $said")"
	# a line makes it send continuously
	echo >&"${PYTHON[1]}"
}

on_screen()
{
	tm capture-pane -p | grep -qE -- "$1"
}

shows()
{
	wait_for 60 on_screen "$1" || {
		tm capture-pane -p
		return 1
	}
}

top()
{
	sockstat -s | sed 's/^/# /'
	tm new-session -d -x 130 -y 24 "exec '$VIEWER' --top 1"
	check '--top: the rate of the sender' \
		shows "^python3 +[0-9]+ +$client \[::1\].* ESTABLISHED +[0-9.]+[KM]? .*█"
	check '--top: the rate of the receiver' shows "^python3 +[0-9]+ +$server \[::1\].* ESTABLISHED .*█"
	tm capture-pane -p | sed 's/^/# /'
	tm send-keys c
	check '--top: closed rows' shows "^curl .*client ($REFUSED) "
	tm capture-pane -p | sed 's/^/# /'
	tm send-keys c
	unload_module
	check '--top without the module: the message says what to do' shows 'there is no /proc/sockstat: load the module'
	is 'sockstat without the module: exit status' 2 "$(sockstat 2>/dev/null; echo $?)"
	insmod "$MODULE"
	check '--top: the module is loaded again' shows '^python3 .*ESTABLISHED .*█'
}

load_module
trap cleanup EXIT
web
perf
secure
python
top
finish
