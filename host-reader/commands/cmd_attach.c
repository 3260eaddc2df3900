// SPDX-License-Identifier: GPL-2.0-or-later
/* attach, detach: the device into and out of a VM that runs, over QMP. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host-reader/base/message.h"
#include "host-reader/base/options.h"
#include "host-reader/commands/commands.h"
#include "host-reader/qemu/qmp.h"
#include "host-reader/region/region_setup.h"

#define DEVICE_ID	     "ivtrace"
#define MEMORY_ID	     "ivtrace-memory"
#define CHARDEV_ID	     "ivtrace-socket"
#define DRIVER_WAIT_MS	     3000
#define UNPLUG_WAIT_MS	     20000
#define PCI_VENDOR_INTEL     0x8086
#define PCI_VENDOR_REDHAT    0x1b36
#define PCI_DEVICE_Q35	     0x29c0
#define PCI_DEVICE_ROOT_PORT 0x000c

static const char attach_help[] =
	"Usage: ivtrace-host attach --vm NAME[=shm:PATH|=sock:PATH] --qmp SOCKET [OPTIONS]\n"
	"\n"
	"Plugs the device with the VM's region into a VM that runs, by QEMU's control socket\n"
	"(-qmp unix:SOCKET,server=on,wait=off). The region is made unless it is there. The\n"
	"guest's driver takes the device by itself.\n"
	"\n"
	"  --vm NAME[=shm:PATH]  the VM and its region's file (/dev/shm/ivtrace-NAME)\n"
	"  --vm NAME=sock:PATH   the VM and the socket of its recorder, which runs\n"
	"  --qmp SOCKET          QEMU's QMP socket; no other program may be connected to it\n"
	"  --bus NAME            where to plug it (a free pcie-root-port, if the VM has any)\n"
	"  --size BYTES          of a region that is made: a power of two (64M)\n"
	"  --cpus N              rings in a region that is made: one per vCPU (8)\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  ivtrace-host attach --vm a --qmp /run/a.qmp && ivtrace-host record --vm a\n"
	"  ivtrace-host detach --qmp /run/a.qmp\n";

static const char detach_help[] =
	"Usage: ivtrace-host detach --qmp SOCKET\n"
	"\n"
	"Pulls the device that 'ivtrace-host attach' plugged in. The guest lets go of it\n"
	"first; what its driver has recorded is published, a recording goes on with the other\n"
	"VMs. The region's file stays until you remove it.\n"
	"\n"
	"  --qmp SOCKET  QEMU's QMP socket\n"
	"  --help\n";

enum {
	OPT_VM = 256,
	OPT_QMP,
	OPT_BUS,
	OPT_SIZE,
	OPT_CPUS,
};

static const struct option attach_options[] = {
	{ "vm", required_argument, NULL, OPT_VM },
	{ "qmp", required_argument, NULL, OPT_QMP },
	{ "bus", required_argument, NULL, OPT_BUS },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct option detach_options[] = {
	{ "qmp", required_argument, NULL, OPT_QMP },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct attach {
	struct vm_spec spec;
	const char *qmp_path;
	const char *bus; /* NULL: to be found */
	uint64_t size_bytes, cpus;
};

/* ---- where to plug it --------------------------------------------------------- */

static int64_t number_in(struct json_object *object, const char *outer, const char *key)
{
	struct json_object *inner, *value;

	if (!json_object_object_get_ex(object, outer, &inner) ||
	    !json_object_object_get_ex(inner, key, &value))
		return -1;
	return json_object_get_int64(value);
}

static bool is_device(struct json_object *device, int64_t vendor, int64_t id)
{
	return number_in(device, "id", "vendor") == vendor &&
	       number_in(device, "id", "device") == id;
}

static bool is_free_port(struct json_object *device)
{
	struct json_object *bridge, *devices;

	return is_device(device, PCI_VENDOR_REDHAT, PCI_DEVICE_ROOT_PORT) &&
	       json_object_object_get_ex(device, "pci_bridge", &bridge) &&
	       (!json_object_object_get_ex(bridge, "devices", &devices) ||
		!json_object_is_type(devices, json_type_array) ||
		!json_object_array_length(devices));
}

/*
 * A q35 machine takes devices at run time only in ports made for it; others take
 * them on their root bus.  *ret: the port's name, or NULL: no need to name a bus.
 */
static int find_bus(struct json_object *devices, char **ret, struct ivt_error *err)
{
	size_t i, n = json_object_is_type(devices, json_type_array)
			      ? json_object_array_length(devices)
			      : 0;
	bool is_q35 = false;

	*ret = NULL;
	for (i = 0; i < n; i++) {
		struct json_object *device = json_object_array_get_idx(devices, i), *name;

		is_q35 |= is_device(device, PCI_VENDOR_INTEL, PCI_DEVICE_Q35);
		if (!is_free_port(device) || !json_object_object_get_ex(device, "qdev_id", &name) ||
		    !json_object_get_string_len(name))
			continue;
		*ret = strdup(json_object_get_string(name));
		return *ret ? 0 : ivt_error_set(err, -ENOMEM, "cannot attach: no memory");
	}
	if (!is_q35)
		return 0;
	return ivt_error_set(err, -ENOSPC,
			     "cannot attach: the VM has no free PCIe port (start it with -device "
			     "pcie-root-port,id=NAME,chassis=1,pref64-reserve=1G; in libvirt, a "
			     "controller of type 'pci', model 'pcie-root-port')");
}

static int choose_bus(struct qmp *q, char **ret, struct ivt_error *err)
{
	struct json_object *buses, *devices = NULL;
	int code = qmp_call(q, "query-pci", NULL, &buses, err);

	if (code)
		return code;
	if (json_object_is_type(buses, json_type_array) && json_object_array_length(buses))
		json_object_object_get_ex(json_object_array_get_idx(buses, 0), "devices", &devices);
	code = find_bus(devices, ret, err);
	json_object_put(buses);
	return code;
}

/* ---- attach ---------------------------------------------------------------------- */

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static int add_memory(struct qmp *q, const char *path, uint64_t bytes, struct ivt_error *err)
{
	struct json_object *arguments = json_object_new_object();

	add_text(arguments, "qom-type", "memory-backend-file");
	add_text(arguments, "id", MEMORY_ID);
	add_text(arguments, "mem-path", path);
	json_object_object_add(arguments, "size", json_object_new_int64((int64_t)bytes));
	json_object_object_add(arguments, "share", json_object_new_boolean(1));
	return qmp_call(q, "object-add", arguments, NULL, err);
}

static int remove_memory(struct qmp *q, struct ivt_error *err)
{
	struct json_object *arguments = json_object_new_object();

	add_text(arguments, "id", MEMORY_ID);
	return qmp_call(q, "object-del", arguments, NULL, err);
}

/* QEMU connects to the recorder at @path. */
static int add_chardev(struct qmp *q, const char *path, struct ivt_error *err)
{
	struct json_object *arguments = json_object_new_object();
	struct json_object *backend = json_object_new_object(), *data = json_object_new_object();
	struct json_object *address = json_object_new_object(), *name = json_object_new_object();

	add_text(name, "path", path);
	add_text(address, "type", "unix");
	json_object_object_add(address, "data", name);
	json_object_object_add(data, "addr", address);
	json_object_object_add(data, "server", json_object_new_boolean(0));
	add_text(backend, "type", "socket");
	json_object_object_add(backend, "data", data);
	add_text(arguments, "id", CHARDEV_ID);
	json_object_object_add(arguments, "backend", backend);
	return qmp_call(q, "chardev-add", arguments, NULL, err);
}

static int remove_chardev(struct qmp *q, struct ivt_error *err)
{
	struct json_object *arguments = json_object_new_object();

	add_text(arguments, "id", CHARDEV_ID);
	return qmp_call(q, "chardev-remove", arguments, NULL, err);
}

static int add_device(struct qmp *q, bool has_doorbell, const char *bus, struct ivt_error *err)
{
	struct json_object *arguments = json_object_new_object();

	add_text(arguments, "driver", has_doorbell ? "ivshmem-doorbell" : "ivshmem-plain");
	add_text(arguments, "id", DEVICE_ID);
	if (has_doorbell) {
		add_text(arguments, "chardev", CHARDEV_ID);
		json_object_object_add(arguments, "vectors", json_object_new_int(1));
	} else {
		add_text(arguments, "memdev", MEMORY_ID);
	}
	if (bus)
		add_text(arguments, "bus", bus);
	return qmp_call(q, "device_add", arguments, NULL, err);
}

/* 0; -EEXIST: it was attached before. */
static int check_absent(struct qmp *q, struct ivt_error *err)
{
	struct json_object *arguments = json_object_new_object(), *devices, *name;
	int code;
	size_t i;

	add_text(arguments, "path", "/machine/peripheral");
	code = qmp_call(q, "qom-list", arguments, &devices, err);
	if (code)
		return code;
	for (i = 0;
	     json_object_is_type(devices, json_type_array) && i < json_object_array_length(devices);
	     i++)
		if (json_object_object_get_ex(json_object_array_get_idx(devices, i), "name",
					      &name) &&
		    !strcmp(json_object_get_string(name), DEVICE_ID))
			code = ivt_error_set(err, -EEXIST,
					     "cannot attach: the VM has the device already "
					     "(ivtrace-host detach pulls it)");
	json_object_put(devices);
	return code;
}

/* What the device stands on, then the device.  @bytes: of the region in a file. */
static int add_both(struct qmp *q, bool has_doorbell, const char *path, uint64_t bytes,
		    const char *bus, struct ivt_error *err)
{
	int code = has_doorbell ? add_chardev(q, path, err) : add_memory(q, path, bytes, err);

	if (code)
		return code;
	code = add_device(q, has_doorbell, bus, err);
	if (code && has_doorbell)
		remove_chardev(q, NULL);
	else if (code)
		remove_memory(q, NULL);
	return code;
}

static int plug(struct qmp *q, const struct attach *a, uint64_t bytes, struct ivt_error *err)
{
	char path[PATH_MAX], *bus = NULL;
	int code = check_absent(q, err);

	if (code)
		return code;
	if (!realpath(a->spec.path, path)) /* QEMU may be in another directory */
		return ivt_error_set(err, -errno, "cannot find '%s': %s", a->spec.path,
				     strerror(errno));
	if (!a->bus)
		code = choose_bus(q, &bus, err);
	if (!code)
		code = add_both(q, a->spec.is_socket, path, bytes, a->bus ? a->bus : bus, err);
	free(bus);
	return code;
}

/* The guest's word, for people only. */
static bool driver_is_there(const struct ivring_region *region)
{
	const struct ivring_guest_page *g =
		(const void *)((const char *)region->base + IVRING_GUEST_OFF);
	struct timespec ms = { .tv_nsec = 20000000 };
	uint64_t begin = now_ns();

	while (ivring_load(&g->state) != IVRING_GUEST_READY) {
		if (now_ns() - begin > DRIVER_WAIT_MS * 1000000ull)
			return false;
		nanosleep(&ms, NULL);
	}
	return true;
}

/* The region is the recorder's, and so is the word about the driver. */
static int attach_socket(const struct attach *a)
{
	struct ivt_error err = { "" };
	struct qmp *q = NULL;
	int code = qmp_open(a->qmp_path, &q, &err);

	if (!code)
		code = plug(q, a, 0, &err);
	qmp_close(q);
	if (code)
		message("%s", err.msg);
	else
		message("%s: the device is plugged in; its recorder says who takes it",
			a->spec.name);
	return code ? 1 : 0;
}

static int attach(const struct attach *a)
{
	struct ivt_error err = { "" };
	struct ivring_region region;
	struct qmp *q = NULL;
	int code = qmp_open(a->qmp_path, &q, &err);

	if (!code)
		code = region_setup(a->spec.path, a->size_bytes, (uint32_t)a->cpus, &region, &err);
	if (code) {
		message("%s", err.msg);
		qmp_close(q);
		return 1;
	}
	code = plug(q, a, region.sb.region_size, &err);
	qmp_close(q);
	if (code)
		message("%s", err.msg);
	else if (driver_is_there(&region))
		message("%s: its driver has the device", a->spec.name);
	else
		message("%s: the device is plugged in; no driver took it yet (in the guest: "
			"ivtrace-guest status)",
			a->spec.name);
	ivring_region_close(&region);
	return code ? 1 : 0;
}

/* 0: go on; else the exit status. */
static int take_attach_option(struct attach *a, int c, const char *value)
{
	switch (c) {
	case OPT_VM:
		if (parse_vm(value, &a->spec))
			return usage_error("attach",
					   "'%s' is no VM: NAME, NAME=shm:PATH or NAME=sock:PATH",
					   value);
		return 0;
	case OPT_QMP:
		a->qmp_path = value;
		return 0;
	case OPT_BUS:
		a->bus = value;
		return 0;
	case OPT_SIZE:
		if (parse_size(value, &a->size_bytes))
			return usage_error("attach", "--size: '%s' is no size (64M)", value);
		return 0;
	case OPT_CPUS:
		if (parse_number(value, 1, IVRING_MAX_CHANNELS, &a->cpus))
			return usage_error("attach", "--cpus: '%s' is not in 1..%d", value,
					   IVRING_MAX_CHANNELS);
		return 0;
	default:
		fputs("(see ivtrace-host attach --help)\n", stderr);
		return EXIT_USAGE;
	}
}

int cmd_attach(int argc, char **argv)
{
	struct attach a = { .qmp_path = NULL };
	int c, ret;

	while ((c = getopt_long(argc, argv, "h", attach_options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(attach_help, stdout);
			return 0;
		}
		ret = take_attach_option(&a, c, optarg);
		if (ret)
			return ret;
	}
	if (optind < argc)
		return usage_error("attach", "unexpected '%s'", argv[optind]);
	if (!a.spec.name[0])
		return usage_error("attach", "which VM? --vm NAME is missing");
	if (!a.qmp_path)
		return usage_error("attach", "--qmp SOCKET is missing");
	if (!a.spec.is_socket)
		return attach(&a);
	if (a.size_bytes || a.cpus)
		return usage_error("attach", "--size and --cpus are the recorder's to say "
					     "(ivtrace-host record)");
	return attach_socket(&a);
}

/* ---- detach ---------------------------------------------------------------------- */

/* Does what we plugged in stand on a socket? */
static bool has_chardev(struct qmp *q)
{
	struct json_object *list, *label;
	bool is_there = false;
	size_t i;

	if (qmp_call(q, "query-chardev", NULL, &list, NULL))
		return false;
	for (i = 0;
	     json_object_is_type(list, json_type_array) && i < json_object_array_length(list); i++)
		if (json_object_object_get_ex(json_object_array_get_idx(list, i), "label",
					      &label) &&
		    !strcmp(json_object_get_string(label), CHARDEV_ID))
			is_there = true;
	json_object_put(list);
	return is_there;
}

static int unplug(struct qmp *q, struct ivt_error *err)
{
	struct json_object *arguments = json_object_new_object();
	int code;

	add_text(arguments, "id", DEVICE_ID);
	code = qmp_call(q, "device_del", arguments, NULL, err);
	if (!code)
		code = qmp_wait_deleted(q, DEVICE_ID, UNPLUG_WAIT_MS, err);
	if (code == -ETIMEDOUT)
		ivt_error_set(err, code,
			      "the guest does not let go of the device (is it running, and does "
			      "its kernel support hot-plug?)");
	if (!code && has_chardev(q))
		return remove_chardev(q, err);
	return code ? code : remove_memory(q, err);
}

int cmd_detach(int argc, char **argv)
{
	const char *path = NULL;
	struct ivt_error err = { "" };
	struct qmp *q = NULL;
	int c, code;

	while ((c = getopt_long(argc, argv, "h", detach_options, NULL)) >= 0) {
		switch (c) {
		case 'h':
			fputs(detach_help, stdout);
			return 0;
		case OPT_QMP:
			path = optarg;
			break;
		default:
			fputs("(see ivtrace-host detach --help)\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		return usage_error("detach", "unexpected '%s'", argv[optind]);
	if (!path)
		return usage_error("detach", "--qmp SOCKET is missing");
	code = qmp_open(path, &q, &err);
	if (!code)
		code = unplug(q, &err);
	if (code)
		message("%s", err.msg);
	qmp_close(q);
	return code ? 1 : 0;
}
