// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: parse the words of the command line into values. Numbers are strict. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Parse a number, or a number and K (1024) or M (1024 K). */
bool parse_size(const struct word *word, const char *text, uint64_t *num)
{
	unsigned int shift = 0;

	if (!digits(text, &text, num))
		return false;
	if (*text == 'K')
		shift = 10;
	else if (*text == 'M')
		shift = 20;
	if (shift && *++text)
		return false;
	if (*text || *num > UINT64_MAX >> shift)
		return false;
	*num <<= shift;
	return in_range(word, *num);
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

/* Parse seconds, with up to nine digits after a point, into nanoseconds. */
bool parse_seconds(const struct word *word, const char *text, uint64_t *num)
{
	uint64_t seconds, fraction = 0;
	unsigned int places = 0;

	if (!digits(text, &text, &seconds) || seconds >= INT64_MAX / 1000000000)
		return false;
	if (*text == '.') {
		for (text++; isdigit((unsigned char)*text); text++, places++)
			fraction = fraction * 10 + (uint64_t)(*text - '0');
		if (!places || places > 9)
			return false;
		for (; places < 9; places++)
			fraction *= 10;
	}
	*num = seconds * 1000000000 + fraction;
	return !*text && in_range(word, *num);
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

static bool parse_option(struct command *cmd, const char *option)
{
	if (!strcmp(option, "--json"))
		cmd->json = true;
	else if (!strcmp(option, "--verbose"))
		cmd->verbose = true;
	else if (!strcmp(option, "--help"))
		cmd->help = true;
	else if (!strcmp(option, "--version"))
		cmd->version = true;
	else if (option[1] == '-')
		goto unknown;
	else
		for (const char *c = option + 1; *c; c++) {
			switch (*c) {
			case 'j':
				cmd->json = true;
				break;
			case 'v':
				cmd->verbose = true;
				break;
			case 'h':
				cmd->help = true;
				break;
			default:
				goto unknown;
			}
		}
	return true;
unknown:
	usage(cmd, "%s: unknown option; put -- before a word that begins with -", option);
	return false;
}

/* A lone - is no option but a valid name. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

/* Parse the options before the verb. After --, the verb follows. */
bool parse_options(struct command *cmd, int argc, char **argv, int *pos)
{
	for (; *pos < argc && is_option(argv[*pos]); ++*pos) {
		if (!strcmp(argv[*pos], "--")) {
			++*pos;
			break;
		}
		if (!parse_option(cmd, argv[*pos]))
			return false;
	}
	return true;
}

static const struct word *find_word(const struct word *words, const char *text)
{
	for (const struct word *w = words; w && w->name; w++) {
		size_t length = strlen(w->name);

		if (!w->parse && !strcmp(text, w->name))
			return w;
		if (w->parse && !strncmp(text, w->name, length) && text[length] == '=')
			return w;
	}
	return NULL;
}

static void refuse_value(const struct command *cmd, const struct word *word, const char *text)
{
	char names[100] = "";
	size_t length = 0;

	for (uint64_t i = 0; word->choices && i <= word->max && length < sizeof(names); i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s",
					   !i ? "" : i < word->max ? ", " : " or ",
					   word->choices[i].name);
	usage(cmd, "%s: has to be %s", text, word->form ? word->form : names);
}

static bool take_word(struct command *cmd, const struct word *word, const char *text)
{
	struct value *value = &cmd->v[word - cmd->words];

	if (value->given) {
		usage(cmd, "%s is given twice", word->name);
		return false;
	}
	value->given = true;
	value->text = word->parse ? text + strlen(word->name) + 1 : text;
	if (word->parse &&
	    !word->parse(word, text + strlen(word->name) + 1, &value->num)) {
		refuse_value(cmd, word, text);
		return false;
	}
	return true;
}

/* Explain a name that the kernel would refuse with EINVAL. */
static bool check_name(const struct command *cmd)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t length = strlen(cmd->name);

	if (length && length < MBOX_NAME_SIZE && cmd->name[0] != '.' &&
	    strspn(cmd->name, allowed) == length)
		return true;
	usage(cmd, "invalid name: a name has 1 to %u of A-Z a-z 0-9 . _ -, and no dot first",
	      MBOX_NAME_SIZE - 1);
	return false;
}

/* Find the verb below this one that @text names. */
static bool take_sub(struct command *cmd, const char *text)
{
	for (const struct verb *const *sub = cmd->verb->subs; *sub; sub++) {
		if (strcmp((*sub)->name, text))
			continue;
		cmd->sub = *sub;
		cmd->words = cmd->sub->words;
		return true;
	}
	usage(cmd, "%s: unknown verb", text);
	return false;
}

/* Check that all operands of the verb are there. */
static bool complete(struct command *cmd)
{
	const struct verb *verb = cmd->verb;

	if (verb->first == FIRST_VERB)
		return true;
	if (verb->first != FIRST_NONE && verb->first != FIRST_MAYBE && !cmd->name) {
		usage(cmd, verb->first == FIRST_PID ? "the id of a process is missing" :
		      "the name of a mailbox is missing");
		return false;
	}
	if (cmd->name && verb->first != FIRST_PID && verb->first != FIRST_NONE && !check_name(cmd))
		return false;
	if (verb->first == FIRST_PID && !parse_identity(cmd->name, &cmd->pid, &cmd->start)) {
		usage(cmd, "invalid process id");
		return false;
	}
	if (verb->subs && !cmd->sub) {
		usage(cmd, "a verb is missing");
		return false;
	}
	if (verb->operand && !cmd->operand) {
		usage(cmd, "%s is missing", verb->operand);
		return false;
	}
	return true;
}

/* Does COMMAND follow after --, now that the operand of the verb is there? */
static bool takes_command(const struct command *cmd)
{
	const struct verb *verb = cmd->sub ? cmd->sub : cmd->verb;

	return verb->command && (cmd->name || cmd->verb->first == FIRST_NONE);
}

/*
 * Parse the words after the verb. If the verb takes TEXT, then TEXT begins with the
 * first word that is not in the verb's table, or after --. COMMAND begins after -- only.
 */
bool parse_words(struct command *cmd, int argc, char **argv)
{
	const struct verb *verb = cmd->verb;
	bool ended = false, no_name = false;

	cmd->words = verb->words;
	for (int i = 0; i < argc; i++) {
		bool takes_text = cmd->sub ? cmd->sub->text : verb->text;
		const struct word *word = NULL;

		if (!strcmp(argv[i], "--") && takes_command(cmd)) {
			cmd->text = i + 1 < argc ? argv + i + 1 : NULL;
			cmd->ntext = argc - i - 1;
			break;
		}
		if (!ended && !strcmp(argv[i], "--")) {
			ended = true;
			continue;
		}
		if (!ended && is_option(argv[i])) {
			word = find_word(cmd->words, argv[i]);
			no_name = no_name || word;
			if (word ? !take_word(cmd, word, argv[i]) : !parse_option(cmd, argv[i]))
				return false;
			continue;
		}
		/* A name has no = in it; and after --all no name may follow. */
		if (verb->first == FIRST_MAYBE && !cmd->name && !ended &&
		    (no_name || strchr(argv[i], '=')))
			word = find_word(cmd->words, argv[i]);
		if (verb->first != FIRST_NONE && !cmd->name && !word) {
			cmd->name = argv[i];
			continue;
		}
		if (verb->subs && !cmd->sub) {
			if (!take_sub(cmd, argv[i]))
				return false;
			continue;
		}
		if (!word && (!ended || !takes_text))
			word = find_word(cmd->words, argv[i]);
		if (word) {
			if (!take_word(cmd, word, argv[i]))
				return false;
		} else if (verb->operand && !cmd->operand) {
			cmd->operand = argv[i];
		} else if (takes_text) {
			cmd->text = argv + i;
			cmd->ntext = argc - i;
			break;
		} else {
			usage(cmd, "%s: unknown argument", argv[i]);
			return false;
		}
	}
	if (cmd->help || cmd->version)
		return true;
	return complete(cmd);
}

/* Refuse the words @a and @b of the verb's table together. */
bool exclusive(const struct command *cmd, size_t a, size_t b)
{
	if (!cmd->v[a].given || !cmd->v[b].given)
		return true;
	usage(cmd, "%s and %s exclude each other", cmd->words[a].name,
	      cmd->words[b].name);
	return false;
}
