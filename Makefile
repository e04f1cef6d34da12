# SPDX-License-Identifier: GPL-2.0-only
ifneq ($(KERNELRELEASE),)
# Read by Kbuild: this tree is a directory of a kernel tree.
obj-$(CONFIG_MBOX_IPC) += kmod/
else

OUT := $(CURDIR)/build
BUILD := tools/build
VM := selftests/vm
include $(BUILD)/quiet.mk

# The kernels of "make stress" and of "make check". KERNELS= replaces both.
STRESS_KERNELS := $(or $(KERNELS),6.12-rt kasan lockdep kcsan)
UNCHANGED_KERNELS := $(or $(KERNELS),6.12 kasan)
KERNELS ?= 6.12
# The kernel of the virtual machine for targets that boot one. "make module" takes it only if KERNEL= names it.
VM_KERNEL := $(or $(KERNEL),6.12)
prefix ?= /usr/local
MAKEFLAGS += --no-print-directory

# "make module" and "make modules_install" serve the running kernel, the kernel of RELEASE=, or the kernel whose
# headers are in KDIR=.
ifdef KDIR
RELEASE := $(shell cat "$(KDIR)/include/config/kernel.release" 2>/dev/null)
else
RELEASE := $(shell uname -r)
KDIR = /lib/modules/$(RELEASE)/build
endif
HAS_HEADERS := $(wildcard $(KDIR)/Makefile)

##
##all            library and tool; the module too, where the headers of the running kernel are
##               installed. The targets of this paragraph install no packages and download nothing
all: lib tools $(if $(KERNEL)$(HAS_HEADERS),module)
	@$(if $(silent),:,printf '%s\n' 'library  build/lib/libmbox.so and .a, libmbox-monitor.so and .a' 'tool     build/tools/mboxctl' $(SUMMARY))

IS_RUNNING = $(filter $(RELEASE),$(shell uname -r))
ifdef KERNEL
SUMMARY = 'module   build/$(KERNEL)/mbox.ko, for kernel $(KERNEL) of the virtual machines' \
	'next     make demo KERNEL=$(KERNEL), or $(VM)/run -k $(KERNEL) COMMAND'
else ifneq ($(HAS_HEADERS),)
SUMMARY = 'module   build/running/mbox.ko, for $(if $(IS_RUNNING),the running )kernel $(RELEASE)' \
	'next     sudo make modules_install install, sudo modprobe mbox; or make demo, in a virtual machine'
else
SUMMARY = 'module   not built: there are no headers of kernel $(RELEASE) here; "make module" says how to get them' \
	'next     make demo and make check, which boot a virtual machine; sudo make install'
endif

need-user:
	@$(BUILD)/need.sh "to build the library and the tool" cc lib:libnl-genl-3.0
need-module:
	@$(BUILD)/need.sh "to build the module" cc headers:"$(KDIR)"

##lib            build/lib
lib: need-user
	@$(MAKE) -C lib O=$(OUT)/lib

##tools          build/tools
tools: lib
	@$(MAKE) -C tools O=$(OUT)/tools LIBO=$(OUT)/lib

##bridge         build/bridge/mboxbridge, which joins mailboxes of machines by NATS JetStream; needs libnats
bridge: lib
	@$(BUILD)/need.sh "to build mboxbridge" cc lib:libnats
	@$(MAKE) -C tools/bridge O=$(OUT)/bridge LIBO=$(OUT)/lib

##module         build/running/mbox.ko, for the running kernel; RELEASE= or KDIR=DIRECTORY takes other
##               headers. KERNEL=NAME: build/NAME/mbox.ko, for one of "make kernels" that is in the cache
module: $(if $(KERNEL),module-vm,module-running)
module-running: need-module
	+@KDIR="$(KDIR)" $(BUILD)/module.sh running
module-vm:
	+@MBOX_OFFLINE=1 $(BUILD)/module.sh $(VM_KERNEL)

##rust           the crates of lib/rust in build/rust, by cargo and offline, and their declarations compared with the
##               headers; "make check" then runs their tests
rust: lib
	@$(BUILD)/need.sh "to build the crates" cargo rustc
	$(call say,CARGO,lib/rust)
	$(Q)$(BUILD)/rust.sh $(OUT)/rust $(OUT)/lib

##selftests      build/selftests, on kselftest of the cache or of KSELFTEST=LINUX/tools/testing/selftests
selftests: lib
	@$(MAKE) -C selftests

##user-ARCH      library, tool and selftests for another architecture, in build/ARCH: user-arm64
user-%:
	+@export MBOX_OFFLINE=1; $(BUILD)/cross.sh $* $(MAKE) -s -C lib O=$(OUT)/$*/lib static && \
	$(BUILD)/cross.sh $* $(MAKE) -s -C tools O=$(OUT)/$*/tools LIBO=$(OUT)/$*/lib && \
	$(BUILD)/cross.sh $* $(MAKE) -s -C selftests OUT=$(OUT)/$* CAN_32= CAN_CXX= LIBRARY_TARGET=static

##install        tool, library, headers, manual pages; prefix=$(prefix), DESTDIR=
install: lib tools
	@$(MAKE) -C lib install O=$(OUT)/lib prefix=$(prefix) DESTDIR=$(DESTDIR)
	@$(MAKE) -C tools install O=$(OUT)/tools LIBO=$(OUT)/lib prefix=$(prefix) DESTDIR=$(DESTDIR)

##uninstall      remove them again
uninstall:
	@$(MAKE) -C tools uninstall O=$(OUT)/tools prefix=$(prefix) DESTDIR=$(DESTDIR)
	@$(MAKE) -C lib uninstall O=$(OUT)/lib prefix=$(prefix) DESTDIR=$(DESTDIR)

##python_install, python_uninstall     the module mbox.py; pythondir=DIRECTORY, else where python3 looks
##kombu_install, kombu_uninstall       the transport of kombu and Celery, which needs that module
python_install python_uninstall kombu_install kombu_uninstall:
	@$(BUILD)/need.sh "to find the directory of Python's modules" python:ctypes
	@$(MAKE) -C lib $@ $(if $(pythondir),pythondir=$(pythondir)) DESTDIR=$(DESTDIR)
.PHONY: kombu_install kombu_uninstall

##modules_install, modules_uninstall   the module, for the running kernel or for RELEASE=; it is loaded
##               at boot
MODULE_DIR = $(DESTDIR)/lib/modules/$(RELEASE)/updates
# Not on every user's PATH.
DEPMOD = PATH="$$PATH:/usr/sbin:/sbin" depmod $(if $(DESTDIR),-b "$(DESTDIR)") $(RELEASE)

modules_install: module-running system_install
	$(call say,INSTALL,$(MODULE_DIR)/mbox.ko)
	$(Q)install -D -m 644 $(OUT)/running/mbox.ko "$(MODULE_DIR)/mbox.ko"
	$(Q)$(DEPMOD)
modules_uninstall: system_uninstall
	$(call say,RM,$(MODULE_DIR)/mbox.ko)
	$(Q)rm -f "$(MODULE_DIR)/mbox.ko"
	$(Q)[ ! -d "$(MODULE_DIR)" ] || rmdir --ignore-fail-on-non-empty "$(MODULE_DIR)"
	$(Q)$(DEPMOD)

##dkms_install, dkms_uninstall         the same by DKMS, for each kernel from now on; with DESTDIR= the source only
VERSION := $(shell sed -n 's/^.define MBOX_VERSION "\(.*\)"$$/\1/p' kmod/version.h)
DKMS_SOURCE = $(DESTDIR)/usr/src/mbox-$(VERSION)

dkms_install: dkms_forget system_install
	$(call say,INSTALL,$(DKMS_SOURCE))
	$(Q)install -d "$(DKMS_SOURCE)"
	$(Q)tar -c --exclude-from=.gitignore --mode=u=rwX,go=rX kmod uapi | tar -x --no-same-owner -C "$(DKMS_SOURCE)"
	$(Q)sed 's|@version@|$(VERSION)|' tools/system/dkms.conf.in >"$(DKMS_SOURCE)/dkms.conf"
	$(Q)[ -n "$(DESTDIR)" ] || dkms install -m mbox -v $(VERSION)
dkms_uninstall: dkms_forget system_uninstall
dkms_forget:
	$(Q)[ -n "$(DESTDIR)" ] || [ -z "$$(dkms status -m mbox -v $(VERSION))" ] || dkms remove -m mbox -v $(VERSION) --all
	$(Q)rm -rf "$(DKMS_SOURCE)"

MODULES_LOAD = "$(DESTDIR)$(prefix)/lib/modules-load.d/mbox.conf"
UDEV_RULES = "$(DESTDIR)$(prefix)/lib/udev/rules.d/60-mbox.rules"

system_install:
	$(call say,INSTALL,modules-load.d/mbox.conf and udev/rules.d/60-mbox.rules below $(DESTDIR)$(prefix)/lib)
	$(Q)install -D -m 644 tools/system/modules-load.conf $(MODULES_LOAD)
	$(Q)install -D -m 644 tools/system/mbox.rules $(UDEV_RULES)
system_uninstall:
	$(Q)rm -f $(MODULES_LOAD) $(UDEV_RULES)

##
##demo           show mailboxes at work in a virtual machine; HOST=1: on this machine, after asking
##shell          a shell in a virtual machine on KERNEL=$(VM_KERNEL), to try mboxctl, manual pages and examples in
##check          run the tests in a virtual machine on each of KERNELS=$(KERNELS); T="NAME…" takes only these
##check-all      the same on every kernel of "make kernels"; builds some of them the first time
##lint           check the code without running it
##
##deps           install the Debian packages that all of this needs, but for "deb" and "deb-check"
##fetch          put the kernel of KERNEL=$(VM_KERNEL) and kselftest into the cache, from Debian's archive
##kernels        the names of the kernels that the virtual machine can run
##
# Kernels, their headers and their sources are unpacked into a cache, not installed.
DEPS_BUILD := $(if $(filter x86_64,$(shell uname -m)),gcc-multilib) gcc libc6-dev libelf1 libnl-3-dev libnl-genl-3-dev libssl3 liburing-dev pkg-config xz-utils
DEPS_VM := busybox-static cpio kmod perl python3 qemu-system-x86
DEPS_LINT := clang clang-tidy coccinelle g++ lld llvm mandoc perl shellcheck sparse python3 python3-jsonschema python3-yaml
DEPS_MODEL := spin
DEPS_BRIDGE := libnats-dev
DEPS_RUST := cargo rustc
DEPS_BENCH := gnuplot-nox libzmq3-dev
# As in Build-Depends of tools/debian/control.
DEPS_DEB := debhelper dh-dkms dh-python dpkg-dev gcc libc6-dev libnats-dev libnl-genl-3-dev pkg-config
DEPS_DEB_CHECK := lintian mmdebstrap uidmap zstd

deps:
	@$(BUILD)/deps.sh "make, make check, make lint and make rust use them" $(DEPS_BUILD) $(DEPS_VM) $(DEPS_LINT) $(DEPS_MODEL) $(DEPS_RUST) $(DEPS_BRIDGE)
# For the targets that boot a virtual machine: with "deps" and "deb-check", these alone install packages.
deps-vm:
	@$(BUILD)/deps.sh "the module and programs are built, and a virtual machine runs them" $(DEPS_BUILD) $(DEPS_VM)

fetch:
	@$(BUILD)/kernels.sh $(VM_KERNEL) >/dev/null
	@$(BUILD)/source.sh >/dev/null
kernels:
	@$(BUILD)/kernels.sh -l

# One job per processor, unless make has a -j of its own.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

# The modules first: no machine boots before all of them build.
check: deps-vm
	@for kernel in $(KERNELS); do $(BUILD)/module.sh $$kernel || exit; done
	@$(BUILD)/source.sh >/dev/null
	@$(BUILD)/celery.sh >/dev/null || echo "check: goes on without Celery" >&2
	@$(MAKE) $(JOBS) tools selftests
	@T="$(T)" MBOX_VM_NOBUILD=1 $(VM)/check $(KERNELS)
check-all:
	@$(MAKE) check KERNELS="$$($(BUILD)/kernels.sh -l | xargs)"

ifeq ($(HOST),1)
demo: lib tools
	@$(VM)/here demo tools/demo
else
demo: deps-vm
	@$(VM)/run -k $(VM_KERNEL) -f tools/demo -- tools/demo
endif

shell: deps-vm
	@tools/shell/start $(VM_KERNEL)
##shell-check    try "make shell" on a terminal of its own
shell-check: deps-vm
	@$(BUILD)/source.sh >/dev/null
	@$(MAKE) -s -C selftests $(OUT)/selftests/mbox/pty_helper
	@tools/shell/check $(VM_KERNEL)

##readme-check   run the commands of README.md and mboxctl(8) as printed: those of make in a fresh copy of the tree, those of
##               mboxctl in a virtual machine
readme-check: deps-vm
	@$(BUILD)/readme-check
	@$(MAKE) check KERNELS=$(VM_KERNEL) T=commands_test

##bridge-check   run the tests of mboxbridge, with a NATS server in a virtual machine, on KERNEL=$(VM_KERNEL); T="NAME…" takes
##               only these; LONG=1: a million messages, and 600 seconds of kill -9, 3 of them in 10 seconds or more
bridge-check: deps-bridge
	@$(BRIDGE) $(if $(LONG),-t 3000 -e MESSAGES=$(or $(MESSAGES),1000000) -e KILL_SECONDS=$(or $(SECONDS),600) -e KILL_MIN=1500 -e KILL_MAX=3500) bridge_test.sh $(or $(T),$(if $(LONG),ledger))
##demo-bridge    join mailboxes of two network namespaces, step by step, in a virtual machine
demo-bridge: deps-bridge
	@$(BRIDGE) demo-bridge
##bench-bridge   measure mboxbridge beside NATS JetStream and RabbitMQ alone, in a virtual machine: a table, in
##               build/bench/bridge.txt; QUICK=1
# RabbitMQ is left out, and the output says so, where its packages cannot be had.
bench-bridge: deps-bridge
	@$(BUILD)/rabbitmq.sh >/dev/null || echo "bench-bridge: goes on without RabbitMQ" >&2
	@$(MAKE) -C tools/bridge O=$(OUT)/bridge LIBO=$(OUT)/lib RABBITMQ="$(RABBITMQ)"
	@$(BRIDGE) -o $(OUT)/bench/bridge.txt -r "$(RABBITMQ)" bench.sh $(if $(filter 1,$(QUICK)),2000 256 100)
RABBITMQ = $$(MBOX_OFFLINE=1 $(BUILD)/rabbitmq.sh 2>/dev/null)
BRIDGE = selftests/bridge/run -k $(VM_KERNEL)
# T= of bridge-check names tests of the bridge.
deps-bridge: deps-vm
	@$(BUILD)/deps.sh "mboxbridge is built with it" $(DEPS_BRIDGE)
	@$(BUILD)/module.sh $(VM_KERNEL)
	@$(BUILD)/source.sh >/dev/null
	@$(BUILD)/nats.sh >/dev/null
	@$(MAKE) $(JOBS) T= tools selftests bridge

##stress         make all calls at once for SECONDS=600, lease and call for as long while processes die, then load and
##               unload the module in use, on each of
##               $(STRESS_KERNELS); KERNELS="NAME…" takes others
stress: deps-vm
	@for kernel in $(STRESS_KERNELS); do $(BUILD)/module.sh $$kernel || exit; done
	@$(BUILD)/source.sh >/dev/null
	@$(MAKE) $(JOBS) tools selftests
	@MBOX_VM_NOBUILD=1 $(VM)/stress -s $(or $(SECONDS),600) $(STRESS_KERNELS)

##unchanged      run the message queues of Debian's stress-ng on mailboxes, for SECONDS=60, on each of
##               6.12 and kasan; KERNELS="NAME…" takes others
unchanged: deps-vm
	@for kernel in $(UNCHANGED_KERNELS); do $(BUILD)/module.sh $$kernel || exit; done
	@$(MAKE) $(JOBS) lib tools
	@MBOX_VM_NOBUILD=1 $(VM)/unchanged -s $(or $(SECONDS),60) $(UNCHANGED_KERNELS)

##bench          measure mbox beside pipes, queues, sockets, rings and ZeroMQ on KERNEL=$(VM_KERNEL): a table, JSON and
##               plots, in build/bench; then bench-bridge. HOST=1: on this machine, after asking, without bench-bridge;
##               QUICK=1; OPTIONS="…" of mboxbench
# ZeroMQ, plots and the bridge are left out, and the output says so, where these packages cannot be had.
bench: $(if $(filter 1,$(HOST)),,deps-vm)
	@$(BUILD)/deps.sh "the benchmark measures ZeroMQ too, and draws plots" $(DEPS_BENCH) || echo "bench: goes on without" >&2
	@$(MAKE) mboxbench $(if $(filter 1,$(HOST)),tools)
	@tools/bench/run $(if $(filter 1,$(HOST)),-H,-k $(VM_KERNEL)) $(if $(filter 1,$(QUICK)),-q) $(OPTIONS)
ifneq ($(HOST),1)
	@{ $(BUILD)/deps.sh "the benchmark measures mboxbridge too" $(DEPS_BRIDGE) && $(BUILD)/nats.sh >/dev/null; } || \
		echo "bench: goes on without mboxbridge" >&2
	@if pkg-config --exists libnats && MBOX_OFFLINE=1 $(BUILD)/nats.sh >/dev/null 2>&1; then $(MAKE) bench-bridge; fi
endif
##bench-readme   the same, and put table and plots into README.md
bench-readme: bench
	@tools/bench/readme $(OUT)/bench/$(if $(filter 1,$(HOST)),running,$(VM_KERNEL)).json README.md
	@cp $(OUT)/bench/size.svg $(OUT)/bench/parties.svg tools/bench/
##mboxbench      build/bench/mboxbench, the program that "make bench" runs
mboxbench: lib
	@$(MAKE) -C tools/bench O=$(OUT)/bench LIBO=$(OUT)/lib

##bench-insn     print the cost of a message in instructions, through mbox and its peers, on KERNEL=$(VM_KERNEL); ROWS="NAME…"
##               takes only these; UPDATE=1 rewrites selftests/cost/reference, above which "make check" lets no cost rise;
##               SHIMS=1: message queues of POSIX and System V as mailboxes, by "mboxctl run"
bench-insn: deps-vm
	@$(BUILD)/module.sh $(VM_KERNEL)
	@$(BUILD)/source.sh >/dev/null
	@$(MAKE) $(JOBS) tools selftests
	@set -f; MBOX_VM_NOBUILD=1 $(VM)/insn -k $(VM_KERNEL) $(if $(UPDATE),-u) $(if $(SHIMS),-s) $(ROWS)

##profile        print the instructions of WORKLOAD= by function, for a message of SIZE=64 bytes, by WAY=library of mbox
##               beside PEER=pipe; WORKLOAD=help lists the workloads
WAY ?= $(if $(filter ring%,$(WORKLOAD)),ring,library)
PEER ?= $(if $(filter ring%,$(WORKLOAD)),futex,pipe)
# Rows without a message have no size.
PROFILE_ROW = $(WORKLOAD)$(if $(filter open% memory,$(WORKLOAD)),,-$(or $(SIZE),64))

ifeq ($(filter-out help,$(WORKLOAD)),)
profile: selftests
	@$(VM)/insn -l
	@echo && echo "make profile WORKLOAD=NAME SIZE=BYTES [WAY=WAY] [PEER=WAY]: a row is called NAME-BYTES"
else
profile: deps-vm
	@$(BUILD)/module.sh $(VM_KERNEL)
	@$(BUILD)/source.sh >/dev/null
	@$(MAKE) $(JOBS) tools selftests
	@MBOX_VM_NOBUILD=1 $(VM)/profile -k $(VM_KERNEL) $(PROFILE_ROW) $(WAY) $(PEER)
endif

##model          check all interleavings of the protocols in selftests/model with spin
model:
	@$(BUILD)/need.sh "to check the models" cc spin
	@selftests/model/run $(OUT)/model

##fuzz           make up calls for a minute under KASAN, guided by coverage; selftests/fuzz/run has options
fuzz: deps-vm
	@$(MAKE) tools
	@selftests/fuzz/run

##coverage       print which lines and branches of the module the tests reach
coverage: deps-vm
	@$(BUILD)/source.sh >/dev/null
	@$(MAKE) $(JOBS) tools selftests
	@$(VM)/coverage

##evidence       put the results of the last check, model, fuzz, coverage and stress into README.md
evidence:
	@$(BUILD)/evidence.sh write README.md

##pictures       take the pictures of README.md in a virtual machine
pictures: deps-vm
	@$(BUILD)/deps.sh "a screen becomes a picture" termtosvg
	@$(BUILD)/module.sh $(VM_KERNEL)
	@$(BUILD)/source.sh >/dev/null
	@$(MAKE) $(JOBS) tools selftests
	@MBOX_VM_NOBUILD=1 $(BUILD)/pictures $(VM_KERNEL) README.md

##ynl            generate the netlink code from uapi/netlink/mbox.yaml, with the kernel's generator
ynl: need-ynl
	@$(BUILD)/ynl.sh
need-ynl:
	@$(BUILD)/need.sh "to generate the netlink code" python:jsonschema python:yaml xz

##man            the parts of the manual pages that come from uapi/linux/mbox.h; then the pages in build/man, to be
##               read by "man -M build/man mbox_send", and as HTML in build/man/html
man:
	@$(BUILD)/man.sh
	@$(BUILD)/pages.sh $(OUT)/man
	$(call say,MAN,build/man)

##
##deb            Debian packages, in build/deb: mbox-dkms, mboxctl, libmbox1, libmbox-monitor1, their -dev, libmbox-frontends, python3-mbox,
##               python3-mbox-kombu, mbox-bridge; DEBFULLNAME= and DEBEMAIL= (else git's user) name their maintainer, HOMEPAGE=https://… their home page
deb:
	@$(BUILD)/need.sh "to build packages" cc lib:libnl-genl-3.0 lib:libnats dpkg-buildpackage dh dh_dkms dh_python3 perl
	@$(BUILD)/deb.sh
##deb-check      install the packages, and all that this makefile installs, in a throw-away Debian; use, boot and remove it
deb-check:
	@$(BUILD)/deps.sh "packages are built, and a throw-away Debian has them installed" \
		$(DEPS_BUILD) $(DEPS_VM) $(DEPS_DEB) $(DEPS_DEB_CHECK)
	@$(BUILD)/deb.sh >/dev/null
	@$(BUILD)/deb-check

##clean          remove build/, but not the cache
clean:
	$(call say,RM,build)
	$(Q)rm -rf $(OUT)
##distclean      remove build/ and the cache
distclean: clean
	$(Q)rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/mbox"
##help           print this list
help:
	@echo "make TARGET…, the targets being"
	@sed -n 's/^##//p' Makefile $(BUILD)/lint.mk | sed 's/$$(VM_KERNEL)/$(VM_KERNEL)/; s/$$(KERNELS)/$(KERNELS)/; s/$$(LINT_KERNELS)/$(LINT_KERNELS)/; s/$$(STRESS_KERNELS)/$(STRESS_KERNELS)/; s|$$(prefix)|$(prefix)|; s/^/  /'

##
include $(BUILD)/lint.mk

.PHONY: all need-user need-module need-ynl deps deps-vm fetch kernels lib tools rust module module-running module-vm selftests \
	bridge bridge-check bench-bridge demo-bridge deps-bridge check check-all demo shell shell-check readme-check bench bench-readme mboxbench unchanged stress bench-insn profile model fuzz coverage evidence pictures ynl install uninstall python_install python_uninstall modules_install modules_uninstall \
	dkms_install dkms_uninstall dkms_forget system_install system_uninstall deb deb-check clean distclean help
endif
