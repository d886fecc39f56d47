/* SPDX-License-Identifier: MIT */
/* Text of strangers inside HTML and SVG. */
#include "report/figure.h"

/* Control characters have no place in XML, not even as references. */
void markup_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        switch (c) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        case '\'':
            fputs("&#39;", out);
            break;
        default:
            if (c < 0x20 || c == 0x7f) {
                fputs("\xef\xbf\xbd", out);
            } else {
                (void)fputc(c, out);
            }
        }
    }
}
