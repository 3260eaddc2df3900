// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include "host-reader/region/huge_pages.h"

uint64_t huge_page_bytes(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) || fs.f_type != HUGETLBFS_MAGIC)
		return 0;
	return (uint64_t)fs.f_bsize;
}

uint64_t huge_pages_free(uint64_t page_bytes)
{
	char path[96];
	uint64_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%" PRIu64 "kB/free_hugepages",
		 page_bytes >> 10);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &n) != 1)
		n = 0;
	fclose(f);
	return n * page_bytes;
}

/* A line "@name  N kB" of /proc/meminfo, in bytes; 0: there is none. */
static uint64_t meminfo_bytes(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	uint64_t kib = 0;

	if (!f)
		return 0;
	while (!kib && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			kib = strtoull(line + strlen(name), NULL, 10);
	fclose(f);
	return kib << 10;
}

uint64_t huge_page_default_bytes(void)
{
	return meminfo_bytes("Hugepagesize:");
}

uint64_t memory_available_bytes(void)
{
	return meminfo_bytes("MemAvailable:");
}
