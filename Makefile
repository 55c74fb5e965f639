# SPDX-License-Identifier: GPL-2.0-only
#
# For people: "make help". The kernel's build reads Kbuild instead.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# Where "make install" puts things; DESTDIR comes before all of it.
prefix ?= /usr/local
sysconfdir ?= /etc
mandir = $(prefix)/share/man
INSTALL_MOD_PATH ?= $(DESTDIR)
INSTALL_MOD_DIR ?= updates

VERSION := $(shell sed -n 's/^MODULE_VERSION("\(.*\)");$$/\1/p' module/main.c)
release = $(or $(shell cat $(KDIR)/include/config/kernel.release 2>/dev/null),$(KVER))
# That of another machine's root is for its owner to run.
depmod = $(if $(INSTALL_MOD_PATH),,depmod -a $(1))

all: module

help:
	@echo 'On this machine:'
	@echo '  make [KDIR=...]      build sockstat.ko, for the running kernel or another'
	@echo '  make load, unload    insmod and rmmod it (root)'
	@echo '  make userspace       build userspace/sockstat and userspace/sockstat-client'
	@echo '  make install         all of it, below prefix=/usr/local; loaded at each boot (root); also'
	@echo '                       install-module, install-userspace, and install-source for DKMS'
	@echo '  make uninstall       remove what make install put there (root)'
	@echo '  make clean           remove what was built'
	@echo 'In a virtual machine; what is missing is fetched once and cached:'
	@echo '  make demo            see it at work'
	@echo '  make check           run every test on 5.10, 6.1 and 7.3 (T=name K=kernel: only that; K=all: on all kernels)'
	@echo '  make check-load      the tests under load at full size, which takes hours (T=name K=kernel; default 7.3)'
	@echo '  make check-debug     every test on debug kernels, built the first time: hours (T=name K=7.3-kasan|7.3-kcsan)'
	@echo '  make bench           measure what it costs, beside other tools (B=group N=runs K=kernel OUT=directory)'
	@echo '  make check-packages  build the Debian packages; install, upgrade the kernel under and purge them'
	@echo '  make lint            run every checker'
	@echo '  make clean-cache     remove what was fetched'

module: | headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

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

# What has it loaded at each boot. The file of options is there to be edited.
options := $(DESTDIR)$(sysconfdir)/modprobe.d/sockstat.conf
install-config:
	install -D -m 0644 system/modules-load.conf $(DESTDIR)$(prefix)/lib/modules-load.d/sockstat.conf
	install -D -m 0644 system/sockstat.service $(DESTDIR)$(prefix)/lib/systemd/system/sockstat.service
	test -e $(options) || install -D -m 0644 system/modprobe.conf $(options)

install-userspace:
	@test -e userspace/sockstat && test -e userspace/sockstat-client || \
		{ echo 'userspace is not built: run make userspace first, or make install-module only' >&2; exit 1; }
	$(MAKE) -C userspace install
	for page in $(wildcard man/*.[158]); do \
		install -D -m 0644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/} || exit; \
	done

# What DKMS builds it from, for each kernel that comes.
source := $(DESTDIR)/usr/src/sockstat-$(VERSION)
install-source:
	install -d $(source)/module
	install -m 0644 Kbuild dkms.conf $(source)
	install -m 0644 module/*.[ch] $(source)/module

# The module goes from every kernel that it was installed for.
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

clean:
	$(if $(wildcard $(KDIR)/Makefile),$(MAKE) -C $(KDIR) M=$(CURDIR) clean)
	$(MAKE) -C userspace clean
	$(MAKE) -C tests clean
	$(MAKE) -C tests/bench clean

demo:
	@tests/vm/demo

bench:
	@tests/bench/run $(if $(K),--kernel '$(K)') $(if $(B),--groups '$(B)') $(if $(N),--repeats '$(N)') $(if $(OUT),--out '$(OUT)')

check:
	@tests/vm/check $(if $(T),--test '$(T)') $(if $(K),--kernel '$(K)')

check-load:
	@tests/vm/check --load --kernel '$(or $(K),7.3)' $(if $(T),--test '$(T)')

check-debug:
	@tests/vm/check --kernel '$(or $(K),debug)' $(if $(T),--test '$(T)')

check-packages:
	@tests/vm/packages

lint:
	@tests/vm/lint

clean-cache:
	@tests/vm/setup --remove

.PHONY: all help module headers load unload install install-module install-config install-userspace \
	install-source uninstall userspace clean demo bench check check-load check-debug check-packages \
	lint clean-cache
