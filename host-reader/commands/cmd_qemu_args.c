// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include "host-reader/base/message.h"
#include "host-reader/base/options.h"
#include "host-reader/commands/commands.h"
#include "host-reader/qemu/libvirt_xml.h"
#include "host-reader/region/region_setup.h"

static const char help[] =
	"Usage: ivtrace-host qemu-args --vm NAME[=shm:PATH|=sock:PATH] [OPTIONS]\n"
	"\n"
	"Makes the region of a VM unless it is there, and prints the arguments that let QEMU\n"
	"show it to the guest as a PCI device. The region stays until you remove the file.\n"
	"With sock:PATH nothing is made: the VM gets its region, and a doorbell, from the\n"
	"recorder (ivtrace-host record --vm NAME=sock:PATH), which has to run before the VM.\n"
	"\n"
	"  --vm NAME[=shm:PATH]  the VM and its region's file (/dev/shm/ivtrace-NAME)\n"
	"  --vm NAME=sock:PATH   the VM and the recorder's socket\n"
	"  --libvirt             print what goes into libvirt's domain XML instead\n"
	"  --size BYTES          a power of two (64M); all of it is allocated now\n"
	"  --cpus N              rings: one per vCPU, also those that may be plugged later (8)\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  qemu-system-x86_64 $(ivtrace-host qemu-args --vm a) -m 2G -smp 2 ...\n"
	"  ivtrace-host qemu-args --vm big --size 256M --cpus 32\n"
	"  ivtrace-host qemu-args --vm a=sock:/run/ivtrace/a.sock\n"
	"  ivtrace-host qemu-args --vm a --libvirt            for virsh edit\n";

enum {
	OPT_VM = 256,
	OPT_SIZE,
	OPT_CPUS,
	OPT_LIBVIRT,
};

static const struct option options[] = {
	{ "vm", required_argument, NULL, OPT_VM },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "libvirt", no_argument, NULL, OPT_LIBVIRT },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* QEMU's option syntax writes a comma in a value as two. */
static void print_value(const char *text)
{
	for (; *text; text++)
		printf(*text == ',' ? ",," : "%c", *text);
}

static void print_socket_args(const struct vm_spec *spec)
{
	printf("-name %s,debug-threads=on -chardev socket,id=ivtrace,path=", spec->name);
	print_value(spec->path);
	puts(" -device ivshmem-doorbell,chardev=ivtrace,vectors=1");
}

static void print_args(const struct vm_spec *spec, uint64_t bytes)
{
	printf("-name %s,debug-threads=on ", spec->name);
	printf("-object memory-backend-file,id=ivtrace,share=on,mem-path=");
	print_value(spec->path);
	printf(",size=%" PRIu64 " ", bytes);
	puts("-device ivshmem-plain,memdev=ivtrace");
}

struct wanted {
	struct vm_spec spec;
	uint64_t size_bytes, cpus;
	bool is_for_libvirt;
};

/* 0: go on; else the exit status. */
static int take_option(struct wanted *w, int c, const char *value)
{
	switch (c) {
	case OPT_VM:
		if (w->spec.name[0])
			return usage_error("qemu-args", "one --vm at a time");
		if (parse_vm(value, &w->spec))
			return usage_error("qemu-args",
					   "'%s' is no VM: NAME, NAME=shm:PATH or NAME=sock:PATH",
					   value);
		return 0;
	case OPT_SIZE:
		if (parse_size(value, &w->size_bytes))
			return usage_error("qemu-args", "--size: '%s' is no size (64M)", value);
		return 0;
	case OPT_CPUS:
		if (parse_number(value, 1, IVRING_MAX_CHANNELS, &w->cpus))
			return usage_error("qemu-args", "--cpus: '%s' is not in 1..%d", value,
					   IVRING_MAX_CHANNELS);
		return 0;
	case OPT_LIBVIRT:
		w->is_for_libvirt = true;
		return 0;
	default:
		fputs("(see ivtrace-host qemu-args --help)\n", stderr);
		return EXIT_USAGE;
	}
}

/* The region, and how to show it. */
static int make(const struct wanted *w)
{
	struct ivt_error err = { "" };
	struct ivring_region region;

	if (region_setup(w->spec.path, w->size_bytes, (uint32_t)w->cpus, &region, &err)) {
		message("%s", err.msg);
		return 1;
	}
	if (w->is_for_libvirt)
		libvirt_print_file(&w->spec, region.sb.region_size);
	else
		print_args(&w->spec, region.sb.region_size);
	ivring_region_close(&region);
	return 0;
}

static int print_for_socket(const struct wanted *w)
{
	if (w->size_bytes || w->cpus)
		return usage_error("qemu-args", "--size and --cpus are the recorder's to say "
						"(ivtrace-host record)");
	if (w->is_for_libvirt)
		libvirt_print_socket(&w->spec);
	else
		print_socket_args(&w->spec);
	return 0;
}

int cmd_qemu_args(int argc, char **argv)
{
	struct wanted w = { .size_bytes = 0 };
	int c, ret;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		ret = take_option(&w, c, optarg);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return usage_error("qemu-args", "unexpected '%s'", argv[optind]);
	if (!w.spec.name[0])
		return usage_error("qemu-args", "which VM? --vm NAME is missing");
	return w.spec.is_socket ? print_for_socket(&w) : make(&w);
}
