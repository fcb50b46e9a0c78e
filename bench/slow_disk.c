/* Makes every forced write of a program take longer, as on a disk that is slower than this machine's.
 *
 *     cc -shared -fPIC -O2 -o slow_disk.so bench/slow_disk.c -ldl
 *     SLOW_DISK_US=3800 LD_PRELOAD=$PWD/slow_disk.so postgres -D ...
 *
 * SLOW_DISK_US is in microseconds, and is added to the time of the disk itself. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_longer(void)
{
    const char *given = getenv("SLOW_DISK_US");
    long us = given ? atol(given) : 0;
    struct timespec time = {us / 1000000, (us % 1000000) * 1000};
    nanosleep(&time, NULL);
}

int fdatasync(int file)
{
    static int (*own)(int);
    if (!own)
        own = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_longer();
    return own(file);
}

int fsync(int file)
{
    static int (*own)(int);
    if (!own)
        own = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_longer();
    return own(file);
}
