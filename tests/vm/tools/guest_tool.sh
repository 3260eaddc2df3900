# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For tests with ivtrace-guest in a guest: options of lab/vm start that put it there.

# The program, and the libraries that the guest has not.
with_tool()
{
	local lib

	for lib in $(ldd "$BIN/ivtrace-guest" | grep -o '/[^ ]*'); do
		printf '%s\n' --add "$(realpath "$lib"):$lib"
	done
	printf '%s\n' --add "$BIN/ivtrace-guest:/bin/ivtrace-guest"
}
