// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a reader may want of a guest besides events, and nonsense of the kind:
 *
 *	ring-wish REGION filter [pid N | comm NAME]...	none of both: everybody
 *	ring-wish REGION freeze 0|1
 *	ring-wish REGION hostile odd		a filter that is never finished
 *	ring-wish REGION hostile counts		more entries than there can be
 *	ring-wish REGION hostile names		without an end
 *	ring-wish REGION hostile storm SECONDS	all of it, and any words, in turns
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <ivring/region.h>

static struct ivring_region region;

static struct ivring_filter *page(void)
{
	return &ivring_region_reader_page(&region)->filter;
}

static int set_filter(char **word)
{
	struct ivring_filter f = { 0 };

	for (; word[0] && word[1]; word += 2) {
		if (!strcmp(word[0], "pid"))
			f.pids[f.nr_pids++ % IVRING_FILTER_PIDS] = strtoul(word[1], NULL, 10);
		else
			strncpy(f.comms[f.nr_comms++ % IVRING_FILTER_COMMS], word[1], 15);
	}
	return ivring_region_filter(&region, &f);
}

static void new_number(uint32_t is_odd)
{
	ivring_store_release(&page()->seq, ((ivring_load(&page()->seq) + 2) & ~1u) | is_odd);
}

static void be_odd(void)
{
	new_number(1);
	page()->nr_pids = 0;
	page()->nr_comms = 1;
	strcpy(page()->comms[0], "nobody");
}

static void have_too_many(void)
{
	page()->nr_pids = page()->nr_comms = ~0u;
	new_number(0);
}

static void never_end(void)
{
	page()->nr_pids = 0;
	page()->nr_comms = IVRING_FILTER_COMMS;
	memset(page()->comms, 'x', sizeof(page()->comms));
	new_number(0);
}

static void storm(double seconds)
{
	static void (*const kinds[])(void) = { be_odd, have_too_many, never_end };
	struct timespec ts;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	for (end = ts.tv_sec + (time_t)seconds; ts.tv_sec < end;
	     clock_gettime(CLOCK_MONOTONIC, &ts)) {
		uint32_t *words = (uint32_t *)page();

		words[(size_t)random() % (sizeof(*page()) / 4)] = (uint32_t)random();
		if (random() % 8 == 0)
			kinds[random() % 3]();
		if (random() % 4 == 0)
			new_number((uint32_t)random() & 1);
		usleep(50);
	}
}

static int be_hostile(char **word)
{
	if (!strcmp(word[0], "odd"))
		be_odd();
	else if (!strcmp(word[0], "counts"))
		have_too_many();
	else if (!strcmp(word[0], "names"))
		never_end();
	else if (!strcmp(word[0], "storm") && word[1])
		storm(atof(word[1]));
	else
		return 2;
	return 0;
}

int main(int argc, char **argv)
{
	int err;

	if (argc < 3 || (argc < 4 && strcmp(argv[2], "filter")))
		return 2;
	err = ivring_region_open(argv[1], IVRING_REGION_READER, &region);
	if (err) {
		fprintf(stderr, "ring-wish: %s: %s\n", argv[1], ivring_region_strerror(err));
		return 1;
	}
	if (!strcmp(argv[2], "filter"))
		return set_filter(argv + 3) ? 1 : 0;
	if (!strcmp(argv[2], "freeze"))
		ivring_region_freeze(&region, atoi(argv[3]));
	else
		return be_hostile(argv + 3);
	return 0;
}
