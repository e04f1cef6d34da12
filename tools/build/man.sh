#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Generate the parts of the manual pages that come from uapi/linux/mbox.h: descriptions of the
# structures, and the table of errors. man.sh writes them into the pages, man.sh -c fails if the
# pages are not current.
#
# A part lies between the lines
#	.\" generated: NAME
#	.\" end
# where NAME is a structure, "results" and a structure for its declaration and the fields that a call
# returns, or "errors".
set -eu

cd "$(dirname "$0")/../.."
header=uapi/linux/mbox.h
out=$(mktemp)
trap 'rm -f "$out"' EXIT

status=0
# No name of a page holds a space.
# shellcheck disable=SC2013
for page in $(grep -l '^\.\\" generated: ' lib/man/*.[1-8]); do
	awk -v header=$header '
function die(text)
{
	print FILENAME ":" FNR ": " text >"/dev/stderr"
	failed = 1
	exit 1
}

# Format a text: constants, errors and other words in capitals of C in bold, @field in italics.
function format(s,    n, i, token, word, out, before, after, name)
{
	gsub(/\\/, "\\e", s)
	gsub(/-/, "\\-", s)
	n = split(s, token, / +/)
	out = ""
	for (i = 1; i <= n; i++) {
		word = token[i]
		before = after = ""
		if (match(word, /^[(<"]+/)) {
			before = substr(word, 1, RLENGTH)
			word = substr(word, RLENGTH + 1)
		}
		if (match(word, /^@[a-z_.]*[a-z]/)) {
			name = substr(word, 2, RLENGTH - 1)
			word = "\\fI" name "\\fP" substr(word, RLENGTH + 1)
		} else if (match(word, /^(MBOX_[A-Z_]*[A-Z_*]|EPOLL[A-Z]+|CAP_[A-Z_]*[A-Z]|O_[A-Z]+)/) ||
			   (match(word, /^E[A-Z2][A-Z]+/) && substr(word, 1, RLENGTH) in is_error)) {
			name = substr(word, 1, RLENGTH)
			word = "\\fB" name "\\fP" substr(word, RLENGTH + 1)
		} else if (match(word, /^[A-Z][A-Z]+/) && substr(word, 1, RLENGTH) in section) {
			name = substr(word, 1, RLENGTH)
			# A section of several words: take them all.
			while (i < n && (name " " bare(token[i + 1])) in prefix) {
				name = name " " bare(token[++i])
				word = word " " token[i]
			}
			word = titled(name) substr(word, length(name) + 1)
		} else if (match(word, /^(poll|read|write|mmap|fork)\(\)/)) {
			word = "\\fB" substr(word, 1, RLENGTH - 2) "\\fP(2)" substr(word, RLENGTH + 1)
		}
		out = out (i > 1 ? " " : "") before word
	}
	sub(/^\./, "\\\\\\&.", out)
	return out
}

function bare(word)
{
	sub(/[^A-Z]+$/, "", word)
	return word
}

# A section of the header by the name that its counterpart in mbox(4) has.
function titled(name)
{
	return "\\fB" substr(name, 1, 1) tolower(substr(name, 2)) "\\fP"
}

# Print a text, each sentence on its line.
function sentences(s)
{
	gsub(/  +/, " ", s)
	sub(/^ /, "", s)
	s = format(s)
	while (match(s, /[.?]\)? [A-Z\\(]/)) {
		print substr(s, 1, RSTART + RLENGTH - 3)
		s = substr(s, RSTART + RLENGTH - 1)
	}
	print s
}

function listing(name,    i)
{
	if (!(name in code))
		die("no structure " name)
	print ".EX"
	printf "%s", code[name]
	print ".EE"
}

# A field: its text as a sentence, and once in a page the constants that the text names with a *.
function field(name, text,    i, family)
{
	print ".TP\n.I " name
	if (text !~ /\.\)?$/)
		text = text "."
	sentences(toupper(substr(text, 1, 1)) substr(text, 2))
	if (!match(text, /MBOX_[A-Z]+_\*/))
		return
	family = substr(text, RSTART, RLENGTH - 1)
	if (family in listed || !(family in has_text))
		return
	listed[family] = 1
	print ".RS"
	for (i = 1; i <= nr_constants; i++)
		if (index(constant[i], family) == 1) {
			text = constant_text[i]
			print ".TP\n.B " constant[i]
			sentences(toupper(substr(text, 1, 1)) substr(text, 2) ".")
		}
	print ".RE"
}

# The fields that a call returns.
function results(name,    i, text)
{
	print ".in +4n"
	listing(name)
	print ".in"
	for (i = 1; i <= fields[name]; i++) {
		text = field_text[name, i]
		if (field_name[name, i] == "pad" || !sub(/^out, /, "", text))
			continue
		field(field_name[name, i], text)
	}
}

function structure(name,    i, text)
{
	listing(name)
	for (i = 1; i <= fields[name]; i++) {
		text = field_text[name, i]
		sub(/^in and out/, "Input and output", text)
		sub(/^in/, "Input", text)
		sub(/\. Out: /, ". Output: ", text)
		sub(/^out/, "Output", text)
		field(field_name[name, i], text)
	}
	for (i = 1; i <= paragraphs[name]; i++) {
		print ".P"
		text = paragraph[name, i]
		if (text ~ /^ Returns:/)
			sub(/\. E/, ". Errors: E", text)
		sentences(text)
	}
}

function errors(    i)
{
	for (i = 1; i <= nr_errors; i++) {
		print ".TP\n.B " error_name[i]
		sentences(toupper(substr(error_text[i], 1, 1)) substr(error_text[i], 2) ".")
	}
}

# The header

function read_essay(line)
{
	sub(/^ \* ?/, "", line)
	if (line ~ /^[A-Z][A-Z ]+$/) {
		heading = line
		section[line] = prefix[line] = 1
		n = split(line, words, " ")
		section[words[1]] = 1
		text = words[1]
		for (k = 2; k <= n; k++) {
			text = text " " words[k]
			prefix[text] = 1
		}
	} else if (heading == "ERRORS" && line ~ /^E[A-Z0-9]+ /) {
		error_name[++nr_errors] = substr(line, 1, index(line, " ") - 1)
		is_error[error_name[nr_errors]] = 1
		sub(/^[A-Z0-9]+ +/, "", line)
		error_text[nr_errors] = line
	} else if (heading == "ERRORS" && line ~ /^ /) {
		sub(/^ +/, "", line)
		error_text[nr_errors] = error_text[nr_errors] " " line
	}
}

# struct NAME - purpose, @field: text, paragraphs.
function read_doc(line)
{
	sub(/^ \* ?/, "", line)
	if (line ~ /^struct [a-z_]+ - /) {
		split(line, words, " ")
		doc = words[2]
		fields[doc] = paragraphs[doc] = 0
		in_fields = 1
	} else if (line ~ /^@[a-z_0-9]+:/) {
		split(line, words, ":")
		field_name[doc, ++fields[doc]] = substr(words[1], 2)
		sub(/^[^:]+:[ \t]*/, "", line)
		field_text[doc, fields[doc]] = line
	} else if (line == "") {
		in_fields = 0
		fresh = 1
	} else if (in_fields) {
		sub(/^[ \t]+/, "", line)
		field_text[doc, fields[doc]] = field_text[doc, fields[doc]] " " line
	} else {
		if (fresh)
			paragraphs[doc]++
		fresh = 0
		sub(/^Return:/, "Returns:", line)
		paragraph[doc, paragraphs[doc]] = paragraph[doc, paragraphs[doc]] " " line
	}
}

function read_code(line)
{
	if (match(line, /^#define[ \t]+MBOX_[A-Z]+_/) && line ~ /\/\*.*\*\/$/) {
		split(line, words, /[ \t]+/)
		sub(/^#define[ \t]+/, "", line)
		match(line, /^MBOX_[A-Z]+_/)
		has_text[substr(line, 1, RLENGTH)] = 1
		constant[++nr_constants] = words[2]
		sub(/^[^*]*\/\*[ \t]*/, "", line)
		sub(/[ \t]*\*\/$/, "", line)
		constant_text[nr_constants] = line
	} else if (line ~ /^struct [a-z_]+ \{/) {
		split(line, words, " ")
		name = words[2]
		code[name] = line "\n"
	} else if (name != "") {
		sub(/ __attribute__.*;/, ";", line)
		if (match(line, /^\t[^\t]+\t+/)) {
			text = substr(line, 2, RLENGTH - 1)
			gsub(/\t/, "", text)
			line = sprintf("    %-13s %s", text, substr(line, RLENGTH + 1))
		} else {
			sub(/^\t/, "    ", line)
		}
		code[name] = code[name] line "\n"
		if (line ~ /^}/)
			name = ""
	}
}

BEGIN {
	while ((got = getline line <header) > 0) {
		if (line ~ /^\/\*\*$/)
			comment = "doc"
		else if (line ~ /^\/\*$/)
			comment = "essay"
		else if (comment != "" && line ~ /^ \*\/$/)
			comment = ""
		else if (comment == "doc")
			read_doc(line)
		else if (comment == "essay" && !nr_guard)
			read_essay(line)
		else
			read_code(line)
		if (line ~ /^#ifndef/)
			nr_guard++
	}
	if (got < 0) {
		print "cannot read " header >"/dev/stderr"
		exit 1
	}
}

/^\.\\" generated: / {
	print
	name = $3
	if (name == "errors")
		errors()
	else if (name == "results")
		results($4)
	else
		structure(name)
	skip = 1
	name = ""
	next
}
/^\.\\" end$/ { skip = 0 }
!skip { print }
END {
	if (!failed && skip)
		die("a generated part without an end")
}' "$page" >"$out"
	cmp -s "$out" "$page" && continue
	if [ "${1-}" = -c ]; then
		echo "$page is not current: run make man" >&2
		status=1
	else
		cp "$out" "$page"
	fi
done
exit $status
