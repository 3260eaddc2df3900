#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A machine without trace-cmd and LTTng: bench/guest/rivals.sh says so and finds none.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/bin"
for program in mkdir realpath ldd sed sort grep cat bash; do
	ln -s "$(command -v "$program")" "$tmp/bin/"
done
printf '#!/bin/bash\nexit 1\n' >"$tmp/bin/dpkg" # knows no package
chmod +x "$tmp/bin/dpkg"

# shellcheck source-path=SCRIPTDIR source=../../bench/guest/rivals.sh
found=$(. "$SRC/bench/guest/rivals.sh" && PATH=$tmp/bin rivals_find 1.2.3 "$tmp/rivals" 2>"$tmp/said" &&
	echo "${#rivals[@]} rivals, ${#rival_files[@]} files")
cat "$tmp/said"
[ "$found" = '0 rivals, 0 files' ] || { echo "found $found"; exit 1; }
for rival in trace-cmd lttng-modules; do
	grep -q "^guest: $rival: not measured: .*(apt-get install " "$tmp/said" ||
		{ echo "nothing was said of $rival"; exit 1; }
done
