#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# The kernel's own style checker over the driver and the headers that it includes.
# What is not asked for has its reason here.
set -uo pipefail
cd "$SRC" || exit 1
[ -f guest-driver/Kbuild ] || { echo 'skip: no driver in this tree'; exit 77; }
work=$O/module-check/checkpatch
mkdir -p "$work"
if [ -z "${CHECKPATCH:-}" ]; then
	scripts=$(lab/kernel-source --scripts) ||
		{ echo "skip: no kernel sources to be had (CHECKPATCH= names a checkpatch.pl)"; exit 77; }
	CHECKPATCH=$scripts/checkpatch.pl
fi

# clang-format decides: blanks, folding (it folds strings too), and the tree's own
# shape of comments, the same in kernel and user space.
format=CODE_INDENT,LEADING_SPACE,SPACING,BRACKET_SPACE,TABSTOP,SUSPECT_CODE_INDENT
format+=,SPLIT_STRING,BLOCK_COMMENT_STYLE

# check FILE: what is wrong with it; $ignored has the types that do not count.
check()
{
	# It leaves a file where it runs.
	(cd "$work" && perl "$CHECKPATCH" --no-tree --terse --show-types --no-summary \
		--max-line-length=100 --ignore "$ignored" -f "$SRC/$1")
}

# A table of macros is no expression and no statement: each user puts the parts together.
tables=COMPLEX_MACRO,MULTISTATEMENT_MACRO_USE_DO_WHILE,TRAILING_SEMICOLON
status=0
for file in guest-driver/*.[ch] ivring/include/ivring/*.h; do
	ignored=$format
	case ${file##*/} in
	# Out of tree, versions are what it is about; KERNEL_VERSION() passes for a constant.
	compat.h) ignored+=,LINUX_VERSION_CODE,CONSTANT_COMPARISON ;;
	# An event's own condition, in probes.h, ends its probe; arguments for a table's lines.
	ivtrace_probe.c) ignored+=,MACRO_WITH_FLOW_CONTROL,COMPLEX_MACRO ;;
	# IVRING_ names pass for constants.
	ivtrace_mark.c) ignored+=,CONSTANT_COMPARISON ;;
	# User space includes these, too, and has no __aligned; IVRING_ names pass for constants.
	abi.h) ignored+=,PREFER_DEFINED_ATTRIBUTE_MACRO,CONSTANT_COMPARISON ;;
	# Barriers are defined here and explained where they are used; COMPLEX_MACRO is
	# "static inline" by a name of its own.
	port.h) ignored+=,PREFER_DEFINED_ATTRIBUTE_MACRO,MEMORY_BARRIER,COMPLEX_MACRO ;;
	# For programs, of any C.
	mark.h) ignored+=,INLINE ;;
	events.h | probes.h | syscalls.h) ignored+=,$tables ;;
	esac
	check "$file" || status=1
done

# It says so when something is wrong.
printf '// SPDX-License-Identifier: GPL-2.0-only\nvoid f(void)\n{\n\tif (!x) { y(); };\n\tmsleep(1);\n}\n' \
	>"$work/wrong.c"
ignored=$format
(SRC=$work check wrong.c) >"$work/wrong.log" && { echo 'a wrong file was not noticed'; status=1; }
for type in TRAILING_STATEMENTS MSLEEP; do
	grep -q "$type" "$work/wrong.log" || { echo "not noticed: $type"; status=1; }
done
exit $status
