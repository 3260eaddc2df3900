# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the tests of the window: a display of its own, fixed surroundings, GTK's
# warnings fatal.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v xvfb-run >/dev/null || { echo 'xvfb is not installed'; exit 77; }
[ -x "$BIN/ivtrace-view" ] || { echo 'ivtrace-view is not built'; exit 77; }
[ -x "$O/tests/data/gen-trace" ] || { echo 'gen-trace is not built'; exit 77; }
unset WAYLAND_DISPLAY
export GDK_BACKEND=x11 GDK_SCALE=1 G_DEBUG=fatal-warnings GSETTINGS_BACKEND=memory
export NO_AT_BRIDGE=1 LC_ALL=C.UTF-8 HOME=$tmp XDG_RUNTIME_DIR=$tmp

fail()
{
	echo "FAIL $*"
	[ ! -s "$tmp/err" ] || sed 's/^/  err: /' "$tmp/err"
	[ ! -s "$tmp/out" ] || sed 's/^/  out: /' "$tmp/out"
	exit 1
}

# trace NAME OPTIONS...: $tmp/NAME.ivt
trace()
{
	local name=$1

	shift
	"$O/tests/data/gen-trace" "$tmp/$name.ivt" "$@" >/dev/null
}

# window STATUS ARGUMENTS...: with the script on standard input; what it says
# goes to $tmp/out and $tmp/err, and GTK must have nothing to say.
window()
{
	local want=$1 status=0

	shift
	cat >"$tmp/script"
	timeout 60 xvfb-run -a -e "$tmp/xvfb.log" -s '-screen 0 1920x1080x24' \
		"$BIN/ivtrace-view" --script "$tmp/script" "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	[ $status -eq "$want" ] || fail "exit status $status, not $want"
	grep -qE '(Gtk|Gdk|GLib|Pango|Atk)' "$tmp/err" && fail 'the libraries complain'
	return 0
}

# line N: the N-th line of the dumps that begins with "view"
view_line()
{
	grep '^view' "$tmp/out" | sed -n "$1p"
}
