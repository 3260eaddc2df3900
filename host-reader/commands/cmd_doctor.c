// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <json.h>
#include <stdbool.h>
#include <stdio.h>
#include "host-reader/commands/commands.h"
#include "host-reader/commands/doctor.h"

static const char help[] =
	"Usage: ivtrace-host doctor [OPTIONS]\n"
	"\n"
	"Says what this host has and lacks for recording, a line each: \"ok\", \"missing\"\n"
	"(recording cannot work), or \"without\" (it can, with less in it), and what to do.\n"
	"The status is 1 if something is missing.\n"
	"\n"
	"  --json  an array of objects: check, state, what, found, why, advice\n"
	"  --help\n"
	"\n"
	"Examples:\n"
	"  ivtrace-host doctor\n"
	"  ivtrace-host doctor --json | jq -r '.[] | select(.state != \"ok\") | .advice'\n";

static const char *state_of(const struct doctor_check *check, bool is_there)
{
	if (is_there)
		return "ok";
	return check->is_needed ? "missing" : "without";
}

static void print(const struct doctor_check *check, bool is_there, const char *note)
{
	printf("%-8s %s%s%s%s: %s", state_of(check, is_there), check->what, note[0] ? " (" : "",
	       note, note[0] ? ")" : "", check->why);
	if (!is_there)
		printf(": %s", check->advice);
	putchar('\n');
}

static void add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_object_new_string(text));
}

static void add_json(struct json_object *list, const struct doctor_check *check, bool is_there,
		     const char *note)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "check", check->name);
	add_text(o, "state", state_of(check, is_there));
	add_text(o, "what", check->what);
	add_text(o, "found", note);
	add_text(o, "why", check->why);
	add_text(o, "advice", check->advice);
	json_object_array_add(list, o);
}

static int examine(struct json_object *list)
{
	const struct doctor_check *check;
	bool is_bad = false;
	size_t i;

	for (i = 0; (check = doctor_check_at(i)); i++) {
		char note[DOCTOR_NOTE_BYTES] = "";
		bool is_there = check->is_there(note, sizeof(note));

		if (list)
			add_json(list, check, is_there, note);
		else
			print(check, is_there, note);
		is_bad = is_bad || (check->is_needed && !is_there);
	}
	return is_bad;
}

static int examine_to_json(void)
{
	struct json_object *list = json_object_new_array();
	int ret = examine(list);

	puts(json_object_to_json_string_ext(list, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(list);
	return ret;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool is_json = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (c != 'j') {
			fputs("(see ivtrace-host doctor --help)\n", stderr);
			return EXIT_USAGE;
		}
		is_json = true;
	}
	if (optind < argc)
		return usage_error("doctor", "unexpected '%s'", argv[optind]);
	return is_json ? examine_to_json() : examine(NULL);
}
