// SPDX-License-Identifier: MIT
//
// Promise: tags, their budgets and limits, frames and bytes moved of <tarn/malloc.h> may be given
// without a trace, from any thread: nothing comes of them, and errno stays.

#include <pthread.h>

#include <tarn/malloc.h>

#include "tests/abi/check.h"

static void* mark_all(void* unused)
{
    errno = EXDEV;
    CHECK(tarn_tag_push("a tag") == -1, "expected -1 from tarn_tag_push, seen another value");
    CHECK(tarn_tag_push(NULL) == -1, "expected -1 from tarn_tag_push, seen another value");
    free(opaque(malloc(100)));
    CHECK(tarn_tag_pop() == -1, "expected -1 from tarn_tag_pop, seen another value");
    CHECK(tarn_tag_budget("a tag", 1) == -1,
          "expected -1 from tarn_tag_budget, seen another value");
    CHECK(tarn_tag_limit("a tag", 1) == -1, "expected -1 from tarn_tag_limit, seen another value");
    for (int frame = 0; frame < 1000; ++frame) {
        tarn_frame_mark();
        tarn_bandwidth(100, 200);
    }
    CHECK(errno == EXDEV, "expected errno as it was, seen %d", errno);
    return unused;
}

int main(void)
{
    mark_all(NULL);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, mark_all, NULL) == 0, "expected a thread, seen errno %d",
          errno);
    pthread_join(thread, NULL);
    return 0;
}
