// SPDX-License-Identifier: GPL-2.0-only
/* mboxctl: parse the command line: options, words, names and text */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "mboxctl.h"

static const char *const long_options[] = { "json", "verbose", "wide", "help", "version" };

/* The place of an option in the command. Its short form is the first letter, but for --version. */
static bool *option_of(struct command *cmd, size_t i)
{
	bool *const options[] = { &cmd->json, &cmd->verbose, &cmd->wide, &cmd->help, &cmd->version };

	return options[i];
}

static bool take_letters(struct command *cmd, const char *letters)
{
	for (; *letters; letters++) {
		size_t i;

		for (i = 0; i < ARRAY_SIZE(long_options) - 1; i++)
			if (*long_options[i] == *letters)
				break;
		if (i == ARRAY_SIZE(long_options) - 1)
			return false;
		*option_of(cmd, i) = true;
	}
	return true;
}

/* Compare with the words of the verb, too: --timeout=5 is the same as timeout=5. */
static void refuse_option(const struct command *cmd, const char *option)
{
	const char *text = option + strspn(option, "-");
	struct guess guess;

	guess_begin(&guess, text, strcspn(text, "="));
	for (size_t i = 0; i < ARRAY_SIZE(long_options); i++)
		guess_try(&guess, long_options[i]);
	for (const struct word *w = cmd->words; w && w->name; w++)
		guess_try(&guess, w->name);
	if (guess.word && option[1] == '-')
		usage(cmd, "%s: unknown option; did you mean --%s?", option,
		      guess.word + (*guess.word == '-' ? 2 : 0));
	else
		usage(cmd, "%s: unknown option; put -- before a word that begins with -", option);
}

static bool parse_option(struct command *cmd, const char *option)
{
	if (option[1] != '-') {
		if (take_letters(cmd, option + 1))
			return true;
		refuse_option(cmd, option);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(long_options); i++)
		if (!strcmp(option + 2, long_options[i])) {
			*option_of(cmd, i) = true;
			return true;
		}
	refuse_option(cmd, option);
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

/* Return the length of the key in a text that looks like key=, or 0. */
static size_t key_length(const char *text)
{
	size_t length = 0;

	while (isalpha((unsigned char)text[length]) || text[length] == '_' || text[length] == '-')
		length++;
	return text[length] == '=' ? length : 0;
}

/* Find the only key that @text, up to its =, begins. */
static const struct word *find_key(const struct word *words, const char *text)
{
	const struct word *found = NULL;
	size_t length = key_length(text);

	for (const struct word *w = words; length && w && w->name; w++) {
		if (!w->parse || strncmp(text, w->name, length))
			continue;
		if (!w->name[length])
			return w;
		if (found)
			return NULL;
		found = w;
	}
	return found;
}

/* Find a flag, or a key or its beginning. --word is the same as word. */
static const struct word *find_word(const struct word *words, const char *text)
{
	for (const struct word *w = words; w && w->name; w++)
		if (!w->parse && (!strcmp(text, w->name) ||
				  (!strncmp(text, "--", 2) && !strcmp(text + 2, w->name))))
			return w;
	return find_key(words, text + (strncmp(text, "--", 2) ? 0 : 2));
}

/* Report a word that the verb does not have. */
static void refuse_word(const struct command *cmd, const char *text, bool takes_text)
{
	size_t length = key_length(text);
	const char *after = takes_text ? "; put -- before a text that begins like that" : "";
	struct guess guess;

	guess_begin(&guess, text, length ? length : strlen(text));
	for (const struct word *w = cmd->words; w && w->name; w++)
		if (!length == !w->parse)
			guess_try(&guess, w->name);
	if (guess.word)
		usage(cmd, "%s: unknown word; did you mean %s%s?%s", text, guess.word,
		      length ? "=" : "", after);
	else
		usage(cmd, "%s: unknown word%s", text, after);
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
	value->text = word->parse ? strchr(text, '=') + 1 : text;
	if (word->parse && !word->parse(word, value->text, &value->num)) {
		refuse_value(cmd, word, text);
		return false;
	}
	return true;
}

/* Explain a name that the kernel would refuse with EINVAL. id=N is the id of a mailbox. */
bool take_name(struct command *cmd, const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	static const struct word id = { .min = 1, .max = UINT64_MAX };
	size_t length = strlen(name);

	cmd->name = name;
	cmd->id = 0;
	if (!strncmp(name, "id=", 3) && cmd->verb->first != FIRST_NEW) {
		if (parse_number(&id, name + 3, &cmd->id))
			return true;
		usage(cmd, "an id is a number, as list and show print it");
		return false;
	}
	if (length && length < MBOX_NAME_SIZE && name[0] != '.' &&
	    strspn(name, allowed) == length)
		return true;
	usage(cmd, "invalid name: a name has 1 to %u of A-Z a-z 0-9 . _ -, and no dot first",
	      MBOX_NAME_SIZE - 1);
	return false;
}

/* Find the verb below this one that @text names. */
static bool take_sub(struct command *cmd, const char *text)
{
	cmd->sub = find_verb(cmd, cmd->verb->subs, text);
	if (cmd->sub)
		cmd->words = cmd->sub->words;
	return cmd->sub;
}

/* Check that all operands of the verb are there. */
static bool complete(struct command *cmd)
{
	const struct verb *verb = cmd->verb;

	if (verb->first == FIRST_VERB)
		return true;
	if ((verb->first == FIRST_NAME || verb->first == FIRST_NEW || verb->first == FIRST_PID) &&
	    !cmd->name) {
		usage(cmd, verb->first == FIRST_PID ? "the id of a process is missing" :
		      "the name of a mailbox is missing");
		return false;
	}
	if (cmd->name && verb->first != FIRST_PID && verb->first != FIRST_NONE &&
	    verb->first != FIRST_USER && verb->first != FIRST_FILES && !take_name(cmd, cmd->name))
		return false;
	for (int i = 0; i < cmd->nmore && verb->first == FIRST_MAYBE; i++) {
		struct command one = *cmd;

		if (!take_name(&one, cmd->more[i]))
			return false;
	}
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
	cmd->more = argv;
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
		/* A name has no = in it, but for id=N; and after --all no name may follow. */
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
		} else if (takes_text && !ended && key_length(argv[i])) {
			refuse_word(cmd, argv[i], true);
			return false;
		} else if (takes_text) {
			cmd->text = argv + i;
			cmd->ntext = argc - i;
			break;
		} else if (verb->more_names && (!key_length(argv[i]) || !strncmp(argv[i], "id=", 3))) {
			/* They move to the front, where words were. */
			argv[cmd->nmore++] = argv[i];
		} else {
			refuse_word(cmd, argv[i], false);
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
