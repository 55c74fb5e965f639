#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's module tls comes and goes, before the module is loaded and while it is
# loaded. Its functions are probed whenever it is there: bytes and calls belong to the
# descriptor that made them. Nothing is left of the probes when either is gone.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"
# shellcheck source=tests/load/lib.sh
. "$TESTS/load/lib.sh"

ROUNDS=$(size 5 200)

need_root
modinfo -F filename tls 2>/dev/null | grep -q / || skip_all 'this kernel has no module tls'
[ -e "$KPROBES/list" ] || skip_all "there is no $KPROBES/list"
log_mark
! module_loaded || unload_module

# tls_unload: wait until its last socket is gone.
tls_unload()
{
	[ ! -e /sys/module/tls ] || wait_for 30 rmmod tls
} 2>/dev/null

tls_unload || skip_all 'the module tls is in use'
empty=$(kernel_state)
background=''
trap '[ -z "$background" ] || kill $background; unload_module; tls_unload' EXIT

probes_of_tls()
{
	grep -c ' tls_' "$KPROBES/list"
}

has_probes_of_tls()
{
	probes_of_tls
	[ "$(probes_of_tls)" -ge 3 ]
}

client()
{
	"$CLIENT" --patience="${SOCKSTAT_PATIENCE:-1}" --family=4 "$@"
}

# calls_are_credited WHEN
calls_are_credited()
{
	check "bytes and calls are the caller's, $1" client tls.fork tls.splice descriptors.fork
	check "tls is probed, $1" has_probes_of_tls
}

load_module
is 'without tls none of its functions is probed' 0 "$(probes_of_tls)"
calls_are_credited 'with tls loaded after insmod'
check 'tls can be unloaded' tls_unload
is 'after that none of its functions is probed' 0 "$(probes_of_tls)"
check 'tls is loaded again' modprobe tls
calls_are_credited 'with tls loaded again'
unload_module
load_module
calls_are_credited 'with tls loaded before insmod'
tls_unload
check 'TCP without TLS is seen as before' client descriptors.fork
unload_module
is 'nothing is left of both' "$empty" "$(kernel_state)"

# ---- rmmod while kTLS sends and receives ----

stream()
{
	while "$CLIENT" --dry-run --patience="${SOCKSTAT_PATIENCE:-1}" --family=4 --bytes=2000000 \
		tls.stream tls.fork >/dev/null 2>&1; do
		:
	done
}

stream &
background=$!
give_way $background
wait_for 60 test -e /sys/module/tls
rounds=0
while [ $rounds -lt "$ROUNDS" ] && insmod "$MODULE" && has_probes_of_tls >/dev/null &&
	whole_table && remove_module; do
	rounds=$((rounds + 1))
done
is 'the module comes and goes while kTLS is used' "$ROUNDS" $rounds
check 'kTLS is still used' kill -0 $background
kill $background
wait $background 2>/dev/null
background=''

# ---- both come and go at the same time ----

tls_comes_and_goes()
{
	while sleep 0.01; do
		modprobe tls
		rmmod tls
	done
} 2>/dev/null

tls_unload
tls_comes_and_goes &
background=$!
rounds=0
while [ $rounds -lt "$ROUNDS" ] && insmod "$MODULE" && sleep 0.1 && whole_table &&
	remove_module; do
	rounds=$((rounds + 1))
done
is 'the module comes and goes while tls does' "$ROUNDS" $rounds
load_module
sleep 1
kill $background
wait $background 2>/dev/null
background=''
calls_are_credited 'after all this'
is 'no call was missed' 0 "$(trailer missed)"
unload_module
tls_unload
is 'nothing is left in the end' "$empty" "$(kernel_state)"
is 'the kernel log has no warning' '' "$(complaints)"
finish
