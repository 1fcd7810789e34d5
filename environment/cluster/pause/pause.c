/*
 * The process that holds a pod: it keeps the pod's namespaces open while containers come and go, and, as process 1 where
 * containers share its process ids, takes in children that lost their parent.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void take_in(int signal_number) {
  (void)signal_number;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

int main(void) {
  signal(SIGINT, end);
  signal(SIGTERM, end);
  signal(SIGCHLD, take_in);
  for (;;) {
    pause();
  }
}
