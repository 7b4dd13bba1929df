// SPDX-License-Identifier: MIT
//
// The library that only its caller's RUNPATH leads to; see dlopen_finds_the_callers_runpath.c.

int runpath_target(void);

int runpath_target(void)
{
    return 1;
}
