# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# What the tests of messages share: a folder $tmp, and a count of what failed.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
failed=0

fail()
{
	echo "FAIL $*"
	sed 's/^/  | /' "$tmp/err" | head -n 5
	failed=1
}

# says STATUS PATTERN COMMAND...: "" is any message, or none
says()
{
	local want=$1 pattern=$2 got

	shift 2
	timeout 30 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	[ $got = "$want" ] || fail "${*@Q}: status $got, not $want"
	[ -z "$pattern" ] || grep -qE -- "$pattern" "$tmp/err" || fail "${*@Q}: no '$pattern'"
}
