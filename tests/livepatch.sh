#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A livepatch replaces tcp_sendmsg(), before the module is loaded and while it is loaded.
# The module still sees each call: bytes and calls belong to the descriptor that made
# them.
#
# The kernel stays tainted afterwards, and the module then places its probes as if there
# were a livepatch. So this test runs after all others.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/traffic.sh
. "$TESTS/traffic.sh"

KDIR=/lib/modules/$(uname -r)/build
PATCH=/sys/kernel/livepatch/livepatch

need_root
[ -d "${PATCH%/*}" ] || skip_all 'this kernel has no livepatches'
! module_loaded || unload_module
empty=$(kernel_state)
work=$(mktemp -d)
trap 'patch_remove; unload_module; rm -rf "$work"' EXIT
livepatch=$TESTS/livepatch/livepatch.ko
if ! [ -e "$livepatch" ]; then
	livepatch=$work/livepatch.ko
	cp "$TESTS"/livepatch/* "$work"
	make -C "$KDIR" M="$work" modules >"$work/log" 2>&1 ||
		skip_all "no module can be built here: $(tail -n 1 "$work/log")"
fi

# The kernel replaces the function for each task when the task is not inside it.
patch_is_complete()
{
	[ "$(cat "$PATCH/transition")" = 0 ]
}

patch_apply()
{
	insmod "$livepatch" && wait_for 120 patch_is_complete
}

patch_is_gone()
{
	[ ! -e "$PATCH" ]
}

patch_remove()
{
	[ -e "$PATCH" ] || return 0
	echo 0 >"$PATCH/enabled" && wait_for 120 patch_is_gone && rmmod livepatch
}

# calls_are_credited WHEN: each of two processes that send through one socket has the
# bytes and the calls that are its own.
calls_are_credited()
{
	check "bytes and calls are the caller's, $1" \
		"$CLIENT" --patience="${SOCKSTAT_PATIENCE:-1}" --family=4 descriptors.fork
	check "bytes are exact, $1" ask_all 'open 3' 'move 1234' 'churn 3' check
}

traffic_start
load_module history=100000
check 'the traffic starts' ask_all 'open 6' 'busy 2' progress
calls_are_credited 'without a livepatch'
check 'the livepatch is applied' patch_apply
check 'the traffic goes on with the livepatch' ask progress
calls_are_credited 'with a livepatch applied after insmod'
is 'no call was missed' 0 "$(trailer missed)"
unload_module
check 'the connections end' ask_all idle close
traffic_stop
traffic_start
load_module history=100000
check 'the traffic starts again' ask_all 'open 6' 'busy 2' progress
calls_are_credited 'with a livepatch applied before insmod'
check 'the livepatch is removed' patch_remove
check 'the traffic goes on without the livepatch' ask progress
calls_are_credited 'after the livepatch was removed'
is 'no call was missed after that' 0 "$(trailer missed)"
unload_module
check 'the traffic ends' ask_all idle close
traffic_stop
is 'nothing is left' "$empty" "$(kernel_state)"
finish
