/* Many questions to the name server at once, each a name of its own that carries something out. */
#define _GNU_SOURCE
#include "probe.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define QUIET_MS 1500
#define CODES 16

static size_t put_label(unsigned char *out, const char *text, size_t length) {
  out[0] = (unsigned char)length;
  memcpy(out + 1, text, length);
  return length + 1;
}

/* RFC 1035: header, one question, type A. The first label is `index`, filled up to `length`. */
static size_t make_question(unsigned char *out, long index, size_t length, const char *suffix) {
  static const unsigned char header[] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  char label[64];
  memset(label, 'x', sizeof label);
  int digits = snprintf(label, sizeof label, "s%ld", index);
  label[digits] = 'x';
  if (length < (size_t)digits || length > 63) length = (size_t)digits;
  memcpy(out, header, sizeof header);
  out[0] = (unsigned char)(index >> 8);
  out[1] = (unsigned char)index;
  size_t at = sizeof header + put_label(out + sizeof header, label, length);
  for (const char *next; *suffix != 0; suffix = *next == '.' ? next + 1 : next) {
    next = strchrnul(suffix, '.');
    at += put_label(out + at, suffix, (size_t)(next - suffix));
  }
  static const unsigned char end[] = {0, 0, 1, 0, 1};
  memcpy(out + at, end, sizeof end);
  return at + sizeof end;
}

static long answers(int file, long codes[CODES]) {
  unsigned char answer[1500];
  long count = 0;
  while (recv(file, answer, sizeof answer, MSG_DONTWAIT) >= 12) {
    codes[answer[3] & 15] += 1;
    count += 1;
  }
  return count;
}

/* The first one of /etc/resolv.conf. */
static void read_name_server(struct sockaddr_in *server) {
  char line[256];
  char name[64];
  FILE *file = fopen("/etc/resolv.conf", "re");
  if (file == NULL) broken("/etc/resolv.conf");
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "nameserver %63s", name) == 1 && inet_pton(AF_INET, name, &server->sin_addr) == 1) {
      fclose(file);
      return;
    }
  broken("a name server");
}

/* `dns-flood COUNT LENGTH SUFFIX`: prints how many answers came, and of which kind. */
static long dns_flood(char **a) {
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
  unsigned char question[512];
  long codes[CODES] = {0};
  long answered = 0;
  long count = number(a[0]);
  size_t length = (size_t)number(a[1]);
  if (strlen(given(a[2])) > 200) broken("SUFFIX");
  read_name_server(&server);
  int file = socket(AF_INET, SOCK_DGRAM, 0);
  if (file < 0 || connect(file, (struct sockaddr *)&server, sizeof server) < 0) broken("connect");
  for (long i = 0; i < count; i++) {
    size_t size = make_question(question, i, length, a[2]);
    send(file, question, size, 0);
    answered += answers(file, codes);
  }
  struct pollfd ready = {.fd = file, .events = POLLIN};
  while (poll(&ready, 1, QUIET_MS) == 1) answered += answers(file, codes);
  printf("answered %ld noerror %ld servfail %ld nxdomain %ld\n", answered, codes[0], codes[2], codes[3]);
  errno = EACCES;
  return codes[0] > 0 ? 0 : -1;
}

const struct entry DNS_FLOOD_ACTIONS[] = {{"dns-flood", dns_flood}, {0}};
