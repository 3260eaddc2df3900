#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The program in ivring_mark(3) compiles as it stands there, and does nothing where
# there is no driver.
. "$(dirname "$0")/lib.sh"
sed -n '/^\.\\" example/,/^\.\\" end/p' "$SRC/docs/man/ivring_mark.3" | sed '/^\.\\"/d; s/\\-/-/g' \
	>"$tmp/example.c"
[ -s "$tmp/example.c" ]
gcc -std=gnu11 -Wall -Wextra -Werror -I"$headers" -o "$tmp/example" "$tmp/example.c"
cp "$tmp/example.c" "$tmp/example.cc"
g++ -std=c++17 -Wall -Wextra -Werror -I"$headers" -o "$tmp/example++" "$tmp/example.cc"
[ ! -e /dev/ivtrace ] || exit 0
"$tmp/example"
"$tmp/example++"
