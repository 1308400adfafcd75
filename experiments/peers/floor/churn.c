/* The least that a server in C can do when each reply has a connection of its
 * own: one thread, one epoll, one fixed HTTP response for the first CRLFCRLF that
 * comes, and then it closes first, so that TIME_WAIT is the server's as it is
 * medusa's. It parses nothing and has no timers and no output queue.
 *
 *     churn ADDRESS PORT close|staged
 *
 * close: accept4, read, send, close. What a client may still send is answered
 * with a reset, which can destroy the reply on its way.
 * staged: as RFC 9112 9.6 wants it, which medusa does: accept4, read, send with
 * MSG_MORE and shutdown, so that the reply and the FIN are one packet, then wait
 * for the client's FIN, and close.
 *
 * What is accepted is read at once, as the request is often there by then; only
 * what has to be waited for is added to epoll. A client that never sends its
 * request, or in `staged` its FIN, keeps its descriptor.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 1024, INPUT = 65536, ANSWERED = 4 };

static const char reply[] =
	"HTTP/1.1 200 OK\r\n"
	"Connection: close\r\n"
	"Content-Type: text/plain\r\n"
	"Content-Length: 13\r\n"
	"\r\n"
	"Hello, World!";

/* matched is, for each descriptor, how much of CRLFCRLF its input ended with (0
 * to 3 bytes), or ANSWERED. */
static unsigned char *matched;
static int staged;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void match(int fd, const char *p, size_t n)
{
	static const char end[] = "\r\n\r\n";
	unsigned char state = matched[fd];
	for (size_t i = 0; i < n && state < ANSWERED; i++)
		state = p[i] == end[state] ? state + 1 : p[i] == '\r';
	matched[fd] = state;
}

/* serve returns whether the connection is to be waited for. */
static int serve(int fd)
{
	static char input[INPUT];
	ssize_t n = read(fd, input, sizeof input);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return 0;
	if (matched[fd] == ANSWERED)
		return 1; /* what comes after the request is dropped until the FIN */
	match(fd, input, (size_t)n);
	if (matched[fd] != ANSWERED)
		return 1;
	ssize_t size = sizeof reply - 1;
	if (send(fd, reply, (size_t)size, MSG_NOSIGNAL | (staged ? MSG_MORE : 0)) != size)
		return 0;
	return staged && shutdown(fd, SHUT_WR) == 0;
}

int main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS];
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct rlimit limit;
	int one = 1;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 ||
	    (strcmp(argv[3], "close") != 0 && strcmp(argv[3], "staged") != 0)) {
		fprintf(stderr, "usage: churn ADDRESS PORT close|staged\n");
		return 2;
	}
	staged = strcmp(argv[3], "staged") == 0;
	at.sin_port = htons((unsigned short)atoi(argv[2]));
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		fail("getrlimit");
	matched = calloc(limit.rlim_cur, 1);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (matched == NULL || listener < 0)
		fail("socket");
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	/* What is accepted inherits it. */
	setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0)
		fail("listen");
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event want = {.events = EPOLLIN, .data.fd = listener};
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &want) != 0)
		fail("epoll");

	for (;;) {
		int n = epoll_wait(ep, events, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			fail("epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd != listener) {
				if (!serve(fd))
					close(fd);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
				matched[fd] = 0;
				want.data.fd = fd;
				if (!serve(fd) || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want) != 0)
					close(fd);
			}
		}
	}
}
