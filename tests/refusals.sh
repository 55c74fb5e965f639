#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What cannot work is refused with a sentence, and nothing is left of the try.

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

# refused NAME MODULE WORDS: insmod fails, the log says WORDS, nothing is left
refused()
{
	local name=$1 module=$2 words=$3

	log_mark
	if insmod "$module" 2>/dev/null; then
		rmmod sockstat
		fail "$name" 'it was loaded'
	elif ! log_since | grep 'sockstat:' | grep -qF -- "$words"; then
		fail "$name" "the log does not say $words:" "$(log_since)"
	elif log_since | grep -q 'WARNING\|BUG\|Call Trace'; then
		fail "$name" "$(log_since)"
	else
		pass "$name"
	fi
}

# ---- a probe that cannot be ----

# Functions are known by what the loaded module has registered, but for those
# that some kernels do not have and that are not needed then.
load_module
functions=$(comm -13 <(echo "$empty") <(probes_now) |
	sed -n 's/^[kr] *\([a-z0-9_]*\).*/\1/p' | sort -u | grep -vx 'tcp_sendpage')
unload_module
check 'the module has its probes' test "$(echo "$functions" | grep -c .)" -ge 8

for symbol in $functions tcp_destroy_sock inet_sock_set_state; do
	other=${symbol%?}X
	SYMBOL=$symbol OTHER=$other perl -0777 -pe \
		's/(?<![A-Za-z0-9_])\Q$ENV{SYMBOL}\E\0/$ENV{OTHER}\0/g' \
		"$MODULE" >"$work/sockstat.ko"
	if cmp -s "$MODULE" "$work/sockstat.ko"; then
		fail "no $symbol: refused" 'the name is not in the module'
		continue
	fi
	refused "no $symbol: refused" "$work/sockstat.ko" "$other"
	is "no $symbol: nothing is left" "$empty" "$(kernel_state)"
done
check 'traffic after all that' ask_all 'open 3' 'move 10' close 'churn 3'

# ---- loaded twice ----

load_module
check 'the first one works' whole_table
if insmod "$MODULE" 2>/dev/null; then
	fail 'twice: refused'
else
	pass 'twice: refused'
fi
check 'twice: the first one still works' whole_table
unload_module
is 'twice: nothing is left' "$empty" "$(kernel_state)"

# ---- /proc/sockstat is somebody else's ----

if ! [ -e "$KDIR/Makefile" ] || ! command -v make gcc >/dev/null; then
	skip '/proc/sockstat is there: refused' "nothing to build a module with: no $KDIR"
else
	mkdir "$work/squatter"
	cp "$TESTS"/squatter/* "$work/squatter"
	check 'a module that takes the name' make -C "$KDIR" M="$work/squatter" modules
	check 'it takes the name' insmod "$work/squatter/squatter.ko"
	squatted=$(kernel_state)
	refused '/proc/sockstat is there: refused' "$MODULE" /proc/sockstat
	is '/proc/sockstat is there: nothing is left' "$squatted" "$(kernel_state)"
	is "/proc/sockstat is still the other's" squatter "$(cat "$SOCKSTAT")"
	check 'it goes' rmmod squatter
	load_module
	check 'then the module can be loaded' whole_table
	unload_module
fi

# ---- a kernel without what is needed ----

not()
{
	! "$@"
}

before=$(cksum <"$MODULE")

# make_without OPTION: the kernel's build of the module, or (in a tenth of the
# time) only the file that it reads.
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
	name="a kernel without CONFIG_$option: does not build"
	if ! [ -e "$KDIR/Makefile" ] || ! command -v make >/dev/null; then
		skip "$name" "no $KDIR"
		continue
	fi
	# read, nothing is written: it stops before anything is made
	if output=$(make_without $option); then
		fail "$name" "$output"
	else
		check "$name" grep -q "sockstat needs.*CONFIG_$option" <(echo "$output")
	fi
done
output=$(make_without '')
check 'a kernel that has them: builds' not grep -q 'sockstat needs' <(echo "$output")
if command -v make >/dev/null; then
	output=$(make -C "$TREE" KDIR="$work/none" 2>&1)
	check 'no kernel headers: does not build' grep -q "no kernel headers at $work/none" \
		<(echo "$output")
else
	skip 'no kernel headers: does not build' 'there is no make'
fi
is 'the module is as it was' "$before" "$(cksum <"$MODULE")"

finish
