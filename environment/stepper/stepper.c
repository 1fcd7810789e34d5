/*
 * The yardstick of lib/bench/stepping.ts: single-steps a thread as fast as C does, keeping nothing but the addresses.
 * Usage: stepper TID STEPS. Prints the steps per second.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static int fail(const char *what) {
  perror(what);
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 3) return fputs("usage: stepper TID STEPS\n", stderr), 1;
  pid_t tid = atoi(argv[1]);
  long steps = atol(argv[2]), *addresses = calloc(steps, sizeof *addresses);
  int status;
  if (!addresses) return fail("calloc");
  if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_EXITKILL)) return fail("PTRACE_SEIZE");
  if (ptrace(PTRACE_INTERRUPT, tid, 0, 0)) return fail("PTRACE_INTERRUPT");
  if (waitpid(tid, &status, __WALL) != tid) return fail("waitpid");
  double start = seconds();
  for (long i = 0; i < steps; i++) {
    if (ptrace(PTRACE_SINGLESTEP, tid, 0, 0)) return fail("PTRACE_SINGLESTEP");
    if (waitpid(tid, &status, __WALL) != tid) return fail("waitpid");
    addresses[i] = ptrace(PTRACE_PEEKUSER, tid, offsetof(struct user_regs_struct, rip), 0);
  }
  printf("%.1f\n", steps / (seconds() - start));
  return ptrace(PTRACE_DETACH, tid, 0, 0) ? fail("PTRACE_DETACH") : 0;
}
