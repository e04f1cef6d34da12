# SPDX-License-Identifier: GPL-2.0-only
# Output like Kbuild's, "  CC      attr.o"; included by the makefiles. V=1 prints the commands instead, make -s nothing.
#
#	$(call say,CC,attr.o)
#	$(Q)command

silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
ifeq ($(V),1)
Q :=
say :=
else
Q := @
say = @$(if $(silent),:,printf '  %-7s %s\n' '$(1)' '$(2)')
endif
