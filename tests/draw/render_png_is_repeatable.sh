#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# PNG and SVG, both themes, two scales: the right size, not blank, and the same
# bytes each time.
. "$SRC/tests/draw/lib.sh"
trace a --requests 30

# Different bytes per line of pixels: a blank picture compresses to nearly nothing.
not_blank() # FILE LEAST-BYTES
{
	local bytes

	bytes=$(stat -c %s "$1")
	[ "$bytes" -ge "$2" ] || fail "$1: $bytes bytes, looks blank"
}

png_size() # FILE -> WxH, from its header
{
	od -An -tu1 -j16 -N8 "$1" | awk '{print $1*16777216+$2*65536+$3*256+$4 "x" $5*16777216+$6*65536+$7*256+$8}'
}

for theme in dark light; do
	for scale in 1 2; do
		for turn in 1 2; do
			"$view" "$tmp/a.ivt" --render "$tmp/$turn.png" --size 1000x700 \
				--scale $scale --theme $theme --focus slowest
		done
		cmp "$tmp/1.png" "$tmp/2.png" || fail "$theme, scale $scale: not the same twice"
		[ "$(png_size "$tmp/1.png")" = $((1000 * scale))x$((700 * scale)) ] ||
			fail "size is $(png_size "$tmp/1.png") at scale $scale"
		not_blank "$tmp/1.png" 20000
	done
	cp "$tmp/1.png" "$tmp/$theme.png"
	for turn in 1 2; do
		"$view" "$tmp/a.ivt" --render "$tmp/$turn.svg" --theme $theme
	done
	cmp "$tmp/1.svg" "$tmp/2.svg" || fail "$theme SVG: not the same twice"
	grep -q '<svg' "$tmp/1.svg" || fail 'not an SVG'
	grep -q '<image' "$tmp/1.svg" && fail 'the SVG holds a bitmap'
done
cmp -s "$tmp/dark.png" "$tmp/light.png" && fail 'both themes look the same'
exit 0
