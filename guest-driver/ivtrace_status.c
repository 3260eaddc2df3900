// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/class/misc/ivtrace/: what the driver does, for the guest's owner; one
 * value per file, read-only.
 *
 *	device		the PCI device that is bound, or none
 *	state		unbound, idle (no recording), recording, or frozen: nothing is
 *			written until the host takes that back
 *	epoch		of this binding, hexadecimal
 *	channels	rings of the region
 *	channel_bytes	size of each
 *	memory		write-back, uncached or unknown: how the region is mapped
 *	doorbell	yes or no: the device has one
 *	rings		times that the host was woken by it,
 *	interrupts	and that the host interrupted, since the binding
 *	types		numbers of the event types that the recording wants
 *	chains		of those that it wants call chains for
 *	filter_pids	processes whose events it wants, and
 *	filter_comms	names of tasks, a line each; both empty: everybody's
 *	records		written since the binding, all CPUs
 *	lost_full	not written: ring full,
 *	lost_nested	nested too deep or into a switch,
 *	lost_big	too large
 */
#include <linux/device.h>
#include <linux/sysfs.h>
#include "ivtrace.h"

static const char *ivtrace_state_name(const struct ivtrace_binding *b)
{
	if (!b->is_bound)
		return "unbound";
	if (ivtrace_control_is_frozen())
		return "frozen";
	return ivtrace_control_is_recording() ? "recording" : "idle";
}

static const char *ivtrace_memory_name(u32 map_type)
{
	switch (map_type) {
	case IVRING_MAP_WB:
		return "write-back";
	case IVRING_MAP_UNCACHED:
		return "uncached";
	default:
		return "unknown";
	}
}

#define IVTRACE_SHOW(name, format, value)                                                        \
	static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
	{                                                                                        \
		struct ivtrace_binding b;                                                        \
                                                                                                 \
		ivtrace_pci_binding(&b);                                                         \
		return sysfs_emit(buf, format "\n", value);                                      \
	}                                                                                        \
	static DEVICE_ATTR_RO(name)

IVTRACE_SHOW(device, "%s", b.is_bound ? b.device : "none");
IVTRACE_SHOW(state, "%s", ivtrace_state_name(&b));
IVTRACE_SHOW(epoch, "%llx", b.epoch);
IVTRACE_SHOW(channels, "%u", b.channels);
IVTRACE_SHOW(channel_bytes, "%llu", b.channel_bytes);
IVTRACE_SHOW(memory, "%s", ivtrace_memory_name(b.map_type));
IVTRACE_SHOW(doorbell, "%s", b.has_doorbell ? "yes" : "no");
IVTRACE_SHOW(rings, "%llu", b.counts.rings);
IVTRACE_SHOW(interrupts, "%llu", b.interrupts);
IVTRACE_SHOW(records, "%llu", b.counts.records);
IVTRACE_SHOW(lost_full, "%llu", b.counts.lost_full);
IVTRACE_SHOW(lost_nested, "%llu", b.counts.lost_nested);
IVTRACE_SHOW(lost_big, "%llu", b.counts.lost_big);

#define IVTRACE_SHOW_PAGE(name, print)                                                           \
	static ssize_t name##_show(struct device *dev, struct device_attribute *attr, char *buf) \
	{                                                                                        \
		return print(buf);                                                               \
	}                                                                                        \
	static DEVICE_ATTR_RO(name)

IVTRACE_SHOW_PAGE(types, ivtrace_control_print_types);
IVTRACE_SHOW_PAGE(chains, ivtrace_control_print_chains);
IVTRACE_SHOW_PAGE(filter_pids, ivtrace_filter_print_pids);
IVTRACE_SHOW_PAGE(filter_comms, ivtrace_filter_print_comms);

static struct attribute *ivtrace_status_attrs[] = {
	&dev_attr_device.attr,	    &dev_attr_state.attr,	  &dev_attr_epoch.attr,
	&dev_attr_channels.attr,    &dev_attr_channel_bytes.attr, &dev_attr_memory.attr,
	&dev_attr_types.attr,	    &dev_attr_records.attr,	  &dev_attr_lost_full.attr,
	&dev_attr_lost_nested.attr, &dev_attr_lost_big.attr,	  &dev_attr_chains.attr,
	&dev_attr_filter_pids.attr, &dev_attr_filter_comms.attr,  &dev_attr_doorbell.attr,
	&dev_attr_rings.attr,	    &dev_attr_interrupts.attr,	  NULL,
};

static const struct attribute_group ivtrace_status_group = {
	.attrs = ivtrace_status_attrs,
};

const struct attribute_group *ivtrace_status_groups[] = { &ivtrace_status_group, NULL };
