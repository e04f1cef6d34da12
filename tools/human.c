// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: sizes and times for people, colours, and the window, where output is a terminal */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "mboxctl.h"

/* Return whether people read standard output. */
bool human_reads(void)
{
	static int terminal = -1;

	if (terminal < 0)
		terminal = isatty(STDOUT_FILENO);
	return terminal;
}

/* Return whether it may have colours: see https://no-color.org. */
bool human_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return human_reads() && !(no && *no) && term && *term && strcmp(term, "dumb");
}

/* Return the columns and rows of the window; 0 where that is unknown. */
void human_window(unsigned int *columns, unsigned int *rows)
{
	struct winsize size;

	*columns = *rows = 0;
	if (!human_reads() || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return;
	*columns = size.ws_col;
	*rows = size.ws_row;
}

/* Format @tenths tenths with one of the units, each @base times that before it. */
static void format_units(char text[static HUMAN_SIZE], uint64_t tenths, unsigned int base,
			 const char *units)
{
	uint64_t whole = tenths / 10;
	unsigned int part = (unsigned int)(tenths % 10);
	char unit[2] = "";

	for (; whole >= base && *units; units++) {
		part = (unsigned int)(whole % base * 10 / base);
		whole /= base;
		unit[0] = *units;
	}
	if (part && whole < 100)
		snprintf(text, HUMAN_SIZE, "%llu.%u%s", (unsigned long long)whole, part, unit);
	else
		snprintf(text, HUMAN_SIZE, "%llu%s", (unsigned long long)whole, unit);
}

/* Format bytes: 512, 8K, 1.5M. */
void format_size(char text[static HUMAN_SIZE], uint64_t bytes)
{
	format_units(text, bytes > UINT64_MAX / 10 ? UINT64_MAX : bytes * 10, 1024, "KMGTPE");
}

/* Format a rate, in tenths, in powers of 1000: 3.5, 120k, 1.2M. */
void format_rate(char text[static HUMAN_SIZE], uint64_t tenths)
{
	format_units(text, tenths, 1000, "kMGTPE");
}

/* Format a duration by its two highest units: 5s, 3m20s, 2h5m, 4d1h. */
void format_age(char text[static HUMAN_SIZE], uint64_t nanoseconds)
{
	unsigned long long s = nanoseconds / 1000000000;

	if (s < 60)
		snprintf(text, HUMAN_SIZE, "%llus", s);
	else if (s < 3600)
		snprintf(text, HUMAN_SIZE, "%llum%llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, HUMAN_SIZE, "%lluh%llum", s / 3600, s / 60 % 60);
	else
		snprintf(text, HUMAN_SIZE, "%llud%lluh", s / 86400, s / 3600 % 24);
}

/* Format a time of day in the local time zone, to the millisecond, without a space. */
void format_local(char text[static TIME_SIZE], uint64_t nanoseconds)
{
	time_t seconds = (time_t)(nanoseconds / 1000000000);
	char date[40] = "", zone[16] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm)) {
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
		strftime(zone, sizeof(zone), "%z", &tm);
	}
	snprintf(text, TIME_SIZE, "%s.%03u%s", date,
		 (unsigned int)(nanoseconds % 1000000000 / 1000000), zone);
}

/* Return a time in words: "1 second", "0.5 seconds". The next call overwrites it. */
const char *in_words(uint64_t nanoseconds)
{
	static char text[HUMAN_SIZE + 8];

	snprintf(text, sizeof(text), "%.9g second%s", (double)nanoseconds / 1e9,
		 nanoseconds == 1000000000 ? "" : "s");
	return text;
}
