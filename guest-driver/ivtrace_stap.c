// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the SystemTap tapset (stap/tapset/ivtrace.stp) calls: it finds this function by
 * its name when a script starts, and holds the module until the script ends.  Its
 * prototype is written down there as well and stays; another one gets another
 * name.
 */
#include <linux/export.h>
#include <linux/kprobes.h>
#include <linux/string.h>
#include "ivtrace.h"

int ivtrace_stap_record(unsigned int kind, u64 number, const char *text)
{
	struct ivtrace_mark mark;
	size_t n = strnlen(text, IVRING_MARK_MAX_BYTES);

	mark.number = number;
	memcpy(mark.text, text, n);
	return ivtrace_mark_emit(kind, &mark, n);
}
EXPORT_SYMBOL_GPL(ivtrace_stap_record);
NOKPROBE_SYMBOL(ivtrace_stap_record);
