/*
 * What the measurements of packets need at a pace that a script cannot keep. Each runs in a network namespace of its own,
 * ends with the process that started it, and is compiled when it is needed (probe.py).
 *
 *   probe send NAMESPACE FILE PORT RATE           numbered datagrams to the file's destination, RATE a second
 *   probe receive NAMESPACE FILE PORT             notes when each arrived, by the kernel's clock
 *   probe blast NAMESPACE ADDRESS PORT ROUNDS     1,000 datagrams a round; prints the nanoseconds of one for each round
 *   probe sink NAMESPACE PORT                     answers datagrams of one byte; the others go nowhere
 *   probe serve NAMESPACE PORT                    answers one byte to each connection, and closes
 *   probe connect NAMESPACE ADDRESS PORT ROUNDS   500 connections a round; prints the nanoseconds of one for each round
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* 52 seconds at 20,000 a second; then the places are used again. */
#define CAPACITY (1 << 20)
/* A 64-byte frame without its checksum of 4: 14 Ethernet, 20 IPv4, 8 UDP. */
#define PAYLOAD_BYTES 18
#define BATCH 64

/* Shared with probe.py, which knows these offsets. Nanoseconds of CLOCK_REALTIME; 0: not (yet). */
struct trace {
	volatile int64_t stop;
	volatile int64_t next;	      /* the next number to send */
	volatile int64_t collected;   /* what arrived before this time is noted */
	volatile int64_t destination; /* IPv4, network order */
	volatile int64_t late;	      /* places in time that were left out because the processor was not ours */
	int64_t spare[3];
	volatile int64_t sent[CAPACITY];
	volatile int64_t arrived[CAPACITY];
};

static void demand(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

static struct timespec timespec_of(int64_t nanoseconds)
{
	return (struct timespec){nanoseconds / 1000000000, nanoseconds % 1000000000};
}

static struct trace *map_trace(const char *path)
{
	int file = open(path, O_RDWR);

	demand(file >= 0, path);
	struct trace *trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	demand(trace != MAP_FAILED, "mmap");
	return trace;
}

static struct sockaddr_in address_of(const char *text, const char *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};

	if (text)
		demand(inet_pton(AF_INET, text, &address.sin_addr) == 1, text);
	return address;
}

static int bound(int kind, const char *port)
{
	struct sockaddr_in address = address_of(NULL, port);
	int one = 1, size = 1 << 23, file = socket(AF_INET, kind, 0);

	demand(file >= 0, "socket");
	setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (kind == SOCK_DGRAM)
		setsockopt(file, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	demand(!bind(file, (struct sockaddr *)&address, sizeof(address)), "bind");
	return file;
}

static int send_paced(struct trace *trace, const char *port, const char *rate)
{
	struct sockaddr_in destination = address_of(NULL, port);
	int64_t interval = 1000000000 / atoi(rate);
	int file = socket(AF_INET, SOCK_DGRAM, 0);
	int64_t due = now(CLOCK_MONOTONIC);

	demand(file >= 0, "socket");
	for (int64_t number = 0; !trace->stop; number++) {
		int64_t ahead = due - now(CLOCK_MONOTONIC);

		if (ahead > 0) {
			struct timespec until = timespec_of(due);

			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		} else if (-ahead > 10000000) {
			/* A flood to catch up would be another load than the one that is promised. */
			trace->late += -ahead / interval;
			due += -ahead / interval * interval;
		}
		due += interval;
		destination.sin_addr.s_addr = (uint32_t)trace->destination;
		trace->arrived[number % CAPACITY] = 0;
		trace->sent[number % CAPACITY] = now(CLOCK_REALTIME);
		sendto(file, &number, sizeof(number), 0, (struct sockaddr *)&destination, sizeof(destination));
		trace->next = number + 1;
	}
	return 0;
}

static int receive(struct trace *trace, const char *port)
{
	static int64_t numbers[BATCH];
	static char controls[BATCH][64];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
	struct timespec pause = timespec_of(1000000);
	int one = 1, file = bound(SOCK_DGRAM, port);

	demand(!setsockopt(file, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)), "SO_TIMESTAMPNS");
	while (!trace->stop) {
		int64_t began = now(CLOCK_REALTIME);
		int count;

		do {
			for (int index = 0; index < BATCH; index++) {
				parts[index] = (struct iovec){&numbers[index], sizeof(numbers[index])};
				messages[index].msg_hdr = (struct msghdr){.msg_iov = &parts[index], .msg_iovlen = 1,
					.msg_control = controls[index], .msg_controllen = sizeof(controls[index])};
			}
			count = recvmmsg(file, messages, BATCH, MSG_DONTWAIT, NULL);
			for (int index = 0; index < count; index++) {
				struct cmsghdr *control = CMSG_FIRSTHDR(&messages[index].msg_hdr);
				struct timespec time;

				if (!control || control->cmsg_type != SO_TIMESTAMPNS || numbers[index] < 0)
					continue;
				memcpy(&time, CMSG_DATA(control), sizeof(time));
				trace->arrived[numbers[index] % CAPACITY] = time.tv_sec * 1000000000ll + time.tv_nsec;
			}
		} while (count == BATCH);
		trace->collected = began;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int blast(const char *address, const char *port, const char *rounds)
{
	struct sockaddr_in destination = address_of(address, port);
	char payload[PAYLOAD_BYTES] = {};
	struct timeval patience = {5, 0};
	int file = socket(AF_INET, SOCK_DGRAM, 0);

	demand(file >= 0 && !connect(file, (struct sockaddr *)&destination, sizeof(destination)), "socket");
	/* An answer makes the flow an established one. */
	setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	demand(send(file, payload, 1, 0) == 1 && recv(file, payload, 1, 0) == 1, "answer");
	for (int round = atoi(rounds); round; round--) {
		int64_t start = now(CLOCK_MONOTONIC);

		for (int index = 0; index < 1000; index++)
			send(file, payload, sizeof(payload), 0);
		printf("%lld\n", (long long)(now(CLOCK_MONOTONIC) - start) / 1000);
		fflush(stdout);
	}
	return 0;
}

static int sink(const char *port)
{
	struct sock_filter shortest[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 8 + 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 65535)};
	struct sock_fprog program = {4, shortest};
	int file = bound(SOCK_DGRAM, port);
	struct sockaddr_in client;
	char byte;

	demand(!setsockopt(file, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), "SO_ATTACH_FILTER");
	for (;;) {
		socklen_t length = sizeof(client);

		if (recvfrom(file, &byte, 1, 0, (struct sockaddr *)&client, &length) == 1)
			sendto(file, &byte, 1, 0, (struct sockaddr *)&client, length);
	}
}

static int serve(const char *port)
{
	int server = bound(SOCK_STREAM, port);
	char byte;

	demand(!listen(server, 512), "listen");
	for (;;) {
		int file = accept(server, NULL, NULL);

		if (file < 0)
			continue;
		if (recv(file, &byte, 1, 0) == 1)
			send(file, &byte, 1, MSG_NOSIGNAL);
		close(file);
	}
}

static int connect_often(const char *address, const char *port, const char *rounds)
{
	struct sockaddr_in destination = address_of(address, port);
	struct timeval patience = {5, 0};
	char byte = 'x';

	for (int round = atoi(rounds); round; round--) {
		int64_t start = now(CLOCK_MONOTONIC);

		for (int index = 0; index < 500; index++) {
			int file = socket(AF_INET, SOCK_STREAM, 0);

			setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
			demand(file >= 0 && !connect(file, (struct sockaddr *)&destination, sizeof(destination)), "connect");
			demand(send(file, &byte, 1, MSG_NOSIGNAL) == 1 && recv(file, &byte, 1, 0) == 1, "answer");
			/* The server closes first: the ports stay free on this side. */
			demand(recv(file, &byte, 1, 0) == 0, "end");
			close(file);
		}
		printf("%lld\n", (long long)(now(CLOCK_MONOTONIC) - start) / 500);
		fflush(stdout);
	}
	return 0;
}

int main(int count, char **words)
{
	char path[256];

	demand(count >= 4, "arguments");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1);
	signal(SIGINT, SIG_IGN);
	const char *task = words[1];
	struct trace *trace = !strcmp(task, "send") || !strcmp(task, "receive") ? map_trace(words[3]) : NULL;
	snprintf(path, sizeof(path), "/run/netns/%s", words[2]);
	int namespace = open(path, O_RDONLY);
	demand(namespace >= 0 && !setns(namespace, CLONE_NEWNET), path);
	if (!strcmp(task, "send") && count == 6)
		return send_paced(trace, words[4], words[5]);
	if (!strcmp(task, "receive") && count == 5)
		return receive(trace, words[4]);
	if (!strcmp(task, "blast") && count == 6)
		return blast(words[3], words[4], words[5]);
	if (!strcmp(task, "sink"))
		return sink(words[3]);
	if (!strcmp(task, "serve"))
		return serve(words[3]);
	if (!strcmp(task, "connect") && count == 6)
		return connect_often(words[3], words[4], words[5]);
	errno = EINVAL;
	demand(0, task);
}
