#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ivtrace-host on what it cannot use: options, VM names, regions, outputs, hosts
# without type information, users without rights.  Each has a message that names
# it, the right status, and leaves nothing behind.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
host=$BIN/ivtrace-host

# refuses STATUS PATTERN COMMAND...: says it, and no trace is left
refuses()
{
	says "$@"
	[ ! -e "$tmp/t.ivt" ] || fail "${*@Q}: leaves t.ivt"
	rm -rf "$tmp/t.ivt"
}

# refused STATUS PATTERN OPTIONS...: of record
refused()
{
	refuses "$1" "$2" "$host" record -o "$tmp/t.ivt" --host none "${@:3}"
}

region=$tmp/region
"$host" qemu-args --vm "a=shm:$region" --size 4M --cpus 2 >/dev/null || exit 1
cp "$region" "$tmp/good"

# wrong use
for time in garbage -1 0 5x '' 99999999999999999999 1.5; do
	refused 2 "'$time' is no time" --vm "a=shm:$region" --duration "$time"
done
for name in ../x a/b 'a b' 'a"b' $'a\nb' $'a\e[31m' .hidden -x host '' ä \
	aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; do
	refused 2 'is no VM: NAME' --vm "$name=shm:$region"
done
refused 2 "VM 'a' is named twice" --vm "a=shm:$region" --vm "a=shm:$tmp/b"
refused 2 "'a' and 'b' have the same region" --vm "a=shm:$region" --vm "b=shm:$region"
ln -s region "$tmp/link"
refused 1 "cannot record 'b': another ivtrace-host" --vm "a=shm:$region" --vm "b=shm:$tmp/link" \
	--duration 1
refused 2 'nothing to record'
refused 2 'exclude each other' --vm "a=shm:$region" --duration 1 -- true
refused 2 "unexpected 'true'" --vm "a=shm:$region" true
refused 2 "'nonsense' is no event" --vm "a=shm:$region" --guest sched,nonsense
refused 2 "--stacks: 'nonsense' is no event" --vm "a=shm:$region" --stacks sched,nonsense
refused 2 '--stacks: none of these events is recorded' --vm "a=shm:$region" --guest sched \
	--stacks block
refused 2 "--filter-pid: 'b' is no VM" --vm "a=shm:$region" --filter-pid b:1
refused 2 "--filter-pid: 'x' is no process" --filter-pid a:x --vm "a=shm:$region"
refused 2 '--filter-pid: there is no --vm' --filter-pid 1
refused 2 "--filter-comm: 'averylongname016' is no task" --vm "a=shm:$region" \
	--filter-comm averylongname016

# regions: NAME PATTERN, the file is as it was
region_refused()
{
	local before

	before=$(cksum <"$tmp/$1")
	refused 1 "region '$tmp/$1': .*$2" --vm "a=shm:$tmp/$1" --duration 1
	refuses 1 "region '$tmp/$1': .*$2" "$host" qemu-args --vm "a=shm:$tmp/$1"
	[ "$(cksum <"$tmp/$1")" = "$before" ] || fail "$1 was changed"
}
echo 'my diary' >"$tmp/foreign"
region_refused foreign 'not a trace region.*choose another'
{ head -c 1M /dev/zero && echo 'something later'; } >"$tmp/later"
region_refused later 'not a trace region'
cp "$tmp/good" "$tmp/newer" && printf '\x09' | dd of="$tmp/newer" bs=1 seek=8 conv=notrunc 2>/dev/null
region_refused newer 'another version.*remove'
cp "$tmp/good" "$tmp/damaged" && printf '\x09' | dd of="$tmp/damaged" bs=1 seek=40 conv=notrunc 2>/dev/null
region_refused damaged 'damaged.*remove'
cp "$tmp/good" "$tmp/cut" && truncate -s 3M "$tmp/cut"
region_refused cut 'smaller than the region'
truncate -s 1M "$tmp/small"
region_refused small 'no region can have that size'
truncate -s 0 "$tmp/empty"
region_refused empty 'no region can have that size'
refuses 1 'not a regular file' "$host" qemu-args --vm "a=shm:$tmp"
refuses 1 'not a regular file' "$host" qemu-args --vm a=shm:/dev/null
refuses 1 'No such file' "$host" qemu-args --vm "a=shm:$tmp/none/region"
refuses 1 'no region can have that size' "$host" qemu-args --vm "a=shm:$tmp/new" --size 3M
refuses 1 'leave them out' "$host" qemu-args --vm "a=shm:$region" --size 8M
[ ! -e "$tmp/new" ] || fail 'a region that cannot be is left'
# a blank file becomes one
truncate -s 4M "$tmp/blank"
"$host" qemu-args --vm "a=shm:$tmp/blank" --cpus 2 >"$tmp/out" 2>"$tmp/err" || fail 'blank: refused'

# outputs
for output in "$region" "$tmp" "$tmp/link"; do
	refuses 1 "cannot record into '$output': it is there already" \
		"$host" record -o "$output" --host none --vm "a=shm:$region" --duration 1
done
refuses 1 "cannot create '$tmp/none/t.ivt'" \
	"$host" record -o "$tmp/none/t.ivt" --host none --vm "a=shm:$region" --duration 1
"$host" qemu-args --vm "a=shm:$region" >&- 2>"$tmp/err" && fail 'a closed output is no failure'
"$host" qemu-args --vm "a=shm:$region" >/dev/full 2>"$tmp/err" && fail 'a full output is no failure'

# standard error closed: its messages must not go into a file that got its number
timeout 20 "$host" record -o "$tmp/quiet.ivt" --host none --vm "a=shm:$region" --duration 100ms \
	2>&- || fail 'record without standard error'
"$host" qemu-args --vm "a=shm:$region" >/dev/null 2>"$tmp/err" || fail 'the region was written over'
"$BIN/ivtrace-report" summary "$tmp/quiet.ivt" >/dev/null 2>"$tmp/err" || fail 'quiet.ivt is damaged'

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$host" "$tmp/program"
	chmod 755 "$tmp/program"
	mkdir -m 777 "$tmp/open"
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/program")
	refuses 1 'permission denied.*run as root' "${nobody[@]}" record -o "$tmp/open/t.ivt" \
		--vm "a=shm:$region" --duration 1
	refuses 1 'cannot trace the host:.*run as root' "${nobody[@]}" record -o "$tmp/open/t.ivt" \
		--vm "a=shm:$tmp/open/region" --size 4M --cpus 1 --duration 1
	refuses 1 "cannot create '$tmp/t.ivt'" "${nobody[@]}" record -o "$tmp/t.ivt" --host none \
		--vm "a=shm:$tmp/open/region" --duration 1
	[ ! -e "$tmp/open/t.ivt" ] || fail 'a refused recording leaves its directory'
	# a region that another user made: only where anyone can make files, and not root's
	warning="WARNING: region '.*' belongs to user 65534, and anyone can make files"
	warns() # YES|NO COMMAND...
	{
		"${@:2}" --vm "a=shm:$other" >"$tmp/out" 2>"$tmp/err" || fail "${*@Q}: status $?"
		[ "$(grep -cE "$warning" "$tmp/err")" = "$1" ] || fail "${*@Q}: not $1 warnings"
	}
	for other in "$tmp/open/region" "$tmp/link-to-open"; do
		ln -sf open/region "$tmp/link-to-open"
		warns 1 "$host" qemu-args
		warns 1 "$host" record -o "$tmp/t.ivt" --host none --duration 100ms
		rm -rf "$tmp/t.ivt"
		warns 0 "${nobody[@]}" qemu-args
		chown 0 "$tmp/open/region"
		warns 0 "$host" qemu-args
		chown 65534 "$tmp/open/region"
	done
	chmod 755 "$tmp/open"
	warns 0 "$host" qemu-args
fi
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs none /sys/kernel/btf 2>/dev/null; then
	# shellcheck disable=SC2016
	refuses 1 'no type information.*--host none' unshare -m sh -c \
		'mount -t tmpfs none /sys/kernel/btf && exec "$@"' - \
		"$host" record -o "$tmp/t.ivt" --duration 1
	# shellcheck disable=SC2016
	refuses 1 "cannot create '$tmp/ro/t.ivt': Read-only" unshare -m sh -c \
		'mkdir -p "$1/ro" && mount -t tmpfs -o ro none "$1/ro" && shift && exec "$@"' - "$tmp" \
		"$host" record -o "$tmp/ro/t.ivt" --host none --vm "a=shm:$region" --duration 1
	# shellcheck disable=SC2016
	refuses 1 'No space left.*region needs 64 MiB.*--size' unshare -m sh -c \
		'mount -t tmpfs -o size=1m none "$1/ro" && shift && exec "$@"' - "$tmp" \
		"$host" qemu-args --vm "a=shm:$tmp/ro/region"
fi
exit $failed
