// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: parse the words of the command line into values. Numbers are strict. */
#include <ctype.h>
#include <string.h>
#include "mboxctl.h"

/* Parse decimal digits only: no sign, no space, no other base. */
static bool digits(const char *text, const char **end, uint64_t *num)
{
	uint64_t n = 0;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		unsigned int digit = (unsigned int)(*text - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*end = text;
	*num = n;
	return true;
}

static bool in_range(const struct word *word, uint64_t num)
{
	return num >= word->min && num <= word->max;
}

bool parse_number(const struct word *word, const char *text, uint64_t *num)
{
	return digits(text, &text, num) && !*text && in_range(word, *num);
}

/* Parse a number of bytes, with k, M or G (powers of 1024), or kiB, MiB or GiB. */
bool parse_size(const struct word *word, const char *text, uint64_t *num)
{
	static const char units[] = "kMG";
	unsigned int shift = 0;
	const char *unit;

	if (!digits(text, &text, num))
		return false;
	if (*text) {
		unit = strchr(units, *text == 'K' ? 'k' : *text);
		if (!unit)
			return false;
		shift = 10 * (unsigned int)(unit - units + 1);
		text++;
		if (!strcmp(text, "iB"))
			text += 2;
	}
	if (*text || *num > UINT64_MAX >> shift)
		return false;
	*num <<= shift;
	return in_range(word, *num);
}

/* Parse a capacity, in messages. */
bool parse_capacity(const struct word *word, const char *text, uint64_t *num)
{
	if (!strcmp(text, "zero"))
		*num = MBOX_CAPACITY_ZERO;
	else if (!strcmp(text, "unbounded"))
		*num = MBOX_CAPACITY_UNBOUNDED;
	else
		return parse_number(word, text, num);
	return true;
}

/* Parse a limit of bytes; 0 is none. */
bool parse_bytes(const struct word *word, const char *text, uint64_t *num)
{
	*num = 0;
	return !strcmp(text, "unbounded") || parse_size(word, text, num);
}

/* Parse one of the names in the word's table into its number. */
bool parse_choice(const struct word *word, const char *text, uint64_t *num)
{
	for (*num = 0; *num <= word->max; ++*num)
		if (!strcmp(word->choices[*num].name, text))
			return true;
	return false;
}

bool parse_octal(const struct word *word, const char *text, uint64_t *num)
{
	*num = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '7' || *num > word->max)
			return false;
		*num = *num * 8 + (uint64_t)(*text - '0');
	}
	return in_range(word, *num) && !(*num & ~word->max);
}

/* Return the nanoseconds of a unit of time; no unit is a second. 0: there is none such. */
static uint64_t unit_of_time(const char *text)
{
	static const struct {
		const char *name;
		uint64_t nanoseconds;
	} units[] = {
		{ "", 1000000000 }, { "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 },
		{ "ns", 1 }, { "m", 60000000000 }, { "min", 60000000000 }, { "h", 3600000000000 },
		{ "d", 86400000000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(units[i].name, text))
			return units[i].nanoseconds;
	return 0;
}

/* Parse a time, in seconds or with a unit, with digits after a point, into nanoseconds. */
bool parse_seconds(const struct word *word, const char *text, uint64_t *num)
{
	uint64_t whole, part = 0, unit, below;
	const uint64_t billion = 1000000000;
	unsigned int places = 0;

	if (!digits(text, &text, &whole))
		return false;
	if (*text == '.') {
		for (text++; isdigit((unsigned char)*text) && places < 9; text++, places++)
			part = part * 10 + (uint64_t)(*text - '0');
		if (!places)
			return false;
		for (; places < 9; places++)
			part *= 10;
	}
	unit = unit_of_time(text);
	if (!unit || whole >= INT64_MAX / unit)
		return false;
	/* No more places than to the nanosecond. */
	below = unit < billion ? billion / unit : 1;
	if (part % below)
		return false;
	*num = whole * unit + (unit < billion ? part / below : part * (unit / billion));
	return in_range(word, *num);
}

/* Parse the id of a process. */
bool parse_pid(const char *text, pid_t *pid)
{
	static const struct word word = { .min = 1, .max = INT32_MAX };
	uint64_t num;

	if (!parse_number(&word, text, &num))
		return false;
	*pid = (pid_t)num;
	return true;
}

/*
 * Parse PID or PID:START. START, of the header of a message, tells processes with the
 * same id apart. @start is 0 if it is not given.
 */
bool parse_identity(const char *text, pid_t *pid, uint64_t *start)
{
	static const struct word word = { .min = 1, .max = UINT64_MAX };
	const char *colon = strchr(text, ':');
	char number[16];

	*start = 0;
	if (!colon)
		return parse_pid(text, pid);
	if ((size_t)(colon - text) >= sizeof(number))
		return false;
	memcpy(number, text, (size_t)(colon - text));
	number[colon - text] = '\0';
	return parse_pid(number, pid) && parse_number(&word, colon + 1, start);
}

/* Parse the same as the value of a word. The number is that of PID. */
bool parse_sender(const struct word *word, const char *text, uint64_t *num)
{
	uint64_t start;
	pid_t pid;

	if (!strchr(text, ':'))
		return parse_number(word, text, num);
	if (!parse_identity(text, &pid, &start))
		return false;
	*num = (uint64_t)pid;
	return true;
}

/* Return START of the value of a word, or 0. */
uint64_t start_of(const struct value *value)
{
	uint64_t start = 0;
	pid_t pid;

	if (value->given && strchr(value->text, ':'))
		parse_identity(value->text, &pid, &start);
	return start;
}

/* Parse the id of a process as the value of a word. */
bool parse_process(const struct word *word, const char *text, uint64_t *num)
{
	pid_t pid;

	(void)word;
	if (!parse_pid(text, &pid))
		return false;
	*num = (uint64_t)pid;
	return true;
}
