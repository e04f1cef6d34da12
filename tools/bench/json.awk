# SPDX-License-Identifier: GPL-2.0-only
# Functions to read the JSON of mboxbench, which has an object in each line and nothing nested.

# Return the value of a key in the line; "null" and a key that is not there are "".
function field(key,    value)
{
	if (!match($0, "\"" key "\":(\"([^\"\\\\]|\\\\.)*\"|[^,}]*)"))
		return ""
	value = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
	if (value ~ /^"/) {
		value = substr(value, 2, length(value) - 2)
		gsub(/\\"/, "\"", value)
		gsub(/\\\\/, "\\", value)
	}
	return value == "null" ? "" : value
}
