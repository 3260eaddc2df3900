# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Searches every state of a model: holds, caught.  Each prints the
# states and the time it took; failures make the script's $status 1.
set -uo pipefail
: "${SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
for tool in spin gcc; do
	command -v "$tool" >/dev/null || { echo "skip: no $tool"; exit 77; }
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
status=0
# Bounds of one search: memory (MB), depth (steps).  One that reaches a bound has
# shown nothing.
memory=3000
[ -z "${LONG:-}" ] || memory=8000
depth=100000

failed() # NAME WHY
{
	echo "FAIL $1: $2"
	grep -hE 'rror|assertion violated|invalid end|too small|reached|not completed' \
		"$tmp"/{spin,gcc,pan} 2>/dev/null | head -n 5 | sed 's/^/    | /'
	status=1
}

# search OPTIMISATION NAME MODEL -D...: pan's output to $tmp/pan.  No partial
# order reduction: it is not valid with the contexts' "provided".
search()
{
	local optimisation=$1 name=$2 model=$3

	shift 3
	rm -f "$tmp"/{spin,gcc,pan}* "$tmp"/*.trail
	if ! (cd "$tmp" && spin -a "$@" "$SRC/tests/models/$model.pml") >"$tmp/spin" 2>&1; then
		failed "$name" 'spin does not take the model'
		return 1
	fi
	if ! gcc "$optimisation" -w -DSAFETY -DNOREDUCE -DMEMLIM="$memory" -o "$tmp/search" "$tmp/pan.c" \
		>"$tmp/gcc" 2>&1; then
		failed "$name" 'pan.c does not compile'
		return 1
	fi
	(cd "$tmp" && ./search -n -w22 -m"$depth") >"$tmp/pan" 2>&1
	local ended=$?

	if [ "$ended" != 0 ] || ! grep -q 'errors: [0-9]' "$tmp/pan"; then
		failed "$name" "the search ended with status $ended"
		return 1
	fi
}

figures()
{
	awk '/states, stored/ { states = $1 } /elapsed time/ { seconds = $4 }
		END { printf "%d states, %.1f s", states, seconds }' "$tmp/pan"
}

# holds NAME MODEL -D...: all states were seen, and no claim is violated in any.
holds()
{
	search -O2 "$@" || return 0
	if ! grep -q 'errors: 0$' "$tmp/pan"; then
		failed "$1" 'does not hold'
	elif grep -qE 'too small|reached -DMEMLIM|out of memory|not completed' "$tmp/pan"; then
		failed "$1" 'the search was cut short'
	else
		echo "ok $1 holds: $(figures)"
	fi
}

# caught BUG CLAIM MODEL -D...: with -DBUG_$bug the search must end at a
# violation of CLAIM (an extended regular expression).
caught()
{
	local bug=$1 claim=$2

	shift 2
	search -O0 "$bug" "$@" "-DBUG_$bug" || return 0
	if ! grep -qE "assertion violated \(?($claim)\)? \(at depth" "$tmp/pan"; then
		failed "$bug" "not caught as $claim ($(figures))"
	else
		echo "ok $bug is caught: $(sed -n 's/.*assertion violated \(.*\) (at.*/\1/p' "$tmp/pan" |
			head -n 1), $(figures)"
	fi
}
