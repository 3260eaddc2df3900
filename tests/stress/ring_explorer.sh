#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# ring.h and salvage.h under schedules of interrupts, reader's turns, delayed
# stores and deaths: tests/ring_explorer/explorer.h.  LONG=1: more of them.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$SRC/tests/ring_explorer/build" "$SRC/ivring/include" "$tmp/ring_explorer"
"$tmp/ring_explorer"
