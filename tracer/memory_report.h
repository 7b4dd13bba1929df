// SPDX-License-Identifier: MIT
//
// Where the memory of the process is, and when it was short, for people.

#pragma once

#include <cstdint>
#include <string_view>

#include "src/base/heap_view.h"
#include "src/base/print.h"
#include "tracer/slab_account.h"

namespace tarn {

/// "1.2 MiB   3.0%  in threads' caches": a line for each share that there is, and the sum.
/// `margin`: what each begins with.
void print_shares(Printer& out, std::string_view margin, const MemoryShares& shares,
                  bool is_estimate);

/// What sparse slabs keep, if it is much. `is_sampled`: by whom is not known.
void print_sparse_total(Printer& out, std::string_view margin, const SparseSlabs& sparse,
                        bool is_sampled);

/// "apart: 210 blocks, 13.1 KiB, keep 3.1 MiB ...; ...", as advice about a place. `empty`: bytes.
void print_sparse(Printer& out, const SparseSlabs& sparse, std::uint64_t empty);

/// What was done about memory that was short, if anything was; a line each. `started_at`: of the
/// process, milliseconds of os::clock_milliseconds().
void print_pressure(Printer& out, std::string_view margin, const Pressure& pressure,
                    std::uint64_t started_at);

} // namespace tarn
