// SPDX-License-Identifier: GPL-2.0-only
/* Messages to the journal, with fields of their own, or to standard error */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "log.h"

#define JOURNAL		"/run/systemd/journal/socket"
#define TEXT_SIZE	512

static enum level log_level = LOG_TELL;
static int log_journal = -1;

/* Does standard error lead to the journal? systemd names device and inode of its stream. */
static bool log_has_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

void log_open(enum level level)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL };

	log_level = level;
	if (!log_has_journal())
		return;
	log_journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (log_journal >= 0 &&
	    connect(log_journal, (const struct sockaddr *)&address, sizeof(address))) {
		close(log_journal);
		log_journal = -1;
	}
}

/* Write to the journal in its own protocol: a field on each line. */
static bool log_to_journal(enum level level, const char *route, const char *event,
			   const char *text)
{
	char buf[TEXT_SIZE + 512];
	int length;

	if (log_journal < 0)
		return false;
	length = snprintf(buf, sizeof(buf),
			  "PRIORITY=%d\nSYSLOG_IDENTIFIER=mboxbridge\nMBOX_EVENT=%s\n"
			  "%s%s%sMESSAGE=%s%s%s\n", level, event,
			  route ? "MBOX_ROUTE=" : "", route ? route : "", route ? "\n" : "",
			  route ? route : "", route ? ": " : "", text);
	return length > 0 && send(log_journal, buf, (size_t)length, MSG_NOSIGNAL) == length;
}

void log_event(enum level level, const char *route, const char *event, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Text of a server has to stay in its field. */
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == '"')
			*c = *c == '"' ? '\'' : ' ';
	if (!log_to_journal(level, route, event, text))
		fprintf(stderr, "<%d>mboxbridge: %s%s%sevent=%s message=\"%s\"\n", level,
			route ? "route=" : "", route ? route : "", route ? " " : "", event, text);
}

void log_die(const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_event(LOG_FAILED, NULL, "end", "%s", text);
	exit(1);
}
