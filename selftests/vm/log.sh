#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Find reports (warnings, oopses, leaks …) in a kernel log.
#
# log.sh FILE      prints the reports with the lines around them; ends with 1 if there is any
# log.sh -c FILE   prints how many there are
# log.sh -e FILE   ends with 0 if there is nothing but an oops of the emulator's making

set -euo pipefail

# After the time stamp and the caller, which a message may or may not have.
START='^(\[[^]]*\])*[[:space:]]*'

REPORT=(
	"${START}(rcu: |watchdog: |NMI watchdog: |perf: )?(WARNING|BUG|INFO): "
	"${START}BUG [a-zA-Z]"		# of the slab allocator
	"${START}kernel BUG at "
	"${START}Oops[: ]"
	"${START}general protection fault"
	"${START}(double fault|divide error|invalid opcode|stack segment):"
	"${START}Kernel panic"
	"${START}Call Trace:"
	"${START}UBSAN: "
	"${START}ODEBUG: "
	"${START}refcount_t: "
	"${START}list_(add|del) (corruption|double)"
	"${START}unreferenced object 0x"
	"${START}kmem_cache_destroy "
	"${START}Slab cache still has objects"
	"${START}DEBUG_LOCKS_WARN_ON"
	"${START}Bad (rss-counter|page) "
	"${START}usercopy: "
	"${START}[^ ]+: page allocation failure"
	"${START}mbox: .*(version magic|Unknown symbol|disagrees about version)"
	"rcu.*detected (expedited )?stalls"
	"self-detected stall"
	"blocked for more than [0-9]+ seconds"
	"Voluntary context switch within RCU"
	"possible (recursive|circular|irq lock inversion)"
	"inconsistent lock state"
	"lock(s)? held when returning to user space"
	"Objects remaining in "
	"stack-protector: "
)

# Lines that begin in the same way but report no fault.
HARMLESS="${START}INFO: NMI handler .* took too long"

# How many lines before and after a matching one belong to it.
BEFORE=3
AFTER=40

pattern=$(IFS='|'; echo "${REPORT[*]}")

# The log without the CRs of the console, without harmless lines, and without the output that the guest's watchdog
# asked for.
text()
{
	tr -d '\r' <"$1" | sed '/mbox-vm: time limit reached/,$d' | grep -avE "$HARMLESS" || true
}

# A report has many lines that match, but its call trace is not one more.
count()
{
	local all traces

	all=$(text "$1" | grep -acE "$pattern" || true)
	traces=$(text "$1" | grep -acE "${START}Call Trace:" || true)
	echo $((all > traces ? all - traces : all))
}

# QEMU's emulation of several processors (TCG, at least 7.2) races with a kernel that patches its code, as it
# does for tracepoints and static keys: a processor that translates an int3 while another replaces it keeps
# the old translation, and runs into it when the kernel does not expect it any more. No code of the module has
# an int3. The oops ends the machine, so it is the first report and the only one.
emulator()
{
	[ "$(text "$1" | grep -aE "$pattern" | head -n 1 | grep -acE "${START}Oops: int3")" = 1 ] &&
		[ "$(text "$1" | grep -acE "${START}Oops")" = 1 ]
}

case ${1-} in
-c)
	count "$2"
	;;
-e)
	emulator "$2"
	;;
*)
	! text "$1" | grep -aE -B $BEFORE -A $AFTER "$pattern"
	;;
esac
