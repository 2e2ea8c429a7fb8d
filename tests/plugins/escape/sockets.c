/* Probes for the network and for everything else that is reached by a socket. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "probes.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif
#define X32 0x40000000

/* Makes a socket and does something with it; what comes first is what is told. */
static int with(int family, int type, int protocol, int (*then)(int, const char *), const char *t) {
    int file = socket(family, type | SOCK_CLOEXEC, protocol);
    if (file < 0)
        return -errno;
    int result = then ? then(file, t) : 0;
    close(file);
    return result;
}

static struct sockaddr_in here(const char *t) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(t))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static int connected(int file, const char *t) {
    struct sockaddr_in address = here(t);
    return said(connect(file, (struct sockaddr *)&address, sizeof address));
}

static int connected6(int file, const char *t) {
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(t))};
    address.sin6_addr = in6addr_loopback;
    return said(connect(file, (struct sockaddr *)&address, sizeof address));
}

static int sent_to(int file, const char *t) {
    struct sockaddr_in address = here(t);
    return said(sendto(file, "escaped", 7, 0, (struct sockaddr *)&address, sizeof address));
}

static int sent_fast(int file, const char *t) {
    struct sockaddr_in address = here(t);
    return said(sendto(file, "escaped", 7, MSG_FASTOPEN, (struct sockaddr *)&address, sizeof address));
}

static int message_fast(int file, const char *t) {
    struct sockaddr_in address = here(t);
    struct iovec part = {"escaped", 7};
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &part, .msg_iovlen = 1};
    return said(sendmsg(file, &message, MSG_FASTOPEN));
}

static int connected_fast(int file, const char *t) {
    int on = 1;
    if (setsockopt(file, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on))
        return -errno;
    return connected(file, t);
}

static int bound(int file, const char *t) {
    struct sockaddr_in address = here(t);
    address.sin_port = 0;
    return said(bind(file, (struct sockaddr *)&address, sizeof address));
}

static int listening(int file, const char *t) {
    (void)t;
    return said(listen(file, 1));
}

/* Connected where it may be, and then elsewhere: "ALLOWED OTHER". */
static int reconnected(int file, const char *t) {
    const char *other = strchr(t, ' ');
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    if (!other || connected(file, t) < 0)
        return -ENOTCONN;
    if (connect(file, &nowhere, sizeof nowhere))
        return -errno;
    return connected(file, other + 1);
}

/* '@' stands for the zero of an abstract name. */
static int local(int type, const char *t, int datagram) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", t);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address.sun_path));
    if (address.sun_path[0] == '@')
        address.sun_path[0] = 0;
    else
        length++;
    int file = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (file < 0)
        return -errno;
    int result = datagram ? said(sendto(file, "escaped", 7, 0, (struct sockaddr *)&address, length))
                          : said(connect(file, (struct sockaddr *)&address, length));
    close(file);
    return result;
}

static int tcp(const char *t) { return with(AF_INET, SOCK_STREAM, 0, connected, t); }
static int tcp6(const char *t) { return with(AF_INET6, SOCK_STREAM, 0, connected6, t); }
static int udp(const char *t) { return with(AF_INET, SOCK_DGRAM, 0, sent_to, t); }
static int udp6(const char *t) { return with(AF_INET6, SOCK_DGRAM, 0, NULL, t); }
static int mptcp(const char *t) { return with(AF_INET, SOCK_STREAM, IPPROTO_MPTCP, connected, t); }
static int sctp(const char *t) { return with(AF_INET, SOCK_STREAM, IPPROTO_SCTP, connected, t); }
static int smc(const char *t) { return with(43, SOCK_STREAM, 0, connected, t); }
static int ping(const char *t) { return with(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, NULL, t); }
static int fast_open(const char *t) { return with(AF_INET, SOCK_STREAM, 0, sent_fast, t); }
static int fast_message(const char *t) { return with(AF_INET, SOCK_STREAM, 0, message_fast, t); }
static int fast_connect(const char *t) { return with(AF_INET, SOCK_STREAM, 0, connected_fast, t); }
static int tcp_bind(const char *t) { return with(AF_INET, SOCK_STREAM, 0, bound, t); }
static int udp_bind(const char *t) { return with(AF_INET, SOCK_DGRAM, 0, bound, t); }
static int tcp_listen(const char *t) { return with(AF_INET, SOCK_STREAM, 0, listening, t); }
static int tcp_reconnect(const char *t) { return with(AF_INET, SOCK_STREAM, 0, reconnected, t); }
static int raw(const char *t) { return with(AF_INET, SOCK_RAW, IPPROTO_ICMP, NULL, t); }
static int packet(const char *t) { return with(AF_PACKET, SOCK_RAW, 0, NULL, t); }
static int netlink(const char *t) { return with(AF_NETLINK, SOCK_RAW, 0, NULL, t); }
static int vsock(const char *t) { return with(AF_VSOCK, SOCK_STREAM, 0, NULL, t); }
static int bluetooth(const char *t) { return with(31, SOCK_STREAM, 3, NULL, t); }
static int crypto(const char *t) { return with(38, SOCK_SEQPACKET, 0, NULL, t); }
static int local_path(const char *t) { return local(SOCK_STREAM, t, 0); }
static int local_packets(const char *t) { return local(SOCK_SEQPACKET, t, 0); }
static int local_datagram(const char *t) { return local(SOCK_DGRAM, t, 1); }
static int session_bus(const char *t) { (void)t; return local(SOCK_STREAM, "/run/user/1000/bus", 0); }
static int system_bus(const char *t) { (void)t; return local(SOCK_STREAM, "/run/dbus/system_bus_socket", 0); }
static int x11(const char *t) { (void)t; return local(SOCK_STREAM, "/tmp/.X11-unix/X0", 0); }
static int x11_abstract(const char *t) { (void)t; return local(SOCK_STREAM, "@/tmp/.X11-unix/X0", 0); }

static int pair(const char *t) {
    (void)t;
    int files[2];
    return said(socketpair(AF_UNIX, SOCK_DGRAM, 0, files));
}

/* By the numbers of another architecture's calls. */
static int x32_socket(const char *t) {
    (void)t;
    return said(syscall(X32 | SYS_socket, AF_INET, SOCK_STREAM, 0));
}

/* A socket that the daemon connected and passed, on standard input: it must reach nobody else. */
static int passed_reconnect(const char *t) {
    (void)t;
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    return said(connect(0, &nowhere, sizeof nowhere));
}

static int passed_redirect(const char *t) { return sent_to(0, t); }
static int passed_fast(const char *t) { return sent_fast(0, t); }

static int passed_rights(const char *t) {
    (void)t;
    struct iovec part = {"", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return said(sendmsg(0, &message, 0));
}

static int passed_peer(const char *t) {
    (void)t;
    struct ucred who;
    socklen_t length = sizeof who;
    return said(getsockopt(0, SOL_SOCKET, SO_PEERCRED, &who, &length));
}

static int passed_filter(const char *t) {
    (void)t;
    int bytes = 0;
    return said(setsockopt(0, SOL_SOCKET, SO_ATTACH_FILTER, &bytes, sizeof bytes));
}

static int passed_protocol(const char *t) {
    (void)t;
    return said(setsockopt(0, IPPROTO_TCP, TCP_ULP, "tls", 3));
}

const struct probe socket_probes[] = {
    {"tcp", tcp},
    {"tcp6", tcp6},
    {"udp", udp},
    {"udp6", udp6},
    {"mptcp", mptcp},
    {"sctp", sctp},
    {"smc", smc},
    {"ping", ping},
    {"fast-open", fast_open},
    {"fast-message", fast_message},
    {"fast-connect", fast_connect},
    {"tcp-bind", tcp_bind},
    {"udp-bind", udp_bind},
    {"tcp-listen", tcp_listen},
    {"tcp-reconnect", tcp_reconnect},
    {"raw", raw},
    {"packet", packet},
    {"netlink", netlink},
    {"vsock", vsock},
    {"bluetooth", bluetooth},
    {"crypto", crypto},
    {"local-path", local_path},
    {"local-packets", local_packets},
    {"local-datagram", local_datagram},
    {"session-bus", session_bus},
    {"system-bus", system_bus},
    {"x11", x11},
    {"x11-abstract", x11_abstract},
    {"pair", pair},
    {"x32-socket", x32_socket},
    {"passed-reconnect", passed_reconnect},
    {"passed-redirect", passed_redirect},
    {"passed-fast", passed_fast},
    {"passed-rights", passed_rights},
    {"passed-peer", passed_peer},
    {"passed-filter", passed_filter},
    {"passed-protocol", passed_protocol},
    {0},
};
