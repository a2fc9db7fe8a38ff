/* Tells a program that it is ten years later than it is. `another_year.rs` compiles it with the toolchain under test and
 * has every dynamic program load it. Needs nothing of a C library but `syscall`, so that any host's can load it too.
 * The times of files stay true: they differ between any two builds anyway. */

#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LATER (3653L * 24 * 60 * 60)

int clock_gettime(clockid_t clock, struct timespec *now)
{
	long failed = syscall(SYS_clock_gettime, clock, now);

	if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI))
		now->tv_sec += LATER;
	return (int)failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &exact);
	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec exact;

	clock_gettime(CLOCK_REALTIME, &exact);
	if (out)
		*out = exact.tv_sec;
	return exact.tv_sec;
}

int timespec_get(struct timespec *now, int base)
{
	return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, now) ? base : 0;
}

/* The first program of a step says which year it sees: the step's log has it. */
__attribute__((constructor)) static void say(void)
{
	const char *name = program_invocation_short_name;
	time_t now = time(NULL);

	if ((!strcmp(name, "make") || !strcmp(name, "cargo")) && !getenv("MAKELEVEL"))
		fprintf(stderr, "%s sees the year %d\n", name, gmtime(&now)->tm_year + 1900);
}
