/* The least that a server in C can do: one thread, one epoll, one fixed HTTP
 * response for each CRLFCRLF that comes. It parses nothing, has no timers and no
 * output queue. What a real server costs above it is the price of being one.
 *
 *     floor ADDRESS PORT
 *
 * A reply that does not fit into the socket's buffer closes the connection: with
 * 13 bytes of content a client would have to leave thousands of replies unread.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 1024, INPUT = 65536, MOST = 64 };

static const char reply[] =
	"HTTP/1.1 200 OK\r\n"
	"Content-Type: text/plain\r\n"
	"Content-Length: 13\r\n"
	"\r\n"
	"Hello, World!";

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* matched is, for each descriptor, how much of CRLFCRLF its input ended with:
 * 0 to 3 bytes. */
static unsigned char *matched;

static int requests(int fd, const char *p, size_t n)
{
	static const char end[] = "\r\n\r\n";
	unsigned char state = matched[fd];
	int count = 0;
	for (size_t i = 0; i < n; i++) {
		if (p[i] == end[state])
			state++;
		else
			state = p[i] == '\r';
		if (state == 4) {
			count++;
			state = 0;
		}
	}
	matched[fd] = state;
	return count;
}

/* serve returns whether the connection goes on. */
static int serve(int fd, const char *replies)
{
	static char input[INPUT];
	ssize_t n = read(fd, input, sizeof input);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return 0;
	for (int left = requests(fd, input, (size_t)n); left > 0;) {
		int now = left < MOST ? left : MOST;
		size_t size = (size_t)now * (sizeof reply - 1);
		if (send(fd, replies, size, MSG_NOSIGNAL) != (ssize_t)size)
			return 0;
		left -= now;
	}
	return 1;
}

int main(int argc, char **argv)
{
	static char replies[MOST * sizeof reply];
	static struct epoll_event events[EVENTS];
	struct sockaddr_in at = {.sin_family = AF_INET};
	struct rlimit limit;
	int one = 1;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: floor ADDRESS PORT\n");
		return 2;
	}
	at.sin_port = htons((unsigned short)atoi(argv[2]));
	for (int i = 0; i < MOST; i++)
		memcpy(replies + (size_t)i * (sizeof reply - 1), reply, sizeof reply - 1);
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
				if (!serve(fd, replies))
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
