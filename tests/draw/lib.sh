# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the tests of the drawing: a small trace, and what they complain with.
set -euo pipefail
view=$BIN/ivtrace-view
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# The drawing must not need a display, nor the desktop's settings.
unset DISPLAY WAYLAND_DISPLAY

[ -x "$view" ] || { echo 'ivtrace-view is not built'; exit 77; }
[ -x "$O/tests/data/gen-trace" ] || { echo 'gen-trace is not built'; exit 77; }

fail()
{
	echo "FAIL $*"
	exit 1
}

# trace NAME OPTIONS...: $tmp/NAME.ivt
trace()
{
	local name=$1

	shift
	"$O/tests/data/gen-trace" "$tmp/$name.ivt" "$@" >/dev/null
}
