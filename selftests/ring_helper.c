// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring_helper: map a ring and close its handles, so that its mailbox ends; print "mapped", and wait until
 * the module is unloaded. The pages stay, and so do their contents.
 */
#include <fcntl.h>
#include <linux/mbox.h>
#include <linux/mbox_ring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE		65536
#define PATIENCE	600	/* tenths of a second */

static int fail(const char *what)
{
	fprintf(stderr, "ring_helper: %s\n", what);
	return 1;
}

int main(void)
{
	struct mbox_ioc_open arg = {
		.rights = MBOX_RIGHT_RECV | MBOX_RIGHT_SEND, .mode = 0600,
		.lifetime = MBOX_LIFETIME_FD, .ring = SIZE,
	};
	int factory = open("/dev/mbox", O_RDWR | O_CLOEXEC);
	int ring = ioctl(factory, MBOX_IOC_CREATE, &arg);
	unsigned char *data;

	if (factory < 0 || ring < 0)
		return fail("no ring");
	data = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, ring, MBOX_RING_DATA_OFFSET);
	if (data == MAP_FAILED)
		return fail("no mapping");
	memset(data, 'a', SIZE);
	close(ring);
	close(factory);
	puts("mapped");
	fflush(stdout);
	for (int n = 0; !access("/sys/module/mbox", F_OK); n++) {
		if (n == PATIENCE)
			return fail("the module stays");
		usleep(100000);
	}
	for (int i = 0; i < SIZE; i++)
		if (data[i] != 'a')
			return fail("the data are gone");
	memset(data, 'b', SIZE);
	return munmap(data, SIZE) ? fail("cannot unmap") : 0;
}
