# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by lib.sh: reads the tables "kernels" and "machines", says which Debian
# packages each cache entry is made of, and where the entry is.
#
#	root-K-KEY/	mmdebstrap of the suite that ships kernel K: builds the
#			module with that suite's compiler, and is the guest's root
#	cross-K-KEY/	for a foreign architecture: a root of this machine's, whose
#			compiler builds for it
#	image-K-KEY/	the same as a disk image, with vmlinuz and an initramfs
#	kernel-K-KEY/	a debug kernel, built from Debian's sources; its root is a
#			copy of the root of the same version with this kernel
#	source-KEY/	the parts of linux-source-7.3 that the tests and lint use
#	lint-K-KEY/	root-K and the checkers
#	bench-K-KEY/	root-K and the tools that the module is compared with
#	bench-image-K-KEY/	bench-K as a disk image, like image-K-KEY
#	builder-K-KEY/	the suite that ships kernel K, and the packages that build
#			the Debian packages
#	machine-K-KEY/	an ordinary Debian of that suite with its own kernel, and
#			with K downloaded but not installed: the Debian packages
#			are installed there
#	qemu-KEY/	the QEMU of the suite that ships the newest kernel: this machine
#			runs it by that root's own loader
#	build-K-ID/	a copy of the checkout (tree/, files), built for kernel K
#	build-user-ID/	the same, built for this machine under ASan and UBSan
#	checked-K-ID/	the same, for lint
#	build-packages-ID/	the same, and the Debian packages built from it
#	logs/RUN/	the output of one run's guests and their consoles
#
# KEY is a hash of the recipe, so a changed recipe makes a new entry. An entry
# gets its name by rename(2) once it is complete. ID is a hash of the checkout's
# path.

# How many times longer a test may take on a debug kernel; check and guest use it.
# shellcheck disable=SC2034
DEBUG_SLOWNESS=8

# The kernel whose suite has the checkers, whose sources have the kselftest
# headers and rules for all kernels, and on which costs are measured.
NEWEST=7.3

# table TABLE: the lines of the table without comments.
table()
{
	grep -E '^[^#]' "$VM_DIR/$1"
}

# kernels_of GROUP...: the kernels of these groups, in the table's order.
kernels_of()
{
	table kernels | awk -v groups=" $* " 'index(groups, " " $2 " ") { print $1 }'
}

# table_field TABLE LAST NAME FIELD: a field of the line that begins with NAME, by its
# number; the field LAST is the rest of the line, and is printed one word per line.
table_field()
{
	table "$1" | awk -v last="$2" -v name="$3" -v field="$4" '$1 == name {
		if (field < last) {
			print $field
		} else {
			for (i = last; i <= NF; i++)
				print $i
		}
	}'
}

# kernel_field NAME FIELD, machine_field ARCH FIELD
kernel_field()
{
	table_field kernels 6 "$@"
}

machine_field()
{
	table_field machines 6 "$@"
}

# need_kernel NAME
need_kernel()
{
	[ -n "$(kernel_field "$1" 1)" ] || die "there is no kernel '$1' in tests/vm/kernels, which has:" \
		"$(kernels_of check all slow debug | paste -sd ' ')"
}

# version_of NAME: the version of the sources it was built from.
version_of()
{
	echo "${1%%-*}"
}

arch_of()
{
	kernel_field "$1" 3
}

# is_foreign NAME: this machine emulates that kernel's architecture.  Its root then
# has no compiler, which would take ten times as long as a cross compiler.
is_foreign()
{
	[ "$(arch_of "$1")" != "$(dpkg --print-architecture)" ]
}

# debug_kind_of NAME: "kasan" or "kcsan"; nothing for a kernel as Debian built it.
debug_kind_of()
{
	[ "$(kernel_field "$1" 2)" != debug ] || kernel_field "$1" 5
}

# suite_of NAME: the suite without "-backports".
suite_of()
{
	kernel_field "$1" 4 | sed 's/-backports$//'
}

# backports_of NAME: the suffix that makes apt take a package from backports, if
# that is where the kernel comes from.
backports_of()
{
	kernel_field "$1" 4 | sed -n 's,.*-backports$,/&,p'
}

# sources_of NAME: the lines of sources.list.
sources_of()
{
	local suite key='signed-by=/usr/share/keyrings/debian-archive-keyring.gpg'

	suite=$(suite_of "$1")
	# Testing's Release files are valid for a week; a mirror may be older.
	[ "$suite" != forky ] || key+=' check-valid-until=no'
	key="[$key]"
	echo "deb $key http://deb.debian.org/debian $suite main"
	# Mirrors of the security suites have outdated lists for the rarer architectures.
	case $suite:$(arch_of "$1") in
	sid:* | *:riscv64 | *:s390x) ;;
	*) echo "deb $key http://security.debian.org/debian-security $suite-security main" ;;
	esac
	[ -z "$(backports_of "$1")" ] ||
		echo "deb $key http://deb.debian.org/debian $suite-backports main"
}

# In each root. tiny-initramfs is never run: with it installed, the kernel's
# package does not pull in a larger one.
LIBRARY_PACKAGES=(libc6-dev libaio-dev liburing-dev libjson-c-dev libncurses-dev)
COMMON_PACKAGES=(tiny-initramfs
	gcc make "${LIBRARY_PACKAGES[@]}"
	libcap2-bin perl-base mount iproute2 nftables procps kmod tcpdump
	strace bpftool socat busybox-static e2fsprogs xz-utils cpio
	stress-ng bpftrace jq tmux netbase less
	curl nginx-light iperf3 openssh-client openssh-server openssl python3
	nbd-client nbd-server nfs-kernel-server)

# packages_of NAME: the packages of its root, as apt takes them.
packages_of()
{
	local from flavour own package

	from=$(backports_of "$1") flavour=$(kernel_field "$(built_as "$1")" 5)
	own=$(kernel_field "$1" 6)
	echo "linux-image-$flavour$from"
	if is_foreign "$1"; then
		own+=$'\n-gcc\n-tiny-initramfs'
	else
		echo "linux-headers-$flavour$from"
	fi
	for package in "linux-perf$from" "${COMMON_PACKAGES[@]}"; do
		grep -qE "^(${package%%/*}/|-${package%%/*}\$)" <<<"$own" || echo "$package"
	done
	grep -v '^-' <<<"$own" | grep . || :
	[ "$(arch_of "$1")" != amd64 ] || echo libc6-dev-i386
}

# cross_packages_of NAME: the packages of its cross root.
cross_packages_of()
{
	echo make
	echo "gcc-$(machine_field "$(arch_of "$1")" 4)-linux-gnu"
	printf "%s:$(arch_of "$1")\n" "${LIBRARY_PACKAGES[@]}"
}

# built_as NAME: the kernel from which its root is made: itself, or for a debug
# kernel Debian's own of the same version.
built_as()
{
	if [ -n "$(debug_kind_of "$1")" ]; then
		version_of "$1"
	else
		echo "$1"
	fi
}

LINT_PACKAGES=(sparse coccinelle libpython3.13 clang libclang-rt-19-dev clang-format shellcheck perl
	mandoc man-db groff codespell aspell aspell-en)

# The programs that the benchmarks run, and the tools they compare the module with.
BENCH_PACKAGES=(libbpf-tools nethogs lsof net-tools nginx-light wrk
	iperf3 redis-server redis-tools python3 gnuplot-nox)

# Needed to build a debug kernel, besides what builds the module.
DEBUG_PACKAGES=(flex bison bc libelf-dev libssl-dev)

# The parts of linux-source that are kept: kselftest's headers, rules and runner,
# the checkers, and the reader of Documentation/ABI.
SOURCE_PARTS=(tools/testing/selftests/lib.mk
	'tools/testing/selftests/kselftest*.h' tools/testing/selftests/kselftest
	'scripts/check*' scripts/spelling.txt
	scripts/const_structs.checkpatch scripts/coccicheck scripts/coccinelle
	tools/docs/get_abi.py tools/lib/python/abi)

# Needed to build and check the Debian packages, besides their Build-Depends.
BUILDER_PACKAGES=(build-essential lintian)

# A machine before our packages are installed: its kernel, the packages that the
# guest's init and its disk need, and systemd, which loads modules.
MACHINE_PACKAGES=(linux-image-cloud-amd64 linux-headers-cloud-amd64 tiny-initramfs
	systemd kmod procps iproute2 mount socat busybox-static e2fsprogs xz-utils cpio)

# newer_kernel_of NAME: the packages of the kernel that the machine gets later.
newer_kernel_of()
{
	local from

	from=$(backports_of "$1")
	echo "linux-image-cloud-amd64$from" "linux-headers-cloud-amd64$from"
}

# Downloaded into the machine beforehand: our packages depend on them. DKMS makes
# its signing key with openssl.
LATER_PACKAGES=(openssl dkms libjson-c5 libncursesw6 libaio1t64 liburing2)

# The QEMU that can run a guest's CPUs in parallel; Debian 12's cannot, see guest.
QEMU_PACKAGES=(qemu-system-x86)

root_recipe()
{
	echo format 3
	! is_foreign "$1" || echo unpacked 1
	arch_of "$1"
	sources_of "$1"
	packages_of "$1"
	debug_recipe "$1"
}

# debug_recipe NAME: the recipe of a debug kernel; nothing for all others.
debug_recipe()
{
	local kind

	kind=$(debug_kind_of "$1")
	[ -n "$kind" ] || return 0
	sources_of "$1"
	echo "${DEBUG_PACKAGES[@]}"
	cat "$VM_DIR/debug-kernel" "$VM_DIR/debug.config" "$VM_DIR/$kind.config"
}

# key_of: the hash of standard input that names an entry.
key_of()
{
	sha256sum | cut -c 1-12
}

root_path()
{
	echo "$CACHE/root-$1-$(root_recipe "$1" | key_of)"
}

kernel_path()
{
	echo "$CACHE/kernel-$1-$(debug_recipe "$1" | key_of)"
}

cross_path()
{
	echo "$CACHE/cross-$1-$( (kernel_field "$1" 5; sources_of "$1"; cross_packages_of "$1") | key_of)"
}

# build_root_path NAME: the root in which the checkout is built for that kernel.
build_root_path()
{
	if is_foreign "$1"; then
		cross_path "$1"
	else
		root_path "$1"
	fi
}

# release_of NAME: what uname -r prints in its guest.
release_of()
{
	ls "$(root_path "$1")/lib/modules"
}

bench_path()
{
	echo "$CACHE/bench-$1-$( (root_recipe "$1"; echo "${BENCH_PACKAGES[@]}") | key_of)"
}

builder_path()
{
	echo "$CACHE/builder-$1-$( (sources_of "$1"; echo "${BUILDER_PACKAGES[@]}"
		sed '/^$/q' "$TOP/debian/control") | key_of)"
}

machine_path()
{
	echo "$CACHE/machine-$1-$( (sources_of "$1"; newer_kernel_of "$1"
		echo "${MACHINE_PACKAGES[@]}" "${LATER_PACKAGES[@]}") | key_of)"
}

# image_path NAME [bench-]: the image of its root, or of the root with the
# benchmarks' tools.
image_path()
{
	echo "$CACHE/${2-}image-$1-$( (root_recipe "$1"; [ -z "${2-}" ] || echo "${BENCH_PACKAGES[@]}"
		cat "$VM_DIR/setup" "$VM_DIR/initramfs-init") | key_of)"
}

source_path()
{
	echo "$CACHE/source-$( (sources_of $NEWEST; echo "${SOURCE_PARTS[@]}") | key_of)"
}

qemu_path()
{
	echo "$CACHE/qemu-$( (sources_of $NEWEST; echo "${QEMU_PACKAGES[@]}") | key_of)"
}

# kernel_of_guest GUEST: the kernel of a guest that check names by kernel and kind.
kernel_of_guest()
{
	local kernel=${1%-costs}

	echo "${kernel%-parallel}"
}

lint_path()
{
	echo "$CACHE/lint-$1-$( (root_recipe "$1"; echo "${LINT_PACKAGES[@]}") | key_of)"
}

# build_path NAME, checked_path NAME: the copy of this checkout that is built, or
# linted, for that kernel.
build_path()
{
	echo "$CACHE/build-$1-$(echo "$TOP" | key_of)"
}

checked_path()
{
	echo "$CACHE/checked-$1-$(echo "$TOP" | key_of)"
}
