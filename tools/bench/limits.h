/* SPDX-License-Identifier: GPL-2.0-only */
/* Limits of the system that the workloads exceed; root may raise them for the time of a run. */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

void limits_raise(void);
void limits_restore(void);

#endif /* BENCH_LIMITS_H */
