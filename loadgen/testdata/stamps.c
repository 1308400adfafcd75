// Do the kernel's receive stamps tell the server's time from the client's wake-up?
// gcc -O2 -o stamps stamps.c -lpthread && ./stamps [requests a mode] # 3000 take half a minute
//
// A server thread on CPU 0 busy-waits a time of its own for each request (20, 50 or
// 200 us) and keeps the clock just before and after its send. A client thread on
// CPU 1 sends 64 bytes, waits (epoll, or polling), and reads with recvmsg. All times
// are CLOCK_REALTIME of one machine, so differences need no conversion.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#define SIZE 64
#define DIE(x) do { perror(x); exit(1); } while (0)
typedef int64_t ns;
static ns now(clockid_t c) { struct timespec t; clock_gettime(c, &t); return t.tv_sec * 1000000000LL + t.tv_nsec; }
static ns rt(void) { return now(CLOCK_REALTIME); }
static void pin(int cpu) {
  cpu_set_t s; CPU_ZERO(&s); CPU_SET(cpu, &s);
  if (sched_setaffinity(0, sizeof s, &s)) DIE("sched_setaffinity");
}
static int n = 4000, lfd, mode_split;
static ns *s_read, *s_before, *s_after, *s_rx; // of the server
static ns *c_send, *c_sent, *c_rx, *c_user, *c_wake; // of the client
static ns *t_sched, *t_sw, *t_ack;              // of the client's sends
static ns stamp_of(struct msghdr *m) {
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
      struct timespec *t = (struct timespec *)CMSG_DATA(c);
      return t->tv_sec * 1000000000LL + t->tv_nsec;
    }
  return 0;
}
static ssize_t receive(int fd, char *p, size_t len, int flags, ns *at) {
  char ctl[512];
  struct iovec v = {p, len};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl};
  ssize_t k = recvmsg(fd, &m, flags);
  if (k >= 0) *at = stamp_of(&m);
  return k;
}
static void ask(int fd, unsigned flags) {
  if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags)) DIE("SO_TIMESTAMPING");
}
static void *server(void *arg) {
  pin(0);
  int fd = accept(lfd, 0, 0), on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ask(fd, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
  char buf[SIZE];
  static const ns delays[] = {20000, 50000, 200000};
  for (int i = 0; i < n; i++) {
    for (int got = 0; got < SIZE;) {
      ssize_t k = receive(fd, buf + got, SIZE - got, 0, &s_rx[i]);
      if (k <= 0) DIE("server recvmsg");
      got += k;
    }
    s_read[i] = rt();
    ns until = s_read[i] + delays[i % 3];
    while (rt() < until);
    s_before[i] = rt();
    if (mode_split) { // one reply in two segments, 30 us apart
      if (send(fd, buf, SIZE / 2, 0) < 0) DIE("send");
      until = rt() + 30000;
      while (rt() < until);
      s_before[i] = rt();
      if (send(fd, buf, SIZE / 2, 0) < 0) DIE("send");
    } else if (send(fd, buf, SIZE, 0) < 0) DIE("send");
    s_after[i] = rt();
  }
  close(fd);
  return 0;
}
// errors drains the error queue: stamps of sends, told apart by the last byte's number.
static int errors(int fd) {
  int reads = 0;
  for (;;) {
    char ctl[512], p[SIZE];
    struct iovec v = {p, sizeof p};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl};
    reads++;
    if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return reads;
    ns at = stamp_of(&m);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
      if (c->cmsg_level != SOL_IP || c->cmsg_type != IP_RECVERR) continue;
      struct sock_extended_err *e = (void *)CMSG_DATA(c);
      int i = e->ee_data / SIZE;
      if (e->ee_origin != SO_EE_ORIGIN_TIMESTAMPING || i >= n) continue;
      ns *into = e->ee_info == SCM_TSTAMP_SCHED ? t_sched : e->ee_info == SCM_TSTAMP_SND ? t_sw : t_ack;
      into[i] = at;
    }
  }
}
static int cmp(const void *a, const void *b) { ns x = *(ns *)a, y = *(ns *)b; return x < y ? -1 : x > y; }
// row prints quantiles of a difference; entries where either is missing are counted.
static void row(const char *name, ns *b, ns *a) {
  ns *d = malloc(n * sizeof *d);
  int k = 0, missing = 0, neg = 0;
  for (int i = 50; i < n; i++) {
    if (!a[i] || !b[i]) { missing++; continue; }
    d[k++] = b[i] - a[i];
    neg += b[i] < a[i];
  }
  if (!k) { printf("  %-42s none\n", name); free(d); return; }
  qsort(d, k, sizeof *d, cmp);
  printf("  %-42s p1 %8.1f  p50 %8.1f  p90 %8.1f  p99 %9.1f  max %9.1f us  negative %d  missing %d\n", name, d[k / 100] / 1e3, d[k / 2] / 1e3,
         d[k * 9 / 10] / 1e3, d[k * 99 / 100] / 1e3, d[k - 1] / 1e3, neg, missing);
  free(d);
}
enum { SPIN = 1, TX = 2, SPLIT = 4 };
static void run(const char *name, int mode) {
  mode_split = mode & SPLIT;
  for (ns **p[] = {&s_read, &s_before, &s_after, &s_rx, &c_send, &c_sent, &c_rx, &c_user, &c_wake, &t_sched, &t_sw, &t_ack, 0}, ***q = p; *q; q++)
    **q = calloc(n, sizeof(ns));
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  lfd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(lfd, (void *)&a, len) || listen(lfd, 1) || getsockname(lfd, (void *)&a, &len)) DIE("listen");
  pthread_t t;
  pthread_create(&t, 0, server, 0);
  pin(1);
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (connect(fd, (void *)&a, len)) DIE("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  unsigned flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  if (mode & TX) flags |= SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
  ask(fd, flags);
  int ep = epoll_create1(0);
  struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
  char buf[SIZE] = "x";
  long reads = 0, waits = 0, spurious = 0, queue = 0;
  ns cpu = now(CLOCK_THREAD_CPUTIME_ID);
  for (int i = 0; i < n; i++) {
    struct timespec gap = {0, 200000}; // the server's CPU sleeps between
    nanosleep(&gap, 0);
    c_send[i] = rt();
    if (send(fd, buf, SIZE, 0) != SIZE) DIE("client send");
    c_sent[i] = rt();
    for (int got = 0; got < SIZE;) {
      if (!(mode & SPIN)) {
        if (epoll_wait(ep, &ev, 1, 1000) == 0) { fprintf(stderr, "no reply\n"); exit(1); }
        waits++;
        c_wake[i] = rt();
        if ((ev.events & EPOLLERR) && (mode & TX)) { queue += errors(fd); if (!(ev.events & EPOLLIN)) { spurious++; continue; } }
      }
      ns at = 0;
      ssize_t k = receive(fd, buf + got, SIZE - got, MSG_DONTWAIT, &at);
      reads++;
      if (k < 0) { if (errno == EAGAIN) continue; DIE("client recvmsg"); }
      if (k == 0) exit(1);
      got += k;
      c_rx[i] = at; // of the last byte read
    }
    c_user[i] = rt();
    if (mode & TX) queue += errors(fd);
  }
  cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
  if (mode & TX) { usleep(50000); errors(fd); }
  pthread_join(t, 0);
  printf("%s (%d requests; recvmsg %.2f, epoll_wait %.2f a request, %.2f of them for stamps only; error queue read %.2f times a request; client's CPU %.1f us a request)\n", name, n, (double)reads / n, (double)waits / n, (double)spurious / n, (double)queue / n, cpu / 1e3 / n);
  ns *service = calloc(n, sizeof(ns)), *zero = calloc(n, sizeof(ns));
  row("client's rx stamp - server before send", c_rx, s_before);
  row("server after send - client's rx stamp", s_after, c_rx);
  row("user got it - client's rx stamp (wake)", c_user, c_rx);
  row("user got it - server before send", c_user, s_before);
  row("server's rx stamp - client before send", s_rx, c_send);
  row("server read it - server's rx stamp (wake)", s_read, s_rx);
  if (mode & TX) {
    row("tx SCHED - client before send", t_sched, c_send);
    row("tx SOFTWARE - client before send", t_sw, c_send);
    row("server's rx stamp - tx SOFTWARE", s_rx, t_sw);
    row("tx ACK - tx SOFTWARE", t_ack, t_sw);
    row("client's rx stamp - tx ACK", c_rx, t_ack);
  }
  for (int i = 0; i < n; i++) service[i] = c_rx[i] - c_send[i], zero[i] = s_before[i] - s_rx[i];
  row("(rx stamp - send) - (server's own time)", service, zero);
  for (int i = 0; i < n; i++) service[i] = c_user[i] - c_send[i];
  row("(user - send) - (server's own time)", service, zero);
  close(fd); close(ep); close(lfd);
}
// cost compares reads of one byte that is there: read, recvmsg, recvmsg with a stamp.
static void cost(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof a;
  int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (bind(l, (void *)&a, len) || listen(l, 1) || getsockname(l, (void *)&a, &len) || connect(c, (void *)&a, len)) DIE("connect");
  int s = accept(l, 0, 0);
  setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  pin(1);
  const char *names[] = {"recv", "recvmsg, no stamp asked for", "recvmsg with a stamp"};
  const int rounds = 41, each = 2000;
  ns send_ns[3][64], read_ns[3][64];
  for (int r = 0; r < rounds; r++)
    for (int k = 0; k < 3; k++) {
      ask(s, k == 2 ? SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE : 0);
      char p[SIZE] = "";
      ns in = 0, out = 0, at;
      for (int i = 0; i < each; i++) {
        ns t0 = now(CLOCK_THREAD_CPUTIME_ID);
        if (send(c, p, SIZE, 0) != SIZE) DIE("send");
        ns t1 = now(CLOCK_THREAD_CPUTIME_ID);
        ssize_t got = k == 0 ? recv(s, p, SIZE, 0) : receive(s, p, SIZE, 0, &at);
        ns t2 = now(CLOCK_THREAD_CPUTIME_ID);
        if (got != SIZE) DIE("short");
        out += t1 - t0, in += t2 - t1;
      }
      send_ns[k][r] = out / each, read_ns[k][r] = in / each;
    }
  printf("CPU of a call with 64 bytes there, medians of %d interleaved rounds of %d (a clock read included)\n", rounds, each);
  for (int k = 0; k < 3; k++) {
    ns d[64], e[64];
    for (int r = 0; r < rounds; r++) d[r] = read_ns[k][r] - read_ns[0][r], e[r] = send_ns[k][r] - send_ns[0][r];
    qsort(d, rounds, sizeof *d, cmp);
    qsort(e, rounds, sizeof *e, cmp);
    ns copy[64];
    memcpy(copy, read_ns[k], sizeof copy);
    qsort(copy, rounds, sizeof(ns), cmp);
    printf("  %-30s %6ld ns; against recv, paired: read %+ld, and the send before it (receive path) %+ld\n", names[k], (long)copy[rounds / 2], (long)d[rounds / 2], (long)e[rounds / 2]);
  }
  // Two segments unread: whose stamp? Of the last byte that a read takes.
  ask(s, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
  char p[8];
  ns sent[2], at, first;
  for (int whole = 1; whole >= 0; whole--) {
    for (int i = 0; i < 2; i++) { sent[i] = rt(); if (send(c, "xy", 2, 0) != 2) DIE("send"); usleep(2000); }
    if (whole) {
      if (receive(s, p, 4, 0, &at) != 4) DIE("recvmsg");
      printf("two segments 2 ms apart, read at once: the stamp is %.0f us after the first was sent, %.0f after the second\n", (at - sent[0]) / 1e3, (at - sent[1]) / 1e3);
    } else {
      if (receive(s, p, 1, 0, &first) != 1 || receive(s, p, 3, 0, &at) != 3) DIE("recvmsg");
      printf("one byte of them, then three: stamps %.0f us after the first was sent, and %.0f after the second\n", (first - sent[0]) / 1e3, (at - sent[1]) / 1e3);
    }
  }
}
// offset tells how far CLOCK_REALTIME and CLOCK_MONOTONIC move apart in 5 s: a loop on
// the one has to convert stamps of the other.
static void offset(void) {
  ns lo = 0, hi = 0, first = 0, end = now(CLOCK_MONOTONIC) + 5000000000LL;
  long taken = 0, refused = 0;
  while (now(CLOCK_MONOTONIC) < end) {
    ns a = now(CLOCK_MONOTONIC), r = rt(), b = now(CLOCK_MONOTONIC);
    if (b - a > 150) { refused++; usleep(100); continue; } // interrupted between
    ns o = r - (a + b) / 2;
    if (!taken++) first = lo = hi = o;
    if (o < lo) lo = o;
    if (o > hi) hi = o;
    usleep(1000);
  }
  printf("realtime less monotonic over 5 s: within %ld to %+ld ns of the first reading (%ld readings, %ld refused as interrupted)\n", (long)(lo - first), (long)(hi - first), taken, refused);
}
int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IOLBF, 0);
  if (argc > 1) n = atoi(argv[1]);
  run("client blocks in epoll", 0);
  run("client polls", SPIN);
  run("client blocks in epoll, stamps of sends", TX);
  run("client polls, stamps of sends", SPIN | TX);
  run("reply in two segments, client blocks", SPLIT);
  cost();
  offset();
}
