// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: report errors, in text and JSON, each in one write, and derive the exit status. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mboxctl.h"

/* Return the exit status of an error. @error is negative, or 0 for an error without a number. */
enum status status_of(int error)
{
	switch (-error) {
	case EAGAIN:
	case ETIMEDOUT:
		return STATUS_AGAIN;
	case ENOENT:
	case EIDRM:
	case EOWNERDEAD:
	case EPIPE:
	case ESHUTDOWN:
	case ESRCH:
		return STATUS_GONE;
	case EACCES:
	case EPERM:
		return STATUS_DENIED;
	default:
		return STATUS_ERROR;
	}
}

static const struct {
	int error;
	const char *name;
} error_names[] = {
#define NAME(error)	{ error, #error }
	NAME(E2BIG), NAME(EACCES), NAME(EAGAIN), NAME(EBADF), NAME(EBADMSG), NAME(EBUSY),
	NAME(ECANCELED), NAME(EDEADLK), NAME(EDQUOT), NAME(EEXIST), NAME(EFAULT), NAME(EIDRM),
	NAME(EINTR), NAME(EINVAL), NAME(EIO), NAME(EMFILE), NAME(EMSGSIZE), NAME(ENFILE),
	NAME(ENOBUFS), NAME(ENODEV), NAME(ENOENT), NAME(ENOMEM), NAME(ENOSPC), NAME(ENOSYS),
	NAME(ENOTEMPTY), NAME(ENOTTY), NAME(EOPNOTSUPP), NAME(EOWNERDEAD), NAME(EPERM),
	NAME(EPIPE), NAME(EPROTO), NAME(ERANGE), NAME(EREMOTEIO), NAME(ESHUTDOWN), NAME(ESRCH),
	NAME(ESTALE), NAME(ETIMEDOUT),
	NAME(EUSERS),
#undef NAME
};

static const char *error_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(error_names); i++)
		if (error_names[i].error == -error)
			return error_names[i].name;
	return NULL;
}

/* Print the advice @hint; NAME in it stands for the name in the command. */
static void print_hint(FILE *f, const struct command *cmd, const char *hint)
{
	const char *name;

	while (cmd->name && (name = strstr(hint, "NAME"))) {
		fprintf(f, "%.*s%s", (int)(name - hint), hint, cmd->name);
		hint = name + strlen("NAME");
	}
	fputs(hint, f);
}

static void print_text(FILE *f, const struct command *cmd, const char *why, const char *hint)
{
	fputs("mboxctl: ", f);
	if (cmd->verb)
		fprintf(f, "%s%s%s: ", cmd->verb->name, cmd->name ? " " : "",
			cmd->name ? cmd->name : "");
	if (cmd->line)
		fprintf(f, "%s%sline %llu: ", cmd->file ? cmd->file : "", cmd->file ? ", " : "",
			cmd->line);
	fprintf(f, "%s\n", why);
	if (hint) {
		fputs("  ", f);
		print_hint(f, cmd, hint);
		putc('\n', f);
	}
}

static void print_member(FILE *f, const char *key, const char *value)
{
	if (!value)
		return;
	fprintf(f, ",\"%s\":", key);
	json_string(f, value, strlen(value));
}

static void print_json(FILE *f, const struct command *cmd, enum status status, int error,
		       const char *why, const char *hint)
{
	char advice[400] = "";
	FILE *to = hint ? fmemopen(advice, sizeof(advice), "w") : NULL;

	if (to) {
		print_hint(to, cmd, hint);
		fclose(to);
	}
	fputs("{\"error\":", f);
	json_string(f, why, strlen(why));
	print_member(f, "verb", cmd->verb ? cmd->verb->name : NULL);
	print_member(f, "name", cmd->name);
	print_member(f, "file", cmd->file);
	if (cmd->line)
		fprintf(f, ",\"line\":%llu", cmd->line);
	print_member(f, "errno", error_name(error));
	fprintf(f, ",\"status\":%d", status);
	print_member(f, "hint", to ? advice : NULL);
	fputs("}\n", f);
}

/* Write all at once: another process may write to the same terminal. */
static void write_error(const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(STDERR_FILENO, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}

__attribute__((format(printf, 5, 0)))
static void complain(const struct command *cmd, enum status status, int error, const char *hint,
		     const char *why, va_list args)
{
	char *text = NULL, *message = NULL;
	size_t size = 0;
	FILE *f;

	/* Pending output precedes the error. */
	fflush(stdout);
	if (vasprintf(&message, why, args) < 0)
		return;
	f = open_memstream(&text, &size);
	if (!f) {
		free(message);
		return;
	}
	if (cmd->json)
		print_json(f, cmd, status, error, message, hint);
	else
		print_text(f, cmd, message, hint);
	free(message);
	if (!fclose(f))
		write_error(text, size);
	free(text);
}

/* Report a wrong command line. */
int usage(const struct command *cmd, const char *why, ...)
{
	char hint[60];
	va_list args;

	snprintf(hint, sizeof(hint), "try: mboxctl %s%s", cmd->verb ? cmd->verb->name : "",
		 cmd->verb ? " --help" : "help");
	va_start(args, why);
	complain(cmd, STATUS_USAGE, -EINVAL, hint, why, args);
	va_end(args);
	return STATUS_USAGE;
}

/* Report an error of the kernel, or with @error 0 another one. @hint may be NULL. */
int refuse(const struct command *cmd, int error, const char *hint, const char *why, ...)
{
	enum status status = status_of(error);
	va_list args;

	va_start(args, why);
	complain(cmd, status, error, hint, why, args);
	va_end(args);
	return status;
}

/* Report that standard output could not be written. This is never EPIPE of a mailbox. */
int refuse_output(const struct command *cmd, int error)
{
	return refuse(cmd, error == -EPIPE ? -EIO : error, NULL, "standard output: %s",
		      strerror(-error));
}

/*
 * End a verb that prints a lot, or for long. EPIPE is no error: the reader may have
 * read enough.
 */
int done_writing(const struct command *cmd, int error)
{
	return error && error != -EPIPE ? refuse_output(cmd, error) : STATUS_DONE;
}
