#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
exec "$SRC/scripts/check-includes"
