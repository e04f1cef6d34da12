/* SPDX-License-Identifier: GPL-2.0-only */
/* The numbers that stand for addresses and times, in programs and in reproducers. */
#ifndef PLACE_H
#define PLACE_H

#define LANES		6	/* processes that make calls */
#define LANE_FORK	9	/* one made for the call, with its own table of files */
#define SLOTS		10	/* for descriptors */
#define OWN_SLOTS	2	/* of these, the contents for each program */

/* A place: a view of some memory, where in it, and whether it is of the lane or of the next. */
enum view { VIEW_RW, VIEW_RO, VIEW_LAZY, VIEW_GAP, VIEW_SELF, VIEW_BAD };
enum position { POS_START, POS_END, POS_CROSS, POS_ODD, POS_PAGE, POSITIONS };

#define NR_BAD		12
#define AT(view, pos)	((view) | (pos) << 8)
#define AT_BAD(n)	(VIEW_BAD | (n) << 8)
#define AT_OTHER	(1 << 16)
#define AT_VIEW(at)	((at) & 0xff)
#define AT_POS(at)	((at) >> 8 & 0xff)

/* A deadline: nanoseconds, or these from now on. */
#define TIME_REL	(1ULL << 62)
#define TIME_IS_REL(t)	((t) >> 62 == 1)

/* The size of the argument of an ioctl: the one that it has. */
#define CSIZE_OWN	0xffffffffULL

/* All payloads consist of these bytes. */
#define PAYLOAD_BYTE	0x5a

#endif /* PLACE_H */
