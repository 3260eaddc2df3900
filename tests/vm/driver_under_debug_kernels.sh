#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The driver's tests on kernels that check themselves: KASAN, UBSAN, lockdep and debug
# objects in one, KCSAN in the other.  Neither may report anything.  VARIANTS= and
# DRIVER_TESTS= name some of them.
set -uo pipefail
cd "$SRC" || exit 1
[ -n "${LONG:-}" ] || { echo 'skip: in make check-long (or LONG=1)'; exit 77; }
command -v qemu-system-x86_64 >/dev/null || { echo 'skip: no qemu-system-x86_64'; exit 77; }

# What is timed, or compared with ftrace's own cost, says nothing here.
tests=${DRIVER_TESTS:-driver_records_each_call_once driver_unloads_under_load
	driver_survives_cpu_hotplug driver_follows_pci_hotplug driver_survives_hostile_reader
	driver_follows_the_hosts_formatting driver_overwrites_where_the_host_says_so
	driver_status_is_true_and_its_owner_decides driver_obeys_filters driver_records_call_chains
	driver_takes_structured_marks user_program_writes_through_the_device
	driver_without_a_device_says_so driver_survives_sleep driver_reports_panic}
status=0

wrong()
{
	echo "WRONG: $*"
	status=1
}

# variant_setup VARIANT: kernel, module and image, and an O of its own for the tests
variant_setup()
{
	local variant=$1

	{ read -r KDIR && read -r IVT_LAB_RELEASE; } < <(O=$main lab/build-debug-kernel "$variant") ||
		{ echo "cannot build the kernel '$variant'"; exit 1; }
	O=$main/debug-kernel/$variant
	mkdir -p "$O"
	# The kernels, the lab's programs and the libraries are the same.
	ln -sfn "$main/lab" "$O/lab"
	ln -sfn "$main/lib" "$O/lib"
	export O KDIR IVT_LAB_RELEASE
	export IVT_LAB_DIR=$O/run IVT_LAB_ACCEL=$accel IVT_LAB_SLOW=10
	export IVT_LAB_IMAGE=$O/image
	IVT_LAB_START='--mem 1024'
	# Only threads of their own let CPUs race.
	[ "$variant" != kcsan ] || IVT_LAB_START+=' --threads multi'
	export IVT_LAB_START
	make --no-print-directory module >"$O/module.log" 2>&1 || { cat "$O/module.log"; exit 1; }
}

# seed BUG TEXT: the log must tell it, and check-log must see it
seed()
{
	lab/vm exec seeded -- "insmod /seeded.ko bug=$1" >/dev/null 2>&1
	lab/vm check-log seeded >"$O/seeded/$1.log" && wrong "bug '$1' on $variant: the log passes"
	grep "$2" "$O/seeded/$1.log" || wrong "bug '$1' was not noticed on $variant"
}

# Do the checks work at all?
check_the_checks()
{
	local work=$O/seeded

	mkdir -p "$work"
	cp tests/vm/tools/seeded.c "$work/"
	echo 'obj-m := seeded.o' >"$work/Kbuild"
	env -u O -u MAKEFLAGS make -C "$KDIR" M="$work" modules >"$work/log" 2>&1 ||
		{ cat "$work/log"; wrong 'cannot build tests/vm/tools/seeded.c'; return; }
	if ! lab/build-image >/dev/null || ! lab/vm start seeded --smp 2 --add "$work/seeded.ko:/seeded.ko"; then
		wrong "the kernel $variant does not boot"
		return
	fi
	lab/vm check-log seeded || wrong "the kernel $variant complains without us"
	case $variant in
	kasan)
		seed locks 'possible circular locking'
		seed sleep 'BUG: sleeping function called'
		seed shift 'UBSAN: shift-out-of-bounds'
		seed use-after-free 'BUG: KASAN: .*seeded' # ends lockdep
		;;
	kcsan) seed race 'BUG: KCSAN: data-race in .*seeded_count' ;;
	esac
	lab/vm stop seeded
}

# Guests that are left with their logs: those of tests that do not look themselves,
# because a panic is what they are about, too.
check_logs()
{
	local log name

	for log in "$IVT_LAB_DIR"/*/console.log; do
		[ -e "$log" ] || continue
		name=${log%/console.log}
		name=${name##*/}
		grep -E 'SAN|lock|sleeping|RCU|ODEBUG|BUG [a-z]' <(lab/vm check-log "$name") &&
			wrong "reports in the log of '$name' ($log)"
	done
}

run_tests()
{
	local name start result

	for name in $tests; do
		if [ "$variant $name" = 'kcsan driver_survives_sleep' ]; then
			echo "$variant: $name: not run: with KCSAN this kernel dies of S3, without us, too"
			continue
		fi
		start=$SECONDS
		rm -rf "$IVT_LAB_DIR"
		env -u LONG tests/vm/"$name".sh >"$O/$name.log" 2>&1 </dev/null
		result=$?
		echo "$variant: $name: status $result ($((SECONDS - start)) s)"
		if [ $result != 0 ]; then
			tail -n 40 "$O/$name.log"
			wrong "$name on $variant, see $O/$name.log"
		fi
		check_logs
	done
}

main=$O
lab/build-image || exit 1
accel=$(lab/vm accel)
for variant in ${VARIANTS:-kasan kcsan}; do
	variant_setup "$variant"
	rm -rf "$IVT_LAB_DIR"
	check_the_checks
	run_tests
done
exit $status
