// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include "tsc-sync/sources/stap_line.h"

int stap_number_take(const char **at, char end, uint64_t *ret)
{
	const char *p = *at;
	char *stop;

	if (!isdigit((unsigned char)p[*p == '-']))
		return -EINVAL;
	errno = 0;
	*ret = *p == '-' ? (uint64_t)strtoll(p, &stop, 10) : strtoull(p, &stop, 10);
	if (errno || *stop != end)
		return -EINVAL;
	*at = stop + (end ? 1 : 0);
	return 0;
}

int stap_line_parse(const char *line, bool is_vmx, struct kvm_feed_record *ret)
{
	uint64_t number[6];
	size_t i;

	for (i = 0; i < 6; i++)
		if (stap_number_take(&line, i < 5 ? ' ' : '\0', &number[i]))
			return -EINVAL;
	if (!number[0] || number[0] > INT_MAX || !number[1] || number[1] > INT_MAX ||
	    number[2] > INT_MAX || !number[4] || !number[5])
		return -EINVAL;
	*ret = (struct kvm_feed_record){
		.host_tsc = number[5],
		.scale = kvm_feed_scale((int64_t)number[3], number[4], is_vmx),
		.pid = (pid_t)number[0],
		.tid = (pid_t)number[1],
		.vcpu = (uint32_t)number[2],
	};
	return 0;
}
