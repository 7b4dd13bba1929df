// SPDX-License-Identifier: MIT
//
// The tarn command as the options want it, for whatever reports.

#pragma once

namespace tarn {

/// Finds it, see find_helper(), and lets it use the network if that is wanted; says so in a line if
/// it cannot. To be called when the program starts; a second time does nothing more.
bool prepare_helper();

} // namespace tarn
