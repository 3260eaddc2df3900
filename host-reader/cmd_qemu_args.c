// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include "host-reader/commands.h"
#include "host-reader/message.h"
#include "host-reader/options.h"
#include "host-reader/region_setup.h"

static const char help[] =
	"Usage: ivtrace-host qemu-args --vm NAME[=shm:PATH] [--size BYTES] [--cpus N]\n"
	"\n"
	"Makes the region of a VM unless it is there, and prints the arguments that let QEMU\n"
	"show it to the guest as a PCI device. The region stays until you remove the file.\n"
	"\n"
	"  --vm NAME[=shm:PATH]  the VM and its region's file (/dev/shm/ivtrace-NAME)\n"
	"  --size BYTES          a power of two (64M); all of it is allocated now\n"
	"  --cpus N              rings: one per vCPU, also those that may be plugged later (8)\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  qemu-system-x86_64 $(ivtrace-host qemu-args --vm a) -m 2G -smp 2 ...\n"
	"  ivtrace-host qemu-args --vm big --size 256M --cpus 32\n";

enum {
	OPT_VM = 256,
	OPT_SIZE,
	OPT_CPUS,
	OPT_HELP,
};

static const struct option options[] = {
	{ "vm", required_argument, NULL, OPT_VM },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* QEMU's option syntax writes a comma in a value as two. */
static void print_value(const char *text)
{
	for (; *text; text++)
		printf(*text == ',' ? ",," : "%c", *text);
}

static void print_args(const struct vm_spec *spec, uint64_t bytes)
{
	printf("-name %s,debug-threads=on ", spec->name);
	printf("-object memory-backend-file,id=ivtrace,share=on,mem-path=");
	print_value(spec->path);
	printf(",size=%" PRIu64 " ", bytes);
	puts("-device ivshmem-plain,memdev=ivtrace");
}

static int make(const struct vm_spec *spec, uint64_t size_bytes, uint32_t cpus)
{
	struct ivt_error err = { "" };
	struct ivring_region region;

	if (region_setup(spec->path, size_bytes, cpus, &region, &err)) {
		message("%s", err.msg);
		return 1;
	}
	print_args(spec, region.sb.region_size);
	ivring_region_close(&region);
	return 0;
}

int cmd_qemu_args(int argc, char **argv)
{
	struct vm_spec spec = { .name = "" };
	uint64_t size_bytes = 0, cpus = 0;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (c) {
		case OPT_VM:
			if (spec.name[0])
				return usage_error("qemu-args", "one --vm at a time");
			if (parse_vm(optarg, &spec))
				return usage_error("qemu-args",
						   "'%s' is no VM: NAME or NAME=shm:PATH", optarg);
			break;
		case OPT_SIZE:
			if (parse_size(optarg, &size_bytes))
				return usage_error("qemu-args", "--size: '%s' is no size (64M)",
						   optarg);
			break;
		case OPT_CPUS:
			if (parse_number(optarg, 1, IVRING_MAX_CHANNELS, &cpus))
				return usage_error("qemu-args", "--cpus: '%s' is not in 1..%d",
						   optarg, IVRING_MAX_CHANNELS);
			break;
		case 'h':
		case OPT_HELP:
			fputs(help, stdout);
			return 0;
		default:
			fputs("(see ivtrace-host qemu-args --help)\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage_error("qemu-args", "unexpected '%s'", argv[optind]);
	if (!spec.name[0])
		return usage_error("qemu-args", "which VM? --vm NAME is missing");
	return make(&spec, size_bytes, (uint32_t)cpus);
}
