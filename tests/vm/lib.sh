# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts of this directory share: where things are cached, how a
# Debian root is entered, and how progress is told.
#
#	root-K-KEY/	mmdebstrap of the suite that ships kernel K: builds the
#			module with that suite's compiler, and is the guest's root
#	image-K-KEY/	the same as a disk image, with vmlinuz and an initramfs
#	kernel-K-KEY/	a debug kernel, as built from Debian's sources; its root is
#			that of the same version, with this kernel for its own
#	source-K-KEY/	the few parts of linux-source-K that tests and lint need
#	lint-K-KEY/	root-K and the checkers
#	bench-K-KEY/	root-K and what the module is compared with
#	bench-image-K-KEY/	that as a disk image, like image-K-KEY
#	builder-K-KEY/	the suite that ships kernel K and what builds the packages
#	machine-K-KEY/	an ordinary Debian of that suite, with its own kernel and not
#			with K, which is fetched: where the packages are installed
#	build-K-ID/	a copy of the checkout (tree/, files), built for kernel K
#	checked-K-ID/	the same, for lint
#	build-packages-ID/	the same, and the packages that are built of it
#
# KEY is a hash of the recipe, so that a changed recipe makes a new one; an
# entry appears by a rename once it is whole.

set -euo pipefail

VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$VM_DIR/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sockstat

# What is tested: the kernels of "make check", and those it knows besides. A name
# is the kernel's version and, where it is not Debian's common one, its kind.
KERNELS=(5.10 6.1 7.3)
OTHER_KERNELS=(6.1-rt 6.12 6.12-arm64 7.2 7.3-rt)
# What "make check-debug" tests: kernels built to find what a test cannot see.
DEBUG_KERNELS=(7.3-kasan 7.3-kcsan)
# How much longer than others those may take; check and guest ask.
# shellcheck disable=SC2034
DEBUG_SLOWNESS=8

export SOCKSTAT_START=${SOCKSTAT_START:-$(date +%s)}

# say TEXT...: one line of progress, with the seconds since the start.
say()
{
	printf '[%4d s] %s\n' $(($(date +%s) - SOCKSTAT_START)) "$*" >&2
}

die()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# is_kernel NAME
is_kernel()
{
	case " ${KERNELS[*]} ${OTHER_KERNELS[*]} ${DEBUG_KERNELS[*]} " in
	*" $1 "*) ;;
	*) return 1 ;;
	esac
}

# need_kernel NAME
need_kernel()
{
	is_kernel "$1" || die "no kernel '$1': it is one of ${KERNELS[*]} ${OTHER_KERNELS[*]} ${DEBUG_KERNELS[*]}"
}

# debug_kind_of NAME: kasan, kcsan, or nothing.
debug_kind_of()
{
	case $1 in
	*-kasan | *-kcsan) echo "${1#*-}" ;;
	esac
}

# version_of NAME: whose sources it was built from.
version_of()
{
	echo "${1%%-*}"
}

# The recipe of each kernel's root: its suite, sources and packages.
suite_of()
{
	case $(version_of "$1") in
	5.10) echo bullseye ;;
	6.1) echo bookworm ;;
	6.12 | 7.3) echo trixie ;;
	7.2) echo forky ;;
	esac
}

arch_of()
{
	case $1 in
	*-arm64) echo arm64 ;;
	*) echo amd64 ;;
	esac
}

sources_of()
{
	local suite key='signed-by=/usr/share/keyrings/debian-archive-keyring.gpg'

	suite=$(suite_of "$1")
	# What testing's lists say is good for a week, and a mirror may lag.
	[ "$suite" != forky ] || key+=' check-valid-until=no'
	key="[$key]"
	echo "deb $key http://deb.debian.org/debian $suite main"
	echo "deb $key http://security.debian.org/debian-security $suite-security main"
	[ -z "$(backports_of "$1")" ] ||
		echo "deb $key http://deb.debian.org/debian $suite-backports main"
}

# What a package's name ends with if it comes with the kernel.
backports_of()
{
	[ "$(version_of "$1")" != 7.3 ] || echo "/$(suite_of "$1")-backports"
}

# What Debian calls the build of the kernel. Of 5.10's the last is named, which
# is all that there will be: the mirrors have lost the package that names it.
flavour_of()
{
	case $1 in
	5.10) echo 5.10.0-46-cloud-amd64 ;;
	*-rt) echo "rt-$(arch_of "$1")" ;;
	*) echo "cloud-$(arch_of "$1")" ;;
	esac
}

# tiny-initramfs is never run: it keeps the kernel from pulling in a bigger one.
packages_of()
{
	local from flavour bpftool=bpftool

	from=$(backports_of "$1") flavour=$(flavour_of "$1")
	[ "$1" != 5.10 ] || bpftool=bpftool/bullseye
	printf '%s\n' "linux-image-$flavour$from" \
		"linux-headers-$flavour$from" tiny-initramfs \
		gcc make libc6-dev libaio-dev liburing-dev \
		libcap2-bin perl-base mount iproute2 nftables procps kmod tcpdump \
		strace "$bpftool" socat busybox-static e2fsprogs xz-utils cpio \
		stress-ng bpftrace "linux-perf$from" \
		libjson-c-dev libncurses-dev jq tmux netbase \
		curl nginx-light iperf3 openssh-client openssh-server python3-minimal
	[ "$(arch_of "$1")" != amd64 ] || echo libc6-dev-i386
	# has script(1), which every Debian had before
	[ "$1" != 7.2 ] || echo bsdutils
}

LINT_PACKAGES=(sparse coccinelle libpython3.13 clang libclang-rt-19-dev clang-format shellcheck perl
	mandoc man-db groff)

# What the benchmarks run and are compared with.
bench_packages_of()
{
	printf '%s\n' libbpf-tools nethogs lsof net-tools nginx-light wrk \
		iperf3 redis-server redis-tools python3 gnuplot-nox
}

# What builds a debug kernel, besides what builds the module.
DEBUG_PACKAGES=(flex bison bc libelf-dev libssl-dev)

# The parts of linux-source that a test needs, and those that lint needs.
SOURCE_PARTS=(tools/testing/selftests/lib.mk
	'tools/testing/selftests/kselftest*.h' tools/testing/selftests/kselftest)
LINT_PARTS=('scripts/check*' scripts/spelling.txt
	scripts/const_structs.checkpatch scripts/coccicheck scripts/coccinelle)
# What reads Documentation/ABI; older kernels have it elsewhere.
ABI_PARTS=(tools/docs/get_abi.py tools/lib/python/abi)

# source_parts_of KERNEL: what of its sources is kept.
source_parts_of()
{
	printf '%s\n' "${SOURCE_PARTS[@]}" "${LINT_PARTS[@]}"
	[ "$(version_of "$1")" != 7.3 ] || printf '%s\n' "${ABI_PARTS[@]}"
}

# What builds the packages and looks at them, besides their Build-Depends.
BUILDER_PACKAGES=(build-essential lintian)

# What a machine has before the packages come: its kernel, what the guest's init
# and its disk need, and systemd, which loads modules.
MACHINE_PACKAGES=(linux-image-cloud-amd64 linux-headers-cloud-amd64 tiny-initramfs
	systemd kmod procps iproute2 mount socat busybox-static e2fsprogs xz-utils cpio)

newer_kernel_of()
{
	local from

	from=$(backports_of "$1")
	echo "linux-image-cloud-amd64$from" "linux-headers-cloud-amd64$from"
}

# What is fetched already, for when it is installed: openssl is what DKMS makes
# its key with, the rest is what the packages and that need.
LATER_PACKAGES=(openssl dkms libjson-c5 libncursesw6 libaio1t64 liburing2)

root_recipe()
{
	echo format 2
	arch_of "$1"
	sources_of "$1"
	packages_of "$1"
	debug_recipe "$1"
}

# debug_recipe KERNEL: of a debug kernel; of all others, nothing.
debug_recipe()
{
	local kind

	kind=$(debug_kind_of "$1")
	[ -n "$kind" ] || return 0
	sources_of "$1"
	echo "${DEBUG_PACKAGES[@]}"
	cat "$VM_DIR/debug-kernel" "$VM_DIR/debug.config" "$VM_DIR/$kind.config"
}

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

# release_of KERNEL: what uname -r says there.
release_of()
{
	ls "$(root_path "$1")/lib/modules"
}

bench_path()
{
	echo "$CACHE/bench-$1-$( (root_recipe "$1"; bench_packages_of "$1") | key_of)"
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

# image_path KERNEL [bench-]: the image of the root, or of the one for benchmarks.
image_path()
{
	echo "$CACHE/${2-}image-$1-$( (root_recipe "$1"; [ -z "${2-}" ] || bench_packages_of "$1"
		cat "$VM_DIR/setup" "$VM_DIR/initramfs-init") | key_of)"
}

source_path()
{
	echo "$CACHE/source-$(version_of "$1")-$(source_parts_of "$1" | paste -sd " " | key_of)"
}

lint_path()
{
	echo "$CACHE/lint-$1-$( (root_recipe "$1"; echo "${LINT_PACKAGES[@]}") | key_of)"
}

build_path()
{
	echo "$CACHE/build-$1-$(echo "$TOP" | key_of)"
}

checked_path()
{
	echo "$CACHE/checked-$1-$(echo "$TOP" | key_of)"
}

# namespace COMMAND...: run it as (something like) root, where it may mount.
namespace()
{
	local map=()

	[ "$(id -u)" = 0 ] || map=(--map-root-user --map-auto)
	unshare --mount --pid --fork --kill-child "${map[@]}" -- "$@"
}

# in_root ROOT [SOURCE:TARGET ...] -- COMMAND...: run it in that root, with
# /proc, /dev, the network's resolv.conf, and SOURCE mounted on TARGET.
in_root()
{
	# The inner shell expands this, not the outer one.
	# shellcheck disable=SC2016
	namespace bash -euc '
		root=$1
		shift
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		mount -t tmpfs tmpfs "$root/run"
		if [ -e /etc/resolv.conf ]; then
			touch "$root/etc/resolv.conf"
			mount --bind "$(realpath /etc/resolv.conf)" "$root/etc/resolv.conf"
		fi
		while [ "$1" != -- ]; do
			mkdir -p "$root${1#*:}"
			mount --bind "${1%%:*}" "$root${1#*:}"
			shift
		done
		shift
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" chroot "$root" "$@"
	' in_root "$@"
}

# sync_tree COPY: bring it up to date. What has changed is as new as its copy,
# so that make knows, and what is no longer in the checkout goes.
sync_tree()
{
	mkdir -p "$1/tree"
	(
		cd "$TOP"
		git -c safe.directory='*' ls-files -z -co --exclude-standard |
			while IFS= read -r -d '' path; do
				[ ! -f "$path" ] || printf '%s\0' "$path"
			done | LC_ALL=C sort -zu >"$1/files.new"
		while IFS= read -r -d '' path; do
			is_copy "$path" "$1/tree/$path" ||
				cp --parents --preserve=mode -- "$path" "$1/tree"
		done <"$1/files.new"
	)
	[ ! -e "$1/files" ] || LC_ALL=C comm -z -23 "$1/files" "$1/files.new" |
		(cd "$1/tree" && xargs -0r rm -f --)
	mv "$1/files.new" "$1/files"
}

is_copy()
{
	cmp -s -- "$1" "$2" && { [ ! -x "$1" ] || [ -x "$2" ]; }
}

# remove PATH...: also what belongs to the mapped users of a namespace.
remove()
{
	namespace rm -rf --one-file-system -- "$@"
}

# locked NAME COMMAND...: one at a time, the others wait.
locked()
{
	mkdir -p "$CACHE/lock"
	(
		exec {fd}>"$CACHE/lock/$1"
		flock -n "$fd" || {
			say "waiting for another run, which has $1"
			flock "$fd"
		}
		"${@:2}" {fd}>&-
	)
}

# tools_for_arm64: what runs its programs here, and its machine.
tools_for_arm64()
{
	command -v qemu-system-aarch64 >/dev/null || packages+=(qemu-system-arm)
	command -v qemu-aarch64-static >/dev/null || packages+=(qemu-user-static)
	command -v update-binfmts >/dev/null || packages+=(binfmt-support)
	command -v arch-test >/dev/null || packages+=(arch-test)
}

# run_arm64: have the kernel hand its programs to qemu-user.
run_arm64()
{
	[ "$(id -u)" = 0 ] || return
	[ -e /proc/sys/fs/binfmt_misc/register ] ||
		mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || return
	update-binfmts --enable qemu-aarch64 || return
	arch-test arm64 >/dev/null
}

# need_host_tools KERNEL...: what this machine must have for them; as root it is
# installed.
need_host_tools()
{
	local packages=() kernel

	command -v mmdebstrap >/dev/null || packages+=(mmdebstrap)
	for kernel; do
		case $(arch_of "$kernel") in
		arm64) tools_for_arm64 ;;
		*) command -v qemu-system-x86_64 >/dev/null || packages+=(qemu-system-x86) ;;
		esac
	done
	command -v unshare >/dev/null || packages+=(util-linux)
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
		packages+=(debian-archive-keyring)
	[ "$(id -u)" = 0 ] || command -v newuidmap >/dev/null || packages+=(uidmap)
	if [ ${#packages[@]} != 0 ]; then
		[ "$(id -u)" = 0 ] ||
			die "first run: sudo apt-get install --no-install-recommends ${packages[*]}"
		say "apt-get install ${packages[*]}"
		{
			apt-get -q update &&
			DEBIAN_FRONTEND=noninteractive apt-get -qy install \
				--no-install-recommends "${packages[@]}"
		} >"$CACHE/apt.log" 2>&1 ||
			die "apt-get install failed, see $CACHE/apt.log"
	fi
	[ "$(id -u)" = 0 ] || grep -q "^$(id -un):" /etc/subuid 2>/dev/null ||
		die "first run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
	for kernel; do
		[ "$(arch_of "$kernel")" != arm64 ] || arch-test arm64 >/dev/null || run_arm64 ||
			die 'this machine does not run programs of arm64: is binfmt_misc mounted, and "update-binfmts --enable qemu-aarch64" done?'
	done
	namespace true ||
		die "this machine does not let $(id -un) make a mount namespace (in a container: run it with --privileged)"
}

mkdir -p "$CACHE"
