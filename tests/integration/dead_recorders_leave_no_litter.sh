#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
#
# What recorders that were killed left: regions that they made are removed by the
# next one where nobody needs them, and only there; what their rings hold unread is
# said.  No eBPF program of theirs lives, nothing is pinned.  One that ends removes
# what it made.
. "$(dirname "$0")/lib.sh"
mine=$work/mine # a region that a recorder makes

start() # NAME OPTIONS...: sets $recorder
{
	local name=$1

	shift
	: >"$work/$name.out"
	"$host" record --tsc tcg "$@" >"$work/$name.out" 2>&1 &
	recorder=$!
	wait_for 30 grep -q 'recording into' "$work/$name.out"
}

end()
{
	kill -INT $recorder
	wait $recorder
}

notes()
{
	find "$IVTRACE_RUN_DIR" -name 'region-*' | wc -l
}

echo '== one that ends removes the region that it made, and not one that it found'
make_region 16M 2
start a -o "$work/a.ivt" --host none --vm "m=shm:$mine" --vm "a=shm:$region" --size 16M
[ -f "$mine" ] && [ "$(notes)" = 2 ]
end
[ ! -e "$mine" ] && [ -f "$region" ] && [ "$(notes)" = 0 ]

echo '== nor one that somebody maps'
start b -o "$work/b.ivt" --host none --vm "m=shm:$mine" --size 16M --cpus 2
"$guest" "$mine" --count 10 --hang >"$work/out" &
pid=$!
wait_for 30 grep -q written "$work/out"
end
[ -f "$mine" ] && [ "$(notes)" = 1 ]
kill -9 $pid
wait $pid 2>/dev/null || true
start c -o "$work/c.ivt" --host none --vm "a=shm:$region"
[ ! -e "$mine" ]
grep "removed '$mine', which a recorder that died had made" "$work/c.out"
end

echo '== the next one removes that of one that was killed'
start d -o "$work/d.ivt" --host none --vm "m=shm:$mine" --size 16M --cpus 2
kill_recorder
[ -f "$mine" ] && [ "$(notes)" = 1 ]
start e -o "$work/e.ivt" --host none --vm "a=shm:$region"
grep "removed '$mine'" "$work/e.out"
[ ! -e "$mine" ] && [ "$(notes)" = 1 ]
end

echo '== what it had not taken stays, and is said'
start f -o "$work/f.ivt" --host none --vm "m=shm:$mine" --size 16M --cpus 2
kill_recorder
"$guest" "$mine" --count 5000 --pace-us 0 >"$work/out"
start g -o "$work/g.ivt" --host none --vm "a=shm:$region"
grep "'$mine' holds [1-9][0-9]* bytes that the recorder of '$work/f.ivt' did not take" "$work/g.out"
end
start h -o "$work/h.ivt" --host none --vm "m=shm:$mine"
grep "m: [1-9][0-9]* bytes in its rings were not taken into '$work/f.ivt', whose recorder died" \
	"$work/h.out"
kill_recorder

echo '== --resume takes what was said'
# (in the trace of f, whose rings h passed over: nothing is left to take)
start i --resume -o "$work/f.ivt" --host none --vm "m=shm:$mine"
end
[ ! -e "$mine" ]
"$report" summary "$work/f.ivt" | grep -q 'no recorder for'

[ "$(id -u)" = 0 ] || exit 0
echo '== no eBPF program of a killed recorder lives, and nothing is pinned'
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
[ -x "$bpftool" ] || { echo "no bpftool"; exit 0; }
start j -o "$work/j.ivt" --host sched_switch --vm "a=shm:$region"
ids=$(grep -hs '^prog_id:' /proc/$recorder/fdinfo/* | awk '{ print $2 }' | sort -u)
[ -n "$ids" ] || { echo "the kernel tells no programs of a process"; end; exit 0; }
echo "programs:" $ids
is_released()
{
	local id

	for id in $ids; do
		! "$bpftool" prog show id "$id" >/dev/null 2>&1 || return 1
	done
}
! is_released
kill_recorder
wait_for 30 is_released
[ -z "$(find /sys/fs/bpf -name '*ivt*' 2>/dev/null)" ]
