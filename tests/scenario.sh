#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The scenarios of sockstat-client that SCENARIO names: make run_tests T=name.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

load_module
trap unload_module EXIT
run_client "$SCENARIO"
