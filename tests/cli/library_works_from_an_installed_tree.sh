#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
# libivring as another project meets it: installed, found by pkg-config; the
# examples build against it without a word and pass every mark on, live and as a
# flight recorder.  What it exports is what its headers declare.
set -euo pipefail
cd "$SRC"
tmp=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$tmp"' EXIT
make --no-print-directory O="$O" PREFIX="$tmp/inst" install-libivring
lib=$tmp/inst/lib
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib
cd "$tmp" # nothing of the source tree is needed from here on

fail()
{
	echo "FAIL: $*"
	exit 1
}

build() # PROGRAM SOURCE [OPTIONS...]
{
	local program=$1 source=$2

	shift 2
	# shellcheck disable=SC2046
	"${CC:-cc}" -Wall -Wextra -Werror $(pkg-config --cflags ivring) \
		"inst/share/doc/ivring/examples/$source" -o "$program" "$@" $(pkg-config --libs ivring)
}

build write write.c
build read read.c
build write-static write.c -static
build read-static read.c -static
ldd write | grep -F "$lib/libivring.so.0"
! ldd write-static 2>/dev/null || fail "write-static is not static"
[ -s "inst/share/man/man3/ivring.3" ] || fail "no man page"
[ "$(pkg-config --modversion ivring)" = "$(sed -n 's/^VERSION := //p' "$SRC/Makefile")" ] ||
	fail "pkg-config says version $(pkg-config --modversion ivring)"

# Declared and exported are the same names.
nm -D --defined-only "$lib/libivring.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	sort >exported
cat inst/include/ivring/*.h | grep -vE '^(ivring_inline|#|static|typedef| )' |
	sed -nE 's/^[a-z].*[ *](ivring_[a-z0-9_]+)\(.*/\1/p' | sort -u >declared
diff declared exported || fail "declared (<) and exported (>) differ"
[ "$(wc -l <exported)" -ge 20 ] || fail "too few names to be true"

formatted() # FILE SECONDS: until a region is there
{
	local end=$((SECONDS + $2))

	until [ "$(head -c 6 "$1" 2>/dev/null | tr -d '\0')" = IVRING ]; do
		[ $SECONDS -lt $end ] || fail "'$1' is not formatted"
		sleep 0.05
	done
}

# numbers FILE THREAD: of its marks, as they were printed
numbers()
{
	sed -nE "s/^[0-9]+ [0-9]+ 6 $2 ([0-9]+)\$/\1/p" "$1"
}

# Live: two writers after one another, each with two threads.
live() # SUFFIX
{
	"./read$1" "live$1" >out 2>err &
	formatted "live$1" 20
	"./write$1" "live$1" 5000 2
	"./write$1" "live$1" 3000 2
	kill -INT $!
	wait $!
	for i in 0 1; do
		numbers out $i | cmp - <(seq 0 4999; seq 0 2999) ||
			fail "thread $i: not each mark once, in order"
	done
	[ "$(wc -l <out)" = 16000 ] || fail "$(wc -l <out) records"
	! grep -v 'lost 0 overwritten 0 violations 0$' err || fail "lost, or nonsense"
	rm "live$1"
}
live ''
live -static

# A flight recorder: nobody reads; then the newest are there, without a gap.
newest() # FILE THREAD LAST
{
	numbers "$1" "$2" | awk -v last="$3" '
		NR > 1 && $1 != before + 1 { print "from " before " to " $1; bad = 1 }
		{ before = $1 }
		END { if (before != last || NR < last / 4 || NR > last) { print NR " to " before; bad = 1 }
			exit bad }' || fail "thread $2: not the newest marks"
}
./read flight overwrite >out 2>err
./write flight 400000 2 >said
grep -F 'recorded 800000 lost 0' said
./read flight >out 2>err
newest out 0 399999
newest out 1 399999
! grep -v ' lost 0 .* violations 0$' err || fail "lost, or nonsense"

# While it writes, and laps a reader that is held up: what is read may have gaps,
# but nothing torn.
./write flight 1500000 2 >said &
# It waits a second at most for who reads the epoch before: begin with the new one.
until [ "$(od -An -tu4 -j4096 -N4 flight)" -eq 2 ]; do sleep 0.01; done
for ((i = 0; i < 3; i++)); do
	./read flight 2>err | { sleep 0.2; cat; } >out
	! grep -nvE '^[01] [0-9]+ 6 [01] [0-9]+$' out | head -n 3 | grep . || fail "torn records"
	for thread in 0 1; do
		numbers out $thread | sort -nuc || fail "thread $thread: not in order"
	done
	! grep -v ' violations 0$' err || fail "nonsense"
done
wait $!
grep -F 'recorded 3000000 lost 0' said
