// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "host-reader/qemu/libvirt_xml.h"

#define SHM_FOLDER "/dev/shm/"

static void print_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", stdout);
		else if (*text == '<')
			fputs("&lt;", stdout);
		else if (*text == '\'')
			fputs("&apos;", stdout);
		else
			putchar(*text);
	}
}

/* QEMU's option syntax writes a comma in a value as two. */
static void print_doubled(const char *text)
{
	char one[2] = "";

	for (; *text; text++) {
		one[0] = *text;
		print_text(*text == ',' ? ",," : one);
	}
}

static void print_through(const struct vm_spec *spec, uint64_t bytes)
{
	puts("<!-- in <domain>, which needs "
	     "xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' "
	     "-->");
	printf("<qemu:commandline>\n"
	       "  <qemu:arg value='-object'/>\n"
	       "  <qemu:arg value='memory-backend-file,id=ivtrace,share=on,mem-path=");
	print_doubled(spec->path);
	printf(",size=%" PRIu64 "'/>\n"
	       "  <qemu:arg value='-device'/>\n"
	       "  <qemu:arg value='ivshmem-plain,memdev=ivtrace'/>\n"
	       "</qemu:commandline>\n",
	       bytes);
}

void libvirt_print_file(const struct vm_spec *spec, uint64_t bytes)
{
	size_t n = strlen(SHM_FOLDER);

	if (strncmp(spec->path, SHM_FOLDER, n) || strchr(spec->path + n, '/')) {
		print_through(spec, bytes);
		return;
	}
	puts("<!-- in <devices> -->");
	printf("<shmem name='");
	print_text(spec->path + n);
	printf("'>\n"
	       "  <model type='ivshmem-plain'/>\n"
	       "  <size unit='M'>%" PRIu64 "</size>\n"
	       "</shmem>\n",
	       bytes >> 20);
}

void libvirt_print_socket(const struct vm_spec *spec)
{
	puts("<!-- in <devices> -->");
	printf("<shmem name='ivtrace-%s'>\n"
	       "  <model type='ivshmem-doorbell'/>\n"
	       "  <server path='",
	       spec->name);
	print_text(spec->path);
	puts("'/>\n"
	     "  <msi vectors='1'/>\n"
	     "</shmem>");
}
