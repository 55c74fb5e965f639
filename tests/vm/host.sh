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

# need_machine_tools KERNEL: qemu-system boots it; if it is foreign, qemu-user runs
# the programs of its root here.
need_machine_tools()
{
	local arch qemu

	arch=$(arch_of "$1")
	qemu=$(machine_field "$arch" 2)
	need_command "qemu-system-$qemu" "$(machine_field "$arch" 3)"
	is_foreign "$1" || return 0
	need_command "qemu-$qemu-static" qemu-user-static
	need_command update-binfmts binfmt-support
	need_command arch-test arch-test
	need_command depmod kmod
}

# enable_programs ARCH: make the kernel run a foreign architecture's programs by
# qemu-user.
enable_programs()
{
	[ "$(id -u)" = 0 ] || return
	[ -e /proc/sys/fs/binfmt_misc/register ] ||
		mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || return
	update-binfmts --enable "qemu-$(machine_field "$1" 2)" || return
	arch-test "$1" >/dev/null
}

# need_programs KERNEL: this machine runs the programs of its root.
need_programs()
{
	local arch

	is_foreign "$1" || return 0
	arch=$(arch_of "$1")
	arch-test "$arch" >/dev/null || enable_programs "$arch" ||
		die "this machine does not run $arch programs: mount binfmt_misc," \
			"then run \"update-binfmts --enable qemu-$(machine_field "$arch" 2)\""
}

# need_host_tools KERNEL...: what makes the roots of these kernels and boots them.
# Root has it installed, anybody else is told the command.
need_host_tools()
{
	local packages=() kernel

	need_command mmdebstrap mmdebstrap
	for kernel; do
		need_machine_tools "$kernel"
	done
	need_command unshare util-linux
	[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] ||
		packages+=(debian-archive-keyring)
	[ "$(id -u)" = 0 ] || need_command newuidmap uidmap
	install_packages "${packages[@]}"
	[ "$(id -u)" = 0 ] || grep -q "^$(id -un):" /etc/subuid 2>/dev/null ||
		die "first run: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)"
	for kernel; do
		need_programs "$kernel"
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
