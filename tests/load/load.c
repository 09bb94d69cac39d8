/*
 * Prints what it costs to load the library that is named: microseconds of the processor, and KiB of memory that no
 * other process shares and that was written to. (A library that has just been built has dirty pages besides.)
 */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static long written(void)
{
    char line[256];
    long sum = 0, part;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");

    if (f == NULL)
        return -1;
    while (fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "Anonymous: %ld", &part) == 1)
            sum += part;
    }
    fclose(f);
    return sum;
}

int main(int argc, char **argv)
{
    struct timespec start, end;
    long before;

    if (argc != 2 || written() < 0)
        return 2;
    before = written();
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    if (dlopen(argv[1], RTLD_NOW) == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%ld %ld\n", (end.tv_sec - start.tv_sec) * 1000000L + (end.tv_nsec - start.tv_nsec) / 1000,
           written() - before);
    return 0;
}
