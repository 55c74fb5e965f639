#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How sockstat-client compares, with a faked kernel: needs neither the module nor root.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

exec make -s -C "$TREE/userspace" check
