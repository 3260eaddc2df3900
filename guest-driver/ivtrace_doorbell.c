// SPDX-License-Identifier: GPL-2.0-only
/*
 * ivshmem-doorbell: a register that wakes the host, and an interrupt by which the
 * host is heard at once.
 *
 * A write to the register costs an exit, so it is made only when the host says
 * that it sleeps (NEED_WAKEUP), at most once per sub-buffer, and by an
 * interrupt of its own (irq_work): tracepoints may be anywhere.  So a host that
 * says so all the time costs its guest an exit per sub-buffer, no more.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/irq_work.h>
#include <linux/pci.h>
#include "ivtrace.h"

#define IVTRACE_REGISTERS   0 /* BAR */
#define IVTRACE_MSIX	    1 /* BAR; ivshmem-plain has none */
#define IVTRACE_DOORBELL    12
#define IVTRACE_HOST_VECTOR 0 /* peer << 16 | vector: the host is peer 0 */

DEFINE_STATIC_KEY_FALSE(ivtrace_has_doorbell);

static struct {
	struct ivtrace_region *region;
	void __iomem *registers; /* NULL: no doorbell */
	int irq;
	u64 interrupts;
} ivtrace_doorbell;

static bool ivtrace_host_sleeps(void)
{
	const struct ivring_reader_page *page = ivtrace_reader_page(ivtrace_doorbell.region);

	return ivring_load(&page->flags) & IVRING_READER_NEED_WAKEUP;
}

/* On the CPU that queued it, in an interrupt. */
static void ivtrace_doorbell_ring(struct irq_work *work)
{
	struct ivtrace_cpu *c = container_of(work, struct ivtrace_cpu, ring);

	if (!ivtrace_host_sleeps()) /* another CPU woke it */
		return;
	WRITE_ONCE(c->n_rings, c->n_rings + 1);
	iowrite32(IVTRACE_HOST_VECTOR, ivtrace_doorbell.registers + IVTRACE_DOORBELL);
}

void ivtrace_doorbell_prepare(struct ivtrace_cpu *c)
{
	c->ring_at = c->w.base + c->w.subbuf;
	c->ring = IRQ_WORK_INIT_HARD(ivtrace_doorbell_ring);
}

/* Interrupts nest in here: one of them moves ring_at, and that one goes on. */
void ivtrace_doorbell_due(struct ivtrace_cpu *c)
{
	u64 at = ivring_load(&c->ring_at), pub = ivring_load(&c->w.pub);
	u64 next = (pub & ~(u64)(c->w.subbuf - 1)) + c->w.subbuf;

	if (pub < at || cmpxchg_local(&c->ring_at, at, next) != at)
		return;
	smp_mb(); /* w_head before flags; the host stores flags before it looks at w_head */
	if (ivtrace_host_sleeps())
		irq_work_queue(&c->ring);
}

static irqreturn_t ivtrace_doorbell_irq(int irq, void *arg)
{
	WRITE_ONCE(ivtrace_doorbell.interrupts, ivtrace_doorbell.interrupts + 1);
	ivtrace_control_look();
	return IRQ_HANDLED;
}

u64 ivtrace_doorbell_interrupts(void)
{
	return READ_ONCE(ivtrace_doorbell.interrupts);
}

static int ivtrace_doorbell_open(struct pci_dev *pdev)
{
	int ret;

	ret = pci_request_region(pdev, IVTRACE_REGISTERS, KBUILD_MODNAME);
	if (ret)
		return ret;
	ivtrace_doorbell.registers = pci_iomap(pdev, IVTRACE_REGISTERS, 0);
	if (!ivtrace_doorbell.registers) {
		ret = -ENOMEM;
		goto err_region;
	}
	pci_set_master(pdev); /* its interrupts are writes */
	ret = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_MSIX);
	if (ret < 0)
		goto err_unmap;
	ivtrace_doorbell.irq = pci_irq_vector(pdev, 0);
	ret = request_irq(ivtrace_doorbell.irq, ivtrace_doorbell_irq, IRQF_NO_THREAD,
			  KBUILD_MODNAME, &ivtrace_doorbell);
	if (!ret)
		return 0;
	pci_free_irq_vectors(pdev);
err_unmap:
	pci_clear_master(pdev);
	pci_iounmap(pdev, ivtrace_doorbell.registers);
	ivtrace_doorbell.registers = NULL;
err_region:
	pci_release_region(pdev, IVTRACE_REGISTERS);
	return ret;
}

void ivtrace_doorbell_start(struct ivtrace_region *r, struct pci_dev *pdev)
{
	int cpu, ret;

	for_each_possible_cpu (cpu)
		per_cpu_ptr(&ivtrace_cpus, cpu)->n_rings = 0;
	ivtrace_doorbell.region = r;
	ivtrace_doorbell.interrupts = 0;
	if (!pci_resource_len(pdev, IVTRACE_MSIX))
		return;
	ret = ivtrace_doorbell_open(pdev);
	if (ret)
		pr_warn("device %s gives no interrupt (%d): the host has to look for itself\n",
			pci_name(pdev), ret);
	else
		static_branch_enable(&ivtrace_has_doorbell);
}

void ivtrace_doorbell_stop(struct pci_dev *pdev)
{
	int cpu;

	if (!ivtrace_doorbell.registers)
		return;
	static_branch_disable(&ivtrace_has_doorbell);
	for_each_possible_cpu (cpu)
		irq_work_sync(&per_cpu_ptr(&ivtrace_cpus, cpu)->ring);
	free_irq(ivtrace_doorbell.irq, &ivtrace_doorbell);
	pci_free_irq_vectors(pdev);
	pci_clear_master(pdev);
	pci_iounmap(pdev, ivtrace_doorbell.registers);
	ivtrace_doorbell.registers = NULL;
	pci_release_region(pdev, IVTRACE_REGISTERS);
}
