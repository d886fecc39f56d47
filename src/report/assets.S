/* SPDX-License-Identifier: MIT */
/* The style and the script of pages, as they lie beside this file, each with a terminator. */
    .section .rodata
    .global asset_page_css
asset_page_css:
    .incbin "report/page.css"
    .byte 0
    .global asset_figure_css
asset_figure_css:
    .incbin "report/figure.css"
    .byte 0
    .global asset_page_js
asset_page_js:
    .incbin "report/page.js"
    .byte 0
    .section .note.GNU-stack, "", @progbits
