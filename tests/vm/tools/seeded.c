// SPDX-License-Identifier: GPL-2.0-or-later
/* A module that does wrong on purpose, to see that the guest's log tells: bug=NAME. */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

static char *bug = "none";
module_param(bug, charp, 0444);

static DEFINE_MUTEX(seeded_a);
static DEFINE_MUTEX(seeded_b);
static int seeded_shared, seeded_shift = 40;

static void seeded_use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	if (p)
		pr_info("%d\n", READ_ONCE(p[8]));
}

static void seeded_sleep(void)
{
	preempt_disable();
	might_sleep();
	preempt_enable();
}

static void seeded_locks(void)
{
	mutex_lock(&seeded_a);
	mutex_lock(&seeded_b);
	mutex_unlock(&seeded_b);
	mutex_unlock(&seeded_a);
	mutex_lock(&seeded_b);
	mutex_lock(&seeded_a);
	mutex_unlock(&seeded_a);
	mutex_unlock(&seeded_b);
}

static void seeded_shift_too_far(void)
{
	pr_info("%d\n", 1 << READ_ONCE(seeded_shift));
}

static int seeded_count(void *arg)
{
	while (!kthread_should_stop()) {
		seeded_shared++;
		cond_resched();
	}
	return 0;
}

static void seeded_race(void)
{
	struct task_struct *one = kthread_run(seeded_count, NULL, "seeded/1");
	struct task_struct *two = kthread_run(seeded_count, NULL, "seeded/2");

	msleep(3000);
	if (!IS_ERR(one))
		kthread_stop(one);
	if (!IS_ERR(two))
		kthread_stop(two);
}

static int __init seeded_init(void)
{
	if (!strcmp(bug, "use-after-free"))
		seeded_use_after_free();
	else if (!strcmp(bug, "sleep"))
		seeded_sleep();
	else if (!strcmp(bug, "locks"))
		seeded_locks();
	else if (!strcmp(bug, "shift"))
		seeded_shift_too_far();
	else if (!strcmp(bug, "race"))
		seeded_race();
	return -ECANCELED;
}
module_init(seeded_init);

MODULE_DESCRIPTION("Does wrong on purpose");
MODULE_LICENSE("GPL");
