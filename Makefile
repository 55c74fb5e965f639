# SPDX-License-Identifier: GPL-2.0-only
#
# For people: "make help". The kernel's build reads Kbuild instead.

KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

all: module

help:
	@echo 'On this machine:'
	@echo '  make [KDIR=...]      build sockstat.ko, for the running kernel or another'
	@echo '  make load, unload    insmod and rmmod it (root)'
	@echo '  make install         put it where modprobe finds it (root)'
	@echo '  make userspace       build userspace/sockstat-client'
	@echo '  make clean           remove what was built'
	@echo 'In a virtual machine; what is missing is fetched once and cached:'
	@echo '  make demo            see it at work'
	@echo '  make check           run every test on 5.10, 6.1 and 7.3 (T=name K=kernel: only that; K=all: on all kernels)'
	@echo '  make check-load      the tests under load at full size, which takes hours (T=name K=kernel; default 7.3)'
	@echo '  make check-debug     every test on debug kernels, built the first time: hours (T=name K=7.3-kasan|7.3-kcsan)'
	@echo '  make bench           measure what it costs, beside other tools (B=group N=runs K=kernel OUT=directory)'
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

install: | headers
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install
	$(if $(INSTALL_MOD_PATH),,depmod -a $(notdir $(patsubst %/build,%,$(KDIR))))

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

lint:
	@tests/vm/lint

clean-cache:
	@tests/vm/setup --remove

.PHONY: all help module headers load unload install userspace clean demo bench check check-load check-debug lint clean-cache
