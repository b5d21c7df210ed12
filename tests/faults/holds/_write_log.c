/* Preloaded into a process: logs each change of a file in one folder, in order, with the bytes and the syncs.
 *
 * LABAN_LOGGED names the folder, LABAN_WRITE_LOG the log. A record is a header and a payload. The lock is held over
 * the call and its record, so the log has the order in which the changes happened. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct __attribute__((packed)) header {
    char kind; /* W write, T truncate, S sync, C create, R rename, U unlink, L link */
    uint64_t inode, offset, length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -2;
static char folder[4096];

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static ssize_t raw_write(int fd, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    return real(fd, data, size);
}

static int logging(void) {
    if (log_fd == -2) {
        const char *log = getenv("LABAN_WRITE_LOG"), *where = getenv("LABAN_LOGGED");
        log_fd = -1;
        if (log && where && realpath(where, folder)) {
            int (*real_open)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
            log_fd = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        }
    }
    return log_fd >= 0;
}

static void put(const void *data, size_t size) {
    while (size) {
        ssize_t done = raw_write(log_fd, data, size);
        if (done < 0) abort();
        data = (const char *)data + done;
        size -= done;
    }
}

static void record(char kind, uint64_t inode, uint64_t offset, const void *data, uint64_t length) {
    struct header head = {kind, inode, offset, length};
    put(&head, sizeof head);
    if (data && length) put(data, length);
}

/* Returns the inode of a regular file in the folder; 0 for any other. */
static uint64_t inode_of(int fd) {
    char link[64], path[4096];
    struct stat found;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) || fstat(fd, &found) || !S_ISREG(found.st_mode)) return 0;
    return found.st_ino;
}

static int inside(const char *path, char *full) {
    char copy[4096], real[4096];
    snprintf(copy, sizeof copy, "%s", path);
    char *slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : path;
    if (slash) *slash = 0;
    if (!realpath(slash ? (copy[0] ? copy : "/") : ".", real)) return 0;
    snprintf(full, 8192, "%s/%s", real, name);
    return !strncmp(full, folder, strlen(folder));
}

static void opened(int fd, const char *path, int flags) {
    char full[8192];
    uint64_t inode = inode_of(fd);
    if (!inode || !inside(path, full)) return;
    if (flags & O_CREAT) record('C', inode, 0, full, strlen(full));
    if (flags & O_TRUNC) record('T', inode, 0, NULL, 0);
}

#define OPEN(name, arguments, passed)                                                       \
    int name arguments {                                                                    \
        REAL(name);                                                                         \
        mode_t mode = 0;                                                                    \
        if (flags & O_CREAT) { va_list list; va_start(list, flags); mode = va_arg(list, mode_t); va_end(list); } \
        if (!logging()) return real passed;                                                 \
        pthread_mutex_lock(&lock);                                                          \
        int fd = real passed, kept = errno;                                                 \
        if (fd >= 0 && (flags & (O_WRONLY | O_RDWR))) opened(fd, path, flags);              \
        pthread_mutex_unlock(&lock);                                                        \
        errno = kept;                                                                       \
        return fd;                                                                          \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), (at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), (at, path, flags, mode))

#define WRITE(name, arguments, passed, at, log)                    \
    ssize_t name arguments {                                       \
        REAL(name);                                                \
        uint64_t inode;                                            \
        if (!logging() || fd == log_fd) return real passed;        \
        pthread_mutex_lock(&lock);                                 \
        inode = inode_of(fd);                                      \
        off_t offset = inode ? (at) : 0;                           \
        ssize_t done = real passed;                                \
        int kept = errno;                                          \
        if (inode && done > 0) { log }                             \
        pthread_mutex_unlock(&lock);                               \
        errno = kept;                                              \
        return done;                                               \
    }
#define BYTES record('W', inode, offset, data, done);
#define PARTS                                                                  \
    struct header head = {'W', inode, offset, done};                           \
    put(&head, sizeof head);                                                   \
    for (size_t left = done, i = 0; left; i++) {                               \
        size_t part = parts[i].iov_len < left ? parts[i].iov_len : left;       \
        put(parts[i].iov_base, part);                                          \
        left -= part;                                                          \
    }
WRITE(write, (int fd, const void *data, size_t size), (fd, data, size), lseek(fd, 0, SEEK_CUR), BYTES)
WRITE(pwrite, (int fd, const void *data, size_t size, off_t where), (fd, data, size, where), where, BYTES)
WRITE(pwrite64, (int fd, const void *data, size_t size, off64_t where), (fd, data, size, where), where, BYTES)
WRITE(writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), lseek(fd, 0, SEEK_CUR), PARTS)
WRITE(pwritev, (int fd, const struct iovec *parts, int count, off_t where), (fd, parts, count, where), where, PARTS)
WRITE(pwritev2, (int fd, const struct iovec *parts, int count, off_t where, int flags), (fd, parts, count, where, flags), where, PARTS)
WRITE(pwritev64v2, (int fd, const struct iovec *parts, int count, off64_t where, int flags), (fd, parts, count, where, flags), where, PARTS)
WRITE(pwritev64, (int fd, const struct iovec *parts, int count, off64_t where), (fd, parts, count, where), where, PARTS)

#define ON_FILE(name, arguments, passed, kind, length)                       \
    int name arguments {                                                     \
        REAL(name);                                                          \
        if (!logging()) return real passed;                                  \
        pthread_mutex_lock(&lock);                                           \
        uint64_t inode = inode_of(fd);                                       \
        int done = real passed, kept = errno;                                \
        if (inode && !done) record(kind, inode, length, NULL, 0);            \
        pthread_mutex_unlock(&lock);                                         \
        errno = kept;                                                        \
        return done;                                                         \
    }
ON_FILE(ftruncate, (int fd, off_t size), (fd, size), 'T', size)
ON_FILE(ftruncate64, (int fd, off64_t size), (fd, size), 'T', size)
ON_FILE(fsync, (int fd), (fd), 'S', 0)
ON_FILE(fdatasync, (int fd), (fd), 'S', 0)

#define ON_NAMES(name, kind)                                                             \
    int name(const char *old, const char *new) {                                         \
        REAL(name);                                                                      \
        char from[8192], to[8192], both[16400];                                          \
        if (!logging() || !inside(old, from) || !inside(new, to)) return real(old, new); \
        pthread_mutex_lock(&lock);                                                       \
        int done = real(old, new), kept = errno;                                         \
        int length = snprintf(both, sizeof both, "%s\n%s", from, to);                    \
        if (!done) record(kind, 0, 0, both, length);                                     \
        pthread_mutex_unlock(&lock);                                                     \
        errno = kept;                                                                    \
        return done;                                                                     \
    }
ON_NAMES(rename, 'R')
ON_NAMES(link, 'L')

#define UNLINK(name, arguments, passed)                      \
    int name arguments {                                     \
        REAL(name);                                          \
        char full[8192];                                     \
        if (!logging() || !inside(path, full)) return real passed; \
        pthread_mutex_lock(&lock);                           \
        int done = real passed, kept = errno;                \
        if (!done) record('U', 0, 0, full, strlen(full));    \
        pthread_mutex_unlock(&lock);                         \
        errno = kept;                                        \
        return done;                                         \
    }
UNLINK(unlink, (const char *path), (path))
UNLINK(remove, (const char *path), (path))
UNLINK(unlinkat, (int at, const char *path, int flags), (at, path, flags))

/* Ends the process between two changes, so that the log has all that the disk has. */
void _exit(int status) {
    REAL(_exit);
    if (logging()) pthread_mutex_lock(&lock);
    real(status);
    __builtin_unreachable();
}
