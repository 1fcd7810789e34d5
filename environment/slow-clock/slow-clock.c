/*
   A clock for a thread that is being traced: preloaded, it answers the worker's questions for the time so that its time
   passes 4096 times more slowly.

   A traced request takes up to seconds. Timers that natively come due once in thousands of requests (Envoy formats the
   date every half second, the watchdog is touched every tenth) would come due in each, and be taken for a part of it.
   Other threads keep the true time: their deadlines are compared with the kernel's clock.

   The kernel is asked by a system call instead of through its page of clock functions (vdso), which is what happens
   under Valgrind too: whatever records the program records the same instructions.
*/
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SLOWER_BITS 12
#define NS_PER_S 1000000000L
/* CLOCK_REALTIME to CLOCK_BOOTTIME */
#define CLOCKS 8

static __thread int is_worker;
static __thread long started_ns[CLOCKS];

/* A thread reads the clock before it has its name, so until it is known to be the worker it is asked again. */
static int find_out(void) {
   char name[16];
   return is_worker = prctl(PR_GET_NAME, name) == 0 && strncmp(name, "wrk:worker_", 11) == 0;
}

static long kernel(long number, long first, void* second) {
   long result = number;
   __asm__ volatile("syscall" : "+a"(result) : "D"(first), "S"(second) : "rcx", "r11", "memory");
   return result;
}

int clock_gettime(clockid_t clock, struct timespec* time) {
   long error = kernel(SYS_clock_gettime, clock, time);
   if (error < 0) {
      errno = -error;
      return -1;
   }
   int keeps_time = clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID && clock >= 0 && clock < CLOCKS;
   if (!keeps_time || !(is_worker || find_out())) return 0;
   long now = time->tv_sec * NS_PER_S + time->tv_nsec;
   if (started_ns[clock] == 0) started_ns[clock] = now;
   now = started_ns[clock] + ((now - started_ns[clock]) >> SLOWER_BITS);
   time->tv_sec = now / NS_PER_S;
   time->tv_nsec = now % NS_PER_S;
   return 0;
}

int gettimeofday(struct timeval* time, void* zone) {
   struct timespec now;
   (void)zone;
   if (clock_gettime(CLOCK_REALTIME, &now) != 0) return -1;
   time->tv_sec = now.tv_sec;
   time->tv_usec = now.tv_nsec / 1000;
   return 0;
}
