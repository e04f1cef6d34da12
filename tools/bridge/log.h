/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages to the journal, with fields of their own, or to standard error */
#ifndef BRIDGE_LOG_H
#define BRIDGE_LOG_H

/* As of syslog(3). */
enum level {
	LOG_FAILED = 3,
	LOG_WARN = 4,
	LOG_NOTE = 5,
	LOG_TELL = 6,
	LOG_TRACE = 7,
};

/* Write to the journal if standard error leads there. Leave out levels above @level. */
void log_open(enum level level);

/*
 * Log a message about @route, or about none: NULL. @event is a word that stays the same, for
 * those that search the log.
 */
void log_event(enum level level, const char *route, const char *event, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

void log_die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif /* BRIDGE_LOG_H */
