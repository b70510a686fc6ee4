/*
 * Asks the running kernel what a seccomp filter answers. From standard input: the number of instructions and of calls,
 * the instructions, the calls (struct call below), all in the byte order of the machine. To standard output: what each
 * call returned, 64 bits each.
 *
 * The filter must answer every call with an errno: the process that loads it makes no other call any more. It writes
 * results to shared memory and ends by an illegal instruction.
 *
 * With the argument `i386`: exit status 0 where the kernel takes 32-bit calls (int 0x80) at all.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum abi { ABI_NATIVE = 0, ABI_I386 = 1 };

struct call {
  uint32_t abi;
  uint32_t nr;
  uint64_t args[6];
};

struct header {
  uint32_t instructions;
  uint32_t calls;
};

#if defined(__x86_64__)
static int64_t native(uint64_t nr, const uint64_t a[6]) {
  int64_t result;
  register uint64_t r10 __asm__("r10") = a[3];
  register uint64_t r8 __asm__("r8") = a[4];
  register uint64_t r9 __asm__("r9") = a[5];
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(nr), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/* The sixth argument is in ebp, which the compiler wants for itself: it stays what it is, and no rule looks at it. */
static int64_t i386(uint32_t nr, const uint64_t a[6]) {
  int64_t result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"((uint64_t)nr), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                   : "r8", "r9", "r10", "r11", "memory");
  return (int32_t)result;
}
#elif defined(__aarch64__)
static int64_t native(uint64_t nr, const uint64_t a[6]) {
  register uint64_t x8 __asm__("x8") = nr;
  register uint64_t x0 __asm__("x0") = a[0];
  register uint64_t x1 __asm__("x1") = a[1];
  register uint64_t x2 __asm__("x2") = a[2];
  register uint64_t x3 __asm__("x3") = a[3];
  register uint64_t x4 __asm__("x4") = a[4];
  register uint64_t x5 __asm__("x5") = a[5];
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return (int64_t)x0;
}

static int64_t i386(uint32_t nr, const uint64_t a[6]) {
  (void)nr, (void)a;
  return 0;
}
#else
#error "this architecture is not known"
#endif

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static void *read_all(size_t size) {
  char *buffer = malloc(size == 0 ? 1 : size);
  if (buffer == NULL) fail("malloc");
  for (size_t done = 0; done < size;) {
    ssize_t got = read(STDIN_FILENO, buffer + done, size - done);
    if (got <= 0) fail("standard input is too short");
    done += (size_t)got;
  }
  return buffer;
}

static int exit_of_child(pid_t child) {
  int status;
  if (waitpid(child, &status, 0) != child) fail("waitpid");
  return status;
}

static int takes_i386(void) {
#if defined(__x86_64__)
  static const uint64_t none[6];
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) _exit(i386(20 /* getpid */, none) == getpid() ? 0 : 1);
  return exit_of_child(child) == 0 ? 0 : 1;
#else
  return 1;
#endif
}

/* Never returns. The first call of libc after the filter would fail, so there is none. */
static void ask(const struct sock_fprog *filter, const struct call *calls, uint32_t count, volatile int64_t *results,
                volatile uint32_t *done) {
  struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) fail("setrlimit");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl");
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) != 0) fail("seccomp");
  for (uint32_t i = 0; i < count; i++) {
    results[i] = calls[i].abi == ABI_I386 ? i386(calls[i].nr, calls[i].args) : native(calls[i].nr, calls[i].args);
    *done = i + 1;
  }
  __builtin_trap();
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "i386") == 0) return takes_i386();
  struct header *header = read_all(sizeof *header);
  struct sock_filter *instructions = read_all(header->instructions * sizeof *instructions);
  struct call *calls = read_all(header->calls * sizeof *calls);
  struct sock_fprog filter = {(unsigned short)header->instructions, instructions};

  size_t size = header->calls * sizeof(int64_t) + 64;
  uint32_t *done = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (done == MAP_FAILED) fail("mmap");
  int64_t *results = (int64_t *)((char *)done + 64);

  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) ask(&filter, calls, header->calls, results, done);
  int status = exit_of_child(child);
  if (*done != header->calls) {
    fprintf(stderr, "the child ended with status 0x%x after %u of %u calls\n", (unsigned)status, *done, header->calls);
    return 3;
  }
  if (fwrite(results, sizeof *results, header->calls, stdout) != header->calls) fail("fwrite");
  return fflush(stdout) == 0 ? 0 : 2;
}
