// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QEMU without hardware help (TCG): guest TSC = host TSC + an offset in QEMU's
 * timers_state, one for all vCPUs.  The structure's symbol is in the program's
 * dynamic table; its first words are {last guest TSC given out, offset}.  Which
 * word is the offset is believed only if it puts the guest's clock shortly
 * after a stamp that the guest is known to have seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "tsc-sync/sources/snapshot.h"
#include "tsc-sync/sources/tsc_source.h"

#define SYMBOL	       "timers_state"
#define WORDS	       8
#define SLOT_PREV      0 /* last value of the guest's TSC that was given out */
#define SLOT_OFFSET    1
#define RECENT_TSC     (1ULL << 36) /* 7..30 s */
#define SLACK_TSC      (1ULL << 12) /* two CPUs' counters read one after the other */
#define MAX_JITTER_TSC (1ULL << 24) /* more is a stop, and ends within a poll */
#define MAX_TCG_VCPU   4096

struct tcg_source {
	struct tsc_source source;
	int mem_fd;
	uint64_t address; /* of timers_state in the process */
	unsigned int slot;
	/* the entry in force */
	bool is_known;
	uint32_t generation; /* 1 for the first entry */
	struct tsc_sync_entry current;
	uint64_t last_guest_tsc; /* given out under the entry in force */
	uint64_t stopped_tsc;	 /* guest TSC at which the VM stands still, or 0 */
	uint32_t *seen;		 /* generation last returned, per vCPU */
	uint32_t n_seen;
};

static int dynamic_symbol(Elf *elf, uint64_t *ret_value)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		Elf_Data *data;
		GElf_Sym sym;
		int i;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_DYNSYM)
			continue;
		data = elf_getdata(scn, NULL);
		for (i = 0; data && gelf_getsym(data, i, &sym); i++) {
			const char *name = elf_strptr(elf, shdr.sh_link, sym.st_name);

			if (!name || strcmp(name, SYMBOL) || sym.st_size < WORDS * 8)
				continue;
			*ret_value = sym.st_value;
			return 0;
		}
	}
	return -ENOENT;
}

/* The address at link time of @exe's symbol and of its first byte. */
static int read_elf(const char *exe, uint64_t *ret_symbol, uint64_t *ret_first)
{
	int fd = open(exe, O_RDONLY | O_CLOEXEC), err = -ENODATA;
	uint64_t symbol;
	GElf_Phdr phdr;
	size_t n, i;
	Elf *elf;

	if (fd < 0)
		return -errno;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && !elf_getphdrnum(elf, &n)) {
		for (i = 0; err && i < n; i++)
			if (gelf_getphdr(elf, (int)i, &phdr) && phdr.p_type == PT_LOAD &&
			    phdr.p_offset == 0) {
				*ret_first = phdr.p_vaddr;
				err = dynamic_symbol(elf, &symbol);
			}
		if (!err)
			*ret_symbol = symbol;
	}
	elf_end(elf);
	close(fd);
	return err;
}

/* Where the process has the first byte of its program. */
static int load_address(const char *root, pid_t pid, const char *exe, uint64_t *ret)
{
	char path[PATH_MAX], line[PATH_MAX + 128];
	int err = -ENOENT;
	struct stat st;
	FILE *maps;

	if (stat(exe, &st))
		return -errno;
	snprintf(path, sizeof(path), "%s/proc/%d/maps", root, (int)pid);
	maps = fopen(path, "re");
	if (!maps)
		return -errno;
	while (err && fgets(line, sizeof(line), maps)) {
		uint64_t start, offset, ino;
		unsigned int major_nr, minor_nr;

		if (sscanf(line, "%" SCNx64 "-%*x %*s %" SCNx64 " %x:%x %" SCNu64, &start, &offset,
			   &major_nr, &minor_nr, &ino) != 5)
			continue;
		if (offset || ino != st.st_ino || makedev(major_nr, minor_nr) != st.st_dev)
			continue;
		*ret = start;
		err = 0;
	}
	fclose(maps);
	return err;
}

/* Is @stamp recent if the guest's clock is host + @offset? */
static bool is_recent(uint64_t host_tsc, uint64_t offset, uint64_t stamp)
{
	return host_tsc + offset + SLACK_TSC - stamp <= RECENT_TSC;
}

static int read_words(const struct tcg_source *s, uint64_t words[WORDS], uint64_t *ret_host_tsc)
{
	ssize_t n = pread(s->mem_fd, words, WORDS * 8, (off_t)s->address);

	if (n != WORDS * 8)
		return n < 0 && errno == EACCES ? -EACCES : -ENOENT;
	*ret_host_tsc = tsc_sync_host_tsc();
	return 0;
}

static void tcg_close(struct tsc_source *source)
{
	struct tcg_source *s = (struct tcg_source *)source;

	if (!s)
		return;
	if (s->mem_fd >= 0)
		close(s->mem_fd);
	free(s->seen);
	free(s);
}

static int tcg_open(const char *root, pid_t pid, struct tsc_source **ret)
{
	uint64_t symbol = 0, first = 0, load = 0, words[WORDS], now;
	struct tcg_source *s = calloc(1, sizeof(*s));
	char path[PATH_MAX];
	int err;

	if (!s)
		return -ENOMEM;
	s->source.ops = &tsc_source_tcg;
	s->slot = SLOT_OFFSET;
	s->mem_fd = -1;
	snprintf(path, sizeof(path), "%s/proc/%d/exe", root, (int)pid);
	err = read_elf(path, &symbol, &first);
	if (!err)
		err = load_address(root, pid, path, &load);
	if (err)
		goto err_close;
	s->address = load - first + symbol;
	snprintf(path, sizeof(path), "%s/proc/%d/mem", root, (int)pid);
	s->mem_fd = open(path, O_RDONLY | O_CLOEXEC);
	err = s->mem_fd < 0 ? -errno : read_words(s, words, &now);
	if (err)
		goto err_close;
	*ret = &s->source;
	return 0;
err_close:
	tcg_close(&s->source);
	return err;
}

/*
 * A new offset.  It holds from the instant at which the guest went on: exact if
 * we saw it stand still, else right after the last stamp seen under the old one,
 * and stamps of the time between may be wrong by the change (QEMU itself moves
 * the offset on by some microseconds when two vCPU threads read the clock in the
 * wrong order).
 */
static void take_offset(struct tcg_source *s, uint64_t offset, uint64_t host_tsc)
{
	uint64_t old = (uint64_t)s->current.scale.offset_tsc, from = host_tsc, bound = 0;

	if (s->is_known) {
		from = (s->stopped_tsc ? s->stopped_tsc : s->last_guest_tsc) - offset;
		if (!s->stopped_tsc)
			bound = (int64_t)(offset - old) < 0 ? old - offset : offset - old;
	}
	memset(&s->current, 0, sizeof(s->current));
	s->current.from_host_tsc = from <= host_tsc ? from : host_tsc;
	s->current.scale = tsc_sync_scale_unscaled((int64_t)offset);
	s->current.bound_tsc = bound <= MAX_JITTER_TSC ? bound : 0;
	s->current.source = TSC_SYNC_TCG;
	s->is_known = true;
	s->generation++;
}

/* Read the process's memory and keep the entry in force up to date. */
static int refresh(struct tcg_source *s)
{
	uint64_t words[WORDS], host_tsc, offset, guest;
	int err;

	err = read_words(s, words, &host_tsc);
	if (err)
		return err;
	offset = words[s->slot];
	guest = s->slot == SLOT_OFFSET ? words[SLOT_PREV] : s->last_guest_tsc;
	if (s->is_known && offset == (uint64_t)s->current.scale.offset_tsc) {
		s->last_guest_tsc = guest;
		s->stopped_tsc = 0;
		return 0;
	}
	if (!guest)
		return 0; /* the machine has not begun */
	if (is_recent(host_tsc, offset, guest)) {
		take_offset(s, offset, host_tsc);
		s->last_guest_tsc = guest;
		s->stopped_tsc = 0;
	} else if (offset - guest <= RECENT_TSC) {
		s->stopped_tsc = offset; /* a machine that stands still holds its clock there */
	}
	return 0;
}

static int tcg_poll(struct tsc_source *source, uint32_t vcpu, struct tsc_sync_entry *ret)
{
	struct tcg_source *s = (struct tcg_source *)source;
	int err;

	if (vcpu >= MAX_TCG_VCPU)
		return -ENOENT;
	if (vcpu >= s->n_seen) {
		uint32_t n = vcpu + 16, *seen = realloc(s->seen, n * sizeof(*seen));

		if (!seen)
			return -ENOMEM;
		memset(seen + s->n_seen, 0, (n - s->n_seen) * sizeof(*seen));
		s->seen = seen;
		s->n_seen = n;
	}
	err = refresh(s);
	if (err)
		return err;
	if (s->seen[vcpu] == s->generation)
		return 0;
	s->seen[vcpu] = s->generation;
	*ret = s->current;
	ret->vcpu = vcpu;
	return 1;
}

static int tcg_check(struct tsc_source *source, uint64_t guest_tsc)
{
	static const unsigned int order[] = { SLOT_OFFSET, 2, 3, 0, 4, 5, 6, 7 };
	struct tcg_source *s = (struct tcg_source *)source;
	uint64_t words[WORDS], host_tsc;
	unsigned int i;
	int err;

	err = read_words(s, words, &host_tsc);
	if (err)
		return err;
	if (is_recent(host_tsc, words[s->slot], guest_tsc))
		return 0;
	for (i = 0; i < WORDS; i++) {
		if (!is_recent(host_tsc, words[order[i]], guest_tsc))
			continue;
		s->slot = order[i];
		s->last_guest_tsc = guest_tsc;
		take_offset(s, words[s->slot], host_tsc);
		return 0;
	}
	return -EILSEQ;
}

const struct tsc_source_ops tsc_source_tcg = {
	.name = "tcg",
	.what = "QEMU's own offset, read in its memory",
	.open = tcg_open,
	.poll = tcg_poll,
	.check = tcg_check,
	.close = tcg_close,
};
