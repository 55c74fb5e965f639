#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the module cannot work, building or loading it fails with a message, and the
# attempt leaves nothing behind.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"

KDIR=/lib/modules/$(uname -r)/build

need_root
need perl
! module_loaded || unload_module
empty=$(kernel_state)
work=$(mktemp -d)
trap 'rm -rf "$work"; unload_module' EXIT
traffic_start

# is_refused NAME MODULE WORDS: insmod fails and the module logs a line with WORDS.
is_refused()
{
	local name=$1 module=$2 words=$3

	log_mark
	if insmod "$module" 2>/dev/null; then
		rmmod sockstat
		fail "$name" 'insmod succeeded'
	elif ! log_since | grep 'sockstat:' | grep -qF -- "$words"; then
		fail "$name" "the log does not mention $words:" "$(log_since)"
	elif log_since | grep -q 'WARNING\|BUG\|Call Trace'; then
		fail "$name" "$(log_since)"
	else
		pass "$name"
	fi
}

# ---- a function that cannot be probed ----

# The probes of the loaded module name the functions. tcp_sendpage is optional, because
# newer kernels do not have it.
load_module
functions=$(comm -13 <(echo "$empty") <(probes_now) |
	sed -n 's/^[kr] *\([a-z0-9_]*\).*/\1/p' | sort -u | grep -vx 'tcp_sendpage')
unload_module
check 'the module has at least 8 probes' test "$(echo "$functions" | grep -c .)" -ge 8

for symbol in $functions tcp_destroy_sock inet_sock_set_state; do
	other=${symbol%?}X
	SYMBOL=$symbol OTHER=$other perl -0777 -pe \
		's/(?<![A-Za-z0-9_])\Q$ENV{SYMBOL}\E\0/$ENV{OTHER}\0/g' \
		"$MODULE" >"$work/sockstat.ko"
	if cmp -s "$MODULE" "$work/sockstat.ko"; then
		fail "without $symbol insmod fails" 'the name is not in the module file'
		continue
	fi
	is_refused "without $symbol insmod fails" "$work/sockstat.ko" "$other"
	is "without $symbol nothing is left" "$empty" "$(kernel_state)"
done
check 'the traffic goes on after all these attempts' ask_all 'open 3' 'move 10' close 'churn 3'

# ---- loading it twice ----

load_module
check 'the first module works' whole_table
if insmod "$MODULE" 2>/dev/null; then
	fail 'a second insmod fails'
else
	pass 'a second insmod fails'
fi
check 'the first module still works' whole_table
unload_module
is 'nothing is left of both' "$empty" "$(kernel_state)"

# ---- another module has created /proc/sockstat ----

if ! [ -e "$KDIR/Makefile" ] || ! command -v make gcc >/dev/null; then
	skip 'insmod fails if /proc/sockstat exists' "cannot build a module: no $KDIR"
else
	mkdir "$work/squatter"
	cp "$TESTS"/squatter/* "$work/squatter"
	check 'the squatter module builds' make -C "$KDIR" M="$work/squatter" modules
	check 'the squatter creates /proc/sockstat' insmod "$work/squatter/squatter.ko"
	squatted=$(kernel_state)
	is_refused 'insmod fails if /proc/sockstat exists' "$MODULE" /proc/sockstat
	is 'nothing is left of the attempt' "$squatted" "$(kernel_state)"
	is "/proc/sockstat is still the squatter's" squatter "$(cat "$SOCKSTAT")"
	check 'the squatter unloads' rmmod squatter
	load_module
	check 'the module loads after that' whole_table
	unload_module
fi

# ---- a kernel without a required option ----

not()
{
	! "$@"
}

before=$(cksum <"$MODULE")

# make_without OPTION: build the module as if the kernel lacked the option. Only for
# KPROBES through the kernel's build system, which takes ten times as long.
make_without()
{
	if [ "$1" = KPROBES ]; then
		make -C "$TREE" KDIR="$KDIR" CONFIG_KPROBES=n
	else
		make -f "$TREE/Kbuild" KERNELRELEASE=test CONFIG_MODULES=y CONFIG_PROC_FS=y \
			CONFIG_INET=y CONFIG_KPROBES=y CONFIG_KRETPROBES=y CONFIG_TRACEPOINTS=y \
			CONFIG_HAVE_FUNCTION_ARG_ACCESS_API=y ${1:+"CONFIG_$1=n"} nothing
	fi 2>&1
}

for option in KPROBES PROC_FS INET HAVE_FUNCTION_ARG_ACCESS_API; do
	name="without CONFIG_$option the build fails"
	if ! [ -e "$KDIR/Makefile" ] || ! command -v make >/dev/null; then
		skip "$name" "no $KDIR"
		continue
	fi
	if output=$(make_without $option); then
		fail "$name" "$output"
	else
		check "$name" grep -q "sockstat needs.*CONFIG_$option" <(echo "$output")
	fi
done
output=$(make_without '')
check 'with all options the build does not complain' not grep -q 'sockstat needs' <(echo "$output")
if command -v make >/dev/null; then
	output=$(make -C "$TREE" KDIR="$work/none" 2>&1)
	check 'without kernel headers the build fails' grep -q "no kernel headers at $work/none" \
		<(echo "$output")
else
	skip 'without kernel headers the build fails' 'make is not installed'
fi
is 'the failed builds did not change sockstat.ko' "$before" "$(cksum <"$MODULE")"

finish
