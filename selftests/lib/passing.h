/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptors passed over UNIX sockets. */
#ifndef LIB_PASSING_H
#define LIB_PASSING_H

int fd_pass(int sock, int fd);
int fd_take(int sock);

#endif
