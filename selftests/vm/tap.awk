# SPDX-License-Identifier: GPL-2.0-only
# Count the results in the output of kselftest's runner: print one line of "PROGRAM passed failed skipped" per program, then the
# reasons for failures that no line of the log states. -v programs="NAME…": those that were to run.
#
# A program that promised more results than it gave, that ended badly though all its results were good, or
# that never ended, has failed in one test more.

function finish(failed_too, why)
{
	missing = planned - passed - failed - skipped
	if (planned >= 0 && missing > 0) {
		failed += missing
		why = why (why ? ", " : "") missing " of " planned " results are missing"
	}
	if (failed_too && failed == 0)
		failed++
	# one that gives no results of its own is one test
	if (passed + failed + skipped == 0) {
		if (skip_all)
			skipped++
		else
			passed++
	}
	print program, passed, failed, skipped
	if (failed_too || missing > 0)
		print "# " program ": " (why ? why : "failed")
	done[program] = 1
	program = ""
}

function start(name)
{
	if (program)
		finish(1, "did not end")
	program = name
	planned = -1
	passed = failed = skipped = skip_all = 0
}

# its last line, from the runner
/^(not )?ok [0-9]+ selftests: / {
	bad = $1 == "not"
	skip_all = /# SKIP/
	why = ""
	if (bad && match($0, /# .*/))
		why = substr($0, RSTART + 2)
	if (program)
		finish(bad, why)
	next
}

/^# selftests: [^ ]+: / { start($NF); next }

/^# 1\.\.[0-9]+/ && program {
	planned = substr($2, 4) + 0
	skip_all = planned == 0
	next
}

/^# (not )?ok [0-9]+/ && program {
	if ($2 == "not" && !/# (TODO|XFAIL)/)
		failed++
	else if (/# SKIP/)
		skipped++
	else
		passed++
}

END {
	if (program)
		finish(1, "did not end")
	n = split(programs, names, " ")
	for (i = 1; i <= n; i++)
		if (!(names[i] in done)) {
			print names[i], 0, 1, 0
			print "# " names[i] ": did not start"
		}
}
