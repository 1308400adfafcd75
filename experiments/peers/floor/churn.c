/* The least that a server in C can do for a connection that asks once: accept,
 * read until CRLFCRLF, reply, say that no more comes, read the client's end,
 * close. One thread, one epoll; it parses nothing and has no timers.
 *
 *     churn ADDRESS PORT
 *
 * It ends a connection as medusa's HTTP server does (RFC 9112, 9.6): it closes
 * its half first, so that TIME_WAIT lies on its side, and only then waits for
 * the client's.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 1024, INPUT = 65536, ANSWERED = 4 };

static const char reply[] =
	"HTTP/1.1 200 OK\r\n"
	"Content-Type: text/plain\r\n"
	"Content-Length: 13\r\n"
	"Connection: close\r\n"
	"\r\n"
	"Hello, World!";

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* matched is, for each descriptor, how much of CRLFCRLF its input ended with, 0
 * to 3 bytes, or ANSWERED. */
static unsigned char *matched;

/* serve returns whether the connection goes on. */
static int serve(int fd)
{
	static const char end[] = "\r\n\r\n";
	static char input[INPUT];
	ssize_t n = read(fd, input, sizeof input);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return 0;
	unsigned char state = matched[fd];
	for (ssize_t i = 0; i < n && state != ANSWERED; i++) {
		if (input[i] == end[state])
			state++;
		else
			state = input[i] == '\r';
		if (state == ANSWERED && (send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL) != sizeof reply - 1 || shutdown(fd, SHUT_WR) != 0))
			return 0;
	}
	matched[fd] = state;
	return 1;
}

int main(int argc, char **argv)
{
	static struct epoll_event events[EVENTS];
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct rlimit limit;
	int one = 1;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: churn ADDRESS PORT\n");
		return 2;
	}
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
				if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want) != 0)
					close(fd);
			}
		}
	}
}
