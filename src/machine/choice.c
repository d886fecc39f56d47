/* SPDX-License-Identifier: MIT */
/*
 * The one source of choice: a seeded stream (xoshiro256**, public domain algorithm by Blackman and
 * Vigna), from which every decision of the computer is drawn and logged.
 */
#include "machine/internal.h"

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static uint64_t next(void)
{
    uint64_t *s = M->random;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

void choice_start(uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        M->random[i] = split_mix(&seed);
    }
}

uint64_t choice_secret(void)
{
    uint64_t state = M->options.seed ^ 0x636f6f6b6965ull;

    return split_mix(&state);
}

uint32_t machine_choose(enum choice kind, uint32_t n)
{
    uint32_t chosen;

    PG_ASSERT(n >= 1);
    if (n == 1) {
        return 0;
    }
    chosen = (uint32_t)(((next() >> 32) * n) >> 32);
    M->counters.choices++;
    machine_event(EVENT_CHOICE, kind, n, chosen);
    return chosen;
}
