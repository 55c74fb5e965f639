# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Start and stop the tools that the benchmarks compare:
#
#	for tool in "${TOOLS[@]}"; do
#		start_tool "$tool"
#		...
#		stop_tool
#	done
#
# When start_tool returns, the tool's probes or its packet capture are in place.
# Its output goes to $TOOL_OUTPUT; tcptop and bpftrace print their sums when they
# are stopped, nethogs prints every second.

BENCH_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Used by the scripts that source this one.
# shellcheck disable=SC2034
TOOLS=(none sockstat tcptop tcplife bpftrace nethogs)
TOOL_OUTPUT=/tmp/tool.out
tool_name=none tool_pid=''

# libbpf_tool NAME: print the path of a libbpf tool; Debian 12 and 13 name it differently.
libbpf_tool()
{
	command -v "$1-libbpf" || command -v "$1"
}

# has_probes N: succeed if at least N BPF programs of the tool are attached.
has_probes()
{
	[ "$(bpftool perf show | grep -c "^pid $tool_pid ")" -ge "$1" ]
}

# has_updates N: succeed if nethogs has printed at least N updates.
has_updates()
{
	[ "$(grep -c '^Refreshing:' "$TOOL_OUTPUT")" -ge "$1" ]
}

# run_tool 'READY N' COMMAND...: start a tool and wait until "READY N" succeeds.
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
	echo "$2 did not start within two minutes:" >&2
	cat "$TOOL_OUTPUT" >&2
	exit 1
}

# start_tool TOOL: load the module or start another tool. tcptop's interval of an
# hour keeps it idle except for its probes. tcptop counts at most 10,240 rows and
# bpftrace 4,096.
start_tool()
{
	tool_name=$1
	case $1 in
	none) ;;
	sockstat)
		insmod "$BENCH_DIR/../../sockstat.ko"
		# Wait until the kernel has optimized the probes to jumps.
		sleep 2
		;;
	tcptop) run_tool 'has_probes 2' "$(libbpf_tool tcptop)" -C -r 10240 3600 ;;
	tcplife) run_tool 'has_probes 1' "$(libbpf_tool tcplife)" ;;
	bpftrace) run_tool 'has_probes 4' bpftrace "$BENCH_DIR/bytes.bt" ;;
	# -v 2: print totals in bytes; -a and lo: include the loopback interface.
	nethogs) run_tool 'has_updates 2' nethogs -a -t -v 2 lo ;;
	*) echo "unknown tool '$1'" >&2; return 1 ;;
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
