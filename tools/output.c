// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: one set of print calls for text and JSON. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "mboxctl.h"

/*
 * Output collects in memory until out_flush() writes it. Only out_flush() meets errors,
 * and waits for a pipe that does not block.
 */
static struct {
	bool json;
	FILE *stream;
	char *data;
	size_t size;
	enum out_form form;
	bool first;
	bool items;
} out;

void out_init(bool json)
{
	out.json = json;
}

bool out_json(void)
{
	return out.json;
}

/* Return whether the output is text for people, and not for programs. */
bool out_human(void)
{
	return !out.json && human_reads();
}

/*
 * Check that standard output can be written, before a message is received that else
 * would be lost. Return 0 or -errno.
 */
int out_ready(void)
{
	struct pollfd fd = { .fd = STDOUT_FILENO };
	int flags = fcntl(STDOUT_FILENO, F_GETFL);

	if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (poll(&fd, 1, 0) > 0 && (fd.revents & (POLLERR | POLLHUP)))
		return -EPIPE;
	return 0;
}

static FILE *stream(void)
{
	if (!out.stream)
		out.stream = open_memstream(&out.data, &out.size);
	if (!out.stream) {
		perror("mboxctl");
		exit(STATUS_ERROR);
	}
	return out.stream;
}

/* Write @data at once. Return 0 or -errno. */
int out_write(const char *data, size_t size)
{
	while (size) {
		struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
		ssize_t n = write(STDOUT_FILENO, data, size);

		if (n > 0) {
			data += n;
			size -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			poll(&fd, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

/* Write the output that has collected. Return 0 or -errno. */
int out_flush(void)
{
	int error = 0;

	/* Help is printed with stdio. */
	if (fflush(stdout))
		error = -errno;
	if (!out.stream)
		return error;
	if (fclose(out.stream))
		error = -errno;
	out.stream = NULL;
	if (!error)
		error = out_write(out.data, out.size);
	free(out.data);
	out.data = NULL;
	return error;
}

/*
 * Return the length of the UTF-8 sequence at @s, or 0 if there is none. Overlong forms,
 * surrogates and characters beyond U+10FFFF are not UTF-8.
 */
static size_t utf8_length(const unsigned char *s, size_t size)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		length = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		length = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (size < length)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < length; i++, low = 0x80, high = 0xbf)
		if (s[i] < low || s[i] > high)
			return 0;
	return length;
}

static bool is_utf8(const unsigned char *s, size_t size)
{
	while (size) {
		size_t length = utf8_length(s, size);

		if (!length)
			return false;
		s += length;
		size -= length;
	}
	return true;
}

void json_string(FILE *f, const char *text, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;

	putc('"', f);
	for (; size; s++, size--) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", f);
		else if (*s == '\t')
			fputs("\\t", f);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(f, "\\u%04x", *s);
		else
			putc(*s, f);
	}
	putc('"', f);
}

static void base64(const unsigned char *s, size_t size)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789+/";
	FILE *f = stream();

	putc('"', f);
	while (size) {
		unsigned int bits = (unsigned int)s[0] << 16;
		size_t n = size < 3 ? size : 3;

		if (n > 1)
			bits |= (unsigned int)s[1] << 8;
		if (n > 2)
			bits |= s[2];
		putc(digit[bits >> 18], f);
		putc(digit[bits >> 12 & 63], f);
		putc(n > 1 ? digit[bits >> 6 & 63] : '=', f);
		putc(n > 2 ? digit[bits & 63] : '=', f);
		s += n;
		size -= n;
	}
	putc('"', f);
}

/* Begin a record; its fields follow, and out_close() ends it. */
void out_begin(enum out_form form)
{
	out.form = form;
	out.first = true;
	if (out.json)
		putc('{', stream());
}

static void key(const char *name)
{
	if (out.json)
		fprintf(stream(), "%s\"%s\":", out.first ? "" : ",", name);
	else if (out.form == OUT_FIELDS)
		fprintf(stream(), "%-13s ", name);
	else
		fprintf(stream(), "%s%s=", out.first ? "" : " ", name);
	out.first = false;
}

static void end_of_value(void)
{
	if (!out.json && out.form == OUT_FIELDS)
		putc('\n', stream());
}

void out_string(const char *name, const char *value)
{
	key(name);
	if (out.json)
		json_string(stream(), value, strlen(value));
	else
		fputs(value, stream());
	end_of_value();
}

void out_number(const char *name, uint64_t num)
{
	key(name);
	fprintf(stream(), "%llu", (unsigned long long)num);
	end_of_value();
}

/* Print bytes, for people with a unit, too. */
void out_size(const char *name, uint64_t bytes)
{
	char unit[HUMAN_SIZE], text[2 * HUMAN_SIZE];

	if (!out_human() || out.form != OUT_FIELDS || bytes < 1024) {
		out_number(name, bytes);
		return;
	}
	format_size(unit, bytes);
	snprintf(text, sizeof(text), "%llu (%s)", (unsigned long long)bytes, unit);
	out_string(name, text);
}

/* Print a limit; if there is none, null in JSON and @word in text. */
void out_limit(const char *name, uint64_t num, bool limited, const char *word)
{
	if (limited) {
		out_number(name, num);
		return;
	}
	key(name);
	fputs(out.json ? "null" : word, stream());
	end_of_value();
}

/* Print a number that not every record has; if it is unknown, null in JSON and nothing in text. */
void out_detail(const char *name, uint64_t num, bool known)
{
	if (known || out.json)
		out_limit(name, num, known, "");
}

/* Print true or false in JSON; in text, a line if it is true. */
void out_flag(const char *name, bool set)
{
	if (!set && !out.json)
		return;
	key(name);
	fputs(!out.json ? "yes" : set ? "true" : "false", stream());
	end_of_value();
}

/* Format a time as ISO 8601 in UTC, without a space. */
void format_time(char text[static TIME_SIZE], uint64_t nanoseconds)
{
	time_t seconds = (time_t)(nanoseconds / 1000000000);
	char date[40] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, TIME_SIZE, "%s.%09uZ", date, (unsigned int)(nanoseconds % 1000000000));
}

/* Print a time; for people in their time zone, and a field with its age. */
void out_time(const char *name, uint64_t nanoseconds)
{
	char text[2 * TIME_SIZE], age[HUMAN_SIZE];
	uint64_t now = realtime();

	if (!out_human()) {
		format_time(text, nanoseconds);
	} else {
		format_local(text, nanoseconds);
		format_age(age, now > nanoseconds ? now - nanoseconds : 0);
		if (out.form == OUT_FIELDS)
			snprintf(text + strlen(text), HUMAN_SIZE + 8, " (%s ago)", age);
	}
	out_string(name, text);
}

/* Print the fields of a header. */
void out_header(const struct mbox_header *header)
{
	out_number("seq", header->seq);
	out_time("time", header->time);
	out_number("length", header->length);
	out_number("prio", header->prio);
	out_number("type", mbox_header_type(header));
	out_number("pid", header->pid);
	out_number("uid", header->uid);
	out_number("gid", header->gid);
	out_number("start", header->start);
}

/*
 * Begin records within a record: in JSON an array of objects; in text a line for each
 * of them, with its fields as key=value.
 */
void out_list(const char *name)
{
	if (!out.json)
		return;
	key(name);
	putc('[', stream());
	out.items = false;
}

void out_item(const char *name)
{
	if (out.json) {
		fputs(out.items ? ",{" : "{", stream());
	} else {
		key(name);
		out.form = OUT_LINE;
	}
	out.items = true;
	out.first = true;
}

void out_item_end(void)
{
	putc(out.json ? '}' : '\n', stream());
	out.form = OUT_FIELDS;
	out.first = false;
}

void out_list_end(void)
{
	if (out.json)
		putc(']', stream());
}

/* Print a payload. In JSON: "text" if it is valid UTF-8, and always "base64". */
void out_payload(const void *data, size_t size)
{
	if (!out.json) {
		out_raw(data, size);
		return;
	}
	if (is_utf8(data, size)) {
		key("text");
		json_string(stream(), data, size);
	}
	key("base64");
	base64(data, size);
}

void out_close(void)
{
	if (out.json)
		fputs("}\n", stream());
	else if (out.form == OUT_LINE)
		putc('\n', stream());
}

void out_raw(const void *data, size_t size)
{
	fwrite(data, 1, size, stream());
}
