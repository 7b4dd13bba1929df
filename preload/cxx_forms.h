// SPDX-License-Identifier: MIT
//
// Which form of operator new and delete the program has called, for the checks.

#pragma once

namespace tarn {

/// From now on the forms that call others say which they are, see CppForm.
void tell_cxx_forms();

} // namespace tarn
