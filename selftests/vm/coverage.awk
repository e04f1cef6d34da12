# SPDX-License-Identifier: GPL-2.0-only
# What gcov found, from coverage.missing and what gcov -b -c -t printed of each file (a file each); -v
#	run=suite	lines and branches reached by file, and the lines that were not; fails where one of
#			these has no reason in coverage.missing, or less than -v least=PERCENT of all are reached
#	run=fail_nth	the calls in the module that may fail for want of memory or for an address, of which
#			fail_nth has not seen the failure; fails where one has no reason
#	run=part	as suite, of a part of it: fails for nothing
#	branches=1	lists the branches that were not taken, too
#
# A call has failed if the code for its failure was reached: the code that the next "if" on its result
# guards, or both sides of "?:" where it returns with that. A line such as "return -ENOMEM;" may have no code
# of its own: then both ways from the end of the condition before it were taken.

# These calls may fail. First those that the kernel fails on demand, then those that pass an error on.
function may_fail_list()
{
	return "k[mzc]alloc|kvm?[mz]alloc|kvmalloc|kmem_cache_alloc|kmem_cache_create_usercopy|" \
		"alloc_page|genlmsg_new|xa_reserve|" \
		"anon_inode_getfile|get_unused_fd_flags|rhashtable_init|misc_register|register_pernet_subsys|" \
		"copy_from_user|copy_to_user|copy_struct_from_user|clear_user|fault_in_safe_writeable|mbox_copy_in|" \
		"mbox_message_new|mbox_message_fill|mbox_user_get|mbox_mailbox_new|mbox_handle_open|" \
		"send_charge_caller|send_made|registry_enter_name|mbox_registry_add|mbox_create_file|mbox_tie_bind|" \
		"mbox_ioctl_copy|mbox_ioctl_get_delete|ioctl_copy_result|receive_put_header|receive_prefault|" \
		"mbox_message_init|mbox_registry_init|mbox_cdev_init"
}

function percent(part, all)
{
	return all ? sprintf("%.1f", 100 * part / all) : "-"
}

function row(name, l, lc, b, bc)
{
	printf "%-14s %6d %8d %6s %9d %8d %6s\n", name, l, lc, percent(lc, l), b, bc, percent(bc, b)
}

# Why line @i of the file was not reached, or "".
function reason_of(i,   j)
{
	for (j = 1; j <= reasons; j++) {
		if (where[j] == file ":" in_function[i] && index(source[i], fragment[j])) {
			used[j] = 1
			return why[j]
		}
	}
	return ""
}

# A line that "coverage.missing" names must exist, or the entry is out of date.
function see_reason(i,   j)
{
	for (j = 1; j <= reasons; j++)
		if (where[j] == file ":" in_function[i] && index(source[i], fragment[j]))
			there[j] = 1
}

function explain(i,   reason, text)
{
	reason = reason_of(i)
	text = source[i]
	gsub(/^[ \t]+/, "", text)
	if (reason == "")
		unexplained++
	return sprintf("%s:%d: %s(): %s\n\t%s\n", file, number[i], in_function[i], text, reason == "" ? "NO REASON" : reason)
}

function balance(text,   opened, closed)
{
	opened = gsub(/\(/, "", text)
	closed = gsub(/\)/, "", text)
	return opened - closed
}

# The last two branches of lines @from to @to were taken: both ways from there.
function both_ways(from, to,   n, all)
{
	for (all = ""; from <= to; from++)
		all = all branch[from]
	n = split(all, taken, " ")
	return n > 1 && taken[n] > 0 && taken[n - 1] > 0
}

# The line where the statement begins of which line @i is part.
function statement(i,   first, depth, j)
{
	for (first = i; source[first] !~ CONDITION; first--)
		if (source[first - 1] ~ /([;{}:\/]|else|do)$/ || source[first - 1] ~ /^[ \t]*$/)
			return first
	# in the condition, or in the code that it guards
	for (j = first; j < i; j++)
		depth += balance(source[j])
	return first == i || depth > 0 ? first : i
}

# Line @i makes a call: 1 if its failure was seen, 0 if not, -1 if nothing here asks for it.
function failed(i,   first, last, result, depth)
{
	first = statement(i)
	if (source[first] ~ /^[ \t]*return/) {
		for (last = first; source[last] !~ /;$/; last++)
			;
		return source[last] ~ /\?/ ? both_ways(first, last) : -1
	}
	if (source[first] !~ CONDITION) {
		if (!match(source[first], /[A-Za-z_>.-]+ = /))
			return -1
		result = substr(source[first], RSTART, RLENGTH - 3)
		for (first = i + 1; ; first++) {
			if (first > lines || source[first] ~ /^\}/)
				return -1
			if (!index(source[first], result))
				continue
			if (source[first] ~ /^[ \t]*return.*\?/)
				return both_ways(first, first)
			if (source[first] ~ CONDITION)
				break
		}
	}
	# the end of the condition, and the code that it guards
	depth = balance(source[first])
	for (last = first; depth > 0 && last < lines; )
		depth += balance(source[++last])
	return count[last + 1] == "-" ? both_ways(first, last) : count[last + 1] > 0
}

function look_for_calls(   i, text, n)
{
	for (i = 1; i <= lines; i++) {
		if (in_function[i] == "" || source[i] ~ /^[a-z]/ || source[i] ~ /^[ \t]*\/?\*/)
			continue
		text = source[i]
		if (text ~ /GFP_/ && source[statement(i)] !~ may_fail) {
			print file ":" number[i] ": coverage.awk does not know what allocates here"
			bad = 1
		}
		while (match(text, may_fail)) {
			text = substr(text, RSTART + RLENGTH)
			n = failed(i)
			if (n < 0)
				continue
			sites++
			if (n > 0) {
				sites_failed++
				see_reason(i)
			} else {
				missed = missed explain(i)
			}
		}
	}
}

function look_for_lines(   i, j, n)
{
	l = r = b = t = 0
	for (i = 1; i <= lines; i++) {
		n = split(branch[i], taken, " ")
		for (j = 1; j <= n; j++) {
			b++
			if (taken[j] > 0)
				t++
			else if (branches && count[i] > 0)
				missed_branches = missed_branches sprintf("%s:%d: branch %d: %s\n", file, number[i], j - 1, source[i])
		}
		if (count[i] == "-")
			continue
		l++
		if (count[i] > 0) {
			r++
			see_reason(i)
		} else {
			missed = missed explain(i)
		}
	}
	row(file, l, r, b, t)
	all_l += l; all_r += r; all_b += b; all_t += t
}

function finish_file()
{
	if (file == "")
		return
	if (run == "fail_nth")
		look_for_calls()
	else
		look_for_lines()
	split("", branch)
	lines = 0
	name = ""
}

BEGIN {
	CONDITION = "^[ \t]*(} else )?if \\("
	may_fail = "[^a-z_](" may_fail_list() ")\\("
	if (run != "fail_nth")
		printf "%-14s %6s %8s %6s %9s %8s %6s\n", "file", "lines", "reached", "%", "branches", "taken", "%"
}

FNR == 1 {
	finish_file()
	file = FILENAME
	sub(/.*\//, "", file)
	if (file == "coverage.missing")
		file = ""
	sub(/\.gcov$/, "", file)
}

# coverage.missing
file == "" {
	if (/^(#|$)/)
		next
	if (split($0, column, /\t+/) != 4) {
		print FILENAME ":" FNR ": not four columns"
		bad = 1
	} else if (column[1] == (run == "part" ? "suite" : run)) {
		where[++reasons] = column[2]
		fragment[reasons] = column[3]
		why[reasons] = column[4]
	}
	next
}

/^function / { name = $2; next }
/^branch / { branch[lines] = branch[lines] ($3 == "taken" ? $4 : 0) " "; next }
/^(call|unconditional) / { next }

{
	split($0, column, ":")
	if (column[2] + 0 == 0)
		next
	lines++
	number[lines] = column[2] + 0
	count[lines] = column[1] ~ /-$/ ? "-" : column[1] + 0
	source[lines] = $0
	sub(/^[^:]*:[^:]*:/, "", source[lines])
	in_function[lines] = name
}

END {
	finish_file()
	if (run == "fail_nth") {
		printf "%d calls may fail for want of memory or for an address, and %d of them were seen to\n", sites, sites_failed
	} else {
		row("all", all_l, all_r, all_b, all_t)
		print "\nnot reached:"
	}
	printf "%s", missed
	if (branches)
		printf "\nnot taken:\n%s", missed_branches
	if (run == "part")
		exit bad
	for (j = 1; j <= reasons; j++) {
		if (there[j] && !used[j])
			print "reached after all: " where[j] ": " fragment[j]
		if (!there[j] && !used[j]) {
			print "coverage.missing names what is not there: " where[j] ": " fragment[j]
			bad = 1
		}
	}
	if (unexplained) {
		print unexplained " without a reason in selftests/vm/coverage.missing"
		bad = 1
	}
	if (run == "suite" && all_r < least / 100 * all_l) {
		print "less than " least " % of the lines are reached"
		bad = 1
	}
	exit bad
}
