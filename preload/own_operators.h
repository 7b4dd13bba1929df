// SPDX-License-Identifier: MIT

#pragma once

namespace tarn {

/// Whether an object of the process other than ours and the C++ runtime defines operator new or
/// delete: the program in place of ours, or a library for itself, whose inline functions then mix
/// them with ours. Their blocks may come from anywhere. Any thread; takes no lock of the loader's.
/// Cost: reading /proc/self/maps.
bool has_own_operators();

} // namespace tarn
