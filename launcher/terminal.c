#define _GNU_SOURCE
#include "terminal.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define CHUNK 4096

static int master = -1;
static struct termios saved;
static bool raw;
static char pending[CHUNK];
static size_t pending_length;

bool terminal_start(int fd) {
  master = fd;
  if (fcntl(master, F_SETFL, O_NONBLOCK) < 0) return false;
  terminal_resize();
  if (tcgetattr(STDIN_FILENO, &saved) < 0) return false;
  tcsetattr(master, TCSANOW, &saved); /* the program starts with the settings that the caller's shell had */
  struct termios mode = saved;
  cfmakeraw(&mode);
  raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &mode) == 0;
  return raw;
}

void terminal_resize(void) {
  struct winsize size;
  if (master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ioctl(master, TIOCSWINSZ, &size);
}

bool terminal_wants_write(void) { return pending_length > 0; }

static void flush_pending(void) {
  while (pending_length > 0) {
    ssize_t written = write(master, pending, pending_length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    pending_length -= (size_t)written;
    memmove(pending, pending + written, pending_length);
  }
}

static bool write_out(const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t written = write(STDOUT_FILENO, bytes, length);
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) {
      struct pollfd wait = {.fd = STDOUT_FILENO, .events = POLLOUT};
      poll(&wait, 1, 1000);
      continue;
    }
    if (written <= 0) return false;
    bytes += written;
    length -= (size_t)written;
  }
  return true;
}

bool terminal_copy(bool input_ready, bool master_ready) {
  char bytes[CHUNK];
  if (input_ready && pending_length < sizeof pending) {
    ssize_t got = read(STDIN_FILENO, pending + pending_length, sizeof pending - pending_length);
    if (got > 0) pending_length += (size_t)got;
  }
  flush_pending();
  if (!master_ready) return true;
  ssize_t got = read(master, bytes, sizeof bytes);
  if (got > 0) return write_out(bytes, (size_t)got);
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

void terminal_stop(void) {
  char bytes[CHUNK];
  ssize_t got;
  if (master >= 0)
    while ((got = read(master, bytes, sizeof bytes)) > 0 && write_out(bytes, (size_t)got)) {}
  if (raw) tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
  raw = false;
}
