// SPDX-License-Identifier: MIT

#include "src/base/assert.h"

#include "src/base/print.h"

namespace tarn::detail {

void assertion_failed(const char* condition, const char* file, int line)
{
    {
        Printer out(write_to_stderr);
        out << "tarn: assertion failed: " << condition << " at " << file << ":"
            << static_cast<std::uint64_t>(line) << "\n";
    }
    __builtin_abort();
}

} // namespace tarn::detail
