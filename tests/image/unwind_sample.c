/* SPDX-License-Identifier: MIT */
/*
 * Code as a compiler writes it, for the unwinder's test: it is run one instruction at a time. Every
 * export takes a number of rounds and needs nothing from outside.
 */
#define EXPORT   __declspec(dllexport)
#define NOINLINE __attribute__((noinline))

typedef unsigned long long number;

static volatile number sink;

static NOINLINE number mix(number a, number b, number c, number d, number e, number f)
{
    sink = a ^ b;
    return (a * 31 + b) ^ (c << 3) ^ (d * e) ^ f;
}

EXPORT number recursion(number n)
{
    if (n <= 1) {
        return mix(n, 2, 3, 4, 5, 6);
    }
    return recursion(n - 1) * 3 + mix(n, n + 1, n + 2, n + 3, n + 4, n + 5);
}

EXPORT number many_values(number n)
{
    number a = n, b = n * 3, c = n ^ 5, d = n + 9, e = n << 2, f = ~n, g = n * n;

    for (number i = 0; i < n; i++) {
        a += mix(a, b, c, d, e, f);
        b ^= mix(b, c, d, e, f, g);
        c += mix(c, d, e, f, g, a);
        d ^= a + g;
        g += e ^ f;
    }
    return a + b + c + d + e + f + g;
}

EXPORT number variable_frame(number n)
{
    number *array = __builtin_alloca((n + 4) * sizeof(number));
    number sum = 0;

    for (number i = 0; i < n + 4; i++) {
        array[i] = mix(i, n, 3, 4, 5, 6);
    }
    for (number i = 0; i < n + 4; i++) {
        sum += array[i];
    }
    return sum;
}

EXPORT number large_frame(number n)
{
    volatile char buffer[20000];

    buffer[n & 15] = (char)n;
    buffer[19999] = 2;
    return mix(buffer[n & 15], buffer[19999], n, n, n, n);
}

EXPORT number early_exit(number n)
{
    if (n == 0) {
        return 1;
    }
    sink = n;
    if (n & 1) {
        return mix(n, n, n, n, n, n);
    }
    return many_values(2) + n;
}

static NOINLINE number by_switch(number n)
{
    switch (n) {
    case 0:
        return mix(1, 2, 3, 4, 5, 6);
    case 1:
        return mix(2, 2, 3, 4, 5, 6) + 1;
    case 2:
        return recursion(2) ^ 9;
    case 3:
        sink = 3;
        return mix(4, 2, 3, 4, 5, 6) + mix(n, n, n, n, n, 1);
    case 4:
        return variable_frame(1);
    case 5:
        return 17;
    default:
        return mix(n, n, n, n, n, n) * 5;
    }
}

EXPORT number switches(number n)
{
    number sum = 0;

    for (number i = 0; i < n + 4; i++) {
        sum += by_switch(i);
    }
    return sum;
}

EXPORT number doubles(number n)
{
    double a = (double)n, b = 2.5, c = a * b, d = a + 1, e = b * 3, f = a / 7, g = c - d, h = e * f;

    for (number i = 0; i < n; i++) {
        sink = mix(i, 1, 2, 3, 4, 5);
        a += b * c + d;
        e += f * g - h;
        b += 0.5;
    }
    return (number)(a + b + c + d + e + f + g + h);
}

number (*volatile pointer)(number) = recursion;

EXPORT number tail_call(number n)
{
    sink = mix(n, 1, 2, 3, 4, 5);
    return pointer(n); /* relocated, and not loaded at its preferred base */
}

/* The runtime's mark that a program uses floating point. */
int _fltused = 0;
