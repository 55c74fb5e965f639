# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Sourced after lib.sh: what this machine must have, and how it is installed.

# install_packages PACKAGE...: install them as root; tell anybody else how.
install_packages()
{
	[ $# != 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "first run: sudo apt-get install --no-install-recommends $*"
	say "apt-get install $*"
	{
		apt-get -q update &&
		DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends "$@"
	} >"$CACHE/apt.log" 2>&1 ||
		die "apt-get install failed, see $CACHE/apt.log"
}

# need_command COMMAND PACKAGE: add PACKAGE to the array "packages" of the caller
# if this machine lacks COMMAND.
need_command()
{
	command -v "$1" >/dev/null || packages+=("$2")
}

# need_arm64_tools: qemu-user runs arm64's programs here, qemu-system its kernel.
need_arm64_tools()
{
	need_command qemu-system-aarch64 qemu-system-arm
	need_command qemu-aarch64-static qemu-user-static
	need_command update-binfmts binfmt-support
	need_command arch-test arch-test
}

# enable_arm64_programs: make the kernel run arm64's programs by qemu-user.
enable_arm64_programs()
{
	[ "$(id -u)" = 0 ] || return
	[ -e /proc/sys/fs/binfmt_misc/register ] ||
		mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || return
	update-binfmts --enable qemu-aarch64 || return
	arch-test arm64 >/dev/null
}

# need_host_tools KERNEL...: what makes the roots of these kernels and boots them.
# Root has it installed, anybody else is told the command.
need_host_tools()
{
	local packages=() kernel

	need_command mmdebstrap mmdebstrap
	for kernel; do
		case $(arch_of "$kernel") in
		arm64) need_arm64_tools ;;
		*) need_command qemu-system-x86_64 qemu-system-x86 ;;
		esac
	done
	need_command unshare util-linux
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
		packages+=(debian-archive-keyring)
	[ "$(id -u)" = 0 ] || need_command newuidmap uidmap
	install_packages "${packages[@]}"
	[ "$(id -u)" = 0 ] || grep -q "^$(id -un):" /etc/subuid 2>/dev/null ||
		die "first run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
	for kernel; do
		[ "$(arch_of "$kernel")" != arm64 ] || arch-test arm64 >/dev/null || enable_arm64_programs ||
			die 'this machine does not run arm64 programs: mount binfmt_misc, then run "update-binfmts --enable qemu-aarch64"'
	done
	namespace true ||
		die "this machine does not let $(id -un) make a mount namespace (in a container: run it with --privileged)"
}

# need_user_tools: what "make check-user" builds and runs the programs with.
need_user_tools()
{
	local packages=() header

	need_command gcc gcc
	need_command make make
	for header in stdio.h:libc6-dev json-c/json.h:libjson-c-dev ncurses.h:libncurses-dev \
		libaio.h:libaio-dev liburing.h:liburing-dev; do
		echo "#include <${header%:*}>" | gcc -E - >/dev/null 2>&1 || packages+=("${header#*:}")
	done
	need_command jq jq
	need_command tmux tmux
	need_command perl perl-base
	need_command script bsdutils
	need_command ss iproute2
	need_command unshare util-linux
	[ -e /etc/services ] || packages+=(netbase)
	install_packages "${packages[@]}"
}
