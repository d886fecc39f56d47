# SPDX-License-Identifier: MIT
# cmake -DMODULE=PagableSections.cmake -DSTEM=path -P: what pagable_sections makes, for subject.c.
include(${MODULE})
pagable_sections_write(${STEM} CODE PAGEcode INIT DATA PAGEdata INITdata)
