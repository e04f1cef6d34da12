#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Compare the map at the top of kmod/mbox.h with the sources: map.sh [-v].
#
# The map has layers, apart by blank lines, of files; a layer calls itself and the layers below it. Calls
# that run back are named there: "from.c -> to.c". The sources say which file defines an exported function
# or variable, and which files use it; a use in an inline function counts for the files that use that.
#
# Prints the calls that run back but are not named, those that are named but do not run back, and files that
# are missing on one side; fails if there are any. -v prints all calls between files instead.
set -eu

cd "$(dirname "$0")/../../kmod"
verbose=0
[ "${1-}" = -v ] && verbose=1

# Without comments and strings, so that names in them do not count.
strip()
{
	awk '{
		line = $0
		gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
		out = ""
		while (line != "") {
			if (inside) {
				at = index(line, "*/")
				if (!at)
					break
				line = substr(line, at + 2)
				inside = 0
			} else {
				at = index(line, "/*")
				if (!at) {
					out = out line
					break
				}
				out = out substr(line, 1, at - 1)
				line = substr(line, at + 2)
				inside = 1
			}
		}
		sub(/\/\/.*/, "", out)
		print FILENAME "\t" out
	}' "$@"
}

{
	# No generated file is a layer.
	printf '%s\n' *.c | grep -v -x -e 'netlink_gen.c' -e 'trace.c' | sed 's/^/FILE\t/'
	sed -n '/^ \* LOCKS/q; s/^ \*/MAP\t/p' mbox.h
	strip ./*.h ./*.c | sed 's|^\./||'
} | awk -F '\t' -v verbose=$verbose '
$1 == "FILE" { files[$2] = 1; next }
$1 == "MAP" {
	text = substr($0, 5)
	if (text ~ /^[ \t]*$/) {
		if (found)
			layer++
		found = 0
		next
	}
	if (match(text, /[a-z_]+\.c -> [a-z_]+\.c/)) {
		named[substr(text, RSTART, RLENGTH)] = 1
		next
	}
	if (text ~ /^\t/ && match(text, /[a-z_]+\.c/)) {
		name = substr(text, RSTART, RLENGTH)
		level[name] = layer
		found = 1
	}
	next
}
{
	file = $1
	line = substr($0, length(file) + 2)
	if (file != before) {
		within = ""
		before = file
	}
	lines++
	source[lines] = line
	of[lines] = file
	# A definition begins in the first column, and its body with a brace there.
	if (line ~ /^[a-z_].*\(/ && line !~ /;[ \t]*$/) {
		head = line
		sub(/\(.*/, "", head)
		n = split(head, word, /[ \t*]+/)
		candidate = word[n]
		inlined = line ~ /^static/ || last ~ /^static/
		function_at = lines
	} else if (line ~ /^\**(__)?mbox_[a-z_]+\(/ && line !~ /;[ \t]*$/) {
		candidate = line
		sub(/\(.*/, "", candidate)
		gsub(/\*/, "", candidate)
		inlined = last ~ /^static/
	} else if (line ~ /^\{/ && candidate != "") {
		within = candidate
		if (file ~ /\.c$/ && !inlined)
			defined[candidate] = file
		if (file ~ /\.h$/)
			inline_in[candidate] = 1
		candidate = ""
	} else if (line ~ /^\}/) {
		body[lines] = within
		within = ""
	} else if (file ~ /\.c$/ && line ~ /^(const )?(struct |unsigned |spinlock)?.*mbox_[a-z_]+( = .*|;)$/ && line !~ /^(static|extern|\t| |\})/ && line !~ /\(/) {
		head = line
		sub(/( = .*|;)$/, "", head)
		n = split(head, word, /[ \t*]+/)
		defined[word[n]] = file
	} else if (file ~ /\.c$/ && match(line, /^DEFINE_[A-Z]+\([a-z_]+\)/)) {
		head = substr(line, RSTART, RLENGTH)
		sub(/.*\(/, "", head)
		sub(/\).*/, "", head)
		defined[head] = file
	}
	inside[lines] = within
	last = line
}
# Whether a use of @name in @user counts, and from where.
function use(user, name,    i, n, list) {
	if (name in defined) {
		if (defined[name] != user && (user in level || user in files))
			arrow[user " -> " defined[name]] = arrow[user " -> " defined[name]] " " name
	} else if (name in inline_in && !((user, name) in seen)) {
		seen[user, name] = 1
		n = split(uses[name], list, " ")
		for (i = 1; i <= n; i++)
			use(user, list[i])
	}
}
END {
	for (i = 1; i <= lines; i++) {
		rest = source[i]
		while (match(rest, /[A-Za-z_][A-Za-z_0-9]*/)) {
			name = substr(rest, RSTART, RLENGTH)
			rest = substr(rest, RSTART + RLENGTH)
			if (!(name in defined) && !(name in inline_in))
				continue
			if (of[i] ~ /\.h$/) {
				if (inside[i] != "" && name != inside[i])
					uses[inside[i]] = uses[inside[i]] " " name
			} else {
				called[of[i], name] = 1
			}
		}
	}
	for (pair in called) {
		split(pair, part, SUBSEP)
		use(part[1], part[2])
	}
	for (name in files)
		if (!(name in level)) {
			print "map: " name " is not on the map"
			bad = 1
		}
	for (name in level)
		if (!(name in files)) {
			print "map: there is no " name
			bad = 1
		}
	for (pair in arrow) {
		split(pair, part, " -> ")
		if (!(part[1] in level) || !(part[2] in level))
			continue
		all++
		if (level[part[1]] > level[part[2]]) {
			back++
			if (verbose)
				print "back\t" pair "\t" arrow[pair]
			if (!(pair in named)) {
				print "map: runs back: " pair ":" arrow[pair]
				bad = 1
			}
		} else {
			if (verbose)
				print "call\t" pair "\t" arrow[pair]
			if (pair in named) {
				print "map: does not run back: " pair
				bad = 1
			}
		}
		run[pair] = 1
	}
	for (pair in named)
		if (!(pair in run)) {
			print "map: nobody calls: " pair
			bad = 1
		}
	printf "map: %d calls between files, %d run back\n", all, back
	exit bad
}'
