# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A translation unit that holds only the header, under one compiler.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
: "${SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
headers=${headers:-$SRC/ivring/include}

have()
{
	command -v "$1" >/dev/null || { echo "skip: no $1"; exit 77; }
}

# alone HEADER COMPILER FLAGS...
alone()
{
	local header=$1 suffix=c

	shift
	[[ $1 == *++* ]] && suffix=cc
	echo "#include <ivring/$header>" >"$tmp/alone.$suffix"
	echo "+ $* <ivring/$header>"
	"$@" -Wall -Wextra -Wundef -Werror -I"$headers" -fsyntax-only "$tmp/alone.$suffix"
}

# refused COMMAND...: it must fail
refused()
{
	if "$@" >"$tmp/refused" 2>&1; then
		echo "not refused: $*"
		exit 1
	fi
	grep -m 3 error: "$tmp/refused"
}
