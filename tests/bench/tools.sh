# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The tools that are compared, as a guest's script starts and ends them:
#
#	for tool in "${TOOLS[@]}"; do
#		start_tool "$tool"
#		...
#		stop_tool
#	done
#
# A started tool has its probes in place, or its capture, and waits. What it
# prints is in $TOOL_OUTPUT; tcptop and bpftrace print their sums when they are
# stopped, nethogs each second.

BENCH_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Used by the scripts that read this one.
# shellcheck disable=SC2034
TOOLS=(none sockstat tcptop tcplife bpftrace nethogs)
TOOL_OUTPUT=/tmp/tool.out
tool_name=none tool_pid=''

# The tools' names in Debian 12 and 13.
libbpf_tool()
{
	command -v "$1-libbpf" || command -v "$1"
}

# has_probes N: so many BPF programs of the tool are attached.
has_probes()
{
	[ "$(bpftool perf show | grep -c "^pid $tool_pid ")" -ge "$1" ]
}

# has_updates N: it has printed what it knows so many times.
has_updates()
{
	[ "$(grep -c '^Refreshing:' "$TOOL_OUTPUT")" -ge "$1" ]
}

# run_tool 'READY N' COMMAND...
run_tool()
{
	"${@:2}" >"$TOOL_OUTPUT" 2>&1 &
	tool_pid=$!
	for _ in {1..600}; do
		if $1; then
			sleep 1
			return
		fi
		sleep 0.2
	done
	echo "$2 does not start:" >&2
	cat "$TOOL_OUTPUT" >&2
	exit 1
}

# Idle but for its probes, hence the hour. tcptop keeps 10,240 rows and bpftrace
# 4,096; what is beyond they do not count.
start_tool()
{
	tool_name=$1
	case $1 in
	none) ;;
	sockstat)
		insmod "$BENCH_DIR/../../sockstat.ko"
		# until the kernel has made jumps of the probes
		sleep 2
		;;
	tcptop) run_tool 'has_probes 2' "$(libbpf_tool tcptop)" -C -r 10240 3600 ;;
	tcplife) run_tool 'has_probes 1' "$(libbpf_tool tcplife)" ;;
	bpftrace) run_tool 'has_probes 4' bpftrace "$BENCH_DIR/bytes.bt" ;;
	# totals in bytes; it leaves out the loopback, unless it is told
	nethogs) run_tool 'has_updates 2' nethogs -a -t -v 2 lo ;;
	*) echo "no tool '$1'" >&2; return 1 ;;
	esac
}

stop_tool()
{
	case $tool_name in
	none) ;;
	sockstat) rmmod sockstat ;;
	*)
		kill -INT "$tool_pid"
		wait "$tool_pid" || :
		;;
	esac
	tool_name=none tool_pid=''
}
