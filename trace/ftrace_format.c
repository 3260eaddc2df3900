// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a format's text to a list of fields.  The parser is libtraceevent's; what it
 * is given is written here anew, line by line, from what was understood of the
 * guest's text: it sees numbers that were checked and words of our own, no name and
 * no "print fmt" (it has words with meanings that formats are not known to use).
 */
#include "trace/ftrace_format.h"

#include <errno.h>
#include <event-parse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OFFSET 65535
#define DECL_BYTES 256

/* ---- text ------------------------------------------------------------------------ */

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static size_t word_bytes(const char *s)
{
	size_t n = 0;

	while (is_word_char(s[n]))
		n++;
	return n;
}

/* The word behind @key, which the text at *@at begins with; *@at goes to the next line. */
static bool line_word(const char **at, const char *key, char *ret)
{
	const char *word = *at + strlen(key);
	size_t n;

	if (strncmp(*at, key, strlen(key)) != 0)
		return false;
	n = word_bytes(word);
	if (n == 0 || n >= IVT_FTRACE_NAME_BYTES || word[n] != '\n')
		return false;
	memcpy(ret, word, n);
	ret[n] = '\0';
	*at = word + n + 1;
	return true;
}

/* ";\tKEY:N" at *@at, which goes behind it. */
static bool number_after(const char **at, const char *key, unsigned int *ret)
{
	char *end;
	unsigned long n;

	if (strncmp(*at, key, strlen(key)) != 0)
		return false;
	*at += strlen(key);
	if (**at < '0' || **at > '9')
		return false;
	n = strtoul(*at, &end, 10);
	if (n > MAX_OFFSET)
		return false;
	*at = end;
	*ret = (unsigned int)n;
	return true;
}

/* ---- one field ---------------------------------------------------------------------- */

struct line {
	char name[IVT_FTRACE_NAME_BYTES];
	char type[DECL_BYTES]; /* in our words */
	char array[16];	       /* "[4]", "" */
	unsigned int offset;
	unsigned int size;
	unsigned int is_signed;
};

/* Where the declaration's last word, the name, begins; NULL: it has none. */
static const char *name_find(const char *decl, const char *end)
{
	const char *at = end;

	if (at > decl && at[-1] == ']')
		while (at > decl && *at != '[')
			at--;
	end = at;
	while (at > decl && is_word_char(at[-1]))
		at--;
	if (at == decl || at == end || end - at >= IVT_FTRACE_NAME_BYTES ||
	    (*at >= '0' && *at <= '9'))
		return NULL;
	return at;
}

/* Words and stars with blanks between, "[]" behind the last of them at most. */
static bool type_is_plain(const char *type, size_t bytes)
{
	bool is_array = bytes > 3 && memcmp(type + bytes - 3, "[] ", 3) == 0;
	size_t i, words = 0;

	if (is_array)
		bytes -= 3;
	for (i = 0; i < bytes; i++) {
		if (!is_word_char(type[i]) && type[i] != ' ' && type[i] != '*')
			return false;
		words += is_word_char(type[i]) && (i == 0 || !is_word_char(type[i - 1]));
	}
	return words > is_array && words < 16 && is_word_char(type[0]) &&
	       (type[0] < '0' || type[0] > '9');
}

/* Words of types that say how large and what it is; any other is "t". */
static const char *type_word(const char *word, size_t bytes)
{
	static const char *const known[] = {
		"__data_loc", "__rel_loc", "char",  "bool",  "short", "int",   "long",
		"signed",     "unsigned",  "u8",    "u16",   "u32",   "u64",   "s8",
		"s16",	      "s32",	   "s64",   "__u8",  "__u16", "__u32", "__u64",
		"__s8",	      "__s16",	   "__s32", "__s64",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == bytes && memcmp(known[i], word, bytes) == 0)
			return known[i];
	return "t";
}

static void type_write(char *ret, const char *type, size_t bytes)
{
	size_t i = 0, n;

	while (i < bytes) { /* no word gets longer */
		n = word_bytes(type + i);
		if (n > 0)
			ret = stpcpy(ret, type_word(type + i, n));
		else
			*ret++ = type[i];
		i += n + !n;
	}
	*ret = '\0';
}

/* As it is, where we know its shape, else as bytes. */
static bool decl_read(struct line *line, const char *decl, const char *end)
{
	const char *name = name_find(decl, end), *array;
	size_t digits;

	if (!name || end - decl >= DECL_BYTES)
		return false;
	snprintf(line->name, sizeof(line->name), "%.*s", (int)word_bytes(name), name);
	if (!type_is_plain(decl, (size_t)(name - decl))) {
		strcpy(line->type, "u8 ");
		snprintf(line->array, sizeof(line->array), "[%u]", line->size);
		return true;
	}
	type_write(line->type, decl, (size_t)(name - decl));
	array = name + word_bytes(name);
	digits = *array == '[' ? strspn(array + 1, "0123456789") : 0;
	/* a length that is no number (sizeof) is not for the parser */
	if (digits > 5 || (*array == '[' && array[1 + digits] != ']'))
		digits = 0;
	line->array[0] = '\0';
	if (*array == '[')
		snprintf(line->array, sizeof(line->array), "[%.*s]", (int)digits, array + 1);
	return true;
}

/* "\tfield:DECL;\toffset:N;\tsize:N;\tsigned:N;\n" at *@at, which goes behind it. */
static bool line_read(const char **at, struct line *line)
{
	static const char key[] = "\tfield:";
	const char *decl = *at + sizeof(key) - 1, *end, *rest;

	if (strncmp(*at, key, sizeof(key) - 1) != 0)
		return false;
	end = decl + strcspn(decl, ";\n");
	rest = end;
	line->is_signed = 0;
	if (!number_after(&rest, ";\toffset:", &line->offset) ||
	    !number_after(&rest, ";\tsize:", &line->size))
		return false;
	number_after(&rest, ";\tsigned:", &line->is_signed);
	if (rest[0] != ';' || rest[1] != '\n')
		return false;
	*at = rest + 2;
	return decl_read(line, decl, end);
}

/* ---- all of them ------------------------------------------------------------------------ */

/* What was understood; the i-th field is "fI" to the parser. */
struct fields {
	char names[IVT_FTRACE_MAX_FIELDS + 1][IVT_FTRACE_NAME_BYTES];
	unsigned int n;
	char *text; /* for the parser; to be freed */
	size_t bytes;
};

static void fields_write(struct fields *ret, FILE *f, const char *at)
{
	unsigned int blanks = 0;
	struct line line;

	fputs("name: event\nID: 1\nformat:\n", f);
	while (ret->n <= IVT_FTRACE_MAX_FIELDS && blanks < 2) {
		if (*at == '\n') { /* between those that all events have and its own */
			blanks++;
			at++;
			fputc('\n', f);
		} else if (line_read(&at, &line)) {
			fprintf(f, "\tfield:%sf%u%s;\toffset:%u;\tsize:%u;\tsigned:%u;\n",
				line.type, ret->n, line.array, line.offset, line.size,
				line.is_signed != 0);
			memcpy(ret->names[ret->n++], line.name, sizeof(line.name));
		} else {
			break;
		}
	}
	for (; blanks < 2; blanks++)
		fputc('\n', f);
	fputs("print fmt: \"\"\n", f);
}

/* 0; -EINVAL: not a list of fields; -ENOMEM. */
static int fields_read(struct fields *ret, const char *at)
{
	FILE *f = open_memstream(&ret->text, &ret->bytes);

	if (!f)
		return -ENOMEM;
	fields_write(ret, f, at);
	if (fclose(f))
		return -ENOMEM;
	return ret->n == 0 || ret->n > IVT_FTRACE_MAX_FIELDS ? -EINVAL : 0;
}

/* Bytes of one element of an array whose length the text does not say; 0: unknown. */
static uint32_t element_bytes(const char *type)
{
	static const struct {
		const char *name;
		uint32_t bytes;
	} known[] = {
		{ "char", 1 },	{ "bool", 1 },	{ "u8", 1 },  { "s8", 1 },  { "__u8", 1 },
		{ "__s8", 1 },	{ "short", 2 }, { "u16", 2 }, { "s16", 2 }, { "__u16", 2 },
		{ "__s16", 2 }, { "int", 4 },	{ "u32", 4 }, { "s32", 4 }, { "__u32", 4 },
		{ "__s32", 4 }, { "long", 8 },	{ "u64", 8 }, { "s64", 8 }, { "__u64", 8 },
		{ "__s64", 8 },
	};
	size_t end = strcspn(type, "["), at = end, i;

	while (at > 0 && is_word_char(type[at - 1]))
		at--;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == end - at &&
		    strncmp(known[i].name, type + at, end - at) == 0)
			return known[i].bytes;
	return 0;
}

static bool is_number_bytes(uint32_t bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/* Fields of a plain unsigned type that hold addresses. */
static bool is_address_name(const char *name)
{
	static const char *const names[] = {
		"ip",	      "parent_ip",    "call_site",     "caller",
		"__probe_ip", "__probe_func", "__probe_ret_ip"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static enum ivt_ftrace_kind kind_of(const struct tep_format_field *from,
				    const struct ivt_ftrace_field *field)
{
	bool is_char = strstr(from->type, "char") && !strstr(from->type, "signed");
	bool is_pointer = strchr(from->type, '*');

	if (field->is_array && is_char && !is_pointer)
		return IVT_FTRACE_TEXT;
	if (!is_number_bytes(field->unit_bytes) || (field->is_array && field->unit_bytes == 1))
		return IVT_FTRACE_BYTES;
	if (is_pointer || (field->unit_bytes == 8 && is_address_name(field->name)))
		return IVT_FTRACE_HEX;
	return from->flags & TEP_FIELD_IS_SIGNED ? IVT_FTRACE_INT : IVT_FTRACE_UINT;
}

static void field_fill(struct ivt_ftrace_field *field, const struct fields *fields,
		       const struct tep_format_field *from)
{
	unsigned long i = strtoul(from->name + 1, NULL, 10); /* of "fI" */

	memcpy(field->name, fields->names[i < fields->n ? i : 0], sizeof(field->name));
	field->offset_bytes = (uint32_t)from->offset;
	field->size_bytes = (uint32_t)from->size;
	field->unit_bytes = (uint32_t)from->elementsize;
	field->is_array = from->flags & TEP_FIELD_IS_ARRAY;
	if (field->unit_bytes == 0)
		field->unit_bytes = element_bytes(from->type);
	if (strncmp(from->type, "__rel_loc", 9) == 0)
		field->place = IVT_FTRACE_REL_LOC;
	else if (strncmp(from->type, "__data_loc", 10) == 0)
		field->place = IVT_FTRACE_DATA_LOC;
	if (field->place != IVT_FTRACE_FIXED && !field->is_array) {
		field->is_array = true; /* a bit map, for one */
		field->unit_bytes = 1;
	}
	field->kind = kind_of(from, field);
	if (strcmp(from->type, "int") == 0 && field->size_bytes == 8 && !field->is_array) {
		field->kind = IVT_FTRACE_INT; /* a system call's, in a register */
		field->unit_bytes = 4;
	}
}

static struct ivt_ftrace_format *format_make(const char *system, const char *name,
					     const struct fields *fields,
					     const struct tep_format_field *first)
{
	const struct tep_format_field *from;
	struct ivt_ftrace_format *format;
	size_t n = 0;

	for (from = first; from; from = from->next)
		n++;
	format = calloc(1, sizeof(*format) + n * sizeof(format->fields[0]));
	if (!format)
		return NULL;
	snprintf(format->title, sizeof(format->title), "%s:%s", system, name);
	for (from = first; from; from = from->next)
		field_fill(&format->fields[format->n_fields++], fields, from);
	return format;
}

/* The parser keeps its place in variables of its own. */
static pthread_mutex_t parser_lock = PTHREAD_MUTEX_INITIALIZER;

static int fields_parse(const struct fields *fields, const char *system, const char *name,
			struct ivt_ftrace_format **ret)
{
	struct tep_event *event = NULL;
	struct tep_handle *tep;
	int status = -EINVAL;

	pthread_mutex_lock(&parser_lock);
	tep_set_loglevel(TEP_LOG_NONE);
	tep = tep_alloc();
	if (!tep) {
		status = -ENOMEM;
	} else {
		tep_set_long_size(tep, 8);
		/* an event that was not understood is there, too, and marked */
		if (tep_parse_format(tep, &event, fields->text, fields->bytes, "guest") == 0 &&
		    event && !(event->flags & TEP_EVENT_FL_FAILED)) {
			*ret = format_make(system, name, fields, event->format.fields);
			status = *ret ? 0 : -ENOMEM;
		}
		tep_free(tep); /* the event goes with it */
	}
	pthread_mutex_unlock(&parser_lock);
	return status;
}

int ivt_ftrace_format_parse(const char *text, size_t bytes, struct ivt_ftrace_format **ret)
{
	char system[IVT_FTRACE_NAME_BYTES], name[IVT_FTRACE_NAME_BYTES], id[IVT_FTRACE_NAME_BYTES];
	struct fields fields = { .n = 0 };
	char *copy = strndup(text, bytes);
	const char *at = copy;
	int status = -EINVAL;

	if (!copy)
		return -ENOMEM;
	if (line_word(&at, "system: ", system) && line_word(&at, "name: ", name) &&
	    line_word(&at, "ID: ", id) && strncmp(at, "format:\n", 8) == 0) {
		status = fields_read(&fields, at + 8);
		if (!status)
			status = fields_parse(&fields, system, name, ret);
		free(fields.text);
	}
	free(copy);
	return status;
}
