# SPDX-License-Identifier: GPL-2.0-only
#
# "make help" lists the targets.  The kernel's build reads Kbuild, not this file.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# Where "make install" installs; DESTDIR is put before each path.
prefix ?= /usr/local
sysconfdir ?= /etc
mandir = $(prefix)/share/man
INSTALL_MOD_PATH ?= $(DESTDIR)
INSTALL_MOD_DIR ?= updates

VERSION := $(shell sed -n 's/^MODULE_VERSION("\(.*\)");$$/\1/p' module/main.c)
release = $(or $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null),$(KVER))
# The module has to be built with the compiler that has built the kernel.
built_with_clang = $(shell grep -sx CONFIG_CC_IS_CLANG=y $(KDIR)/.config $(KDIR)/include/config/auto.conf)
llvm = $(if $(LLVM),,$(if $(built_with_clang),LLVM=1))
# depmod is not run for another machine's root: its owner has to.
depmod = $(if $(INSTALL_MOD_PATH),,depmod -a $(1))

all: module

help:
	@echo 'On this machine:'
	@echo '  make [KDIR=...]      build sockstat.ko, for the running kernel or for another'
	@echo '  make load, unload    insmod or rmmod it (root)'
	@echo '  make viewer          build userspace/sockstat, which shows the table'
	@echo '  make client          build userspace/sockstat-client, which makes traffic and checks the table'
	@echo '  make userspace       build both'
	@echo '  make install         install the module and the programs that are built, below prefix=/usr/local;'
	@echo '                       the module is then loaded at each boot (root).  Parts: install-module,'
	@echo '                       install-viewer, install-client; install-source for DKMS'
	@echo '  make uninstall       remove all that make install installed (root)'
	@echo '  make check-user      run the tests that need neither the module nor a virtual machine'
	@echo '  make clean           remove what was built'
	@echo 'In a virtual machine, made of Debian packages that are fetched once and cached:'
	@echo '  make demo            show the module at work'
	@echo '  make shell [K=6.1]   log in: the module is built, programs that use TCP are installed'
	@echo '  make check           run every test, on the kernels 5.10, 6.1 and 7.3'
	@echo '                       (T=name: one test, K=kernel: one kernel, K=all: all kernels,'
	@echo '                       P=1: in guests whose four CPUs run in parallel, also with the next two)'
	@echo '  make check-load      run the tests under load at full size, for hours (T=name K=kernel; default 7.3)'
	@echo '  make check-debug     run every test on debug kernels, for hours (T=name K=7.3-kasan|7.3-kcsan)'
	@echo '  make bench           measure the costs, beside other tools (B=group N=runs K=kernel OUT=directory)'
	@echo '  make check-packages  build the Debian packages; install them, change the kernel, purge them'
	@echo '  make picture         make the pictures of the documentation anew'
	@echo '  make lint            run every checker'
	@echo '  make clean-cache     remove the cache'

module: | headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(llvm) modules

headers:
	@test -e $(KDIR)/Makefile || { \
		echo 'There are no kernel headers at $(KDIR).'; \
		echo 'On Debian: apt-get install linux-headers-$(KVER), or name another kernel with KDIR='; \
		exit 1; \
	} >&2

load:
	@test -e sockstat.ko || { echo 'sockstat.ko is not built: run make first' >&2; exit 1; }
	@test ! -e /sys/module/sockstat || \
		{ echo 'sockstat is loaded already: run make unload first' >&2; exit 1; }
	insmod ./sockstat.ko

unload:
	rmmod sockstat

install: install-module install-userspace

install-module: install-config | headers
	@test -e sockstat.ko || { echo 'sockstat.ko is not built: run make first' >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH='$(INSTALL_MOD_PATH)' \
		INSTALL_MOD_DIR='$(INSTALL_MOD_DIR)' modules_install
	$(call depmod,$(release))

# The module is loaded at each boot.  The file of options may have been edited, so
# an existing one stays.
options := $(DESTDIR)$(sysconfdir)/modprobe.d/sockstat.conf
install-config:
	install -D -m 0644 system/modules-load.conf $(DESTDIR)$(prefix)/lib/modules-load.d/sockstat.conf
	install -D -m 0644 system/sockstat.service $(DESTDIR)$(prefix)/lib/systemd/system/sockstat.service
	test -e $(options) || install -D -m 0644 system/modprobe.conf $(options)

# The programs that have been built, but at least one.
install-userspace: $(if $(wildcard userspace/sockstat),install-viewer) \
		$(if $(wildcard userspace/sockstat-client),install-client)
	@test -n '$^' || { echo 'userspace is not built: run make viewer or make userspace first,' \
		'or make install-module only' >&2; exit 1; }

# install_pages PAGE...: manual pages.
install_pages = $(foreach page,$(1),install -D -m 0644 man/$(page) \
	$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(page)))/$(page) &&) true

install-viewer:
	@test -e userspace/sockstat || { echo 'the viewer is not built: run make viewer first' >&2; exit 1; }
	$(MAKE) -C userspace install-viewer
	$(call install_pages,sockstat.8 sockstat.5)

install-client:
	@test -e userspace/sockstat-client || { echo 'the client is not built: run make client first' >&2; exit 1; }
	$(MAKE) -C userspace install-client
	$(call install_pages,sockstat-client.1)

# The sources from which DKMS builds the module for each kernel.
source := $(DESTDIR)/usr/src/sockstat-$(VERSION)
install-source:
	install -d $(source)/module
	install -m 0644 Kbuild dkms.conf $(source)
	install -m 0644 module/*.[ch] $(source)/module

# The module is removed from every kernel that it was installed for.
modules := $(INSTALL_MOD_PATH)/lib/modules
uninstall:
	@for dir in $(modules)/*/$(INSTALL_MOD_DIR); do \
		set -- $$dir/sockstat.ko*; \
		test -e $$1 || continue; \
		echo rm $$*; \
		rm $$* && rmdir --ignore-fail-on-non-empty $$dir || exit; \
		release=$${dir#$(modules)/}; \
		$(or $(call depmod,$${release%%/*}),:) || exit; \
	done
	rm -f $(DESTDIR)$(prefix)/lib/modules-load.d/sockstat.conf
	rm -f $(DESTDIR)$(prefix)/lib/systemd/system/sockstat.service
	@if cmp -s system/modprobe.conf $(options); then rm -f $(options); \
	elif test -e $(options); then echo '$(options) was edited: it stays'; fi
	$(MAKE) -C userspace uninstall
	rm -f $(foreach page,$(wildcard man/*.[158]),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
	@test ! -e /sys/module/sockstat || test -n '$(DESTDIR)' || echo 'sockstat is still loaded: make unload'

userspace:
	$(MAKE) -C userspace

viewer client:
	$(MAKE) -C userspace $@

clean:
	$(if $(wildcard $(KDIR)/Makefile),$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	$(MAKE) -C userspace clean
	$(MAKE) -C tests clean
	$(MAKE) -C tests/bench clean

demo:
	@tests/vm/demo

shell:
	@tests/vm/shell $(if $(K),--kernel '$(K)')

picture:
	@tests/vm/picture $(if $(K),--kernel '$(K)')

bench:
	@tests/bench/run $(if $(K),--kernel '$(K)') $(if $(B),--groups '$(B)') $(if $(N),--repeats '$(N)') $(if $(OUT),--out '$(OUT)')

parallel = $(if $(filter-out 0,$(P)),--parallel)
check:
	@tests/vm/check $(parallel) $(if $(T),--test '$(T)') $(if $(K),--kernel '$(K)')

check-user:
	@tests/vm/check --user $(if $(T),--test '$(T)')

check-load:
	@tests/vm/check --load $(parallel) --kernel '$(or $(K),7.3)' $(if $(T),--test '$(T)')

check-debug:
	@tests/vm/check $(parallel) --kernel '$(or $(K),debug)' $(if $(T),--test '$(T)')

check-packages:
	@tests/vm/packages

lint:
	@tests/vm/lint

clean-cache:
	@tests/vm/setup --remove

.PHONY: all help module headers load unload install install-module install-config install-userspace \
	install-viewer install-client install-source uninstall userspace viewer client clean demo shell picture \
	bench check check-user check-load check-debug check-packages lint clean-cache
