// SPDX-License-Identifier: GPL-2.0-or-later
#include "viewer/draw/palette.h"

#include <math.h>

static const struct ivt_palette dark = {
	.background = 0x16191d,
	.panel = 0x1e2329,
	.lane = 0x1a1e23,
	.grid = 0x2b3138,
	.text = 0xe8eaed,
	.dim = 0xa3abb5,
	.finding = 0xff8a5c,
	.warning = 0xff8a5c,
	.idle = 0x4a525c,
	.qemu = 0x6a7683,
	.host = 0x9ca6b2,
	.run = 0x009e73,
	.irq = 0xd8a0c0,
	.runnable = 0xf0e442,
	.disk_wait = 0x2f8fd0,
	.preempted = 0xd55e00,
	.vm = { 0x56b4e9, 0xe69f00, 0xcc79a7, 0x8bc34a, 0xa48cf0, 0x4dd0c1, 0xf28b82, 0xd6c04d,
		0x9fb3c8 },
};

/* On white, Okabe and Ito's yellow, orange and sky blue fail 3:1: darker ones. */
static const struct ivt_palette light = {
	.background = 0xffffff,
	.panel = 0xf1f3f5,
	.lane = 0xf8f9fa,
	.grid = 0xe1e5ea,
	.text = 0x16191d,
	.dim = 0x59626d,
	.finding = 0xb83b00,
	.warning = 0xb83b00,
	.idle = 0xb4bcc6,
	.qemu = 0x7b8591,
	.host = 0x68727e,
	.run = 0x008762,
	.irq = 0xb0568a,
	.runnable = 0x9a8b00,
	.disk_wait = 0x0072b2,
	.preempted = 0xc25400,
	.vm = { 0x1f86c7, 0xb57700, 0xb0568a, 0x4f8a10, 0x7353d6, 0x00857a, 0xc94f45, 0x8a7600,
		0x546e85 },
};

const struct ivt_palette *ivt_palette_get(enum ivt_theme theme)
{
	return theme == IVT_THEME_LIGHT ? &light : &dark;
}

uint32_t ivt_palette_mix(uint32_t a, uint32_t b, unsigned int share)
{
	uint32_t ret = 0;

	for (int shift = 16; shift >= 0; shift -= 8) {
		uint32_t x = a >> shift & 0xff, y = b >> shift & 0xff;

		ret |= (x * share + y * (256 - share)) / 256 << shift;
	}
	return ret;
}

static double channel(uint32_t rgb, int shift)
{
	double c = (double)(rgb >> shift & 0xff) / 255;

	return c <= 0.03928 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(uint32_t rgb)
{
	return 0.2126 * channel(rgb, 16) + 0.7152 * channel(rgb, 8) + 0.0722 * channel(rgb, 0);
}

unsigned int ivt_palette_contrast(uint32_t a, uint32_t b)
{
	double x = luminance(a), y = luminance(b);

	return (unsigned int)(100 * (x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05)));
}

uint32_t ivt_palette_text_on(uint32_t rgb)
{
	return ivt_palette_contrast(rgb, 0x000000) >= ivt_palette_contrast(rgb, 0xffffff)
		       ? 0x000000
		       : 0xffffff;
}

static uint32_t vm_colour(const struct ivt_palette *p, int ordinal)
{
	return ordinal == IVT_MODEL_NO_VM ? p->host : p->vm[ordinal % IVT_PALETTE_VMS];
}

uint32_t ivt_palette_machine(const struct ivt_palette *p, const struct ivt_model *m,
			     uint32_t machine)
{
	return vm_colour(p, ivt_model_ordinal(m, machine));
}

static const struct ivt_paint none;

static struct ivt_paint solid(uint32_t rgb)
{
	return (struct ivt_paint){ rgb, rgb, IVT_PATTERN_SOLID };
}

static struct ivt_paint hatched(const struct ivt_palette *p, uint32_t rgb)
{
	return (struct ivt_paint){ ivt_palette_mix(rgb, p->lane, 60), rgb, IVT_PATTERN_DIAGONAL };
}

static struct ivt_paint unknown(const struct ivt_palette *p)
{
	return (struct ivt_paint){ p->lane, p->idle, IVT_PATTERN_CROSS };
}

static struct ivt_paint line(const struct ivt_palette *p)
{
	return (struct ivt_paint){ p->idle, p->idle, IVT_PATTERN_LINE };
}

static struct ivt_paint host_cpu(const struct ivt_palette *p, unsigned int slot)
{
	switch (slot) {
	case IVT_CPU_IDLE:
		return line(p);
	case IVT_CPU_IRQ:
	case IVT_CPU_SOFTIRQ:
		return solid(p->irq);
	case IVT_CPU_HOST:
		return solid(p->host);
	case IVT_CPU_OTHER_VM:
		return solid(p->qemu);
	case IVT_CPU_UNKNOWN:
		return unknown(p);
	default:
		return solid(vm_colour(p, (int)slot - IVT_CPU_VM));
	}
}

static struct ivt_paint vcpu(const struct ivt_palette *p, unsigned int slot)
{
	switch (slot) {
	case IVT_VCPU_IDLE:
		return line(p);
	case IVT_VCPU_IRQ:
	case IVT_VCPU_SOFTIRQ:
		return solid(p->irq);
	case IVT_VCPU_TASK:
		return solid(p->run);
	default:
		return unknown(p);
	}
}

static struct ivt_paint vcpu_host(const struct ivt_palette *p, unsigned int slot)
{
	switch (slot) {
	case IVT_VH_HALTED:
		return none;
	case IVT_VH_GUEST:
		return solid(p->run);
	case IVT_VH_HYP:
		return solid(p->qemu);
	case IVT_VH_READY:
		return (struct ivt_paint){ p->runnable, p->background, IVT_PATTERN_DOTS };
	case IVT_VH_PREEMPTED:
		return hatched(p, p->preempted);
	case IVT_VH_BLOCKED:
		return solid(p->disk_wait);
	default:
		return unknown(p);
	}
}

static struct ivt_paint task(const struct ivt_palette *p, unsigned int slot)
{
	switch (slot) {
	case IVT_TASK_SLEEPING:
		return line(p);
	case IVT_TASK_RUNNING:
		return solid(p->run);
	case IVT_TASK_RUNNABLE:
		return (struct ivt_paint){ p->runnable, p->background, IVT_PATTERN_DOTS };
	case IVT_TASK_DISK_WAIT:
		return solid(p->disk_wait);
	case IVT_TASK_GONE:
		return none;
	default:
		return unknown(p);
	}
}

static struct ivt_paint request(const struct ivt_palette *p, uint32_t own, unsigned int slot)
{
	switch (slot) {
	case IVT_RQ_NONE:
		return none;
	case IVT_RQ_QUEUE:
	case IVT_RQ_WAIT_SELF: /* a hatch means: somebody else is in the way */
		return solid(ivt_palette_mix(own, p->lane, 96));
	case IVT_RQ_SUBMIT:
	case IVT_RQ_RETURN:
		return solid(p->qemu);
	case IVT_RQ_DEVICE:
		return solid(own);
	case IVT_RQ_WAIT_NOBODY:
	case IVT_RQ_UNLINKED:
		return hatched(p, p->idle);
	case IVT_RQ_WAIT_HOST:
		return hatched(p, p->host);
	case IVT_RQ_UNKNOWN:
		return unknown(p);
	default:
		return hatched(p, vm_colour(p, (int)slot - IVT_RQ_WAIT_VM));
	}
}

static struct ivt_paint service(const struct ivt_palette *p, enum ivt_lane_kind kind,
				unsigned int slot)
{
	uint32_t rgb = p->host;

	if (slot == IVT_SV_IDLE)
		return kind == IVT_LANE_SERVICE ? line(p) : none;
	if (slot == IVT_SV_UNKNOWN)
		return unknown(p);
	if (slot < IVT_SV_HOST)
		rgb = vm_colour(p, (int)slot - IVT_SV_VM);
	else if (slot >= IVT_SV_WAIT_VM && slot < IVT_SV_WAIT_HOST)
		rgb = vm_colour(p, (int)slot - IVT_SV_WAIT_VM);
	return solid(slot >= IVT_SV_WAIT_VM ? ivt_palette_mix(rgb, p->lane, 96) : rgb);
}

static struct ivt_paint events(const struct ivt_palette *p, unsigned int slot)
{
	switch (slot) {
	case IVT_EVENTS_NONE:
		return line(p);
	case IVT_EVENTS_SPAN:
		return solid(ivt_palette_mix(p->host, p->lane, 128));
	case IVT_EVENTS_BEGIN:
	case IVT_EVENTS_END:
		return solid(p->host);
	case IVT_EVENTS_MARK:
		return solid(p->text);
	case IVT_EVENTS_VALUE:
		return solid(p->runnable);
	case IVT_EVENTS_FTRACE:
		return solid(p->disk_wait);
	default:
		return unknown(p);
	}
}

struct ivt_paint ivt_palette_paint(const struct ivt_palette *p, const struct ivt_model *m,
				   enum ivt_lane_kind kind, uint32_t machine, unsigned int slot)
{
	switch (kind) {
	case IVT_LANE_HOST_CPU:
		return host_cpu(p, slot);
	case IVT_LANE_VCPU:
		return vcpu(p, slot);
	case IVT_LANE_VCPU_HOST:
		return vcpu_host(p, slot);
	case IVT_LANE_TASK:
		return task(p, slot);
	case IVT_LANE_REQUESTS:
		return request(p, ivt_palette_machine(p, m, machine), slot);
	case IVT_LANE_QUALITY:
		return slot == IVT_QUALITY_LOST ? hatched(p, p->warning) : line(p);
	case IVT_LANE_EVENTS:
		return events(p, slot);
	case IVT_LANE_SERVICE:
	case IVT_LANE_QUEUE:
		return service(p, kind, slot);
	default:
		return none;
	}
}
