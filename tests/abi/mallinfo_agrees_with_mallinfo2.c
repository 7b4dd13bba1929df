// SPDX-License-Identifier: MIT
//
// Promise: mallinfo(), which programs built before glibc 2.33 call, gives the figures of
// mallinfo2() as ints.

#include <malloc.h>

#include "tests/abi/check.h"

static void expect_equal(const char* field, int narrow, size_t wide)
{
    CHECK(narrow == (int)wide, "expected %s to be %d, seen %d", field, (int)wide, narrow);
}

int main(void)
{
    void* blocks[100];
    for (int i = 0; i < 100; ++i) {
        blocks[i] = malloc((size_t)i * 1000);
    }
    // Function calls between the two could allocate: nothing else happens in between.
    const struct mallinfo2 wide = mallinfo2();
    const struct mallinfo narrow = mallinfo();
    expect_equal("arena", narrow.arena, wide.arena);
    expect_equal("hblks", narrow.hblks, wide.hblks);
    expect_equal("hblkhd", narrow.hblkhd, wide.hblkhd);
    expect_equal("uordblks", narrow.uordblks, wide.uordblks);
    expect_equal("fordblks", narrow.fordblks, wide.fordblks);
    CHECK(wide.uordblks + wide.hblkhd >= 4950 * 1000,
          "expected at least 4950000 bytes in use, seen %zu", wide.uordblks + wide.hblkhd);
    for (int i = 0; i < 100; ++i) {
        free(blocks[i]);
    }
    return 0;
}
