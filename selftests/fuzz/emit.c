// SPDX-License-Identifier: GPL-2.0-only
/* Programs in C: the runtime, a function for each call, and a main() that gives them to the lanes. */
#include <string.h>

#include <linux/mbox.h>

#include "fuzz.h"

/* place.h, runtime.h, helpers.c, netlink.c and job.c in one, from the Makefile. */
asm(".pushsection .rodata\n"
    "runtime_text: .incbin \"" RUNTIME "\"\n"
    ".byte 0\n"
    ".popsection");
extern const char runtime_text[];

static void print_at(FILE *out, uint64_t at)
{
	static const char *const views[] = { "VIEW_RW", "VIEW_RO", "VIEW_LAZY", "VIEW_GAP", "VIEW_SELF" };
	static const char *const positions[] = { "POS_START", "POS_END", "POS_CROSS", "POS_ODD", "POS_PAGE" };

	if (AT_VIEW(at) >= VIEW_BAD)
		fprintf(out, "AT_BAD(%llu)", (unsigned long long)AT_POS(at) % NR_BAD);
	else
		fprintf(out, "AT(%s, %s)", views[AT_VIEW(at)], positions[AT_POS(at) % POSITIONS]);
	if (at & AT_OTHER)
		fprintf(out, " | AT_OTHER");
}

static void print_number(FILE *out, uint64_t value)
{
	if (value <= 0xffffff)
		fprintf(out, "%llu", (unsigned long long)value);
	else
		fprintf(out, value > UINT32_MAX ? "0x%llxULL" : "0x%llxU", (unsigned long long)value);
}

static void print_csize(FILE *out, const struct call *call)
{
	if (call->arg[ARG_CSIZE] == CSIZE_OWN)
		fprintf(out, "sizeof(arg)");
	else
		print_number(out, call->arg[ARG_CSIZE]);
}

static void print_value(FILE *out, const struct call *call, unsigned int i)
{
	const struct op *op = &ops[call->op];
	const struct field *field = &op->fields[i];
	uint64_t value = call->arg[i];

	switch (field->kind) {
	case K_SLOT:
		if (op->class == OP_HELPER)
			fprintf(out, "%llu", (unsigned long long)value);
		else
			fprintf(out, "slots[%llu]", (unsigned long long)value);
		break;
	case K_BUF:
		if (AT_VIEW(value) != VIEW_SELF) {
			fprintf(out, "data_at(lane, ");
			print_at(out, value);
			fprintf(out, ", ");
			print_number(out, call->arg[field->link]);
		} else if (op->class != OP_IOCTL) {
			fprintf(out, "arg_at(lane, AT(VIEW_RW, POS_START), ");
			print_number(out, call->arg[field->link]);
		} else {
			fprintf(out, "arg_at(lane, ");
			print_at(out, call->arg[ARG_AT]);
			fprintf(out, ", ");
			print_csize(out, call);
		}
		fprintf(out, ")");
		break;
	case K_AT:
		fprintf(out, "arg_at(lane, ");
		print_at(out, value);
		fprintf(out, ", %u)", MAX_ARG);
		break;
	case K_TIME:
		if (TIME_IS_REL(value)) {
			fprintf(out, "deadline(TIME_REL | %llu, ", (unsigned long long)(value & ~TIME_REL));
			print_number(out, call->arg[field->link]);
			fprintf(out, ")");
			break;
		}
		print_number(out, value);
		break;
	case K_PID:
		fprintf(out, "pid_of(");
		print_number(out, value);
		fprintf(out, ")");
		break;
	case K_START:
		fprintf(out, "start_of(");
		print_number(out, value);
		fprintf(out, ")");
		break;
	case K_TOKEN:
		fprintf(out, "token_of(");
		print_number(out, value);
		fprintf(out, ")");
		break;
	case K_BOX:
		fprintf(out, "box_of(");
		print_number(out, value);
		fprintf(out, ")");
		break;
	case K_NAME: {
		char name[MBOX_NAME_SIZE];
		unsigned int length = MBOX_NAME_SIZE, j;

		name_make(name, value);
		while (length && !name[length - 1])
			length--;
		fprintf(out, "\"");
		/* Octal, because a hexadecimal number would take in the next characters. */
		for (j = 0; j < length; j++)
			fprintf(out, name[j] > ' ' && name[j] < 0x7f && name[j] != '\\' && name[j] != '"' ?
				"%c" : "\\%03o", (unsigned char)name[j]);
		fprintf(out, "\"");
		break;
	}
	default:
		print_number(out, value);
		break;
	}
}

static bool is_zero(const struct field *field, uint64_t value)
{
	if (field->kind == K_NAME)
		return (value >> 8 & 0xff) == NAME_NONE;
	return !value && field->kind != K_BUF;
}

/* @tab: the indentation of the lines. */
static void print_ioctl(FILE *out, const struct call *call, const char *tab)
{
	const struct op *op = &ops[call->op];
	unsigned int i;

	fprintf(out, "%s%s arg = {", tab, op->c_type);
	for (i = ARG_STRUCT; i < op->nr_fields; i++) {
		const struct field *field = &op->fields[i];

		if (!field->width || is_zero(field, call->arg[i]))
			continue;
		fprintf(out, "\n%s\t.%s = ", tab, field->member);
		print_value(out, call, i);
		fprintf(out, ",");
	}
	fprintf(out, "\n%s};\n\n%s", tab, tab);
	if (op->makes)
		fprintf(out, "ret = slot_keep(%llu, ", (unsigned long long)call->arg[op->nr_fields - 1]);
	else
		fprintf(out, "ret = ");
	fprintf(out, "%sslots[%llu], ", call->compat ? "ioctl32(" : "sys(SYS_ioctl, ",
		(unsigned long long)call->arg[ARG_FD]);
	if (call->arg[ARG_CSIZE] != CSIZE_OWN || call->arg[ARG_XOR]) {
		fprintf(out, "ioctl_number(%s, ", op->c_name);
		print_csize(out, call);
		fprintf(out, ", 0x%llx)", (unsigned long long)call->arg[ARG_XOR]);
	} else {
		fprintf(out, "%s", op->c_name);
	}
	fprintf(out, ",\n%s\targ_put(lane, ", tab);
	print_at(out, call->arg[ARG_AT]);
	fprintf(out, ", &arg, sizeof(arg), ");
	print_csize(out, call);
	fprintf(out, ", %llu))%s;\n", (unsigned long long)call->arg[ARG_FILL] & 0xff, op->makes ? ")" : "");
}

static void print_syscall(FILE *out, const struct call *call, const char *tab)
{
	const struct op *op = &ops[call->op];
	unsigned int i;

	if (op->makes)
		fprintf(out, "%sret = slot_keep(%llu, sys(%s", tab,
			(unsigned long long)call->arg[op->nr_fields - 1], op->c_name);
	else
		fprintf(out, "%sret = sys(%s", tab, op->c_name);
	for (i = 0; i < op->nr_fields; i++) {
		if (op->fields[i].kind == K_OUT)
			continue;
		fprintf(out, ", ");
		print_value(out, call, i);
	}
	fprintf(out, ")%s;\n", op->makes ? ")" : "");
}

static void print_helper(FILE *out, const struct call *call, const char *tab)
{
	const struct op *op = &ops[call->op];
	unsigned int i;

	fprintf(out, "%sret = %s(lane, (uint64_t[]) { ", tab, op->c_name);
	for (i = 0; i < op->nr_fields; i++) {
		fprintf(out, i ? ", " : "");
		print_value(out, call, i);
	}
	fprintf(out, " });\n");
}

static void print_call(FILE *out, const struct call *call, unsigned int n)
{
	const struct op *op = &ops[call->op];
	bool several = call->times > 1;
	const char *tab = several ? "\t\t" : "\t";

	fprintf(out, "static void call_%u(int lane, const void *unused)\n{\n", n);
	fprintf(out, "\tlong ret;\n\n\t(void)lane;\n\t(void)unused;\n");
	if (several)
		fprintf(out, "\tfor (int i = 0; i < %u; i++) {\n", call->times);
	switch (op->class) {
	case OP_IOCTL:
		print_ioctl(out, call, tab);
		break;
	case OP_SYSCALL:
		print_syscall(out, call, tab);
		break;
	case OP_HELPER:
		print_helper(out, call, tab);
		break;
	}
	if (several)
		fprintf(out, "\t}\n");
	fprintf(out, "\tresults[%u] = ret;\n}\n\n", n);
}

/* Delete the mailbox that a call may have made. */
static void print_forget(FILE *out, const struct call *call)
{
	const struct op *op = &ops[call->op];
	unsigned int i;

	for (i = 0; i < op->nr_fields; i++) {
		if (!op->makes || op->fields[i].kind != K_NAME || is_zero(&op->fields[i], call->arg[i]))
			continue;
		fprintf(out, "\t\tname_delete(");
		print_value(out, call, i);
		fprintf(out, ");\n");
	}
}

/* Write @prog as a C program that needs nothing but the module's header. */
void emit_c(const struct program *prog, FILE *out)
{
	char text[MAX_TEXT];
	unsigned int i;

	program_print(prog, text);
	fprintf(out, "/*\n * gcc -I uapi -o reproducer reproducer.c && ./reproducer [TIMES], as root\n *\n"
		" * The fuzzer's program:\n * ");
	for (i = 0; text[i]; i++)
		fprintf(out, text[i] == ';' ? ";\n *" : "%c", text[i]);
	fprintf(out, "\n */\n\n%s\nstatic long results[%u];\n\n", runtime_text, prog->n);

	for (i = 0; i < prog->n; i++)
		print_call(out, &prog->calls[i], i);

	fprintf(out, "int main(int argc, char **argv)\n{\n\tlong times = argc > 1 ? atol(argv[1]) : 1;\n\tint i;\n\n");
	fprintf(out, "\tfor (i = 0; i < 3; i++)\n\t\tlimit_set(low_limits[i].name, low_limits[i].value);\n");
	fprintf(out, "\tlanes_start();\n\twhile (times-- > 0) {\n");
	for (i = 0; i < prog->n; i++) {
		const struct call *call = &prog->calls[i];

		if (!call->lane)
			fprintf(out, "\t\there(call_%u, NULL);\n", i);
		else
			fprintf(out, "\t\tpost(%u, call_%u, NULL);\n", call->lane, i);
		if (call->lane && call->settle)
			fprintf(out, "\t\tsettle(%u);\n", call->lane);
	}
	fprintf(out, "\t\tdrain();\n\t\tids_restore();\n\t\tlanes_reset();\n\t\tinboxes_empty();\n");
	for (i = 0; i < prog->n; i++)
		print_forget(out, &prog->calls[i]);
	fprintf(out, "\t}\n");
	for (i = 0; i < prog->n; i++)
		fprintf(out, "\tprintf(\"%s: %%ld\\n\", results[%u]);\n", ops[prog->calls[i].op].name, i);
	fprintf(out, "\tlanes_end();\n\treturn 0;\n}\n");
}
