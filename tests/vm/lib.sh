# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced by the scripts of this directory: the cache, how progress and errors
# are printed, how a command is run in a Debian root, and how the checkout is
# copied.  kernels.sh has the kernels and the recipes of the cache entries.

set -euo pipefail

VM_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TOP=$(cd "$VM_DIR/../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/sockstat
# Where the kselftest headers and rules are mounted in roots, and copied to in
# guests.
# shellcheck disable=SC2034
SOURCE_MOUNT=/usr/src/linux-source

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

. "$VM_DIR/kernels.sh"

# namespace COMMAND...: run it in a mount and PID namespace of its own, as root or
# as a user namespace's root, so that it may mount.
namespace()
{
	local map=()

	[ "$(id -u)" = 0 ] || map=(--map-root-user --map-auto)
	unshare --mount --pid --fork --kill-child "${map[@]}" -- "$@"
}

# in_root ROOT [SOURCE:TARGET ...] -- COMMAND...: run it by chroot in that root,
# which gets /proc, /dev and this machine's resolv.conf; SOURCE is mounted on
# TARGET.
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

# sync_tree COPY: make COPY/tree equal to the checkout.  A file that changed gets
# the time of the copy, so that make rebuilds what depends on it; a file that left
# the checkout is removed.
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

# is_copy FILE COPY: they have the same content and the same execute permission.
is_copy()
{
	cmp -s -- "$1" "$2" && { [ ! -x "$1" ] || [ -x "$2" ]; }
}

# show_errors LOG: the errors and warnings of a build's log, or else its end.
show_errors()
{
	grep -E '(error|warning|ERROR): |\*\*\*' "$1" | head -n 20 >&2 || tail -n 20 "$1" >&2
}

# remove PATH...: in a namespace, since a user namespace's other ids own some files.
remove()
{
	namespace rm -rf --one-file-system -- "$@"
}

# locked NAME COMMAND...: run it while no other command with that lock runs; wait
# for the lock first.
locked()
{
	mkdir -p "$CACHE/lock"
	(
		exec {fd}>"$CACHE/lock/$1"
		flock -n "$fd" || {
			say "waiting for another run that has locked $1"
			flock "$fd"
		}
		"${@:2}" {fd}>&-
	)
}

# make_log_directory: a new directory for one run's logs; print its path.  The twenty
# newest ones are kept.
make_log_directory()
{
	local logs

	logs=$CACHE/logs/$(date +%Y%m%d-%H%M%S)-$$
	mkdir -p "$logs"
	find "$CACHE/logs" -mindepth 1 -maxdepth 1 | sort -r | tail -n +21 | xargs -r rm -rf
	echo "$logs"
}

mkdir -p "$CACHE"
