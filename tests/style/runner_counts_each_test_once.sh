#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run: passed, failed, skipped, hung and absent tests are each counted once, one after
# the other and several at a time; what one of them says stays together.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/rung"
runner=$SRC/tests/run
export O=$tmp/o SRC=$tmp RESULTS=$tmp/results

# test_program NAME LINE...
test_program()
{
	local program=$tmp/rung/$1.sh

	shift
	printf '%s\n' '#!/bin/bash' "$@" >"$program"
	chmod +x "$program"
	programs+=("$program")
}

# Two that wait for each other: so two run at once.
meet()
{
	local i

	for i in 1 2; do
		test_program "meets_$i" "touch $tmp/met.$i; until [ -e $tmp/met.$((3 - i)) ]; do sleep 0.01; done"
	done
}

run_all() # JOBS SUMMARY
{
	local status=0

	"$runner" --jobs "$1" rung "${programs[@]}" >"$tmp/out" 2>&1 ||
		status=$?
	[ "$status" = 1 ] || { echo "status $status"; cat "$tmp/out"; exit 1; }
	[ "$(tail -n 1 "$tmp/out")" = "$2" ] || { cat "$tmp/out"; exit 1; }
	[ "$(cut -f 2 "$tmp/results/rung" | sort)" = "$(printf '%s\n' "${programs[@]##*/}" | sed 's/\.sh$//' | sort)" ]
	# What went wrong follows a failure, and the last lines, each once.
	for i in 1 2 3 4; do
		[ "$(grep -A 12 "^FAIL fails_$i:" "$tmp/out" | grep -c "WRONG of $i")" = 1 ] || { cat "$tmp/out"; exit 1; }
		[ "$(grep -A 12 "^FAIL fails_$i:" "$tmp/out" | grep -c "end of $i")" = 10 ] || { cat "$tmp/out"; exit 1; }
	done
	grep -x 'skip skips_3: no 3' "$tmp/out"
	grep '^FAIL has_cases: 1 of 4 cases' "$tmp/out"
	grep '^FAIL hangs: time limit of 1 s' "$tmp/out"
	grep '^FAIL dies: exit status 139' "$tmp/out"
	grep '^FAIL absent: not built' "$tmp/out"
}

programs=()
for i in 1 2 3 4; do
	test_program "passes_$i" 'exit 0'
	test_program "fails_$i" "echo WRONG of $i; for i in {1..14}; do echo end of $i; sleep 0.01; done; exit 1"
	test_program "skips_$i" "echo 'skip: no $i'; exit 77"
done
test_program hangs '# timeout: 1' 'sleep 60'
test_program has_cases 'echo "75%: Checks: 4, Failures: 1, Errors: 0"; exit 1'
# Each of the two that are alone would see another one beside it.
for i in 1 2; do
	test_program "alone_$i" '# alone: says who is there' \
		"touch $tmp/here.$i; sleep 0.05; set -- $tmp/here.*; rm $tmp/here.$i; [ \$# = 1 ]"
done
test_program dies 'kill -SEGV $$'
programs+=("$tmp/rung/absent.sh")
run_all 1 'rung: 9 passed, 8 failed, 4 skipped'
meet
run_all 3 'rung: 11 passed, 8 failed, 4 skipped'

# A runner of which a part was killed knows that a result is missing.
programs=()
# shellcheck disable=SC2016 # for the test
test_program kills_its_runner 'kill -KILL "$(ps -o ppid= -p $PPID | tr -d " ")"'
test_program passes_beside 'exit 0'
"$runner" --jobs 2 rung "${programs[@]}" && exit 1
exit 0
