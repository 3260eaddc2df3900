#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The checks themselves: each must name a file that is wrong on purpose.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp"/{scripts,trace,viewer/draw,tsc-sync,host-reader,ivring/include/ivring}
cp "$SRC"/scripts/check-* "$tmp/scripts/"
cd "$tmp"
git init -q .

put() # FILE LINE...
{
	local file=$1

	shift
	mkdir -p "$(dirname "$file")"
	printf '%s\n' "$@" >"$file"
	git add "$file"
}

noticed() # FILE COMMAND...
{
	local file=$1

	shift
	if "$@" >out 2>&1; then
		echo "not noticed: $file by $*"
		exit 1
	fi
	grep "$file" out
}

put trace/good.h '/* SPDX-License-Identifier: GPL-2.0-or-later */' '#include "tsc-sync/clock.h"' \
	'#include <ivring/abi.h>' '#include <trace/events/sched.h>' '' '/* Says why. */' 'int good(int a);'
scripts/check-includes
scripts/check-spdx
scripts/check-docs trace/good.h

put trace/analysis.h '/* SPDX-License-Identifier: GPL-2.0-or-later */' '#include "analysis/io.h"'
noticed trace/analysis.h:2 scripts/check-includes
git rm -qf trace/analysis.h
put viewer/draw/gtk.c '/* SPDX-License-Identifier: GPL-2.0-or-later */' '#include <gtk/gtk.h>'
noticed viewer/draw/gtk.c:2 scripts/check-includes
git rm -qf viewer/draw/gtk.c
put host-reader/vm/drain.c '/* SPDX-License-Identifier: GPL-2.0-or-later */' '#include "trace/merge.h"'
noticed host-reader/vm/drain.c:2 scripts/check-includes
git rm -qf host-reader/vm/drain.c
put host-reader/base/sink.h '/* SPDX-License-Identifier: GPL-2.0-or-later */' '#include "host-reader/vm/vm.h"'
noticed host-reader/base/sink.h:2 scripts/check-includes
git rm -qf host-reader/base/sink.h
put host-reader/recording/summary.c '/* SPDX-License-Identifier: GPL-2.0-or-later */' '#include "trace/merge.h"'
scripts/check-includes
git rm -qf host-reader/recording/summary.c
put tsc-sync/none.c 'int x;'
noticed tsc-sync/none.c:1 scripts/check-spdx
git rm -qf tsc-sync/none.c
put ivring/include/ivring/other.h '/* SPDX-License-Identifier: MIT */'
noticed ivring/include/ivring/other.h:1 scripts/check-spdx
put trace/silent.h '#define X 1' '' 'int silent(int a,' '	   int b);'
noticed trace/silent.h:3 scripts/check-docs trace/silent.h
