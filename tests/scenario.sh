#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run scenarios of sockstat-client as one test. The symbolic link client_GROUP.sh
# runs every scenario of GROUP; scenario.sh runs those that $SCENARIO names, which
# tests/Makefile sets to T if no test has that name.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

group=$(basename "$0" .sh)
case $group in
client_*) SCENARIO=${group#client_} ;;
esac

load_module
trap unload_module EXIT
run_client "$SCENARIO"
