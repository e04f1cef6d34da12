# SPDX-License-Identifier: GPL-2.0-only
ifneq ($(KERNELRELEASE),)
# Read by Kbuild: this tree is a directory of a kernel tree.
obj-$(CONFIG_MBOX_IPC) += kmod/
else

OUT := $(CURDIR)/build
BUILD := tools/build
VM := selftests/vm

# Which kernel to build the module for; "make kernels" prints the names.
KERNEL ?= 6.12
# Which kernels to run the tests on; and "make stress", where KERNELS says nothing else.
STRESS_KERNELS := $(or $(KERNELS),6.12-rt kasan lockdep kcsan)
KERNELS ?= 6.12 6.1
prefix ?= /usr/local
MAKEFLAGS += --no-print-directory

# Which of this machine's kernels the module is built for and installed for: the running one, or another.
RELEASE := $(shell uname -r)
CAN_RUN_HERE := $(wildcard /lib/modules/$(RELEASE)/build/Makefile)

##
##all            module, library and tool; the module for the running kernel where its headers
##               are installed, else for $(KERNEL)
all: lib tools $(if $(CAN_RUN_HERE),module-running,module)

##demo           show mailboxes at work in a virtual machine; HOST=1: on this machine, after asking
##check          boot each of $(KERNELS) and run the tests there; T="NAME…" takes only these
##lint           all that can be found without running anything
##

##deps           install the Debian packages that all of this needs; "deb" and "deb-check" install their own
# Kernels, their headers and their sources are not installed but unpacked into a cache.
DEPS_BUILD := gcc gcc-multilib libc6-dev libelf1 libnl-3-dev libnl-genl-3-dev libssl3 pkg-config xz-utils
DEPS_VM := busybox-static cpio kmod perl qemu-system-x86
DEPS_YNL := python3 python3-jsonschema python3-yaml xz-utils
DEPS_LINT := clang clang-tidy coccinelle g++ lld llvm perl shellcheck sparse $(DEPS_YNL)
DEPS_MODEL := gcc libc6-dev spin
# As in Build-Depends of tools/debian/control.
DEPS_DEB := debhelper dh-dkms dpkg-dev gcc libc6-dev libnl-genl-3-dev pkg-config
DEPS_DEB_CHECK := lintian mmdebstrap uidmap zstd

deps:
	@$(BUILD)/deps.sh $(DEPS_BUILD) $(DEPS_VM) $(DEPS_LINT) $(DEPS_MODEL)
deps-build:
	@$(BUILD)/deps.sh $(DEPS_BUILD)
deps-vm:
	@$(BUILD)/deps.sh $(DEPS_BUILD) $(DEPS_VM)
deps-lint:
	@$(BUILD)/deps.sh $(DEPS_BUILD) $(DEPS_LINT)

##module         build/KERNEL/mbox.ko; KERNEL=NAME
module: deps-build
	+$(BUILD)/module.sh $(KERNEL)
module-running: deps-build
	+RELEASE=$(RELEASE) $(BUILD)/module.sh running

##lib            build/lib
lib: deps-build
	$(MAKE) -C lib O=$(OUT)/lib

##tools          build/tools
tools: lib
	$(MAKE) -C tools O=$(OUT)/tools LIBO=$(OUT)/lib

##selftests      build/selftests
selftests: lib
	$(MAKE) -C selftests

##user-ARCH      library, tool and selftests for another architecture, in build/ARCH: user-arm64
user-%: deps-build
	+@$(BUILD)/cross.sh $* $(MAKE) -s -C lib O=$(OUT)/$*/lib static
	+@$(BUILD)/cross.sh $* $(MAKE) -s -C tools O=$(OUT)/$*/tools LIBO=$(OUT)/$*/lib
	+@$(BUILD)/cross.sh $* $(MAKE) -s -C selftests OUT=$(OUT)/$* CAN_32= LIBRARY_TARGET=static

##ynl            what is made from uapi/netlink/mbox.yaml, by the kernel's generator
ynl:
	@$(BUILD)/deps.sh $(DEPS_YNL)
	@$(BUILD)/ynl.sh

##kernels        the names of the kernels that the virtual machine can run
kernels:
	@$(BUILD)/kernels.sh -l
##

# The modules first: what does not build should not wait for a machine.
check: deps-vm tools selftests
	@for kernel in $(KERNELS); do $(BUILD)/module.sh $$kernel || exit; done
	@T="$(T)" MBOX_VM_NOBUILD=1 $(VM)/check $(KERNELS)

##check-all      the same on every kernel there is, with a table of them; builds some of them at first
check-all:
	@$(MAKE) --no-print-directory check KERNELS="$$($(BUILD)/kernels.sh -l | xargs)"

##stress         torment the module for SECONDS=600, and load and unload it in use, on each of
##               $(STRESS_KERNELS); KERNELS="NAME…" takes others
stress: deps-vm tools selftests
	@for kernel in $(STRESS_KERNELS); do $(BUILD)/module.sh $$kernel || exit; done
	@MBOX_VM_NOBUILD=1 $(VM)/stress -s $(or $(SECONDS),600) $(STRESS_KERNELS)

##model          check all interleavings of the protocols in selftests/model with spin
model:
	@$(BUILD)/deps.sh $(DEPS_MODEL)
	@selftests/model/run $(OUT)/model

##fuzz           make up calls for a minute under KASAN, guided by coverage; selftests/fuzz/run has options
fuzz: deps-vm tools
	@selftests/fuzz/run

##coverage       lines and branches of the module that the tests reach, and which they do not
coverage: deps-vm tools selftests
	@$(VM)/coverage

ifeq ($(HOST),1)
demo: deps-build lib tools
	@$(VM)/demo-here
else
demo: deps-vm
	@$(VM)/run -k $(KERNEL) -f tools/demo -- tools/demo
endif

##install        tool, library, headers, manual pages; prefix=$(prefix), DESTDIR=
install: lib tools
	$(MAKE) -C lib install O=$(OUT)/lib prefix=$(prefix) DESTDIR=$(DESTDIR)
	$(MAKE) -C tools install O=$(OUT)/tools LIBO=$(OUT)/lib prefix=$(prefix) DESTDIR=$(DESTDIR)

##uninstall      remove them again
uninstall:
	$(MAKE) -C tools uninstall O=$(OUT)/tools prefix=$(prefix) DESTDIR=$(DESTDIR)
	$(MAKE) -C lib uninstall O=$(OUT)/lib prefix=$(prefix) DESTDIR=$(DESTDIR)

##modules_install, modules_uninstall   the module, for the running kernel or for RELEASE=, and what has it
##               loaded at boot
MODULE_DIR = $(DESTDIR)/lib/modules/$(RELEASE)/updates

modules_install: module-running system_install
	install -D -m 644 $(OUT)/running/mbox.ko "$(MODULE_DIR)/mbox.ko"
	depmod $(if $(DESTDIR),-b "$(DESTDIR)") $(RELEASE)
modules_uninstall: system_uninstall
	rm -f "$(MODULE_DIR)/mbox.ko"
	[ ! -d "$(MODULE_DIR)" ] || rmdir --ignore-fail-on-non-empty "$(MODULE_DIR)"
	depmod $(if $(DESTDIR),-b "$(DESTDIR)") $(RELEASE)

##dkms_install, dkms_uninstall         the same by DKMS, for each kernel from now on; with DESTDIR= the source only
VERSION := $(shell sed -n 's/^.define MBOX_VERSION "\(.*\)"$$/\1/p' kmod/version.h)
DKMS_SOURCE = $(DESTDIR)/usr/src/mbox-$(VERSION)

dkms_install: dkms_forget system_install
	install -d "$(DKMS_SOURCE)"
	tar -c --exclude-from=.gitignore --mode=u=rwX,go=rX kmod uapi | tar -x --no-same-owner -C "$(DKMS_SOURCE)"
	sed 's|@version@|$(VERSION)|' tools/system/dkms.conf.in >"$(DKMS_SOURCE)/dkms.conf"
	[ -n "$(DESTDIR)" ] || dkms install -m mbox -v $(VERSION)
dkms_uninstall: dkms_forget system_uninstall
dkms_forget:
	[ -n "$(DESTDIR)" ] || [ -z "$$(dkms status -m mbox -v $(VERSION))" ] || dkms remove -m mbox -v $(VERSION) --all
	rm -rf "$(DKMS_SOURCE)"

MODULES_LOAD = "$(DESTDIR)$(prefix)/lib/modules-load.d/mbox.conf"
UDEV_RULES = "$(DESTDIR)$(prefix)/lib/udev/rules.d/60-mbox.rules"

system_install:
	install -D -m 644 tools/system/modules-load.conf $(MODULES_LOAD)
	install -D -m 644 tools/system/mbox.rules $(UDEV_RULES)
system_uninstall:
	rm -f $(MODULES_LOAD) $(UDEV_RULES)

##
##deb            Debian packages, in build/deb: mbox-dkms, libmbox1, libmbox-dev, mboxctl
deb:
	@$(BUILD)/deps.sh $(DEPS_DEB)
	@$(BUILD)/deb.sh
##deb-check      install them, and all that this makefile installs, in a throw-away Debian; use it, boot it, remove it
deb-check:
	@$(BUILD)/deps.sh $(DEPS_BUILD) $(DEPS_VM) $(DEPS_DEB) $(DEPS_DEB_CHECK)
	@$(BUILD)/deb.sh >/dev/null
	@$(BUILD)/deb-check

##clean          remove build/; the kernels stay in the cache, see "make distclean"
clean:
	rm -rf $(OUT)
##distclean      and empty the cache
distclean: clean
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/mbox"
##help           this
help:
	@echo "make TARGET…, the targets being"
	@sed -n 's/^##//p' Makefile | sed 's/$$(KERNEL)/$(KERNEL)/; s/$$(KERNELS)/$(KERNELS)/; s/$$(STRESS_KERNELS)/$(STRESS_KERNELS)/; s|$$(prefix)|$(prefix)|; s/^/  /'

##
include $(BUILD)/lint.mk

.PHONY: all deps deps-build deps-vm deps-lint module module-running lib tools selftests ynl kernels check check-all stress model fuzz coverage demo \
	install uninstall modules_install modules_uninstall dkms_install dkms_uninstall dkms_forget \
	system_install system_uninstall deb deb-check clean distclean help
endif
