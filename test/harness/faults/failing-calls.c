// Lets chosen system calls of a process fail, kills it at one, and moves its wall clock. For
// LD_PRELOAD.
//
// $TARPAN_TEST_FAULTS names a file, which is read at each call; a missing one changes nothing. Each
// line is a rule:
//   write|late-write|read|sync|open ERRNO PART-OF-PATH   such calls on such files fail
//   die|late-die N PART-OF-PATH   as kill -9, before or after the Nth write to such files
//   clock SECONDS                                        the wall clock is so far ahead
// A late write is carried out and then fails, as a write whose sync fails does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RULES_BYTES 4096
#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// Uses the system calls themselves, because the functions of the same name are replaced below.
static int load_rules(char *rules) {
  const char *path = getenv("TARPAN_TEST_FAULTS");
  if (!path) return 0;
  int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t size = syscall(SYS_read, file, rules, RULES_BYTES - 1);
  syscall(SYS_close, file);
  rules[size > 0 ? size : 0] = 0;
  return size > 0;
}

// The error number with which `call` on `path` must fail, 0 for none.
static int rule_for(const char *call, const char *path) {
  char rules[RULES_BYTES], *rest = rules, *line;
  if (!load_rules(rules)) return 0;
  while ((line = strsep(&rest, "\n"))) {
    char name[32], part[512];
    int number;
    if (sscanf(line, "%31s %d %511s", name, &number, part) != 3) continue;
    if (strcmp(name, call) == 0 && strstr(path, part)) return number;
  }
  return 0;
}

static int rule_for_file(const char *call, int file) {
  int saved = errno;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  path[length > 0 ? length : 0] = 0;
  // Sockets and pipes have no path that begins so.
  int number = path[0] == '/' ? rule_for(call, path) : 0;
  errno = saved;
  return number;
}

static long clock_offset(void) {
  char rules[RULES_BYTES], *found;
  int saved = errno;
  long seconds = 0;
  if (load_rules(rules) && (found = strstr(rules, "clock "))) seconds = atol(found + 6);
  errno = saved;
  return seconds;
}

#define FAIL(number) \
  do { \
    errno = number; \
    return -1; \
  } while (0)

#define FAIL_IF_RULED(call, file) \
  do { \
    int number = rule_for_file(call, file); \
    if (number) FAIL(number); \
  } while (0)

// There is one such rule in the life of a process, so that one counter is enough.
static void die_if_ruled(const char *call, int file) {
  static int calls;
  int last = rule_for_file(call, file);
  if (last && __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) >= last) kill(getpid(), SIGKILL);
}

#define WRITER(name, data, count_type) \
  ssize_t name(int file, data bytes, count_type count, off64_t position) { \
    REAL(name); \
    FAIL_IF_RULED("write", file); \
    die_if_ruled("die", file); \
    int late = rule_for_file("late-write", file); \
    ssize_t done = real(file, bytes, count, position); \
    if (late && done > 0) FAIL(late); \
    if (done > 0) die_if_ruled("late-die", file); \
    return done; \
  }
WRITER(pwrite64, const void *, size_t)
WRITER(pwritev64, const struct iovec *, int)

#define READER(name, data, count_type) \
  ssize_t name(int file, data bytes, count_type count, off64_t position) { \
    REAL(name); \
    FAIL_IF_RULED("read", file); \
    return real(file, bytes, count, position); \
  }
READER(pread64, void *, size_t)
READER(preadv64, const struct iovec *, int)

ssize_t read(int file, void *bytes, size_t count) {
  REAL(read);
  FAIL_IF_RULED("read", file);
  return real(file, bytes, count);
}

#define SYNC(name) \
  int name(int file) { \
    REAL(name); \
    FAIL_IF_RULED("sync", file); \
    return real(file); \
  }
SYNC(fsync)
SYNC(fdatasync)

int open64(const char *path, int flags, ...) {
  REAL(open64);
  va_list rest;
  va_start(rest, flags);
  int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
  va_end(rest);
  int number = rule_for("open", path);
  if (number) FAIL(number);
  return real(path, flags, mode);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  REAL(clock_gettime);
  int result = real(clock, now);
  if (clock == CLOCK_REALTIME && result == 0) now->tv_sec += clock_offset();
  return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  REAL(gettimeofday);
  int result = real(now, zone);
  if (result == 0) now->tv_sec += clock_offset();
  return result;
}
