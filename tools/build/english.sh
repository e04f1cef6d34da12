#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# List the comments and sentences that turn on a noun clause of who, whom, whose or what.
# Usage: english.sh [FILE...]; without a FILE it reads every text file that git knows.
#
# A sentence whose subject is such a clause ("who waits is told") has to be read twice.
# The rule errs on the strict side:
#	what, whatever, whoever and whomever always count;
#	who and whom count unless they follow a noun for a person or a program ("a process who",
#	"the sender, to whom");
#	whose counts only where it begins a sentence or follows a verb of knowing or telling.
# A sentence that ends with a question mark does not count, nor does a word in capitals, in quotes,
# or one that is part of a name (@who, who_waits).
#
# One comment counts once, however long it is; in manual pages, papers and the documentation of
# YAML, each sentence counts once. Two of a hundred or more make the script fail.
set -eu

if [ $# -eq 0 ]; then
	cd "$(git rev-parse --show-toplevel)"
	# No file's name holds a space.
	# shellcheck disable=SC2046
	set -- $(git ls-files | grep -v -e '^LICENSE$' -e '/corpus$' -e '/seeds$')
fi

exec awk '
# The kind of a file, by its name or by its first line.
function kind_of(file, first)
{
	if (file ~ /\.([chyl]|[ch]pp|rs|pml|cocci|map)$/)
		return "c"
	if (file ~ /\.[1-8]$/)
		return "man"
	if (file ~ /\.md$/)
		return "md"
	if (file ~ /\.ya?ml$/)
		return "yaml"
	if (file ~ /\.(sh|mk|awk|bash|txt|config|py|conf|rules|in)$/ || file ~ /(^|\/)(Makefile|Kconfig|config|settings|rules|control)$/ || first ~ /^#!/)
		return "hash"
	return ""
}

# Add the text @s, of line @line, to the piece that is being gathered.
function add(s, line)
{
	if (!gathering) {
		gathering = 1
		text = ""
		start = line
	}
	while (start + lines(text) < line)
		text = text "\n"
	text = text " " s
}

function lines(s)
{
	return gsub(/\n/, "\n", s)
}

function directory(file)
{
	if (file !~ /\//)
		return "."
	sub(/^\.\//, "", file)
	sub(/\/.*/, "", file)
	return file
}

# Judge the comment that was gathered: it counts once.
function comment(    hits)
{
	if (!gathering)
		return
	gathering = 0
	if (text !~ /[A-Za-z]/)
		return
	hits = judge(text, start, 0)
	total[dir]++
	if (hits)
		found[dir]++
}

# Judge the paragraph that was gathered: each of its sentences counts.
function prose()
{
	if (!gathering)
		return
	gathering = 0
	if (text ~ /[A-Za-z]/)
		judge(text, start, 1)
}

# Cut @s into sentences, and print those that hold such a clause.
function judge(s, line, each,    n, i, word, sentence, bad, hits, at, token, first)
{
	hits = 0
	sentence = ""
	bad = 0
	first = 1
	at = line
	gsub(/\n/, " \n ", s)
	n = split(s, token, /[ \t]+/)
	prev2 = prev = ""
	for (i = 1; i <= n; i++) {
		word = token[i]
		if (word == "")
			continue
		if (word == "\n") {
			line++
			continue
		}
		# The description of a field begins a sentence of its own.
		if (word ~ /^@[a-z_.]+:$/ && sentence != "") {
			hits += sentence_end(sentence, at, bad, each)
			sentence = ""
			bad = 0
			first = 1
			prev2 = prev = ""
		}
		if (first) {
			at = line
			first = 0
		}
		sentence = sentence (sentence == "" ? "" : " ") word
		if (clause(word))
			bad = 1
		prev2 = prev
		prev = word
		if (word ~ /[.?!][)"\047]*$/ && word !~ /^(e\.g|i\.e|etc|cf|\.\.)\.$/) {
			hits += sentence_end(sentence, at, bad && word !~ /\?/, each)
			sentence = ""
			bad = 0
			first = 1
			prev2 = prev = ""
		}
	}
	if (sentence != "")
		hits += sentence_end(sentence, at, bad, each)
	return hits
}

function sentence_end(s, line, bad, each)
{
	if (each && s ~ /[a-z]/) {
		total[dir]++
		if (bad)
			found[dir]++
	}
	if (bad)
		print FILENAME ":" line ": " s
	return bad
}

# Whether @word, after prev and prev2, begins a noun clause.
function clause(word,    before)
{
	sub(/^[(\[]+/, "", word)
	sub(/[])},.;:!]+$/, "", word)
	if (word ~ /^([Ww]hat|[Ww]hatever|[Ww]hoever|[Ww]homever)$/)
		return 1
	if (word !~ /^([Ww]ho|[Ww]hom|[Ww]hose)$/)
		return 0
	before = tolower(prev)
	if (word ~ /hose$/)
		return before == "" || before ~ /[.:;!?]$/ || before ~ /^(than|as|know|knows|tell|tells|told|say|says|see|sees|is|are|ask|asks|by)$/
	sub(/,$/, "", before)
	if (word ~ /hom$/ && before ~ /^(to|from|for|of|by|with|about|on)$/) {
		before = tolower(prev2)
		sub(/,$/, "", before)
	}
	sub(/^[("]+/, "", before)
	sub(/[)"]+$/, "", before)
	return before !~ /^(process|thread|task|program|caller|opener|receiver|sender|worker|owner|creator|user|reader|writer|listener|member|peer|waiter|child|parent|administrator|maintainer|packager|contributor|person|subscriber|publisher|producer|consumer|holder|poller|successor|server|client)(s|es)?$/ && before !~ /^(people|children)$/
}

# The comments in a line of C, without the strings and characters beside them.
function c_line(s, line,    at, rest, only)
{
	only = 1
	if (open && match(s, /\*\//)) {
		add(tidy(substr(s, 1, RSTART - 1)), line)
		comment()
		open = 0
		s = substr(s, RSTART + 2)
		only = 0
	} else if (open) {
		add(tidy(s), line)
		return
	}
	while (match(s, /"([^"\\]|\\.)*"|\047([^\047\\]|\\.)*\047|\/\*|\/\//)) {
		at = substr(s, RSTART, RLENGTH)
		rest = substr(s, RSTART + RLENGTH)
		if (at == "//") {
			if (!only || substr(s, 1, RSTART - 1) ~ /[^ \t]/)
				comment()
			add(rest, line)
			if (!only || substr(s, 1, RSTART - 1) ~ /[^ \t]/)
				comment()
			return
		}
		if (at == "/*") {
			comment()
			if (match(rest, /\*\//)) {
				add(tidy(substr(rest, 1, RSTART - 1)), line)
				comment()
				s = substr(rest, RSTART + 2)
				only = 0
				continue
			}
			add(tidy(rest), line)
			open = 1
			return
		}
		s = rest
		only = 0
	}
	comment()
}

function tidy(s)
{
	sub(/^[ \t]*\*+/, "", s)
	return s
}

function hash_line(s, line)
{
	if (s ~ /^[ \t]*#/) {
		sub(/^[ \t]*#+/, "", s)
		if (line == 1 && s ~ /^!/)
			return
		add(s, line)
		return
	}
	comment()
	if (s ~ /^[^"\047]*[ \t]#[ \t]/) {
		sub(/^[^"\047]*[ \t]#/, "", s)
		add(s, line)
		comment()
	}
}

function man_line(s, line)
{
	if (s ~ /^[.\047]\\"/) {
		prose()
		sub(/^..."/, "", s)
		return
	}
	if (s ~ /^\.(nf|EX)/)
		verbatim = 1
	if (s ~ /^\.(fi|EE)/)
		verbatim = 0
	if (s ~ /^\.(nf|EX|fi|EE|PP|P|LP|TP|TQ|IP|SH|SS|TH|RS|RE|so|sp|br|UR|UE|TS|TE)/ || s == "") {
		prose()
		return
	}
	if (verbatim)
		return
	sub(/^\.[A-Z]+ */, "", s)
	gsub(/\\f[A-Z]|\\&|\\c/, "", s)
	gsub(/\\-/, "-", s)
	gsub(/"/, "", s)
	add(s, line)
}

function md_line(s, line)
{
	if (s ~ /^[ \t]*(```|~~~)/) {
		verbatim = !verbatim
		prose()
		return
	}
	if (verbatim)
		return
	if (s == "" || s ~ /^(#|\|| *[-*0-9]+[.]? )/)
		prose()
	gsub(/`[^`]*`/, "x", s)
	if (s != "")
		add(s, line)
	if (s ~ /^(#|\|)/)
		prose()
}

function yaml_line(s, line)
{
	if (s ~ /^[ \t]*#/) {
		prose()
		sub(/^[ \t]*#/, "", s)
		add(s, line)
		prose()
	} else if (s ~ /^[ \t-]*doc:/) {
		prose()
		sub(/^[ \t-]*doc:[ \t]*[|>]?-?/, "", s)
		documentation = 1
		add(s, line)
	} else if (s ~ /^[ \t-]*[a-z0-9-]+:/) {
		prose()
		documentation = 0
	} else if (documentation) {
		add(s, line)
	}
}

function file_end()
{
	if (kind == "c" || kind == "hash")
		comment()
	else
		prose()
}

FNR == 1 {
	file_end()
	dir = directory(FILENAME)
	kind = kind_of(FILENAME, $0)
	open = verbatim = documentation = 0
}
kind == "c" { c_line($0, FNR) }
kind == "hash" { hash_line($0, FNR) }
kind == "man" { man_line($0, FNR) }
kind == "md" { md_line($0, FNR) }
kind == "yaml" { yaml_line($0, FNR) }

END {
	file_end()
	for (d in total) {
		all += total[d]
		hits += found[d]
		printf "english: %-9s %5d of %5d comments and sentences (%.1f %%)\n", d, found[d], total[d], 100 * found[d] / total[d] | "sort"
	}
	close("sort")
	if (!all)
		exit 0
	printf "english: %-9s %5d of %5d (%.1f %%)\n", "together", hits, all, 100 * hits / all
	exit hits * 50 >= all
}' "$@"
