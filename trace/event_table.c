// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All descriptions lie in one array in ascending type order, made by the
 * X-macros of ivring; three small tables lead from a type number to it.
 */
#include "trace/event_table.h"

#include <string.h>

#include <ivring/events.h>

#define N_CORE_TYPES 256
#define N_SYSCALLS   512

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- fields; their offsets are filled in by table_init() ------------------- */

#define KIND_i32    IVT_KIND_I32
#define KIND_u32    IVT_KIND_U32
#define KIND_i64    IVT_KIND_I64
#define KIND_u64    IVT_KIND_U64
#define KIND_x64    IVT_KIND_X64
#define KIND_u8	    IVT_KIND_U8
#define KIND_text16 IVT_KIND_TEXT16
#define KIND_ip16   IVT_KIND_IP16
#define KIND_str    IVT_KIND_STR
#define KIND_bytes  IVT_KIND_BYTES
#define KIND_x64s   IVT_KIND_X64S
#define KIND_pad4   IVT_KIND_PAD4

#define FIELD(kind, field) { #field, KIND_##kind, 0 },
#define FIELDS_OF(type, name, group, label) \
	static struct ivt_field fields_##name[] = { IVT_FIELDS_##name(FIELD) };
IVT_EVENTS(FIELDS_OF)

/* clang-format off */
#define U(arg)				{ #arg, IVT_KIND_U64, 0 },
#define ARGS(name, ...)			static struct ivt_field args_##name[] = { __VA_ARGS__ };
#define ARGS0(nr, name)			ARGS(name)
#define ARGS1(nr, name, a)		ARGS(name, U(a))
#define ARGS2(nr, name, a, b)		ARGS(name, U(a) U(b))
#define ARGS3(nr, name, a, b, c)	ARGS(name, U(a) U(b) U(c))
#define ARGS4(nr, name, a, b, c, d)	ARGS(name, U(a) U(b) U(c) U(d))
#define ARGS5(nr, name, a, b, c, d, e)	ARGS(name, U(a) U(b) U(c) U(d) U(e))
#define ARGS6(nr, name, a, b, c, d, e, f) ARGS(name, U(a) U(b) U(c) U(d) U(e) U(f))
/* clang-format on */
IVT_SYSCALLS(ARGS0, ARGS1, ARGS2, ARGS3, ARGS4, ARGS5, ARGS6)

static struct ivt_field fields_syscall_exit[] = { { "ret", IVT_KIND_I64, 0 } };

/* ---- groups ----------------------------------------------------------------- */

#define BY_DEFAULT		      true
#define ON_REQUEST		      false
#define GROUP_INDEX(name, when, what) GROUP_##name,
#define GROUP_OF(name_, when, what_)  { .name = #name_, .what = what_, .is_default = when },
enum {
	IVT_GROUPS(GROUP_INDEX)
};
static const struct ivt_event_group groups[] = { IVT_GROUPS(GROUP_OF) };

/* ---- descriptions --------------------------------------------------------- */

#define DESC(type_, name_, group_, label_, fields_) \
	{ .type = (type_),                          \
	  .name = name_,                            \
	  .group = &groups[GROUP_##group_],         \
	  .label = label_,                          \
	  .fields = fields_,                        \
	  .n_fields = COUNT(fields_) },
#define DESC_CORE(type, name, group, label) DESC(type, #name, group, label, fields_##name)
#define DESC_ENTRY(nr, name, ...)                                                        \
	DESC(IVT_TYPE_SYSCALL_ENTRY + (nr), "syscall_entry_" #name, syscall, #name "()", \
	     args_##name)
#define DESC_EXIT(nr, name, ...)                                                           \
	DESC(IVT_TYPE_SYSCALL_EXIT + (nr), "syscall_exit_" #name, syscall, #name "() end", \
	     fields_syscall_exit)
#define ALL7(S)		  S, S, S, S, S, S, S
#define EACH_SYSCALL(...) IVT_SYSCALLS(__VA_ARGS__)

static struct ivt_event_desc descs[] = {
	/* clang-format off */
	IVT_EVENTS(DESC_CORE)
	EACH_SYSCALL(ALL7(DESC_ENTRY))
	EACH_SYSCALL(ALL7(DESC_EXIT))
	/* clang-format on */
};

/* ---- type number -> index + 1 ----------------------------------------------- */

#define INDEX_CORE(type, name, group, label) INDEX_##name,
#define INDEX_ENTRY(nr, name, ...)	     INDEX_ENTRY_##name,
#define INDEX_EXIT(nr, name, ...)	     INDEX_EXIT_##name,
enum {
	INDEX_NONE,
	/* clang-format off */
	IVT_EVENTS(INDEX_CORE)
	EACH_SYSCALL(ALL7(INDEX_ENTRY))
	EACH_SYSCALL(ALL7(INDEX_EXIT))
		/* clang-format on */
		INDEX_END
};
_Static_assert(INDEX_END == COUNT(descs) + 1, "one index per description");

#define SLOT_CORE(type, name, group, label) [type] = INDEX_##name,
#define SLOT_ENTRY(nr, name, ...)	    [nr] = INDEX_ENTRY_##name,
#define SLOT_EXIT(nr, name, ...)	    [nr] = INDEX_EXIT_##name,
static const uint16_t core_slots[N_CORE_TYPES] = { IVT_EVENTS(SLOT_CORE) };
static const uint16_t entry_slots[N_SYSCALLS] = { EACH_SYSCALL(ALL7(SLOT_ENTRY)) };
static const uint16_t exit_slots[N_SYSCALLS] = { EACH_SYSCALL(ALL7(SLOT_EXIT)) };

/* ---- layout ------------------------------------------------------------------- */

static unsigned int kind_bytes(enum ivt_kind kind)
{
	static const uint8_t bytes[] = {
		[IVT_KIND_I32] = 4,   [IVT_KIND_U32] = 4,     [IVT_KIND_I64] = 8,
		[IVT_KIND_U64] = 8,   [IVT_KIND_X64] = 8,     [IVT_KIND_U8] = 1,
		[IVT_KIND_STR] = 0,   [IVT_KIND_TEXT16] = 16, [IVT_KIND_PAD4] = 4,
		[IVT_KIND_IP16] = 16, [IVT_KIND_BYTES] = 4,   [IVT_KIND_X64S] = 4,
	};

	return bytes[kind];
}

static unsigned int kind_align(enum ivt_kind kind)
{
	return kind == IVT_KIND_TEXT16 || kind == IVT_KIND_IP16 || kind == IVT_KIND_STR
		       ? 1
		       : kind_bytes(kind);
}

static void desc_layout(struct ivt_event_desc *desc, struct ivt_field *fields)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < desc->n_fields; i++) {
		struct ivt_field *field = &fields[i];
		unsigned int align = kind_align(field->kind);

		at = (at + align - 1) & ~(align - 1);
		field->offset_bytes = (uint16_t)at;
		at += kind_bytes(field->kind);
		if (field->kind >= IVT_KIND_STR)
			desc->end = field;
		if (field->kind != IVT_KIND_PAD4)
			desc->fixed_bytes = (uint16_t)at;
	}
}

/* Before main(), hence before any thread: C cannot name the structure that a
 * field list belongs to inside the list, so offsetof() is out of reach. */
__attribute__((constructor)) static void table_init(void)
{
	for (size_t i = 0; i < COUNT(descs); i++)
		desc_layout(&descs[i], (struct ivt_field *)descs[i].fields);
}

/* ---- look-up -------------------------------------------------------------------- */

const struct ivt_event_desc *ivt_event_desc(uint16_t type)
{
	unsigned int nr = type & (IVT_MAX_SYSCALL - 1);
	unsigned int slot = INDEX_NONE;

	if (type < N_CORE_TYPES)
		slot = core_slots[type];
	else if (type - nr == IVT_TYPE_SYSCALL_ENTRY && nr < N_SYSCALLS)
		slot = entry_slots[nr];
	else if (type - nr == IVT_TYPE_SYSCALL_EXIT && nr < N_SYSCALLS)
		slot = exit_slots[nr];
	return slot == INDEX_NONE ? NULL : &descs[slot - 1];
}

const struct ivt_event_desc *ivt_event_desc_by_name(const char *name)
{
	for (size_t i = 0; i < COUNT(descs); i++)
		if (strcmp(descs[i].name, name) == 0)
			return &descs[i];
	return NULL;
}

const struct ivt_event_desc *ivt_event_desc_at(size_t i)
{
	return i < COUNT(descs) ? &descs[i] : NULL;
}

const struct ivt_event_group *ivt_event_group_at(size_t i)
{
	return i < COUNT(groups) ? &groups[i] : NULL;
}
