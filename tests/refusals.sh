#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the module cannot work, insmod fails with a message and leaves nothing behind.

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

# The probes of the loaded module name the functions. Those that some kernels do not have
# are optional, and those of tls, because it is a module. probe_uncalled is the module's own.
optional='probe_uncalled|tcp_sendpage|tls_.*|strp_init|sk_psock_.*|tcp_bpf_.*|skb_send_sock_locked|espintcp_.*'
load_module
functions=$(comm -13 <(echo "$empty") <(probes_now) |
	sed -n 's/^[kr] *\([a-z0-9_]*\).*/\1/p' | sort -u | grep -vxE "$optional")
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

squatter=$TESTS/squatter/squatter.ko
if ! [ -e "$squatter" ]; then
	squatter=$work/squatter/squatter.ko
	mkdir "$work/squatter"
	cp "$TESTS"/squatter/* "$work/squatter"
	make -C "$KDIR" M="$work/squatter" modules >"$work/log" 2>&1
fi
if ! [ -e "$squatter" ]; then
	skip 'insmod fails if /proc/sockstat exists' "no module can be built here: $(tail -n 1 "$work/log")"
else
	check 'the squatter creates /proc/sockstat' insmod "$squatter"
	squatted=$(kernel_state)
	is_refused 'insmod fails if /proc/sockstat exists' "$MODULE" /proc/sockstat
	is 'nothing is left of the attempt' "$squatted" "$(kernel_state)"
	is "/proc/sockstat is still the squatter's" squatter "$(cat "$SOCKSTAT")"
	check 'the squatter unloads' rmmod squatter
	load_module
	check 'the module loads after that' whole_table
	unload_module
fi

finish
