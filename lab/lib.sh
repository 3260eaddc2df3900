# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the scripts of lab/ share: where things are, how they fail, how the
# lab's own small programs are compiled. Sourced, not run.

# absolute DIR: sets REPLY to its path. Mostly without a process of its own: on
# lab/host's machines each costs 30 ms, and guests are driven by many calls.
absolute()
{
	case $1 in
	.. | ../* | */.. | */../* | */. | */./*) REPLY=$(cd "$1" && pwd) ;;
	/*) REPLY=$1 ;;
	.) REPLY=$PWD ;;
	*) REPLY=$PWD/${1#./} ;;
	esac
}

absolute "${BASH_SOURCE[0]%/*}"
lab_src=$REPLY
lab_out=${O:-${lab_src%/*}/build}/lab
[ -d "$lab_out" ] || mkdir -p "$lab_out"
absolute "$lab_out"
lab_out=$REPLY

# The image that guests boot, and the state of the machines that run.
# shellcheck disable=SC2034
lab_image=${IVT_LAB_IMAGE:-$lab_out/image}
# shellcheck disable=SC2034
lab_run=${IVT_LAB_DIR:-$lab_out/run}

# die MESSAGE...: what failed, on what, why, what to do.
die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# die_usage MESSAGE...: wrong use of a command.
die_usage()
{
	echo "${0##*/}: $* (see --help)" >&2
	exit 2
}

# need PROGRAM...: ends with advice if a program is missing.
need()
{
	local program

	for program in "$@"; do
		command -v "$program" >/dev/null ||
			die "cannot find program '$program' (run scripts/install-deps)"
	done
}

# compile OUTPUT SOURCE FLAGS...: builds one program when it is older than its
# source or a header beside it. Linked into a temporary file first, so that a
# program that runs is never overwritten and a broken build leaves the old one.
compile()
{
	local output=$1 source=$2 header stale=
	local flags=(-std=gnu11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wshadow -Wstrict-prototypes
		-Wmissing-prototypes -Wpointer-arith -Wformat=2 -Wundef)

	shift 2
	[ "$output" -nt "$source" ] || stale=1
	for header in "${source%/*}"/*.h; do
		[ ! -e "$header" ] || [ "$output" -nt "$header" ] || stale=1
	done
	[ -n "$stale" ] || return 0
	mkdir -p "${output%/*}"
	if ! "${CC:-gcc}" "${flags[@]}" -o "$output.$$" "$source" "$@"; then
		rm -f "$output.$$"
		die "cannot compile '$source': see above (run scripts/install-deps)"
	fi
	mv "$output.$$" "$output"
}

# build_call: the host's end of a guest's control port; sets lab_call.
build_call()
{
	lab_call=$lab_out/tools/lab-call
	compile "$lab_call" "$lab_src/control/lab-call.c"
}

# start_time PID: the process's start in clock ticks since boot; with the pid
# it names a process for good, a pid alone may be somebody else's later.
start_time()
{
	local stat

	{ stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
	# The name in parentheses may hold blanks: count from behind it.
	stat=${stat##*) }
	# shellcheck disable=SC2086
	set -- $stat
	# A zombie runs no more, whoever has still to reap it.
	[ "$1" != Z ] && echo "${20}"
}
