// SPDX-License-Identifier: MIT
//
// The report about misuse for programs to read: a line for each. tracer/README.md describes it.

#pragma once

#include <cstdint>

#include "src/base/check_error.h"
#include "tracer/address_place.h"
#include "tracer/call_names.h"

namespace tarn {

/// Counts up when what is there already changes its name or meaning, not when something is added.
inline constexpr std::uint64_t kCheckJsonFormat = 1;

/// Adds a line to the file `path`, at once, so that those of several processes do not mix. `names`
/// has those of the error's stacks; `place` is of its address if that is in no block. Neither
/// allocates nor takes locks of libc. Requires: one at a time. Errors: one line on standard error.
void write_check_json(const char* path, const CheckError& error, const AddressPlace& place,
                      const CallNames& names, bool has_names);

} // namespace tarn
