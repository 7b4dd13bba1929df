// SPDX-License-Identifier: MIT
//
// Promise: a program that includes <tarn/malloc.h> and links nothing finds the functions under the
// preload, with true figures, and null pointers without it. Argument: "with" or "without".

#include <tarn/malloc.h>

#include "tests/abi/check.h"

static struct tarn_statistics statistics_now(void)
{
    struct tarn_statistics statistics = {.size = sizeof statistics};
    CHECK(tarn_get_statistics(&statistics) == 0, "expected statistics, seen errno %d", errno);
    return statistics;
}

static void expect_about(const char* figure, uint64_t seen, uint64_t wanted)
{
    const uint64_t slack = wanted / 8 + 256;
    CHECK(seen + slack >= wanted && seen <= wanted + slack, "expected %s of about %zu, seen %zd",
          figure, (size_t)wanted, (ssize_t)seen);
}

static void check_figures(void)
{
    enum { kBlocks = 1000 };
    static void* blocks[kBlocks];
    static char nobodys[64];
    const struct tarn_statistics before = statistics_now();
    for (size_t i = 0; i < kBlocks; ++i) {
        blocks[i] = malloc(1000);
    }
    void* large = malloc(10 * MIB);
    const struct tarn_statistics full = statistics_now();
    expect_about("allocations", full.allocations - before.allocations, kBlocks + 1);
    expect_about("live", full.live - before.live, kBlocks * 1000 + 10 * MIB);
    expect_about("fallback_live", full.fallback_live - before.fallback_live, 10 * MIB);
    CHECK(full.peak >= full.live, "expected a peak of at least %zu, seen %zu", (size_t)full.live,
          (size_t)full.peak);
    free(large);
    for (size_t i = 0; i < kBlocks; ++i) {
        free(blocks[i]);
    }
    free(opaque(nobodys + 16));
    const struct tarn_statistics after = statistics_now();
    expect_about("frees", after.frees - before.frees, kBlocks + 1);
    expect_about("live", after.live - before.live, 0);
    CHECK(after.unknown_frees == before.unknown_frees + 1,
          "expected 1 pointer that is nobody's counted, seen %zu",
          (size_t)(after.unknown_frees - before.unknown_frees));
}

int main(int argc, char** argv)
{
    CHECK(argc == 2, "expected one argument, seen %d", argc - 1);
    if (strcmp(argv[1], "without") == 0) {
        CHECK(!tarn_get_statistics && !tarn_trim && !tarn_verify && !tarn_version,
              "expected null pointers without the preload, seen a function");
        CHECK(!tarn_tag_push && !tarn_tag_pop && !tarn_tag_budget && !tarn_tag_limit &&
                  !tarn_frame_mark && !tarn_bandwidth,
              "expected null pointers without the preload, seen a function to mark with");
        return 0;
    }
    CHECK(tarn_get_statistics && tarn_trim && tarn_verify && tarn_version,
          "expected four functions under the preload, seen a null pointer");
    struct tarn_statistics too_small = {.size = 4};
    errno = 0;
    CHECK(tarn_get_statistics(&too_small) == -1 && errno == EINVAL,
          "expected -1 and EINVAL for a size of 4, seen errno %d", errno);
    CHECK(tarn_version()[0] >= '0' && tarn_version()[0] <= '9', "expected a version, seen '%s'",
          tarn_version());
    check_figures();
    CHECK(tarn_verify() == 0, "expected 0 from tarn_verify, seen another value");
    const int trimmed = tarn_trim();
    CHECK(trimmed == 0 || trimmed == 1, "expected 0 or 1 from tarn_trim, seen %d", trimmed);
    return 0;
}
