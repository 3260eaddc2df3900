#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
#
# record --resume where it cannot go on: one line that says why, status 1, and all is
# as before, so that the right command goes on later.  Two recorders at once are
# refused.
. "$(dirname "$0")/lib.sh"

# refused TEXT OPTIONS...
refused()
{
	local text=$1 status=0

	shift
	timeout 20 "$host" record --resume --host none --tsc tcg --duration 1s "$@" \
		>"$work/refused.out" 2>&1 || status=$?
	grep -v 'recording into' "$work/refused.out"
	[ $status = 1 ]
	grep -q "$text" "$work/refused.out"
}

make_region 16M 2
echo '== while the first recorder lives'
go_on
"$guest" "$region" --count 30000 --pace-us 1000 --hang >"$work/out" &
wait_for 30 grep -q 'guest with Linux' "$work/record.out"
refused "another ivtrace-host (process $recorder) records '$region'" -o "$trace" --vm "a=shm:$region"
refused "cannot go on in '$trace': it is being recorded" -o "$trace" --vm "b=shm:$work/b" --size 16M
kill_recorder

echo '== a damaged journal, a damaged state'
journal=$(find "$trace" -name '.recorder-a.journal.*')
state=$trace/.recorder-a.state
for file in "$journal" "$state"; do
	cp "$file" "$work/whole"
	dd if=/dev/urandom of="$file" bs=1 seek=24 count=64 conv=notrunc status=none
	refused "cannot go on with 'a' in '$trace': .* damaged" -o "$trace" --vm "a=shm:$region"
	cp "$work/whole" "$file"
done

echo '== of another recording'
cp -r "$trace" "$work/other.ivt"
sed -i 's/"uuid": "[0-9a-f]*-/"uuid": "12345678-/' "$work/other.ivt/manifest.json"
refused "cannot go on" -o "$work/other.ivt" --vm "a=shm:$region"

echo '== of an earlier boot of the host'
cp -r "$trace" "$work/old.ivt"
sed -i 's/"boot_id": "[0-9a-f]*-/"boot_id": "12345678-/' "$work/old.ivt/manifest.json"
refused 'the host was rebooted since' -o "$work/old.ivt" --vm "a=shm:$region"

echo '== a stream that is shorter than the journal says'
cp "$trace/vm-a/cpu_0" "$work/whole"
truncate -s 100 "$trace/vm-a/cpu_0"
refused 'shorter than its recorder left it' -o "$trace" --vm "a=shm:$region"
cp "$work/whole" "$trace/vm-a/cpu_0"

echo '== nothing of that harmed: it goes on'
go_on
wait_for 60 grep -q written "$work/out"
kill -INT $recorder
wait $recorder
read -r records lost refused_bytes < <(counts)
echo "records $records lost $lost refused $refused_bytes"
[ "$records $lost $refused_bytes" = "60000 0 0" ]
[ "$(check_marks)" -eq 60000 ]

echo '== once it has ended'
refused 'its recording has ended' -o "$trace" --vm "a=shm:$region"

echo '== no trace at all'
mkdir "$work/letters"
touch "$work/letters/dear"
refused 'it is not a trace' -o "$work/letters" --vm "a=shm:$region"
[ -f "$work/letters/dear" ]
