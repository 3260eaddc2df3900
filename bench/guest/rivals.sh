# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The tracers that ivtrace is compared with inside a guest, as files to add to its
# image: trace-cmd and LTTng's programs of this machine with their libraries, and
# LTTng's kernel modules, built for the guest's kernel.  Sourced; after
# rivals_find RELEASE DIR, $rivals names what there is and $rival_files holds
# FILE:PATH of each file.  What there is not is said on standard error.

rivals=() rival_files=()

# rival_absent NAME WHY...
rival_absent()
{
	echo "guest: $1: not measured: ${*:2}" >&2
}

# rival_programs PROGRAM...: the programs and what they are linked with.
rival_programs()
{
	local file

	for file in "$@" $(ldd "$@" | sed -nE 's/^(.* => )?\s*(\/[^ ]*) \(0x.*/\2/p' | sort -u); do
		rival_files+=("$(realpath "$file"):$file")
	done
}

# The modules' source is a package for DKMS, whose hook would build for the kernel
# that runs here: so it is unpacked, not installed.
lttng_source() # DIR
{
	rm -rf "$1"
	mkdir -p "$1"
	(cd "$1" && apt-get -q download lttng-modules-dkms >apt.log 2>&1 &&
		dpkg-deb -x lttng-modules-dkms_*.deb . && mv usr/src/lttng-modules-* source) || {
		tail -n 3 "$1/apt.log" >&2
		return 1
	}
	# Its prototype has changed within 6.1; no figure here needs a timer.
	sed -i '/lttng-probe-timer\.o/d' "$1/source/src/probes/Kbuild"
}

# lttng_modules RELEASE DIR: build them; DIR/tree/ becomes what modprobe wants.
lttng_modules()
{
	local dir=$2 into=$2/tree/lib/modules/$1 kernel

	[ ! -e "$dir/$1.done" ] || return 0
	lttng_source "$dir" || return 1
	env -u O -u MAKEFLAGS -u MAKELEVEL make -j2 -C "/usr/src/linux-headers-$1" \
		M="$(realpath "$dir/source")" CONFIG_LTTNG=m modules >"$dir/build.log" 2>&1 || {
		grep -m 3 error "$dir/build.log" >&2
		return 1
	}
	kernel=$(. lab/lib.sh && . lab/image.sh && kernel_tree "$1") || return 1
	mkdir -p "$into/extra"
	cp "${kernel%/}/lib/modules/$1"/modules.{builtin,order} "$into"
	cp "$dir"/source/src/{.,lib}/*.ko "$dir"/source/src/probes/lttng-{k,kret,u}probes.ko \
		"$dir"/source/src/probes/lttng-probe-{sched,block,irq}.ko "$into/extra"
	strip -g "$into"/extra/*.ko
	depmod -b "$dir/tree" "$1" 2>/dev/null
	touch "$dir/$1.done"
}

rival_trace_cmd()
{
	local program

	program=$(command -v trace-cmd) ||
		{ rival_absent trace-cmd "no such program (apt-get install trace-cmd)"; return; }
	rival_programs "$program"
	rivals+=(trace-cmd)
}

rival_lttng() # RELEASE DIR
{
	local consumer file

	consumer=$(dpkg -L lttng-tools 2>/dev/null | grep '/lttng-consumerd$') ||
		{ rival_absent lttng-modules "no lttng-tools (apt-get install lttng-tools)"; return; }
	lttng_modules "$1" "$2" ||
		{ rival_absent lttng-modules "cannot get or build its modules for $1"; return; }
	rival_programs "$(command -v lttng)" "$(command -v lttng-sessiond)" "$consumer"
	for file in $(dpkg -L lttng-tools liblttng-ctl0 | grep '\.xsd$'); do # it reads at its start
		rival_files+=("$file:$file")
	done
	while read -r file; do
		rival_files+=("$2/tree/$file:/$file")
	done < <(cd "$2/tree" && find lib -type f)
	rivals+=(lttng-modules)
}

rivals_find() # RELEASE DIR
{
	mkdir -p "$2"
	rival_trace_cmd
	rival_lttng "$1" "$2/lttng-modules"
	[ ${#rival_files[@]} = 0 ] || mapfile -t rival_files < <(printf '%s\n' "${rival_files[@]}" | sort -u)
}
