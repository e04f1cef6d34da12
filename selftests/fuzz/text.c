// SPDX-License-Identifier: GPL-2.0-only
/* Programs from and to text; see fuzz.h for the syntax. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static const char *const views[] = { "rw", "ro", "lazy", "gap", "self", "bad" };
static const char *const positions[] = { "", ".end", ".cross", ".odd", ".page" };

void at_print(char *text, uint64_t at)
{
	unsigned int view = AT_VIEW(at), pos = AT_POS(at);

	if (view >= VIEW_BAD)
		text += sprintf(text, "bad%u", pos % NR_BAD);
	else
		text += sprintf(text, "%s%s", views[view], positions[pos % POSITIONS]);
	if (at & AT_OTHER)
		strcpy(text, ".x");
}

static bool at_parse(uint64_t *at, const char *text, char **end)
{
	size_t length, i;

	*at = 0;
	*end = (char *)text;
	for (i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
		length = strlen(views[i]);
		if (!strncmp(text, views[i], length))
			break;
	}
	if (i == sizeof(views) / sizeof(views[0]))
		return false;
	text += length;
	*at = i;
	if (i == VIEW_BAD) {
		*at = AT_BAD(strtoul(text, end, 10) % NR_BAD);
		text = *end;
	}
	for (i = 1; i < POSITIONS; i++) {
		length = strlen(positions[i]);
		if (strncmp(text, positions[i], length))
			continue;
		*at |= i << 8;
		text += length;
		break;
	}
	if (!strncmp(text, ".x", 2)) {
		*at |= AT_OTHER;
		text += 2;
	}
	*end = (char *)text;
	return true;
}

static char *value_print(char *text, const struct field *field, uint64_t value)
{
	switch (field->kind) {
	case K_AT:
	case K_BUF:
		at_print(text, value);
		return text + strlen(text);
	case K_TIME:
		if (TIME_IS_REL(value))
			return text + sprintf(text, "+%llu", (unsigned long long)(value & ~TIME_REL));
		break;
	case K_FLAGS:
	case K_XOR:
	case K_NAME:
	case K_FILL:
		if (value > 9)
			return text + sprintf(text, "0x%llx", (unsigned long long)value);
		break;
	default:
		break;
	}
	return text + sprintf(text, value > 0xffffff ? "0x%llx" : "%llu", (unsigned long long)value);
}

static bool value_parse(uint64_t *value, const struct field *field, const char *text, char **end)
{
	if (field->kind == K_AT || field->kind == K_BUF)
		return at_parse(value, text, end);
	if (field->kind == K_TIME && *text == '+') {
		*value = (strtoull(text + 1, end, 0) & ~(3ULL << 62)) | TIME_REL;
		return true;
	}
	*value = strtoull(text, end, 0);
	if (field->kind == K_SLOT)
		*value %= SLOTS;
	if (field->kind == K_OUT && (*value < OWN_SLOTS || *value >= SLOTS))
		return false;
	return *end != text;
}

/* @text has room for MAX_TEXT bytes, which no program exceeds. */
void program_print(const struct program *prog, char *text)
{
	const struct call *call;
	unsigned int i, j;

	*text = 0;
	for (i = 0; i < prog->n; i++) {
		const struct op *op;

		call = &prog->calls[i];
		op = &ops[call->op];
		if (i)
			text += sprintf(text, "; ");
		if (call->lane)
			text += sprintf(text, "%u", call->lane);
		text += sprintf(text, "%s%s", call->settle ? "!" : "", op->name);
		if (call->times > 1)
			text += sprintf(text, "*%u", call->times);
		if (call->compat)
			text += sprintf(text, "/32");
		for (j = 0; j < op->nr_fields; j++) {
			if (call->arg[j] == op->fields[j].dflt)
				continue;
			text += sprintf(text, " %s=", op->fields[j].name);
			text = value_print(text, &op->fields[j], call->arg[j]);
		}
	}
}

static const struct op *op_find(const char *name, size_t length)
{
	unsigned int i;

	for (i = 0; i < nr_ops; i++) {
		if (strlen(ops[i].name) == length && !memcmp(ops[i].name, name, length))
			return &ops[i];
	}
	return NULL;
}

/* Parse one call; return its end, or NULL and the error. */
static const char *call_parse(struct call *call, const char *text, char *error, size_t size)
{
	const char *word = text;
	const struct op *op;
	size_t length;
	char *end;

	memset(call, 0, sizeof(*call));
	call->times = 1;
	if (isdigit(*text))
		call->lane = *text++ - '0';
	if (*text == '!') {
		call->settle = true;
		text++;
	}
	length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
	op = op_find(text, length);
	if (!op || (call->lane >= LANES && call->lane != LANE_FORK))
		goto bad;
	text += length;
	call->op = op - ops;
	for (length = 0; length < op->nr_fields; length++)
		call->arg[length] = op->fields[length].dflt;
	if (*text == '*') {
		unsigned long times = strtoul(text + 1, &end, 10);

		if (!times || times > MAX_TIMES)
			goto bad;
		call->times = times;
		text = end;
	}
	if (!strncmp(text, "/32", 3)) {
		call->compat = true;
		text += 3;
	}

	for (;;) {
		unsigned int i;

		text += strspn(text, " \t");
		if (!*text || *text == ';' || *text == '\n' || *text == '#')
			return text;
		word = text;
		length = strcspn(text, "=; \n");
		for (i = 0; i < op->nr_fields; i++) {
			if (strlen(op->fields[i].name) == length &&
			    !memcmp(op->fields[i].name, text, length))
				break;
		}
		if (i == op->nr_fields || text[length] != '=')
			goto bad;
		if (!value_parse(&call->arg[i], &op->fields[i], text + length + 1, &end))
			goto bad;
		text = end;
	}
bad:
	snprintf(error, size, "'%.*s'", (int)strcspn(word, ";\n"), word);
	return NULL;
}

/* Return whether it is one; if not, @error tells why. */
bool program_parse(struct program *prog, const char *text, char *error, size_t size)
{
	prog->n = 0;
	for (;;) {
		text += strspn(text, "; \t\n");
		if (!*text || *text == '#')
			return true;
		if (prog->n == MAX_CALLS) {
			snprintf(error, size, "more than %u calls", MAX_CALLS);
			return false;
		}
		text = call_parse(&prog->calls[prog->n], text, error, size);
		if (!text)
			return false;
		prog->n++;
	}
}
