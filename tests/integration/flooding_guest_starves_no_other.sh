#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 180
# alone: it is many by itself
# One guest writes as fast as it can, nine write a little: those nine lose nothing, and
# what the first one lost is counted exactly.  Then with quotas on the disk: the
# flooder's is used up, the others go on.
. "$(dirname "$0")/lib.sh"

regions=()
trap 'status=$?; kill $(jobs -p) 2>/dev/null || true; rm -rf "$work" "$region" "${regions[@]}"; exit $status' EXIT
vms=()
for i in 1 2 3 4 5 6 7 8 9; do
	regions+=("$region-$i")
	vms+=(--vm "m$i=shm:$region-$i")
done

# flood OPTIONS...: the trace, and what the guests say in $work/*.out
flood()
{
	rm -rf "$trace" "$region" "${regions[@]}"
	make_region 16M 4
	for path in "${regions[@]}"; do
		"$host" qemu-args --vm "m=shm:$path" --size 4M --cpus 1 >/dev/null
	done
	"$host" record -o "$trace" --vm "a=shm:$region" "${vms[@]}" --host none --tsc tcg "$@" \
		>"$work/record.out" 2>&1 &
	recorder=$!
	wait_for 30 grep -qs 'recording into' "$work/record.out"
	modest=()
	for i in 1 2 3 4 5 6 7 8 9; do
		"$guest" "$region-$i" --cpus 1 --count 20000 --pace-us 3000 --linger-ms 300 \
			>"$work/m$i.out" &
		modest+=($!)
	done
	"$guest" "$region" --cpus 2 --count 3000000 --pace-us 0 --linger-ms 300 >"$work/a.out" &
	wait $!
	wait "${modest[@]}"
	kill -INT $recorder
	wait $recorder
}

# check_sums: each machine's records and losses against its guest's word
check_sums()
{
	local i said

	"$report" summary --json "$trace" 2>/dev/null | python3 -c '
import json, sys
for m in json.load(sys.stdin)["machines"]:
    if m["kind"] == "guest":
        print(m["name"], m["records"], m["lost"], m["lost_quota"])' >"$work/sums"
	for i in a m1 m2 m3 m4 m5 m6 m7 m8 m9; do
		read -r records lost quota < <(sed -n "s/^$i //p" "$work/sums")
		said=$(field recorded "$work/$i.out")
		[ $((records + lost)) = "$(field attempted "$work/$i.out")" ] ||
			{ echo "$i: $records + $lost; guest: $(tail -n 1 "$work/$i.out")"; exit 1; }
		[ $((records + quota)) = "$said" ] ||
			{ echo "$i: $records + $quota by quota, it wrote $said"; exit 1; }
		[ "$i" = a ] || [ "$lost" = 0 ] || { echo "$i lost $lost"; exit 1; }
	done
	grep '^a ' "$work/sums"
}

echo '== no quota'
flood
check_sums
[ "$(sed -n 's/^a .* //p' "$work/sums")" = 0 ]

echo '== 8 MB each'
flood --quota 8M
check_sums
grep 'quota' "$work/record.out"
[ "$(grep -c 'its quota of 8.4 MB on the disk is used up' "$work/record.out")" = 1 ]
[ "$(sed -n 's/^a .* //p' "$work/sums")" -gt 0 ]
[ "$(find "$trace/vm-a" -name 'cpu_*' -printf '%s\n' | awk '{ n += $1 } END { print n <= 8388608 }')" = 1 ]
