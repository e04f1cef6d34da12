# SPDX-License-Identifier: GPL-2.0-only
# The targets of "make lint", each of which can be made alone; included by the top Makefile.

# Smatch is not among them: Debian does not package it.
# TIDY= leaves out clang-tidy, ANALYZER= gcc's analyzer, which take the most time.
TIDY := lint-tidy
ANALYZER := -fanalyzer
LINT := lint-module lint-compilers lint-checkpatch lint-coccinelle lint-bounds lint-map lint-symbols lint-ynl lint-man lint-uapi lint-user lint-cxx $(TIDY) lint-shell lint-bindings lint-syzkaller lint-rust lint-help lint-english lint-build
LINT_KERNELS ?= 6.12 6.1

need-lint:
	@$(BUILD)/need.sh "to check the code; make deps installs it" cc lib:libnl-genl-3.0 lib:libnats gcc g++ clang clang-tidy ld.lld llvm-ar perl \
		shellcheck sparse spatch xz

lint: $(LINT)
	@echo "lint: nothing found"

##lint-module        build with more warnings (W=1) and sparse (C=1), for $(LINT_KERNELS)
# From scratch each time: make would skip a file that is up to date.
lint-module: need-lint
	+@for kernel in $(LINT_KERNELS); do \
		out=$(OUT)/lint/$$kernel; rm -rf $$out; mkdir -p $$out; \
		echo "  LINT    module for $$kernel"; \
		$(BUILD)/module.sh $$kernel O=$$out W=1 C=1 >$$out/output 2>&1 || { cat $$out/output; exit 1; }; \
		! grep -E 'warning|error' $$out/output || exit 1; \
	done

##lint-compilers     build with other compilers without a warning, and see that a 32-bit kernel is refused
LINT_COMPILERS ?= clang gcc-14

lint-compilers: need-lint
	+@for name in $(LINT_COMPILERS); do \
		out=$(OUT)/lint/module-$$name; rm -rf $$out; mkdir -p $$out; \
		echo "  LINT    module with $$name"; \
		$(BUILD)/module.sh $$name O=$$out W=1 >$$out/output 2>&1 || { cat $$out/output; exit 1; }; \
		! grep -v modpost $$out/output | grep -E 'warning|error' || exit 1; \
	done
	+@echo "  LINT    module for 32 bits" && \
	out=$(OUT)/lint/module-i386 && mkdir -p $$out && \
	! $(BUILD)/module.sh i386 O=$$out >$$out/output 2>&1 && \
	grep -q '#error "mbox needs a 64-bit kernel' $$out/output || { cat $$out/output; exit 1; }

##lint-checkpatch    the kernel's style
# These are not for us:
# - a module that is built for more than one kernel asks which (compat.h alone may)
STYLE_COMPAT := LINUX_VERSION_CODE,CONSTANT_COMPARISON
# - the declaration of an aligned __s64 is taken for the end of a block of declarations
STYLE_UAPI := LINE_SPACING
# - tracepoints are declared in the form that they have all over the kernel
STYLE_TRACE := PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE
# - yield.c gives the CPU away once, and learns when that is of no use; it waits for nothing
STYLE_YIELD := YIELD
# - it compares with maintainers and descriptions that only a patch has
STYLE_ALL := FILE_PATH_CHANGES

# checkpatch knows a user space header by its path.
lint-checkpatch: need-lint
	@echo "  LINT    checkpatch"
	@source=$$($(BUILD)/source.sh) && rm -rf $(OUT)/lint/style && mkdir -p $(OUT)/lint/style/include && \
	cd $(OUT)/lint/style && ln -s $(CURDIR)/uapi include/uapi && ln -s $(CURDIR)/kmod kmod && \
	style() { perl "$$source"/scripts/checkpatch.pl --no-tree --strict --terse --show-types --ignore $$1 --file $$2 \
		>output || { grep -v ^total: output; return 1; }; } && \
	style $(STYLE_ALL) "$$(ls kmod/*.c kmod/*.h | grep -vE '/(compat|trace)\.h|/yield\.c')" && \
	style $(STYLE_ALL),$(STYLE_YIELD) kmod/yield.c && \
	style $(STYLE_ALL),$(STYLE_TRACE) kmod/trace.h && \
	style $(STYLE_ALL),$(STYLE_COMPAT) kmod/compat.h && \
	style $(STYLE_ALL),$(STYLE_UAPI) "$$(ls include/uapi/linux/*.h)"

##lint-coccinelle    the kernel's semantic patches
# These are not for us:
# - check_bq27xxx_data is about one driver, and badzero finds 0 for NULL, as sparse does; both would take
#   an OCaml compiler
COCCI_SKIP := ./api/check_bq27xxx_data.cocci|./null/badzero.cocci

lint-coccinelle: need-lint
	@echo "  LINT    coccinelle"
	@source=$$($(BUILD)/source.sh) && dir=$$source/scripts/coccinelle out=$(OUT)/lint/coccinelle && \
	rm -rf $$out && mkdir -p $$out && : >$$out/output && \
	for script in $$(cd "$$dir" && find . -name '*.cocci' | grep -vxE '$(COCCI_SKIP)'); do \
		spatch -D report --no-show-diff --very-quiet $$(sed -n 's|^// *Options: *||p' "$$dir/$$script") \
			-I uapi --cocci-file "$$dir/$$script" --dir kmod >>$$out/output 2>$$out/errors || \
			{ echo "$$script:"; cat $$out/errors; exit 1; }; \
	done && { ! grep . $$out/output; }

##lint-bounds        a comment states a bound for each loop of the module over a list, a tree or a table
lint-bounds:
	@echo "  LINT    bounds"
	@awk -f $(BUILD)/bounds.awk kmod/*.c

##lint-map           the map in kmod/mbox.h agrees with the calls between the files
lint-map:
	@echo "  LINT    map"
	@$(BUILD)/map.sh >/dev/null

##lint-symbols       no global symbol that drivers/mailbox or the kernel's exports have, too
TAKEN := mbox_(send_message|request_channel.*|free_channel|chan_.*|controller_.*|client_.*|flush|bind_client)

lint-symbols: need-lint
	+@$(BUILD)/module.sh $(VM_KERNEL)
	@echo "  LINT    symbols"
	@nm --defined-only --extern-only --format=posix $(OUT)/$(VM_KERNEL)/mbox.ko | cut -d ' ' -f 1 | \
		grep -vxE '(__this_module|(__pfx_)?(init|cleanup)_module|__(start|stop)_alloc_tags)' | sort >$(OUT)/$(VM_KERNEL)/symbols
	@! grep -xE '$(TAKEN)' $(OUT)/$(VM_KERNEL)/symbols
	@! grep -vE '^(__pfx_)?(__(tracepoint|traceiter|probestub|SC[KT]__tp_func)_)?_*mbox_' $(OUT)/$(VM_KERNEL)/symbols
	@build=$$($(BUILD)/kernels.sh $(VM_KERNEL) | sed -n 's/^build=//p') && cut -f 2 "$$build"/Module.symvers | sort | \
		comm -12 - $(OUT)/$(VM_KERNEL)/symbols | { ! grep .; }

##lint-ynl           the generated netlink code agrees with uapi/netlink/mbox.yaml
lint-ynl: need-ynl
	@echo "  LINT    ynl"
	@$(BUILD)/ynl.sh -c

##lint-uapi          each header of the ABI compiles alone, in C and C++, 64 and 32 bits
lint-uapi: need-lint
	@echo "  LINT    uapi"
	@mkdir -p $(OUT)/lint
	@for header in uapi/linux/*.h; do \
		for bits in 64 32; do \
			for how in "gcc -x c -std=c99" "gcc -x c -std=c11" "clang -x c -std=c99" \
					"g++ -x c++ -std=c++11" "clang++ -x c++ -std=c++17"; do \
				$$how -m$$bits -Wall -Wextra -Wpedantic -Wpadded -Werror -fsyntax-only \
					-Wno-unknown-warning-option -Iuapi $$header 2>$(OUT)/lint/uapi.err || \
					{ echo "$$how -m$$bits:"; cat $(OUT)/lint/uapi.err; exit 1; }; \
			done; \
		done; \
	done

##lint-user          library, tool and tests without a warning from gcc, its analyzer, and clang
STRICT := -std=c11 -O2 -g -Wall -Wextra -Werror

# Beforehand, because more than one sub-make would make them: the library, kselftest.
lint-kselftest: lib
	@$(BUILD)/source.sh >/dev/null
	@$(MAKE) -s -C selftests list >/dev/null
	@$(BUILD)/examples.sh $(OUT)/selftests/mbox.lib/pages

# gcc's analyzer takes it for a leak that a list of the bridge keeps memory.
lint-user: need-lint lib lint-kselftest
	@for cc in gcc clang; do \
		out=$(OUT)/lint/$$cc; rm -rf $$out; mkdir -p $$out/selftests; \
		[ $$cc = gcc ] && more=$(ANALYZER) || more=; \
		echo "  LINT    user space with $$cc $$more"; \
		$(MAKE) -s -C lib O=$$out/lib CC=$$cc CFLAGS="$(STRICT) $$more" && \
		$(MAKE) -s -C tools O=$$out/tools LIBO=$$out/lib CC=$$cc CFLAGS="$(STRICT) $$more" && \
		$(MAKE) -s -C tools/bench O=$$out/bench LIBO=$$out/lib CC=$$cc CFLAGS="$(STRICT) $$more" && \
		$(MAKE) -s -C tools/bridge O=$$out/bridge LIBO=$$out/lib CC=$$cc CFLAGS="$(STRICT)" && \
		$(MAKE) -s -C selftests/fuzz O=$$out/fuzz CC=$$cc CFLAGS="-O2 -g -Werror $$more" && \
		$(MAKE) -s -C selftests OUTPUT=$$out/selftests USERCFLAGS="-Werror $$more" \
			$$([ $$cc = gcc ] || echo LLVM=1) >$$out/output || exit 1; \
	done

##lint-cxx           the C++ header without a warning from g++ and clang++, as of C++17 and C++20
lint-cxx: need-lint
	@echo "  LINT    C++"
	@$(BUILD)/examples.sh $(OUT)/lint/pages
	@for cxx in g++ clang++; do \
		for std in c++17 c++20; do \
			$$cxx -std=$$std -O2 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Iuapi -Ilib -I$(OUT)/lint -fsyntax-only \
				selftests/library_cxx_test.cpp || exit; \
		done; \
	done

##lint-tidy          clang-tidy over all user space, with the checks of .clang-tidy
TIDY_FLAGS = -std=gnu11 -D_GNU_SOURCE -Iuapi -Ilib -Itools -Iselftests -I$(OUT)/selftests/mbox.lib -isystem $(OUT)/selftests/mbox -isystem $(OUT)/selftests \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags libnl-genl-3.0)) -DMBOXCTL_VERSION='""' -DLIBDIR='""' -DLIBMBOX_VERSION=MBOX_VERSION -DRUNTIME='"/dev/null"'

# One file at a time: the analyzer carries its knowledge of a va_list from one file to the next.
lint-tidy: need-lint lint-kselftest
	@echo "  LINT    clang-tidy"
	@mkdir -p $(OUT)/lint && printf '%s\n' $(wildcard $(addsuffix /*.c,lib lib/* tools tools/* selftests selftests/*)) | \
		xargs -P "$$(nproc)" -I FILE clang-tidy --quiet FILE -- $(TIDY_FLAGS) 2>$(OUT)/lint/tidy.err || \
		{ grep -v 'generated\.$$' $(OUT)/lint/tidy.err; exit 1; }

##lint-shell         each shell script, found by its first line
lint-shell: need-lint
	@echo "  LINT    shell scripts"
	@find . \( -name .git -o -path ./build \) -prune -o -type f -print0 | xargs -0 grep -IlE -m 1 '^(#!.*[ /](ba|da)?sh|# shellcheck shell=)' | \
		xargs -d '\n' shellcheck -x -P SCRIPTDIR

##lint-bindings      the bindings of other languages have the constants and structures of the C headers
lint-bindings: lib
	@$(BUILD)/need.sh "to check the bindings" python:ctypes
	@echo "  LINT    bindings"
	@mkdir -p $(OUT)/lint && $(BUILD)/layout.sh >$(OUT)/lint/layout
	@PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=lib/python MBOX_PY_LIBRARY=$(OUT)/lib/libmbox.so.1 \
		/usr/bin/python3 -W error selftests/python/compare.py <$(OUT)/lint/layout
	@! command -v pyflakes3 >/dev/null || pyflakes3 lib/python selftests/python

##lint-syzkaller     the descriptions for syzkaller have each call, constant and structure; the fuzzer of mbox each call
lint-syzkaller:
	@echo "  LINT    syzkaller"
	@mkdir -p $(OUT)/lint && $(BUILD)/layout.sh >$(OUT)/lint/layout-syzkaller
	@awk -f selftests/syzkaller/check.awk $(OUT)/lint/layout-syzkaller uapi/linux/*.h kmod/netlink_gen.c selftests/syzkaller/*.txt
	@for call in $$(sed -nE 's/^#define (MBOX_IOC_[A-Z]+)[[:space:]]+_IO.*/\1/p' uapi/linux/mbox.h); do \
		grep -qw "$$call" selftests/fuzz/ops.c || { echo "selftests/fuzz/ops.c does not call $$call"; exit 1; }; \
	done

##lint-rust          the same of the crates, which build without a warning
lint-rust: rust

##lint-build         a copy of the tree builds without dpkg, apt and sudo; make names missing things and installs nothing
lint-build: need-lint
	@echo "  LINT    build"
	+@$(BUILD)/build-check

##lint-help          each verb's --help, manual page and completion say the same; mboxbench(1) has all of its options
lint-help: tools
	@echo "  LINT    help"
	@$(MAKE) -s -C tools check-help O=$(OUT)/tools LIBO=$(OUT)/lib
	@$(MAKE) -s -C tools/bench check-help O=$(OUT)/bench-check LIBO=$(OUT)/lib ZMQ=n

##lint-man           the manual pages have the structures, rules and errors of uapi/linux/mbox.h; those of functions have
##                   examples, which tests compile; mbox_strerror() has words for each error that a header names
lint-man:
	@echo "  LINT    man"
	@$(BUILD)/man.sh -c
	@$(BUILD)/examples.sh -c
	@for error in $$(sed -nE 's/^ \* -?(E[A-Z0-9]+)[[:space:]].*/\1/p; s/^.*-(E[A-Z0-9]+)([^A-Za-z0-9_].*)?$$/\1/p' \
			lib/mbox.h lib/mbox_monitor.h uapi/linux/mbox.h | sort -u | grep -v ^EPOLL); do \
		grep -q "case -$$error:" lib/error.c || { echo "lib/error.c has no words for $$error"; exit 1; }; \
	done

##lint-english       fewer than 2 % of comments and sentences turn on a who/what clause; lists them
lint-english:
	@echo "  LINT    english"
	@$(BUILD)/english.sh

.PHONY: lint need-lint lint-kselftest lint-tidy $(LINT)
