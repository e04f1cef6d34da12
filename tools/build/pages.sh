#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Lay out the manual pages for reading without installing them: pages.sh DIRECTORY.
#
# Below DIRECTORY lie man1 … man8, so that "man -M DIRECTORY mbox_send" finds a page, and html/ with an index, where
# mandoc is there to make it. A page that stands for another is a copy of it, so that each can be read alone.
set -eu

out=$1
cd "$(dirname "$0")/../.."
rm -rf "$out"
mkdir -p "$out/html"

pages=$(ls lib/man/*.[1-8] tools/*.[1-8] tools/bench/*.[1-8] tools/bridge/*.[1-8])
for page in $pages; do
	section=${page##*.}
	mkdir -p "$out/man$section"
	other=$(sed -n 's|^\.so man[1-8]/||p' "$page")
	cp "lib/man/$other" "$out/man$section/${page##*/}" 2>/dev/null ||
		cp "$page" "$out/man$section/${page##*/}"
done

command -v mandoc >/dev/null || {
	echo "there is no mandoc, so the pages are not made as HTML (Debian's package: mandoc)" >&2
	rmdir "$out/html"
	exit 0
}

cat >"$out/html/style.css" <<'END'
body { max-width: 50em; margin: 1em auto; padding: 0 1em; font-family: sans-serif; line-height: 1.4; }
pre, code, .Li { font-family: monospace; }
pre { background: #f4f4f4; padding: 0.5em 1em; overflow-x: auto; }
table.head, table.foot { width: 100%; color: #666; }
td.head-vol, td.foot-date { text-align: center; }
td.head-rtitle, td.foot-os { text-align: right; }
dt { margin-top: 0.5em; }
table { border-spacing: 0.7em 0.1em; }
END
index=$out/html/index.html
cat >"$index" <<'END'
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Linux mailboxes</title><link rel="stylesheet" href="style.css"></head>
<body>
<h1>Linux mailboxes</h1>
<dl>
END
for page in $pages; do
	name=${page##*/}
	# NAME: names, a dash, and a purpose.
	purpose=$(awk '/^\.SH/ { here = $2 == "NAME"; next } here { printf "%s ", $0 }' "$out/man${page##*.}/$name" |
		sed 's/.* \\- //')
	mandoc -T html -O "style=style.css,man=%N.%S.html" "$out/man${page##*.}/$name" >"$out/html/$name.html"
	echo "<dt><a href=\"$name.html\">${name%.*}</a>(${name##*.})</dt><dd>$purpose</dd>" >>"$index"
done
echo "</dl></body></html>" >>"$index"

# A link to a page that is not ours leads nowhere here: leave the name.
for file in "$out"/html/*.html; do
	grep -o 'href="[^"/]*\.[1-8]\.html"' "$file" | sort -u | cut -d '"' -f 2 | while read -r target; do
		[ -e "$out/html/$target" ] || printf '%s\n' "s|<a class=\"Xr\" href=\"$target\">\([^<]*\)</a>|\1|g"
	done >"$out/script"
	sed -i -f "$out/script" "$file"
done
rm "$out/script"
