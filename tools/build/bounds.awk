# SPDX-License-Identifier: GPL-2.0-only
# Print the loops over a list, a tree or a table in the module whose comments state no bound.
#
#	awk -f bounds.awk kmod/*.c
#
# A comment with "Bound:" or "bounded by" stands in the three lines before the loop, at its end, or before
# the function. A loop without a bound gives up its lock now and then, and its comment says so.

function says(text)
{
	return text ~ /[Bb]ound(ed by|:)/
}

FNR == 1 {
	about = ""
	inside = 0
}

# the comment before a function
/^\/\*/ {
	about = ""
	inside = 1
}
inside { about = about " " $0 }
/\*\// { inside = 0 }
/^}/ { about = "" }

{
	before[FNR % 4] = $0
}

# where the macro, or a call that goes from one to the next, is in a loop by the look of it
/(^|[^a-z_])(list|llist|hlist|hash|xa|plist)_for_each[a-z_]*\(/ ||
/(for|while) \(.*(rb_next|rb_first|rb_last|list_empty|(first|next)_entry|entry_is_head)/ {
	near = $0
	for (i = 1; i <= 3 && FNR - i > 0; i++)
		near = near " " before[(FNR - i) % 4]
	if (!says(near) && !says(about)) {
		printf "%s:%d: what bounds this loop?%s\n", FILENAME, FNR, $0
		bad = 1
	}
}

END { exit bad }
