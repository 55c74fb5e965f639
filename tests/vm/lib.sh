# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the scripts of this directory share: where things are cached, how a
# Debian root is entered, and how progress is told.
#
#	root-K-KEY/	mmdebstrap of the suite that ships kernel K: builds the
#			module with that suite's compiler, and is the guest's root
#	image-K-KEY/	the same as a disk image, with vmlinuz and an initramfs
#	source-K-KEY/	the few parts of linux-source-K that tests and lint need
#	lint-K-KEY/	root-K and the checkers
#	bench-K-KEY/	root-K and what the module is compared with
#	bench-image-K-KEY/	that as a disk image, like image-K-KEY
#	build-K-ID/	a copy of the checkout (tree/, files), built for kernel K
#	checked-K-ID/	the same, for lint
#
# KEY is a hash of the recipe, so that a changed recipe makes a new one; an
# entry appears by a rename once it is whole.

set -euo pipefail

VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$VM_DIR/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sockstat
KERNELS=(6.1 7.3)

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

# The recipe of each kernel's root: its suite, sources and packages.
suite_of()
{
	case $1 in
	6.1) echo bookworm ;;
	7.3) echo trixie ;;
	*) die "no kernel '$1': it is one of ${KERNELS[*]}" ;;
	esac
}

sources_of()
{
	local suite key='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'

	suite=$(suite_of "$1")
	echo "deb $key http://deb.debian.org/debian $suite main"
	echo "deb $key http://security.debian.org/debian-security $suite-security main"
	[ "$1" = 6.1 ] ||
		echo "deb $key http://deb.debian.org/debian $suite-backports main"
}

# What a package's name ends with if it comes with the kernel.
backports_of()
{
	[ "$1" = 6.1 ] || echo "/$(suite_of "$1")-backports"
}

# tiny-initramfs is never run: it keeps the kernel from pulling in a bigger one.
packages_of()
{
	local from

	from=$(backports_of "$1")
	printf '%s\n' "linux-image-cloud-amd64$from" \
		"linux-headers-cloud-amd64$from" tiny-initramfs \
		gcc make libc6-dev libc6-dev-i386 libaio-dev liburing-dev \
		libcap2-bin perl-base mount iproute2 nftables procps kmod tcpdump \
		strace bpftool socat busybox-static e2fsprogs xz-utils cpio
}

LINT_PACKAGES=(sparse coccinelle libpython3.13 clang-format shellcheck perl)

# What the benchmarks run and are compared with; perf is part of the kernel.
bench_packages_of()
{
	printf '%s\n' bpftrace libbpf-tools nethogs lsof net-tools nginx-light wrk \
		iperf3 redis-server redis-tools python3 gnuplot-nox \
		"linux-perf$(backports_of "$1")"
}

# The parts of linux-source that a test needs, and those that lint needs.
SOURCE_PARTS=(tools/testing/selftests/lib.mk
	'tools/testing/selftests/kselftest*.h' tools/testing/selftests/kselftest)
LINT_PARTS=('scripts/check*' scripts/spelling.txt
	scripts/const_structs.checkpatch scripts/coccicheck scripts/coccinelle)

root_recipe()
{
	echo format 1
	sources_of "$1"
	packages_of "$1"
}

key_of()
{
	sha256sum | cut -c 1-12
}

root_path()
{
	echo "$CACHE/root-$1-$(root_recipe "$1" | key_of)"
}

bench_path()
{
	echo "$CACHE/bench-$1-$( (root_recipe "$1"; bench_packages_of "$1") | key_of)"
}

# image_path KERNEL [bench-]: the image of the root, or of the one for benchmarks.
image_path()
{
	echo "$CACHE/${2-}image-$1-$( (root_recipe "$1"; [ -z "${2-}" ] || bench_packages_of "$1"
		cat "$VM_DIR/setup" "$VM_DIR/initramfs-init") | key_of)"
}

source_path()
{
	echo "$CACHE/source-$1-$(echo "${SOURCE_PARTS[@]}" "${LINT_PARTS[@]}" | key_of)"
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

# sync_tree COPY: bring it up to date; times are kept, so that make knows what
# changed, and what is no longer in the checkout goes.
sync_tree()
{
	mkdir -p "$1/tree"
	(
		cd "$TOP"
		git -c safe.directory='*' ls-files -z -co --exclude-standard |
			while IFS= read -r -d '' path; do
				[ ! -f "$path" ] || printf '%s\0' "$path"
			done | LC_ALL=C sort -zu >"$1/files.new"
		tar -c --null -T "$1/files.new"
	) | tar -x -C "$1/tree"
	[ ! -e "$1/files" ] || LC_ALL=C comm -z -23 "$1/files" "$1/files.new" |
		(cd "$1/tree" && xargs -0r rm -f --)
	mv "$1/files.new" "$1/files"
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

# need_host_tools: what this machine must have; as root it is installed.
need_host_tools()
{
	local packages=()

	command -v mmdebstrap >/dev/null || packages+=(mmdebstrap)
	command -v qemu-system-x86_64 >/dev/null || packages+=(qemu-system-x86)
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
	namespace true ||
		die "this machine does not let $(id -un) make a mount namespace (in a container: run it with --privileged)"
}

mkdir -p "$CACHE"
