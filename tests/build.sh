#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Where the module cannot work, its build fails with a message that names the reason.
# It has to be built with the compiler that built the kernel, and says so if it was
# never tested on such a kernel. The kernels here are no more than a configuration.

set -u
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

need make
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# compiler NAME VERSION: a compiler that only says its version.
compiler()
{
	printf '#!/bin/sh\necho "%s"\n' "$2" >"$work/$1"
	chmod +x "$work/$1"
}
compiler gcc 'gcc (Debian 14.2.0-19) 14.2.0'
compiler clang 'Debian clang version 19.1.7 (3+b1)'

# kbuild SETTING...: what Kbuild prints when the kernel's Makefile.build reads it.
mkdir -p "$work/scripts"
tee "$work/scripts/Makefile.build" >"$work/scripts/Makefile.modpost" <<'END'
include $(file)
END
reader=Makefile.build
kbuild()
{
	make -s -f "$work/scripts/$reader" file="$TREE/Kbuild" CONFIG_MODULES=y CONFIG_PROC_FS=y \
		CONFIG_INET=y CONFIG_KPROBES=y CONFIG_KRETPROBES=y CONFIG_TRACEPOINTS=y \
		CONFIG_HAVE_FUNCTION_ARG_ACCESS_API=y CONFIG_64BIT=y SRCARCH=x86 CC="$work/gcc" \
		VERSION=7 PATCHLEVEL=3 KERNELRELEASE=7.3.4 srctree="$work" "$@" nothing 2>&1 |
		grep -v 'No rule to make target'
}

# ---- a kernel without a required option ----

for option in PROC_FS INET KPROBES KRETPROBES TRACEPOINTS HAVE_FUNCTION_ARG_ACCESS_API; do
	check "without CONFIG_$option the build fails" \
		grep -q "sockstat needs.*CONFIG_$option.*Stop" <<<"$(kbuild "CONFIG_$option=n" | tr '\n' ' ')"
done
is 'with all options the build prints nothing' '' "$(kbuild)"

output=$(make -C "$TREE" KDIR="$work/none" 2>&1)
check 'without kernel headers the build fails' grep -q "no kernel headers at $work/none" \
	<(echo "$output")

# ---- a kernel that was built with clang ----

is 'clang and a kernel built with clang: Kbuild prints nothing' '' \
	"$(kbuild CONFIG_CC_IS_CLANG=y CC="$work/clang")"
check 'gcc and a kernel built with clang: Kbuild stops and names LLVM=1' \
	grep -q 'kernel (7.3.4) was built with clang.* LLVM=1.*Stop' \
	<<<"$(kbuild CONFIG_CC_IS_CLANG=y | tr '\n' ' ')"

# built_by_make FILE OPTION [SETTING...]: what "make" adds to the command that builds
# the module, if the kernel's FILE has that OPTION.
built_by_make()
{
	local kdir=$work/kernel

	rm -rf "$kdir"
	mkdir -p "$kdir/include/config"
	cat >"$kdir/Makefile" <<-'END'
		modules:; @echo 'LLVM=$(LLVM)'
	END
	echo "$2" >"$kdir/$1"
	env -u LLVM make -s -C "$TREE" KDIR="$kdir" "${@:3}" 2>&1
}

for config in .config include/config/auto.conf; do
	is "a kernel built with clang by $config: make adds LLVM=1" LLVM=1 \
		"$(built_by_make $config CONFIG_CC_IS_CLANG=y)"
done
is 'a kernel built with gcc: make does not add LLVM=1' LLVM= \
	"$(built_by_make .config CONFIG_CC_IS_GCC=y)"
is 'make LLVM=-19 is left as it is' LLVM=-19 \
	"$(built_by_make .config CONFIG_CC_IS_CLANG=y LLVM=-19)"

# ---- kernels and architectures that were never tested ----

# is_noted NAME WORDS SETTING...: Kbuild goes on, and prints one line with WORDS.
is_noted()
{
	local output

	output=$(kbuild "${@:3}")
	is "$1" "1 $2" "$(grep -c . <<<"$output") $(sed -n 's/^sockstat: note: \(.*\): not tested;.*/\1/p' <<<"$output")"
}

is_noted 'a kernel that was never tested is named' 'Linux 6.6' VERSION=6 PATCHLEVEL=6
is_noted 'an architecture that was never tested is named' powerpc SRCARCH=powerpc
is_noted 'both are named' 'Linux 6.6 powerpc' VERSION=6 PATCHLEVEL=6 SRCARCH=powerpc
is_noted 'a 32-bit kernel is named' '32-bit x86' CONFIG_64BIT=
reader=Makefile.modpost
is 'modpost does not print the note once more' '' "$(kbuild SRCARCH=powerpc)"
reader=Makefile.build

# The lists in Kbuild are those of the kernels that the tests know.
kernels=$(sed -n 's/^tested_kernels := //p' "$TREE/Kbuild")
is "the kernels of tests/vm/kernels count as tested" \
	"$(awk '/^[^#]/ { sub("-.*", "", $1); print $1 }' "$TESTS/vm/kernels" | sort -Vu | xargs)" "$kernels"
is "the architectures of tests/vm/kernels count as tested, except those of the group slow" \
	"$(awk '/^[^#]/ && $2 != "slow" { print $3 }' "$TESTS/vm/kernels" |
		sed 's/amd64/x86/' | sort -u | xargs)" \
	"$(sed -n 's/^tested_architectures := //p' "$TREE/Kbuild" | tr ' ' '\n' | sort | xargs)"
finish
