# SPDX-License-Identifier: GPL-2.0-only
ifneq ($(KERNELRELEASE),)
# Read by Kbuild: this tree is a directory of a kernel tree.
obj-$(CONFIG_MBOX_IPC) += kmod/
else

TOP := $(CURDIR)
OUT := $(TOP)/build
VM := selftests/vm
KERNEL ?= 6.12
KERNELS ?= 6.12 6.1

all: lib tools $(if $(wildcard /lib/modules/$(shell uname -r)/build/Makefile),module-running,module)

# What each part needs. Kernels and their sources are not installed but unpacked into a cache.
DEPS_BUILD := gcc libc6-dev make pkg-config xz-utils kmod libelf1 libssl3 gcc-multilib
DEPS_VM := qemu-system-x86 busybox-static cpio perl
DEPS_LINT := clang g++ sparse shellcheck

deps:
	@$(VM)/deps.sh $(DEPS_BUILD) $(DEPS_VM) $(DEPS_LINT)
deps-build:
	@$(VM)/deps.sh $(DEPS_BUILD)
deps-vm:
	@$(VM)/deps.sh $(DEPS_BUILD) $(DEPS_VM)

module: deps-build
	$(VM)/module.sh $(KERNEL)
module-running: deps-build
	$(VM)/module.sh running

lib: deps-build
	$(MAKE) -C lib O=$(OUT)/lib
tools: lib
	$(MAKE) -C tools O=$(OUT)/tools

clean:
	rm -rf $(OUT)

.PHONY: all deps deps-build deps-vm module module-running lib tools clean
endif
