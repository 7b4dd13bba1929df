// SPDX-License-Identifier: MIT
#pragma once

namespace tarn {

/// From now on frees of pointers that are not ours are passed to libc if they are libc's.
void connect_libc_heap();

} // namespace tarn
