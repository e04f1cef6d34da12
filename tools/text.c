// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: one message from the command line or from standard input */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "leasing.h"

/* Join the words of TEXT, with one space between two of them. The caller frees it. */
char *text_join(const struct command *cmd, size_t *size)
{
	char *data, *end;

	*size = 0;
	for (int i = 0; i < cmd->ntext; i++)
		*size += strlen(cmd->text[i]) + 1;
	data = malloc(*size);
	if (!data)
		return NULL;
	end = data;
	for (int i = 0; i < cmd->ntext; i++) {
		if (i)
			*end++ = ' ';
		end = stpcpy(end, cmd->text[i]);
	}
	*size = (size_t)(end - data);
	return data;
}

/* Read up to @limit bytes of standard input, and one more if there are. */
static char *text_read(uint64_t limit, size_t *size)
{
	char *data = malloc((size_t)limit + 1);

	if (data)
		*size = fread(data, 1, (size_t)limit + 1, stdin);
	return data;
}

/*
 * Get TEXT or, if there is none, standard input, of up to @limit bytes. The caller frees
 * it. Return an exit status.
 */
int text_get(const struct command *cmd, uint64_t limit, struct text *text)
{
	int status = STATUS_DONE;

	text->data = cmd->text ? text_join(cmd, &text->size) : text_read(limit, &text->size);
	if (!text->data)
		return refuse_errno(cmd, -ENOMEM);
	if (!cmd->text && ferror(stdin))
		status = refuse(cmd, -errno, NULL, "standard input: %s", strerror(errno));
	else if (text->size > limit)
		status = refuse(cmd, -EMSGSIZE, NULL, "the message is longer than %llu bytes",
				(unsigned long long)limit);
	if (status)
		free(text->data);
	return status;
}
