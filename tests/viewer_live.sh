#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The viewer on the module's own table. Its numbers are compared with the byte counts
# that curl, nginx, iperf3, ssh and a Python program report themselves.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

VIEWER=$TREE/userspace/sockstat
WEB=18080 PERF=18081 SECURE=18082
REFUSED='ECONNREFUSED|111' # a number where the kernel has no CONFIG_SYMBOLIC_ERRNAME

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

# query FILTER OPTION...: print what the jq filter makes of the JSON output.
query()
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
	local counts header body local_port received sent

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
	is 'nginx has a LISTEN row for tcp4 without a peer' 'nginx tcp4 LISTEN null' \
		"$(query '.rows[0] | "\(.command) \(.proto) \(.state) \(.remote_port)"' -l -p $WEB)"
	counts=$(curl -s -o /dev/null "http://127.0.0.1:$WEB/file" \
		-w '%{local_port} %{size_request} %{size_header} %{size_download}')
	read -r local_port sent header body <<<"$counts"
	received=$((header + body))
	is 'the row of curl has the bytes that curl reports' "$sent $received client" \
		"$(query '.rows[] | "\(.tx_bytes) \(.rx_bytes) \(.role)"' \
			--closed --command curl -p "$local_port" --remote "127.0.0.0/8:$WEB")"
	wait_for 10 test -s "$scratch/nginx.log"
	read -r local_port received sent <"$scratch/nginx.log"
	is 'the row of nginx has the bytes that its log reports' "$sent $received server" \
		"$(query '.rows[] | "\(.tx_bytes) \(.rx_bytes) \(.role)"' \
			--closed --command 'ngin?' --remote "127.0.0.1:$local_port")"
	is '--since finds the closed connection' 2 \
		"$(query '.rows | length' --closed --since 1h -p "$local_port")"
	curl -s "http://127.0.0.1:1/" || :
	check 'a refused connection has its error' \
		is_refused "$(query '.rows[].error' --closed --remote :1)"
}

# The deltas of --watch add up to all bytes, also of connections that opened and closed
# between two tables.
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
	# iperf3's server reports over the control connection, perhaps before it has read all
	read -r sent received < <(jq -r '.end | "\(.sum_sent.bytes) \(.sum_received.bytes)"' \
		"$scratch/perf")
	wait_for 20 two_more "$(wc -l <"$scratch/watch")"
	kill $watch
	# iperf3 does not count the cookie of 37 bytes at the beginning of a stream
	is 'the client row has the bytes that iperf3 sent' $((sent + 37)) \
		"$(query '[.rows[] | select(.role == "client") | .tx_bytes] | max' -a --command iperf3)"
	is 'the server row has the bytes that iperf3 received' $((received + 37)) \
		"$(query '[.rows[] | select(.role == "server") | .rx_bytes] | max' -a --command iperf3)"
	is '--watch counts each byte once' \
		"$(query '[.rows[] | .tx_bytes + .rx_bytes] | add' -a --command iperf3)" \
		"$(jq -s '[.[].rows[] | .tx_delta + .rx_delta] | add' "$scratch/watch")"
	is '--group-by command adds up the rows' \
		"$(query '[.rows[].tx_bytes] | add' -a --command iperf3)" \
		"$(query '.rows[] | select(.command == "iperf3") | .tx_bytes' -a --group-by command)"
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
	is 'ssh moves 200,000 bytes' 200000 "$(cat "$scratch/out")"
	wait_for 20 ssh_is_over
	sent=$(sed -n 's/^Transferred: sent \([0-9]*\).*/\1/p' "$scratch/ssh.log")
	# ssh counts neither its version string nor the last packets: 408 bytes in all
	# with OpenSSH 8.4
	is 'the rows of ssh have the bytes that ssh reports' "$sent to $((sent + 600))" \
		"$(query "[.rows[] | select(.command == \"ssh\") | .tx_bytes] | add |
			if . >= $sent and . < $sent + 600 then \"$sent to $((sent + 600))\" else . end" \
			--closed --remote ":$SECURE")"
	is 'the rows of all sshd processes add up to the bytes that ssh sent' \
		"$(query '[.rows[].tx_bytes] | add' --closed --remote ":$SECURE")" \
		"$(query "[.rows[] | select(.role == \"server\" and .local_port == $SECURE) |
			.rx_bytes] | add" --closed)"
}

ssh_is_over()
{
	[ -z "$(sockstat -q -c -p "$SECURE")" ]
}

# A Python program with an open connection, which prints what it has moved.
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
	is 'the open connection has the bytes that Python reports' \
		"client $client $sent 0 server $server 0 $received" \
		"$(query '[.rows[] | "\(.role) \(.fd) \(.tx_bytes) \(.rx_bytes)"] | join(" ")' \
			-c -6 --pid "$pid" --sort fd)"
	is 'RX_QUEUE has the unread bytes' $((sent - received)) \
		"$(query '.rows[].rx_queue' --pid "$pid" --remote "[::1]:$port")"
	is '--state finds both ends' 2 "$(query '.rows | length' --pid "$pid" --state established)"
	is '--netns finds all its sockets' 3 \
		"$(query '.rows | length' --pid "$pid" --netns "/proc/$pid/ns/net")"
	is 'another --netns finds none' 1 "$(sockstat --exit-status --pid "$pid" --netns 1 >/dev/null; echo $?)"
	is '--user finds all its sockets' '3 root' \
		"$(query '"\(.rows | length) \(.rows[0].user)"' --user root --pid "$pid")"
	is 'another user sees none of it and a message' \
		'0 sockstat: nothing to show of your own processes; root sees all' \
		"$(said=$(setpriv --reuid 65534 --clear-groups "$VIEWER" -l 2>&1 >/dev/null)
			echo "$? $said")"
	# make it send in a loop from now on
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
	check '--top shows the sender with its rate' \
		shows "^python3 +[0-9]+ +$client \[::1\].* ESTABLISHED +[0-9.]+[KM]? .*█"
	check '--top shows the receiver with its rate' \
		shows "^python3 +[0-9]+ +$server \[::1\].* ESTABLISHED .*█"
	tm capture-pane -p | sed 's/^/# /'
	tm send-keys c
	check 'the key c shows closed rows' shows "^curl .*client ($REFUSED) "
	tm capture-pane -p | sed 's/^/# /'
	tm send-keys c
	unload_module
	check '--top says that the module is not loaded' \
		shows 'there is no /proc/sockstat: load the module'
	is 'without the module the exit status is 2' 2 "$(sockstat 2>/dev/null; echo $?)"
	insmod "$MODULE"
	check '--top goes on when the module is loaded again' shows '^python3 .*ESTABLISHED .*█'
}

load_module
trap cleanup EXIT
web
perf
secure
python
top
finish
