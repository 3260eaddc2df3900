// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/error.h"

#include <stdarg.h>
#include <stdio.h>

int ivt_error_set(struct ivt_error *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
	}
	return code;
}
