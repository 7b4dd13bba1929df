// SPDX-License-Identifier: MIT
//
// What an alignment leaves between a guarded block and its closed pages: nobody has reason to write
// there, and no fault tells who does.

#pragma once

#include "src/checks/canary.h"

namespace tarn::guard_gap {

void fill(const CheckedPlace& place);
/// What has changed in front of the block, and behind it.
Change check_front(const CheckedPlace& place);
Change check_back(const CheckedPlace& place);

} // namespace tarn::guard_gap
