# SPDX-License-Identifier: GPL-2.0-only
# Compare the descriptions of this directory with the interface, and print the differences.
#
#	tools/build/layout.sh >LAYOUT
#	awk -f check.awk LAYOUT uapi/linux/mbox.h uapi/linux/mbox_ring.h uapi/linux/mbox_netlink.h kmod/netlink_gen.c *.txt
#
# Each ioctl, command of netlink, constant and attribute of a request is described; each name of the description
# is in the headers; each argument of an ioctl has its size and direction, and each field its place.

# Programs pass none of these: the module returns them, or they are limits and sizes.
function is_output(name)
{
	return name ~ /^MBOX_((DELIVERY|REASON|STATE|KIND)_|(SMALL|LARGE)_|(WAITERS|CYCLE|RECEIVERS|BATCH|LABEL|SPACE|POLICY)_MAX$)/ ||
		name ~ /^MBOX_(ABI_VERSION|IOC_TYPE|NAME_SIZE|LABEL_SIZE|RING_ALIGN)$/
}

function wrong(text)
{
	print FILENAME ":" text
	bad = 1
}

# Bytes of a type; 0 if it has no size of its own.
function size_of(type,   n, inner)
{
	if (type in size)
		return size[type]
	if (type ~ /^ptr64\[/)
		return 8
	if (match(type, /^array\[.*, [0-9]+\]$/)) {
		n = inner = type
		sub(/^.*, /, "", n)
		sub(/^array\[/, "", inner)
		sub(/, [0-9]+\]$/, "", inner)
		return (n + 0) * size_of(inner)
	}
	if (match(type, /^string\[.*, [0-9]+\]$/)) {
		sub(/^.*, /, "", type)
		return type + 0
	}
	if (match(type, /int(8|16|32|64)/))
		return substr(type, RSTART + 3, RLENGTH - 3) / 8
	return 0
}

# The type at the start of @text, with its arguments.
function type_in(text,   i, depth, c)
{
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		depth += (c == "[") - (c == "]")
		if (depth == 0 && c ~ /[ \t]/)
			break
	}
	return substr(text, 1, i - 1)
}

# The names of calls, after "$", are syzkaller's own.
function use_names(text)
{
	gsub(/\$[A-Za-z0-9_]+/, "", text)
	while (match(text, /MBOX_[A-Z0-9_]+/)) {
		used[substr(text, RSTART, RLENGTH)] = FILENAME ":" FNR
		text = substr(text, RSTART + RLENGTH)
	}
}

function see_ioctl(   cmd, how, arg)
{
	cmd = how = arg = $0
	sub(/^.*const\[/, "", cmd)
	sub(/\].*/, "", cmd)
	sub(/^.*arg ptr\[/, "", how)
	sub(/,.*/, "", how)
	sub(/^.*arg ptr\[[a-z]+, /, "", arg)
	sub(/\].*/, "", arg)
	described[cmd] = 1
	of_ioctl[++ioctls] = cmd " " how " " arg " " FILENAME ":" FNR
}

BEGIN {
	size["pid"] = size["uid"] = size["gid"] = 4
}

FNR == 1 { files++ }

# LAYOUT
files == 1 && $1 == "const" { value[$2] = $3; next }
files == 1 && $1 == "struct" { c_size[$2] = $3; next }
files == 1 && $1 == "field" { c_at[$2, $3] = $4; c_bytes[$2, $3] = $5; next }
files == 1 { next }

# the headers
FILENAME ~ /\.h$/ {
	if (match($0, /^(#define)?[ \t]+MBOX_[A-Z0-9_]+/)) {
		name = substr($0, RSTART, RLENGTH)
		sub(/^.*[ \t]/, "", name)
		if (FILENAME ~ /netlink/) {
			known[name] = 1
			if (name ~ /^MBOX_CMD_/ && name !~ /_MAX$/)
				wanted[name] = 1
		} else {
			known[name] = 1
			if (!is_output(name))
				wanted[name] = 1
		}
	}
	next
}
FILENAME ~ /\.c$/ {
	if (match($0, /^\t\[MBOX_A_[A-Z_]+\]/))
		wanted[substr($0, 3, RLENGTH - 3)] = 1
	next
}

# the descriptions
/^#/ || /^include/ { next }
/^(resource|type) / {
	name = $2
	sub(/\[.*/, "", name)
	size[name] = size_of($0)
	next
}
{ use_names($0) }
/^ioctl\$.*const\[/ { see_ioctl() }
/^mbox_larger_cmds = / {
	text = $0
	while (match(text, /0x[0-9a-f]+/)) {
		larger[substr(text, RSTART, RLENGTH)] = 1
		text = substr(text, RSTART + RLENGTH)
	}
}
/^[a-z_]+ [{[]$/ {
	object = $1
	union = $2 == "["
	at = 0
	next
}
/^[]}]/ {
	size[object] = at
	if (object in c_size && c_size[object] != at)
		wrong(FNR ": " object " has " at " bytes, in C " c_size[object])
	object = ""
	next
}
object != "" {
	name = $1
	text = $0
	sub(/^[ \t]*[A-Za-z0-9_]+[ \t]+/, "", text)
	bytes = size_of(type_in(text))
	if ((object, name) in c_at && (c_at[object, name] != at || c_bytes[object, name] != bytes))
		wrong(FNR ": " object "." name " has " bytes " bytes at " at ", in C " \
			c_bytes[object, name] " at " c_at[object, name])
	if (!union)
		at += bytes
	else if (bytes > at)
		at = bytes
}

END {
	FILENAME = "syzkaller"
	for (name in wanted)
		if (!(name in used))
			wrong(" " name " is not described")
	for (name in used)
		if (!(name in known))
			wrong(" " used[name] " names " name ", which no header has")
	for (i = 1; i <= ioctls; i++) {
		split(of_ioctl[i], part, " ")
		number = value[part[1]]
		if (int(number / 65536) % 16384 != size[part[3]])
			wrong(" " part[1] " takes " int(number / 65536) % 16384 " bytes, " part[3] " has " size[part[3]])
		if (part[2] != (number >= 2 ^ 31 ? "inout" : "in"))
			wrong(" " part[1] " is described as " part[2])
	}
	for (name in value) {
		if (name !~ /^MBOX_IOC_/ || name == "MBOX_IOC_TYPE")
			continue
		if (!(name in described))
			wrong(" " name " has no call")
		number = sprintf("0x%08x", value[name] + 16 * 65536)
		if (!(number in larger))
			wrong(" mbox_larger_cmds lacks " number ", " name " of 16 more bytes")
		delete larger[number]
	}
	for (number in larger)
		wrong(" mbox_larger_cmds has " number ", which is of no ioctl")
	exit bad
}
