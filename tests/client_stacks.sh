#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every scenario of sockstat-client's group "stacks".

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

load_module
trap unload_module EXIT
run_client stacks
