// SPDX-License-Identifier: GPL-2.0-only
/*
 * pty_helper ROWS COLUMNS COMMAND [ARG...]: run a command on a terminal of this size, type standard
 * input there, and print its output. Ends as the command does.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Pass on all input that is there. Return false at the end. */
static int pass(int from, int to)
{
	char buffer[4096];
	ssize_t size = read(from, buffer, sizeof(buffer));

	if (size <= 0)
		return size < 0 && errno == EINTR;
	return write(to, buffer, size) == size;
}

int main(int argc, char **argv)
{
	struct winsize window = { 0 };
	struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .events = POLLIN } };
	int master, status;
	pid_t pid;

	if (argc < 4)
		return 125;
	window.ws_row = atoi(argv[1]);
	window.ws_col = atoi(argv[2]);
	pid = forkpty(&master, NULL, NULL, &window);
	if (pid < 0) {
		perror("pty_helper");
		return 125;
	}
	if (pid == 0) {
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	fds[1].fd = master;
	/* The terminal is gone with the last that has it open. */
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		if (fds[0].revents && !pass(STDIN_FILENO, master))
			fds[0].fd = -1;
		if (fds[1].revents && !pass(master, STDOUT_FILENO))
			break;
	}
	if (waitpid(pid, &status, 0) != pid)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
