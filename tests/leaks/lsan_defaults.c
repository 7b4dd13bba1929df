// SPDX-License-Identifier: MIT
//
// What a program may define for LeakSanitizer, exported by itself or by one of its libraries.

#include <stddef.h>
#include <string.h>

const char* chosen = "";

const char* __lsan_default_suppressions(void)
{
    if (strcmp(chosen, "suppress") == 0) return "# of the program\n\nleak:loses_first\n";
    if (strcmp(chosen, "no_newline") == 0) return "leak:loses_second";
    if (strcmp(chosen, "wrong") == 0) return "leak:loses_first\nrace:other\n";
    return NULL;
}

int __lsan_is_turned_off(void)
{
    return strncmp(chosen, "off", 3) == 0;
}
