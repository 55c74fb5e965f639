#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The part of "make demo" that runs in the guest: it ends without an error, and its
# tables show what socat and head were told to move.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

need_root
need socat ss
! module_loaded || unload_module
cd "$TREE" || exit 1
output=$(bash "$TESTS/vm/demo-guest" 2>&1)
is 'make demo ends without an error' 0 $?
is 'both rows of socat have the megabyte' 2 \
	"$(grep -cE '^socat .* ESTABLISHED .* 1000000 ' <<<"$output")"
for call in socket bind listen connect accept send recv shutdown close; do
	check "the walk shows $call()" grep -q "^$call(" <<<"$output"
done
check 'the module is unloaded at the end' test ! -e /sys/module/sockstat
finish
