// SPDX-License-Identifier: MIT

#pragma once

#include "src/base/heap_view.h"

namespace tarn {

/// The heap as the tracer sees it.
extern const HeapView heap_view;

} // namespace tarn
