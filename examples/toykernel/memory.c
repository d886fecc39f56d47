/* SPDX-License-Identifier: MIT */
/* The four functions that a compiler may ask for wherever it likes, and the only names that the
 * objects leave open.  A kernel has them already. */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    return memmove(to, from, bytes);
}

void *memmove(void *to, const void *from, size_t bytes)
{
    volatile unsigned char *t = to;
    const unsigned char *f = from;

    if (t <= f) {
        for (size_t i = 0; i < bytes; i++) {
            t[i] = f[i];
        }
    } else {
        for (size_t i = bytes; i-- > 0;) {
            t[i] = f[i];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    volatile unsigned char *t = to;

    for (size_t i = 0; i < bytes; i++) {
        t[i] = (unsigned char)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a, *y = b;

    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}
