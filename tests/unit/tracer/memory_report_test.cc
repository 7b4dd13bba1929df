// SPDX-License-Identifier: MIT

#include "tracer/memory_report.h"

#include <string>

#include <gtest/gtest.h>

#include "src/base/units.h"

namespace tarn {

namespace {

std::string printed;

void collect(std::string_view text)
{
    printed += text;
}

template <class Print> std::string text_of(Print print)
{
    printed.clear();
    {
        Printer out(collect);
        print(out);
    }
    return printed;
}

TEST(MemoryReport, HasALineForEachShareThatThereIsAndTheSum)
{
    MemoryShares shares{};
    shares.used = MiB(3);
    shares.files = MiB(1);
    EXPECT_EQ(text_of([&](Printer& out) { print_shares(out, "> ", shares, false); }),
              ">      3.0 MiB   75.0%  what the program asked for, in blocks in use\n"
              ">      1.0 MiB   25.0%  files that are mapped: programs, libraries, data\n"
              ">      4.0 MiB  100.0%  in all, what the kernel counts as RSS\n");
    shares.untouched = MiB(2);
    shares.rounding = MiB(4);
    const std::string text = text_of([&](Printer& out) { print_shares(out, "> ", shares, true); });
    EXPECT_NE(text.find("in blocks in use; 2.0 MiB more were never touched\n"), std::string::npos);
    EXPECT_NE(text.find("4.0 MiB   50.0%  blocks in use beyond that: rounding, estimated\n"),
              std::string::npos);
}

TEST(MemoryReport, SaysWhatSparseSlabsKeep)
{
    SparseSlabs sparse{.slabs = 90, .blocks = 100, .used = 3000, .empty = MiB(1), .last = 0};
    EXPECT_EQ(text_of([&](Printer& out) { print_sparse_total(out, "> ", sparse, true); }),
              "> 1.0 MiB lie free in 90 slabs of which at most a quarter is in use, by 100 blocks "
              "(TARN=trace says whose)\n");
    sparse.empty = KiB(100);
    EXPECT_EQ(text_of([&](Printer& out) { print_sparse_total(out, "> ", sparse, false); }), "");
    const std::string beginning = "apart: 100 blocks, 2.9 KiB, keep 1.0 MiB that is free around "
                                  "them in 90 slabs; ";
    EXPECT_EQ(text_of([&](Printer& out) {
                  print_sparse(out, sparse, MiB(1));
              }).substr(0, beginning.size()),
              beginning);
}

TEST(MemoryReport, SaysWhenMemoryWasShortAndNothingOtherwise)
{
    Pressure pressure{};
    EXPECT_EQ(text_of([&](Printer& out) { print_pressure(out, "> ", pressure, 1000); }), "");
    pressure.failures = {.count = 30, .first_at = 1340};
    pressure.limit = {.count = 1, .first_at = 1200};
    pressure.most_bytes = MiB(64);
    EXPECT_EQ(text_of([&](Printer& out) { print_pressure(out, "> ", pressure, 1000); }),
              "> 30 calls failed for want of memory (ENOMEM), the first 340 ms after the start\n"
              "> 1 time limit=64.0 MiB was in the way, 200 ms after the start\n");
}

} // namespace

} // namespace tarn
