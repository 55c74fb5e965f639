#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the module cannot work, its build fails with a message that names the reason.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

need make
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# make_without OPTION: read Kbuild as the kernel's build system does for a kernel that
# lacks the option; build nothing.
make_without()
{
	make -f "$TREE/Kbuild" srctree="$work" KERNELRELEASE=test CONFIG_MODULES=y \
		CONFIG_PROC_FS=y CONFIG_INET=y CONFIG_KPROBES=y CONFIG_KRETPROBES=y \
		CONFIG_TRACEPOINTS=y CONFIG_HAVE_FUNCTION_ARG_ACCESS_API=y \
		${1:+"CONFIG_$1=n"} nothing 2>&1
}

for option in PROC_FS INET KPROBES KRETPROBES TRACEPOINTS HAVE_FUNCTION_ARG_ACCESS_API; do
	name="without CONFIG_$option the build fails"
	if output=$(make_without $option); then
		fail "$name" "$output"
	else
		check "$name" grep -q "sockstat needs.*CONFIG_$option" <(echo "$output")
	fi
done

output=$(make_without '')
name='with all options the build does not complain'
if grep -q 'sockstat needs' <<<"$output"; then
	fail "$name" "$output"
else
	pass "$name"
fi

output=$(make -C "$TREE" KDIR="$work/none" 2>&1)
check 'without kernel headers the build fails' grep -q "no kernel headers at $work/none" \
	<(echo "$output")

finish
