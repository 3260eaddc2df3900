#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The region's file is cut at random moments under a recorder at work, and right
# behind its check that the file is whole.  It says which region, ends with status 1
# and never by a signal; what it took before is there and is records only.  LONG=1: more.
. "$(dirname "$0")/lib.sh"

# Cuts the file to CUT_TO when the program looks at its size for the CUT_AFTER-th time
# while a range that lies in one page waits in channel 0, and still shows it whole.
cat >"$work/cut.c" <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ivring/geometry.h>

int fstat(int fd, struct stat *st)
{
	int (*real)(int, struct stat *) = (int (*)(int, struct stat *))dlsym(RTLD_NEXT, "fstat");
	static unsigned int n;
	struct ivring_superblock sb;
	uint64_t head = 0, tail = 0;
	int ret = real(fd, st);

	if (ret || st->st_size != 4 << 20 || pread(fd, &sb, sizeof(sb), 0) != sizeof(sb) ||
	    sb.magic != IVRING_MAGIC || access(getenv("CUT_WHEN"), F_OK))
		return ret;
	pread(fd, &head, 8, ivring_chan_desc_off(0) + 64);
	pread(fd, &tail, 8, ivring_reader_line_off(&sb, 0));
	if (head > tail && (head - 1) / 4096 == tail / 4096 && ++n == atoi(getenv("CUT_AFTER")))
		ret = ftruncate(fd, atoi(getenv("CUT_TO")));
	return ret;
}
END
gcc -std=gnu11 -O1 -w -I"$SRC/ivring/include" -shared -fPIC -o "$work/cut.so" "$work/cut.c" -ldl

# Waits until it has seen it, ends it, and looks at what it left.
check_recording()
{
	status=0
	wait_for 30 grep -q "was cut" "$work/record.out"
	kill -INT $recorder
	wait $recorder || status=$?
	sed 's/^/    | /' "$work/record.out"
	[ $status = 1 ] || { echo "exit status $status, not 1"; exit 1; }
	grep -q "a: the region '$region' was cut" "$work/record.out"
	grep -q 'impossible position' "$work/record.out" && exit 1
	read -r records _ refused <<<"$(counts)"
	echo "    $records records, $refused bytes refused"
	[ "$refused" = 0 ]
	check_marks >/dev/null
	all_records=$((all_records + records))
}

new_region() # CPUS
{
	trace=$work/t.ivt
	rm -rf "$region" "$trace" "$work/now"
	make_region 4M "$1"
}

end_guest()
{
	kill $guest_pid 2>/dev/null || true # or it died of the cut as we may not
	wait $guest_pid 2>/dev/null || true
}

case ${LONG:-0} in
'' | 0) rounds=10 ;;
*) rounds=300 ;;
esac
all_records=0
RANDOM=4711

echo '== at random moments, under load'
for ((round = 0; round < rounds; round++)); do
	size=$((round % 3 ? RANDOM % 1024 * 4096 : 0))
	new_region $((1 + RANDOM % 4))
	record_in_background
	"$guest" "$region" --count 100000000 --pace-us $((RANDOM % 300)) >/dev/null 2>&1 &
	guest_pid=$!
	sleep "0.$((10 + RANDOM % 35))"
	truncate -s $size "$region"
	echo "-- $size bytes of it are left"
	check_recording
	end_guest
done
[ $all_records -gt 1000 ]

echo '== right behind the check'
# All of it; all but the channels' data: then the positions still say what waits there.
for round in {1..4}' 0' {1..4}' 2097152'; do
	read -r after size <<<"$round"
	new_region 1
	# Without a clock each range is taken as soon as it is seen.
	LD_PRELOAD=$work/cut.so CUT_WHEN=$work/now CUT_AFTER=$after CUT_TO=$size \
		"$host" record -o "$trace" --vm "a=shm:$region" --host none --tsc debugfs \
		>"$work/record.out" 2>&1 &
	recorder=$!
	wait_for 10 test -e "$trace/manifest.json"
	"$guest" "$region" --cpus 1 --count 1000000 --pace-us 20000 >/dev/null 2>&1 &
	guest_pid=$!
	sleep 0.3
	touch "$work/now"
	echo "-- behind check $after, $size bytes of it are left"
	check_recording
	end_guest
	[ "$(stat -c %s "$region")" = "$size" ]
done
