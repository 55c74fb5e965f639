# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For the tests that are shell scripts: load and unload the module, wait for a
# condition, and print results as KTAP.
#
#	. "$(dirname "$0")/lib.sh"
#	load_module			skip the whole test without root
#	trap unload_module EXIT
#	is 'a claim' EXPECTED SEEN
#	check 'a claim' COMMAND...
#	skip 'a claim' REASON
#	finish				print the plan, and exit with 0, 1 or 4

TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TREE=$(dirname "$TESTS")
MODULE=${SOCKSTAT_KO:-$TREE/sockstat.ko}
CLIENT=$TREE/userspace/sockstat-client
SOCKSTAT=/proc/sockstat

tap_count=0
tap_failed=0
tap_skipped=0

# tap_line RESULT NAME [SUFFIX]: print a result; before the first one, the header.
tap_line()
{
	[ "$tap_count" != 0 ] || echo 'TAP version 13'
	tap_count=$((tap_count + 1))
	echo "$1 $tap_count $2${3:+ $3}"
}

pass()
{
	tap_line ok "$1"
}

# fail NAME [REASON...]: print each reason on a line of its own, before the result.
fail()
{
	local name=$1

	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
	tap_failed=$((tap_failed + 1))
	tap_line 'not ok' "$name"
}

# skip NAME REASON
skip()
{
	tap_skipped=$((tap_skipped + 1))
	tap_line ok "$1" "# SKIP $2"
}

# is NAME EXPECTED SEEN
is()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "expected: $2" "seen: $3"
	fi
}

# check NAME COMMAND...: pass if the command succeeds; otherwise show its output.
check()
{
	local name=$1 output status=0

	shift
	output=$("$@" 2>&1) || status=$?
	if [ $status = 0 ]; then
		pass "$name"
	else
		fail "$name" "$* exited with $status" "$output"
	fi
}

# finish: print the plan and exit; a test without a result has failed.
finish()
{
	echo "1..$tap_count"
	if [ "$tap_failed" != 0 ] || [ "$tap_count" = 0 ]; then
		exit 1
	elif [ "$tap_skipped" = "$tap_count" ]; then
		exit 4
	fi
	exit 0
}

# skip_all REASON
skip_all()
{
	echo "TAP version 13"
	echo "1..0 # SKIP $1"
	exit 4
}

need_root()
{
	[ "$(id -u)" = 0 ] || skip_all 'this test needs root'
}

# need COMMAND...: skip the whole test if this machine lacks one of these commands.
need()
{
	local tool

	for tool; do
		command -v "$tool" >/dev/null || skip_all "$tool is not installed"
	done
}

# scaled SECONDS: that many seconds times SOCKSTAT_PATIENCE, for slow machines.
scaled()
{
	echo $(($1 * ${SOCKSTAT_PATIENCE:-1}))
}

# wait_for SECONDS COMMAND...: run the command until it succeeds; fail if it still
# does not after the scaled number of seconds. SECONDS counts whole ones, so the
# wait may last up to one second longer.
wait_for()
{
	local deadline=$((SECONDS + $(scaled "$1")))

	shift
	until "$@"; do
		[ $SECONDS -le $deadline ] || return 1
		sleep 0.05
	done
}

# remove_module: rmmod, which fails if it hangs.
remove_module()
{
	timeout "$(scaled 240)" rmmod sockstat
}

module_loaded()
{
	[ -e /sys/module/sockstat ]
}

# load_module [PARAMETER=VALUE...]: load this tree's module; unload it first if it is
# loaded.
load_module()
{
	need_root
	if ! [ -e "$MODULE" ]; then
		echo "# $MODULE is not built: run make"
		exit 1
	fi
	! module_loaded || unload_module
	if ! insmod "$MODULE" "$@"; then
		dmesg | tail -n 5 | sed 's/^/# /'
		echo '# sockstat.ko cannot be loaded'
		exit 1
	fi
	if ! [ -r $SOCKSTAT ]; then
		echo "# there is no $SOCKSTAT after insmod"
		exit 1
	fi
}

# unload_module: unload it if it is loaded.  As a trap on EXIT, a failure of rmmod
# makes the test fail.
unload_module()
{
	module_loaded || return 0
	rmmod sockstat || exit 1
}

# run_client GROUP|SCENARIO...: run sockstat-client and exit; its results are this
# test's results.
run_client()
{
	local status=0

	"$CLIENT" --tap --patience="${SOCKSTAT_PATIENCE:-1}" "$@" || status=$?
	case $status in
	0|4) exit $status ;;
	*) exit 1 ;;
	esac
}
