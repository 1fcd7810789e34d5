/*
 * Native load generator: HTTP/1.1 GET, or a statement to MySQL (mysql.h), over kept connections, one thread, epoll.
 *
 * Open loop (--rate R): request k is *intended* at start + k/R, whatever comes back. It is sent at that moment when
 * a connection is free, otherwise first in, first out as soon as one is. The intended time is logged, so a stalled
 * server is charged for every request that should have been sent meanwhile (no coordinated omission).
 * Closed loop (--rate 0): every connection sends its next request when the last is answered.
 *
 * With --close 1 every request asks for its connection to be closed after the answer, and the next opens another.
 *
 * Nothing is written while requests run: the log is kept in memory and written at the end (format: request-log.ts).
 * OpenSSL is loaded at run time and only for --tls, so that building needs nothing but a C compiler.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "mysql.h"

#define HEAD_MAX 16384
#define RETRY_NS 100000000LL   /* a refused connection is tried again after 100 ms */
#define DRAIN_NS 1000000000LL  /* after the last intended request, late answers are awaited for 1 s */
#define NEVER INT64_MAX

static struct {
  const char *host, *path, *log, *account; /* account: MySQL; path is then a statement */
  int port, connections, tls, close;
  double rate, duration, stall;
  long requests;
} option = {.connections = 1, .stall = 10};

typedef struct { int64_t intended, sent, done; int status; } Request; /* ns since start; -1: never */
typedef enum { DOWN, CONNECTING, HANDSHAKE, IDLE, BUSY } State;
typedef enum { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER } Part;

typedef struct {
  int fd;
  State state;
  void *ssl;
  long request;        /* index into requests while BUSY */
  int64_t retry_at;
  const char *out;     /* what is being sent: the request, or a step of a login */
  size_t out_len, out_done;
  Mysql mysql;
  char mysql_out[MYSQL_SEND_MAX];
  Part part;
  char head[HEAD_MAX]; /* the header block, or the current chunk-size or trailer line */
  size_t head_len;
  int64_t left;        /* bytes left of the body or chunk; -1: until the connection closes */
  int status;
  bool close_after;
} Connection;

static Request *requests;
static long issued, settled, capacity;
static Connection *connections;
static int poller, timer;
static int64_t start_ns, last_answer, armed; /* armed: when the timer goes off, 0 once it did */
static char request_text[4096];
static size_t request_len;
static const char *prepare; /* the statement to be prepared on every connection; NULL without */
static int connect_errno;
static volatile sig_atomic_t interrupted;

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "%s: %s\n", what, detail);
  exit(1);
}

static int64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static int64_t now_ns(void) { return clock_ns(CLOCK_MONOTONIC) - start_ns; }

/* ---- TLS: the nine functions of OpenSSL's stable interface (1.1 and 3) that a client needs ---- */

static struct {
  void *ctx;
  void *(*new)(void *);
  int (*set_fd)(void *, int), (*connect)(void *), (*read)(void *, void *, int), (*write)(void *, const void *, int);
  int (*get_error)(const void *, int);
  void (*free)(void *), (*clear_errors)(void);
} tls;

static void *symbol(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) fail("libssl lacks", name);
  return found;
}

static void load_tls(void) {
  void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_GLOBAL);
  if (!library) library = dlopen("libssl.so.1.1", RTLD_NOW | RTLD_GLOBAL);
  if (!library) fail("TLS needs OpenSSL's shared library (Debian: libssl3)", dlerror());
  tls.new = symbol(library, "SSL_new");
  tls.set_fd = symbol(library, "SSL_set_fd");
  tls.connect = symbol(library, "SSL_connect");
  tls.read = symbol(library, "SSL_read");
  tls.write = symbol(library, "SSL_write");
  tls.get_error = symbol(library, "SSL_get_error");
  tls.free = symbol(library, "SSL_free");
  tls.clear_errors = symbol(library, "ERR_clear_error");
  void *(*method)(void) = symbol(library, "TLS_client_method");
  void *(*context)(void *) = symbol(library, "SSL_CTX_new");
  tls.ctx = context(method()); /* its default is not to verify, which is what a self-signed certificate needs */
  if (!tls.ctx) fail("TLS", "SSL_CTX_new failed");
}

/* -1 with EAGAIN when TLS waits for the network, -1 with EIO when it broke, 0 at its end. */
static ssize_t tls_result(Connection *c, int n) {
  if (n > 0) return n;
  int error = tls.get_error(c->ssl, n);
  if (error == 6) return 0;                                 /* SSL_ERROR_ZERO_RETURN */
  errno = error == 2 || error == 3 ? EAGAIN : EIO;          /* SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE */
  return -1;
}
static ssize_t receive(Connection *c, void *into, size_t size) {
  if (!c->ssl) return recv(c->fd, into, size, 0);
  tls.clear_errors();
  return tls_result(c, tls.read(c->ssl, into, (int)size));
}
static ssize_t transmit(Connection *c, const void *from, size_t size) {
  if (!c->ssl) return send(c->fd, from, size, MSG_NOSIGNAL);
  tls.clear_errors();
  return tls_result(c, tls.write(c->ssl, from, (int)size));
}

/* ---- requests ---- */

static int64_t intended_at(long k) { return (int64_t)(k * 1e9 / option.rate); }
static int64_t end_ns(void) { return option.requests ? NEVER : (int64_t)(option.duration * 1e9); }

/* Whether another request is to be sent by now. */
static bool due(int64_t now) {
  if (option.requests && issued >= option.requests) return false;
  if (option.rate == 0) return now < end_ns();
  int64_t next = intended_at(issued);
  return next <= now && next < end_ns();
}

static long issue(int64_t now) {
  if (issued == capacity) {
    capacity = capacity ? capacity * 2 : 1 << 16;
    requests = realloc(requests, capacity * sizeof *requests);
    if (!requests) fail("request log", "out of memory");
  }
  requests[issued] = (Request){.intended = option.rate == 0 ? now : intended_at(issued), .sent = -1, .done = -1};
  return issued++;
}

static void settle(long k, int status, int64_t now) {
  requests[k].status = status;
  requests[k].done = now;
  last_answer = now;
  settled++;
}

/* ---- connections ---- */

static void watch(Connection *c, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(poller, operation, c->fd, &event);
}

static void disconnect(Connection *c) {
  if (c->ssl) tls.free(c->ssl);
  if (c->fd >= 0) close(c->fd);
  c->ssl = NULL;
  c->fd = -1;
  c->state = DOWN;
}

/* A connection that broke takes its request with it; one that cannot be had fails a request that is due. */
static void broken(Connection *c) {
  int64_t now = now_ns();
  if (c->state == BUSY) settle(c->request, 0, now);
  else if (c->state != IDLE && due(now)) settle(issue(now), 0, now);
  disconnect(c);
  c->retry_at = now + RETRY_NS;
}

static void begin_connect(Connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(option.port)};
  if (inet_pton(AF_INET, option.host, &address.sin_addr) != 1) fail("not an IPv4 address", option.host);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) fail("socket", strerror(errno));
  int one = 1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  c->state = CONNECTING;
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) {
    connect_errno = errno;
    broken(c);
    return;
  }
  watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void finish_connect(Connection *c) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error) {
    connect_errno = error;
    broken(c);
    return;
  }
  c->out = request_text;
  c->out_len = request_len;
  c->state = IDLE;
  if (option.account) {
    c->mysql = (Mysql){.stage = GREETING};
    c->out = c->mysql_out;
    c->out_len = c->out_done = 0;
    c->state = HANDSHAKE;
  }
  if (option.tls) {
    c->ssl = tls.new(tls.ctx);
    tls.set_fd(c->ssl, c->fd);
    c->state = HANDSHAKE;
  }
  watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void shake_hands(Connection *c) {
  tls.clear_errors();
  if (tls_result(c, tls.connect(c->ssl)) > 0) c->state = IDLE;
  else if (errno != EAGAIN) {
    connect_errno = EPROTO;
    broken(c);
  }
}

static void write_out(Connection *c) {
  while (c->out_done < c->out_len) {
    ssize_t n = transmit(c, c->out + c->out_done, c->out_len - c->out_done);
    if (n > 0) c->out_done += n;
    else if (errno == EAGAIN) return watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    else return broken(c);
  }
}

/* The login is over: from now on the connection's output is the request. */
static void logged_in(Connection *c) {
  c->out = prepare ? c->mysql_out : request_text;
  c->out_len = prepare ? mysql_execute(c->mysql_out, &c->mysql) : request_len;
  c->state = IDLE;
}

static void log_in(Connection *c) {
  char buffer[4096];
  ssize_t n = receive(c, buffer, sizeof buffer);
  if (n < 0 && errno == EAGAIN) return;
  connect_errno = n > 0 ? 0 : EPROTO;
  for (char *at = buffer; n > 0 && c->state == HANDSHAKE && !connect_errno;) {
    bool whole;
    size_t taken = mysql_take(&c->mysql, at, n, &whole);
    at += taken;
    n -= taken;
    if (!whole) continue;
    MysqlResult meant = mysql_understand(&c->mysql, option.account, prepare, c->mysql_out, &c->out_len);
    if (meant == MYSQL_DONE) logged_in(c);
    if (meant == MYSQL_SEND) c->out_done = 0, write_out(c);
    if (meant == MYSQL_FAILED || meant == MYSQL_FOREIGN) connect_errno = meant == MYSQL_FAILED ? EACCES : EPROTO;
  }
  if (connect_errno) broken(c);
}

static void send_request(Connection *c, int64_t now) {
  c->request = issue(now);
  requests[c->request].sent = now;
  c->state = BUSY;
  c->part = HEAD;
  c->head_len = c->out_done = 0;
  c->mysql.stage = FIRST;
  write_out(c);
}

static void answered(Connection *c) {
  settle(c->request, c->status, now_ns());
  c->state = IDLE;
  if (c->close_after) {
    disconnect(c);
    c->retry_at = 0;
  }
}

/* ---- answers ---- */

static const char *header(const char *head, const char *name) {
  size_t length = strlen(name);
  for (const char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
    line++;
    if (strncasecmp(line, name, length) == 0 && line[length] == ':') return line + length + 1 + strspn(line + length + 1, " ");
  }
  return NULL;
}

/* Reads status and framing from the complete header block; false when it is not HTTP/1. */
static bool read_head(Connection *c) {
  if (sscanf(c->head, "HTTP/1.%*1d %3d", &c->status) != 1) return false;
  const char *length = header(c->head, "content-length"), *coding = header(c->head, "transfer-encoding");
  const char *connection = header(c->head, "connection");
  c->close_after = option.close || (connection && strncasecmp(connection, "close", 5) == 0);
  bool chunked = coding && strncasecmp(coding, "chunked", 7) == 0, empty = c->status == 204 || c->status == 304;
  c->left = length ? atoll(length) : empty ? 0 : -1;
  c->part = chunked ? CHUNK_SIZE : BODY;
  c->head_len = 0;
  return true;
}

/* Collects bytes up to and including `end` in c->head. Returns how many were taken; *whole says whether `end` came. */
static ssize_t collect(Connection *c, const char *at, size_t size, const char *end, bool *whole) {
  size_t end_len = strlen(end);
  for (size_t i = 0; i < size; i++) {
    if (c->head_len + 1 >= HEAD_MAX) return -1;
    c->head[c->head_len++] = at[i];
    if (c->head_len >= end_len && memcmp(c->head + c->head_len - end_len, end, end_len) == 0) {
      c->head[c->head_len] = 0;
      *whole = true;
      return i + 1;
    }
  }
  return size;
}

/* Takes some bytes of the answer. Returns how many, -1 when they are not HTTP; *complete once the answer is. */
static ssize_t take(Connection *c, const char *at, size_t size, bool *complete) {
  bool whole = false;
  ssize_t taken;
  switch (c->part) {
    case HEAD:
      taken = collect(c, at, size, "\r\n\r\n", &whole);
      if (!whole) return taken;
      if (!read_head(c)) return -1;
      *complete = c->part == BODY && c->left == 0;
      return taken;
    case BODY:
    case CHUNK_DATA:
      taken = c->left < 0 || (int64_t)size < c->left ? (ssize_t)size : c->left;
      if (c->left >= 0) c->left -= taken;
      if (c->left == 0 && c->part == BODY) *complete = true;
      else if (c->left == 0) c->part = CHUNK_END, c->head_len = 0;
      return taken;
    case CHUNK_SIZE:
    case CHUNK_END:
    case TRAILER:
      taken = collect(c, at, size, "\r\n", &whole);
      if (!whole) return taken;
      if (c->part == CHUNK_SIZE) {
        c->left = strtoll(c->head, NULL, 16);
        c->part = c->left ? CHUNK_DATA : TRAILER;
      } else if (c->part == CHUNK_END) c->part = CHUNK_SIZE;
      else *complete = c->head_len == 2; /* the empty line ends the trailer */
      c->head_len = 0;
      return taken;
  }
  return -1;
}

/* The same for MySQL. */
static ssize_t take_mysql(Connection *c, const char *at, size_t size, bool *complete) {
  bool whole;
  size_t taken = mysql_take(&c->mysql, at, size, &whole);
  if (!whole) return taken;
  MysqlResult meant = mysql_understand(&c->mysql, option.account, prepare, c->mysql_out, &c->out_len);
  if (meant == MYSQL_FOREIGN) return -1;
  c->status = meant == MYSQL_FAILED ? 500 : 200;
  *complete = meant == MYSQL_FAILED || meant == MYSQL_DONE;
  return taken;
}

static void read_answer(Connection *c) {
  static char buffer[1 << 17];
  for (;;) {
    ssize_t n = receive(c, buffer, sizeof buffer);
    if (n < 0 && errno == EAGAIN) return;
    if (n == 0 && c->state == BUSY && c->part == BODY && c->left < 0) {
      c->close_after = true;
      return answered(c);
    }
    if (n <= 0 || c->state != BUSY) return broken(c);
    for (char *at = buffer; n > 0;) {
      bool complete = false;
      ssize_t taken = option.account ? take_mysql(c, at, n, &complete) : take(c, at, n, &complete);
      if (taken < 0) return broken(c);
      at += taken;
      n -= taken;
      if (complete) return n > 0 ? broken(c) : answered(c);
    }
    if (!c->ssl) return; /* level-triggered: what is left is reported again; OpenSSL may hold bytes itself */
  }
}

/* ---- the loop ---- */

static void on_event(Connection *c, uint32_t events) {
  if (c->state == CONNECTING) finish_connect(c);
  if (c->state == HANDSHAKE && c->ssl) return shake_hands(c);
  if ((c->state == BUSY || c->state == HANDSHAKE) && c->out_done < c->out_len && events & EPOLLOUT) {
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    write_out(c);
  }
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  if (c->state == HANDSHAKE) log_in(c);
  else if (c->state == BUSY || c->state == IDLE) read_answer(c);
}

/* A signal ends the schedule, not what is under way: that is awaited as at any other end. */
static void heed_signal(int64_t now) {
  if (interrupted && !option.requests && now < end_ns()) option.duration = now / 1e9;
}

/* Sends what is due by `now` on free connections, in turn, and connects those that are down. */
static void dispatch(int64_t now) {
  static int turn;
  for (int i = 0; i < option.connections; i++) {
    Connection *c = &connections[(turn + i) % option.connections];
    if (c->state == DOWN && c->retry_at <= now && now < end_ns()) begin_connect(c);
    if (c->state != IDLE || !due(now)) continue;
    send_request(c, now);
    if (option.rate > 0 && !due(now)) {
      turn = (turn + i + 1) % option.connections;
      break;
    }
  }
}

/*
 * Wakes the loop at the next intended request, or after RETRY_NS at the latest.
 * `now` is the one that dispatch() had: by it, a request still due waits for a connection to become free, which is an
 * event of its own. By a later clock, one that came due in between would be taken for such, and sleep for RETRY_NS.
 */
static void arm(int64_t now) {
  int64_t at = now + RETRY_NS;
  bool more = option.rate > 0 && (!option.requests || issued < option.requests);
  if (more && intended_at(issued) > now && intended_at(issued) < at) at = intended_at(issued);
  if (armed > now && armed <= at) return;
  armed = at;
  at += start_ns;
  struct itimerspec when = {.it_value = {at / 1000000000LL, at % 1000000000LL}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void wait_for_events(int timeout_ms) {
  struct epoll_event events[256];
  int n = epoll_wait(poller, events, 256, timeout_ms);
  for (int i = 0; i < n; i++) {
    if (events[i].data.ptr) on_event(events[i].data.ptr, events[i].events);
    else armed = 0;
  }
}

static bool finished(int64_t now) {
  heed_signal(now);
  if (!option.requests) return now >= end_ns() && (settled == issued || now >= end_ns() + DRAIN_NS);
  bool stalled = now - last_answer > option.stall * 1e9 && (settled < issued || due(now));
  return interrupted || settled >= option.requests || stalled;
}

/* The connections stand before the clock starts, so that the first requests do not pay for them. */
static void connect_all(void) {
  connections = calloc(option.connections, sizeof *connections);
  int64_t deadline = clock_ns(CLOCK_MONOTONIC) + (int64_t)(option.stall * 1e9);
  start_ns = deadline; /* nothing is due yet */
  for (int i = 0; i < option.connections; i++) connections[i].fd = -1, begin_connect(&connections[i]);
  for (bool all = false; !all && !interrupted;) {
    all = true;
    for (int i = 0; i < option.connections; i++) all = all && connections[i].state == IDLE;
    if (connect_errno || clock_ns(CLOCK_MONOTONIC) > deadline) {
      fprintf(stderr, "cannot connect to %s:%d: %s\n", option.host, option.port, strerror(connect_errno ? connect_errno : ETIMEDOUT));
      exit(2);
    }
    if (!all) wait_for_events(100);
  }
}

/* Requests that should have been sent and never were belong into the log too: those due by now, and all of a batch. */
static void issue_owed(int64_t now) {
  while (option.requests ? issued < option.requests : option.rate > 0 && due(now)) issue(now);
}

static void write_log(int64_t epoch_us) {
  FILE *out = fopen(option.log, "w");
  if (!out) fail(option.log, strerror(errno));
  setvbuf(out, NULL, _IOFBF, 1 << 20);
  fprintf(out, "# request log 1\n# startUs %lld\n# intendedUs sentUs doneUs status\n", (long long)epoch_us);
  for (long k = 0; k < issued; k++) {
    Request *r = &requests[k];
    fprintf(out, "%lld\t%lld\t%lld\t%d\n", (long long)r->intended / 1000, r->sent < 0 ? -1LL : (long long)r->sent / 1000,
            r->done < 0 ? -1LL : (long long)r->done / 1000, r->status);
  }
  fprintf(out, "# end %ld\n", issued);
  if (fflush(out) || ferror(out) || fclose(out)) fail(option.log, strerror(errno));
}

static void parse_options(int argc, char **argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--host")) option.host = value;
    else if (!strcmp(name, "--port")) option.port = atoi(value);
    else if (!strcmp(name, "--path")) option.path = value;
    else if (!strcmp(name, "--log")) option.log = value;
    else if (!strcmp(name, "--account")) option.account = value;
    else if (!strcmp(name, "--tls")) option.tls = atoi(value);
    else if (!strcmp(name, "--close")) option.close = atoi(value);
    else if (!strcmp(name, "--connections")) option.connections = atoi(value);
    else if (!strcmp(name, "--rate")) option.rate = atof(value);
    else if (!strcmp(name, "--duration")) option.duration = atof(value);
    else if (!strcmp(name, "--requests")) option.requests = atol(value);
    else if (!strcmp(name, "--stall")) option.stall = atof(value);
    else fail("unknown option", name);
  }
  bool bounded = (option.duration > 0) != (option.requests > 0);
  if (!option.host || !option.path || !option.log || !bounded || option.connections < 1 || option.rate < 0)
    fail("usage", "--host IP --port N (--path /P [--tls 1] [--close 1] | --path STATEMENT --account NAME) --log FILE --connections N --rate R|0 (--duration S | --requests N [--stall S])");
  static const char prepared[] = "PREPARED ";
  if (strlen(option.path) + 16 > sizeof request_text) fail("path too long", option.path);
  if (option.account && (option.tls || option.close)) fail("usage", "MySQL without --tls and --close");
  if (option.account && !strncmp(option.path, prepared, strlen(prepared))) prepare = option.path + strlen(prepared);
  if (option.account) request_len = mysql_command(request_text, 3, option.path);
  else request_len = snprintf(request_text, sizeof request_text, "GET %s HTTP/1.1\r\nHost: %s:%d\r\n%s\r\n", option.path, option.host, option.port,
                              option.close ? "Connection: close\r\n" : "");
  if (request_len >= sizeof request_text) fail("path too long", option.path);
}

static void interrupt(int signal) {
  (void)signal;
  interrupted = 1;
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  signal(SIGTERM, interrupt);
  signal(SIGINT, interrupt);
  signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
  prctl(PR_SET_TIMERSLACK, 1); /* the kernel may otherwise wake us 50 us late */
  if (option.tls) load_tls();
  poller = epoll_create1(EPOLL_CLOEXEC);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN | EPOLLET}; /* edge-triggered: an expired timer needs no read */
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &event);
  connect_all();

  start_ns = clock_ns(CLOCK_MONOTONIC);
  int64_t epoch_us = clock_ns(CLOCK_REALTIME) / 1000;
  printf("started %lld\n", (long long)epoch_us);
  if (fflush(stdout)) fail("standard output", strerror(errno));
  while (!finished(now_ns())) {
    int64_t now = now_ns();
    dispatch(now);
    arm(now);
    wait_for_events(-1);
  }
  issue_owed(now_ns());
  write_log(epoch_us);
  return 0;
}
