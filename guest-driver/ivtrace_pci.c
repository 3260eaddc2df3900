// SPDX-License-Identifier: GPL-2.0-only
/*
 * ivtrace: writes this guest's kernel events into memory shared with the host.
 *
 * The device is QEMU's ivshmem (1af4:1110), which others use too: it is taken
 * only when the host has formatted its memory for ivtrace.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/crash_dump.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/workqueue.h>
#include "ivtrace.h"

#define IVTRACE_VENDOR	    0x1af4
#define IVTRACE_DEVICE	    0x1110
#define IVTRACE_BAR	    2
#define IVTRACE_RETRY_MS    1000
#define IVTRACE_MAX_DEVICES 8

static DEFINE_MUTEX(ivtrace_lock); /* region, pdev, is_asleep, said */
static struct ivtrace_region ivtrace_region;
static struct pci_dev *ivtrace_pdev; /* the one that is bound */
static bool ivtrace_is_leaving;
static bool ivtrace_is_asleep; /* the bound device is */
static bool ivtrace_must_rebind;

/* Each device is tried every second: say a thing once. */
static struct ivtrace_said {
	u32 where;
	int code;
	u64 version; /* of the memory, where that is why not */
} ivtrace_said[IVTRACE_MAX_DEVICES];

static void ivtrace_retry(struct work_struct *work);
static DECLARE_DELAYED_WORK(ivtrace_retry_work, ivtrace_retry);

static bool ivtrace_is_news(struct pci_dev *pdev, int code, u64 version)
{
	u32 where = 1u << 31 | pci_domain_nr(pdev->bus) << 16 | pci_dev_id(pdev);
	int i;

	for (i = 0; i < IVTRACE_MAX_DEVICES; i++) {
		struct ivtrace_said *s = &ivtrace_said[i];

		if (s->where && s->where != where)
			continue;
		if (s->where == where && s->code == code && s->version == version)
			return false;
		*s = (struct ivtrace_said){ where, code, version };
		return true;
	}
	return false;
}

static const char *ivtrace_why_not(int code)
{
	switch (code) {
	case -ENOENT:
		return "its memory is not formatted by ivtrace-host yet; looking again every "
		       "second";
	case -EILSEQ:
		return "the checksum of its memory's header is wrong; format it again on the host";
	case -EMSGSIZE:
		return "its memory is smaller than the region that the host formatted";
	case -EINVAL:
		return "its memory's header makes no sense; format it again on the host";
	case -EBUSY:
		return "another one is in use, and one region is all that is supported";
	default:
		return "it could not be mapped";
	}
}

/* @sb: what was seen; for -EBUSY all zero. */
static int ivtrace_refuse(struct pci_dev *pdev, int code, const struct ivring_superblock *sb)
{
	u32 features = sb->feature_incompat | sb->feature_ro_compat;
	u64 version = 0;

	if (code == -EPROTONOSUPPORT)
		version = (u64)sb->version_major << 48 | (u64)sb->version_minor << 32 | features;
	if (!ivtrace_is_news(pdev, code, version))
		return -ENODEV;
	if (code == -EPROTONOSUPPORT)
		pr_info("device %s is not used: its memory has ring version %u.%u with features "
			"%#x, this driver knows %u.%u without; use the ivtrace of the host's "
			"version\n",
			pci_name(pdev), sb->version_major, sb->version_minor, features,
			IVRING_VERSION_MAJOR, IVRING_VERSION_MINOR);
	else
		pr_info("device %s is not used: %s\n", pci_name(pdev), ivtrace_why_not(code));
	return -ENODEV;
}

static void ivtrace_retry_later(unsigned int ms)
{
	if (!READ_ONCE(ivtrace_is_leaving))
		schedule_delayed_work(&ivtrace_retry_work, msecs_to_jiffies(ms));
}

/* Enable, and look at the superblock.  0: formatted for us, the device is enabled. */
static int ivtrace_examine(struct pci_dev *pdev, struct ivring_superblock *ret)
{
	int code;

	code = pci_enable_device_mem(pdev);
	if (code)
		return code;
	if (pci_resource_len(pdev, IVTRACE_BAR) < IVRING_DATA_ALIGN)
		code = -ENOENT; /* also a doorbell device that has no memory yet */
	else
		code = ivtrace_map_peek(pdev, ret);
	if (!code)
		code = ivring_superblock_check(ret, pci_resource_len(pdev, IVTRACE_BAR));
	if (!code && ret->feature_ro_compat) /* without knowing them, who reads may; we write */
		code = -EPROTONOSUPPORT;
	if (code)
		pci_disable_device(pdev);
	return code;
}

static int ivtrace_bind(struct pci_dev *pdev, const struct ivring_superblock *sb)
{
	int ret;

	memset(&ivtrace_region, 0, sizeof(ivtrace_region));
	ivtrace_region.sb = *sb;
	ret = pci_request_region(pdev, IVTRACE_BAR, KBUILD_MODNAME);
	if (ret)
		return ret;
	ret = ivtrace_map(&ivtrace_region, pdev);
	if (ret)
		goto err_region;
	ivtrace_doorbell_start(&ivtrace_region, pdev);
	ret = ivtrace_ring_start(&ivtrace_region);
	if (ret)
		goto err_doorbell;
	WRITE_ONCE(ivtrace_must_rebind, false);
	ivtrace_pdev = pdev;
	ivtrace_control_start(&ivtrace_region);
	pr_info("device %s: %llu MiB, %u channels of %llu KiB, epoch %llx\n", pci_name(pdev),
		sb->region_size >> 20, sb->nr_channels, ivring_chan_bytes(sb) >> 10,
		ivtrace_region.epoch);
	return 0;

err_doorbell:
	ivtrace_doorbell_stop(pdev);
	ivtrace_unmap(&ivtrace_region);
err_region:
	pci_release_region(pdev, IVTRACE_BAR);
	return ret;
}

static void ivtrace_unbind(struct pci_dev *pdev)
{
	if (ivtrace_pdev != pdev)
		return;
	ivtrace_control_stop();
	ivtrace_ring_stop(&ivtrace_region);
	ivtrace_doorbell_stop(pdev);
	ivtrace_pdev = NULL;
	ivtrace_is_asleep = false;
}

static int ivtrace_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct ivring_superblock sb = {};
	int ret;

	mutex_lock(&ivtrace_lock);
	ret = ivtrace_pdev ? -EBUSY : ivtrace_examine(pdev, &sb);
	if (!ret) {
		ret = ivtrace_bind(pdev, &sb);
		if (ret)
			pci_disable_device(pdev);
	}
	if (!ret)
		ivtrace_is_news(pdev, 0, 0);
	else
		ret = ivtrace_refuse(pdev, ret, &sb);
	if (!ivtrace_pdev)
		ivtrace_retry_later(IVTRACE_RETRY_MS);
	mutex_unlock(&ivtrace_lock);
	return ret;
}

static void ivtrace_pci_remove(struct pci_dev *pdev)
{
	mutex_lock(&ivtrace_lock);
	ivtrace_unbind(pdev);
	ivtrace_unmap(&ivtrace_region);
	pci_release_region(pdev, IVTRACE_BAR);
	pci_disable_device(pdev);
	ivtrace_retry_later(IVTRACE_RETRY_MS);
	mutex_unlock(&ivtrace_lock);
}

/* Power-off, reboot, kexec: what was recorded is published.  Nothing is bound
 * from now on. */
static void ivtrace_pci_shutdown(struct pci_dev *pdev)
{
	mutex_lock(&ivtrace_lock);
	WRITE_ONCE(ivtrace_is_leaving, true);
	ivtrace_unbind(pdev);
	mutex_unlock(&ivtrace_lock);
}

/*
 * Suspend and hibernation, as late as the CPUs are all there and early enough
 * that the memory is: while the bus sleeps, stores would go nowhere.
 */
static int ivtrace_pci_sleep(struct device *dev)
{
	mutex_lock(&ivtrace_lock);
	if (to_pci_dev(dev) == ivtrace_pdev && !ivtrace_is_asleep) {
		ivtrace_control_stop();
		ivtrace_ring_freeze(&ivtrace_region);
		ivtrace_is_asleep = true;
	}
	mutex_unlock(&ivtrace_lock);
	return 0;
}

static int ivtrace_pci_wake(struct device *dev)
{
	mutex_lock(&ivtrace_lock);
	if (to_pci_dev(dev) == ivtrace_pdev && ivtrace_is_asleep) {
		ivtrace_is_asleep = false;
		ivtrace_ring_thaw(&ivtrace_region);
		ivtrace_control_start(&ivtrace_region);
	}
	mutex_unlock(&ivtrace_lock);
	return 0;
}

/* All devices are awake, user space not yet: nothing of what it does is missed. */
static void ivtrace_pci_awake(struct device *dev)
{
	mutex_lock(&ivtrace_lock);
	if (to_pci_dev(dev) == ivtrace_pdev && !ivtrace_is_asleep)
		ivtrace_control_hurry();
	mutex_unlock(&ivtrace_lock);
}

static const struct dev_pm_ops ivtrace_pci_pm = {
	.complete = ivtrace_pci_awake, LATE_SYSTEM_SLEEP_PM_OPS(ivtrace_pci_sleep, ivtrace_pci_wake)
};

void ivtrace_pci_binding(struct ivtrace_binding *ret)
{
	const struct ivtrace_region *r = &ivtrace_region;

	memset(ret, 0, sizeof(*ret));
	mutex_lock(&ivtrace_lock);
	if (ivtrace_pdev) {
		ret->is_bound = true;
		strscpy(ret->device, pci_name(ivtrace_pdev), sizeof(ret->device));
		ret->epoch = r->epoch;
		ret->channel_bytes = ivring_chan_bytes(&r->sb);
		ret->channels = r->sb.nr_channels;
		ret->map_type = r->map_type;
		ret->has_doorbell = static_key_enabled(&ivtrace_has_doorbell);
		ret->interrupts = ivtrace_doorbell_interrupts();
		ivtrace_ring_count(&ret->counts);
	}
	mutex_unlock(&ivtrace_lock);
}

static const struct pci_device_id ivtrace_pci_ids[] = {
	{ PCI_DEVICE(IVTRACE_VENDOR, IVTRACE_DEVICE) },
	{ 0 },
};
MODULE_DEVICE_TABLE(pci, ivtrace_pci_ids);

static struct pci_driver ivtrace_pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = ivtrace_pci_ids,
	.probe = ivtrace_pci_probe,
	.remove = ivtrace_pci_remove,
	.shutdown = ivtrace_pci_shutdown,
	.driver.pm = pm_sleep_ptr(&ivtrace_pci_pm),
};

void ivtrace_pci_rebind(void)
{
	if (READ_ONCE(ivtrace_must_rebind))
		return;
	WRITE_ONCE(ivtrace_must_rebind, true);
	ivtrace_retry_later(0);
}

/* The host formats when it likes: a device without a driver gets another look. */
static void ivtrace_retry(struct work_struct *work)
{
	struct pci_dev *pdev = NULL;

	while (!READ_ONCE(ivtrace_is_leaving) &&
	       (pdev = pci_get_device(IVTRACE_VENDOR, IVTRACE_DEVICE, pdev))) {
		if (pdev == READ_ONCE(ivtrace_pdev) && READ_ONCE(ivtrace_must_rebind)) {
			pr_info("device %s was formatted anew by the host\n", pci_name(pdev));
			if (device_reprobe(&pdev->dev))
				ivtrace_retry_later(IVTRACE_RETRY_MS);
		} else if (!READ_ONCE(ivtrace_pdev)) {
			if (device_attach(&pdev->dev) < 0)
				ivtrace_retry_later(IVTRACE_RETRY_MS);
		}
	}
	pci_dev_put(pdev);
}

/* No device is tried again. */
static void ivtrace_end_retries(void)
{
	WRITE_ONCE(ivtrace_is_leaving, true);
	cancel_delayed_work_sync(&ivtrace_retry_work);
}

static int __init ivtrace_init(void)
{
	int ret;

	if (is_kdump_kernel()) /* what the crashed kernel recorded is still there */
		return -ENODEV;
	ivtrace_probe_init();
	ret = ivtrace_mark_init();
	if (ret)
		return ret;
	ret = pci_register_driver(&ivtrace_pci_driver);
	if (ret) {
		ivtrace_end_retries();
		ivtrace_mark_exit();
	} else if (!pci_dev_present(ivtrace_pci_ids)) {
		pr_info("this VM has no ivshmem device (%04x:%04x): nothing is recorded "
			"until it gets one; ivtrace-host qemu-args says how\n",
			IVTRACE_VENDOR, IVTRACE_DEVICE);
	}
	return ret;
}

static void __exit ivtrace_exit(void)
{
	ivtrace_mark_exit();
	ivtrace_end_retries();
	pci_unregister_driver(&ivtrace_pci_driver);
	ivtrace_end_retries();
}

module_init(ivtrace_init);
module_exit(ivtrace_exit);

MODULE_DESCRIPTION("Records kernel events into memory shared with the host (ivshmem)");
MODULE_AUTHOR("The ivtrace authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
