#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lib.sh must not say ok to a search that was cut short, to a model that fails, or
# to a mistake that was not found or broke something else.
. "$(dirname "$0")/lib.sh"

noticed() # WHY COMMAND...
{
	local why=$1 output

	shift
	status=0
	output=$("$@"; exit $status) && { echo "FAIL not noticed: $*"; is_bad=1; return; }
	grep -q "$why" <<<"$output" || { echo "FAIL $*: not said: $why: $output"; is_bad=1; return; }
	echo "ok noticed: $why"
}

mkdir -p "$tmp/tree/tests/models"
echo 'active proctype stuck() { false }' >"$tmp/tree/tests/models/stuck.pml"

is_bad=0
depth=40 noticed 'cut short' holds depth discard
memory=1 noticed 'cut short' holds memory discard -DRECORDS=4
noticed 'does not hold' holds wrong discard -DBUG_no_second_look_at_resv
SRC=$tmp/tree noticed 'invalid end state' holds stuck stuck
noticed 'does not take' holds syntax discard -DLEVELS=none
noticed 'not caught as' caught nothing_at_all head_is_monotone discard
noticed 'not caught as' caught no_second_look_at_resv head_is_monotone discard
exit $is_bad
