// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps the region.  memremap() and ioremap_cache() ask the MTRRs, which
 * firmware sets to uncached for PCI holes, and where the hypervisor honours the
 * guest's page attributes (AMD) the ring is then uncached indeed: a hundred
 * times slower, silently.  vmap_pfn() and vmap() take the attribute that they
 * are given.  The first is there only if some other part of the kernel selects
 * it (Debian's 6.12 cloud kernel lacks it); the second wants struct pages,
 * which device memory has after memremap_pages().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cc_platform.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/math64.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/pgtable.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <asm/tsc.h>
#include "ivtrace.h"

#define IVTRACE_BAR	    2
#define IVTRACE_TEST_OFF    2048 /* in the guest page: ours, and nothing lies there */
#define IVTRACE_TEST_LOOP   64
#define IVTRACE_TEST_RUNS   8
#define IVTRACE_SLOW_NS	    20
#define IVTRACE_SLOW_FACTOR 8

#ifdef CONFIG_ZONE_DEVICE
static struct dev_pagemap ivtrace_pagemap; /* of the one region */
#endif

static const char *const ivtrace_how_names[] = {
	[IVTRACE_BY_PFN] = "vmap_pfn",
	[IVTRACE_BY_PAGE] = "vmap",
	[IVTRACE_BY_MEMREMAP] = "memremap",
};

int ivtrace_map_peek(struct pci_dev *pdev, struct ivring_superblock *ret)
{
	void __iomem *p = ioremap(pci_resource_start(pdev, IVTRACE_BAR), sizeof(*ret));

	if (!p)
		return -ENOMEM;
	memcpy_fromio(ret, p, sizeof(*ret));
	iounmap(p);
	return 0;
}

static void *ivtrace_map_pfns(struct ivtrace_region *r, phys_addr_t start)
{
	void *base = NULL;
#ifdef CONFIG_VMAP_PFN
	unsigned int i, n = DIV_ROUND_UP(r->bytes, PAGE_SIZE);
	unsigned long *pfns = kvmalloc_array(n, sizeof(*pfns), GFP_KERNEL);

	if (!pfns)
		return NULL;
	for (i = 0; i < n; i++)
		pfns[i] = PHYS_PFN(start) + i;
	base = vmap_pfn(pfns, n, pgprot_decrypted(PAGE_KERNEL));
	kvfree(pfns);
#endif
	return base;
}

static void *ivtrace_map_pages(struct ivtrace_region *r, phys_addr_t start)
{
	void *base = NULL;
#ifdef CONFIG_ZONE_DEVICE
	unsigned int i, n = DIV_ROUND_UP(r->bytes, PAGE_SIZE);
	struct page **pages;

	memset(&ivtrace_pagemap, 0, sizeof(ivtrace_pagemap));
	ivtrace_pagemap.type = MEMORY_DEVICE_GENERIC;
	ivtrace_pagemap.nr_range = 1;
	ivtrace_pagemap.range.start = start;
	ivtrace_pagemap.range.end = start + ALIGN(r->bytes, IVRING_DATA_ALIGN) - 1;
	if (IS_ERR(memremap_pages(&ivtrace_pagemap, NUMA_NO_NODE)))
		return NULL;
	pages = kvmalloc_array(n, sizeof(*pages), GFP_KERNEL);
	for (i = 0; pages && i < n; i++)
		pages[i] = pfn_to_page(PHYS_PFN(start) + i);
	if (pages)
		base = vmap(pages, n, VM_MAP, pgprot_decrypted(PAGE_KERNEL));
	kvfree(pages);
	if (!base)
		memunmap_pages(&ivtrace_pagemap);
#endif
	return base;
}

/* Ticks of the quickest of some runs of 64 store+load pairs, a line apart. */
static u64 ivtrace_time_pairs(u64 *words)
{
	u64 best = U64_MAX;
	unsigned long irq;
	int run, i;

	for (run = 0; run < IVTRACE_TEST_RUNS; run++) {
		u64 begin, ticks;

		local_irq_save(irq);
		begin = rdtsc_ordered();
		for (i = 0; i < IVTRACE_TEST_LOOP; i++) {
			WRITE_ONCE(words[i % 16 * 8], i);
			(void)READ_ONCE(words[i % 16 * 8]);
		}
		ticks = rdtsc_ordered() - begin;
		local_irq_restore(irq);
		best = min(best, ticks);
	}
	memset(words, 0, 16 * 64);
	return best;
}

static u64 ivtrace_ns(u64 ticks)
{
	return div_u64(ticks * 1000000, max(tsc_khz, 1u));
}

/* What the page table says; whether the hypervisor heeds it, only time tells. */
static const char *ivtrace_map_page_type(const struct ivtrace_region *r)
{
	unsigned int level;
	pte_t *pte = lookup_address((unsigned long)r->base, &level);
	unsigned long mask = _PAGE_PWT | _PAGE_PCD;

	if (!pte)
		return "of unknown type";
	mask |= level == PG_LEVEL_4K ? _PAGE_PAT : _PAGE_PAT_LARGE;
	return pte_flags(*pte) & mask ? "not write-back" : "write-back";
}

/* Compared with ordinary memory as well: under emulation everything is slow. */
static void ivtrace_map_measure(struct ivtrace_region *r)
{
	u64 *plain = kzalloc(PAGE_SIZE, GFP_KERNEL);
	u64 here, there = 0, here_ns;

	here = ivtrace_time_pairs(r->base + IVRING_GUEST_OFF + IVTRACE_TEST_OFF);
	if (plain)
		there = ivtrace_time_pairs(plain);
	kfree(plain);
	here_ns = ivtrace_ns(here);
	r->map_type = IVRING_MAP_WB;
	if (here_ns > IVTRACE_SLOW_NS * IVTRACE_TEST_LOOP && here > there * IVTRACE_SLOW_FACTOR)
		r->map_type = IVRING_MAP_UNCACHED;
	pr_info("memory mapped by %s, pages %s: %llu ns for %u stores and loads, ordinary memory "
		"%llu\n",
		ivtrace_how_names[r->how], ivtrace_map_page_type(r), here_ns, IVTRACE_TEST_LOOP,
		ivtrace_ns(there));
	if (r->map_type == IVRING_MAP_UNCACHED)
		pr_warn("the region is mapped uncached: each record costs far more than it "
			"should\n");
}

int ivtrace_map(struct ivtrace_region *r, struct pci_dev *pdev)
{
	u32 used = min_t(u32, r->sb.nr_channels, nr_cpu_ids);
	phys_addr_t start = pci_resource_start(pdev, IVTRACE_BAR);

	r->bytes = r->sb.data_off + used * ivring_chan_bytes(&r->sb);
	r->how = IVTRACE_BY_PFN;
	r->base = ivtrace_map_pfns(r, start);
	if (!r->base) {
		r->how = IVTRACE_BY_PAGE;
		r->base = ivtrace_map_pages(r, start);
	}
	if (!r->base) {
		r->how = IVTRACE_BY_MEMREMAP;
		r->base = memremap(start, r->bytes, MEMREMAP_WB);
	}
	if (!r->base)
		return -ENOMEM;
	ivtrace_map_measure(r);
	return 0;
}

void ivtrace_unmap(struct ivtrace_region *r)
{
	if (!r->base)
		return;
	if (r->how == IVTRACE_BY_MEMREMAP)
		memunmap(r->base);
	else
		vunmap(r->base);
#ifdef CONFIG_ZONE_DEVICE
	if (r->how == IVTRACE_BY_PAGE)
		memunmap_pages(&ivtrace_pagemap);
#endif
	r->base = NULL;
}
