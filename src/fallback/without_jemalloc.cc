// SPDX-License-Identifier: MIT

#include "src/fallback/fallback.h"

namespace tarn {

extern constinit const FallbackBackend mmap_backend;

const FallbackBackend* fallback_backend(FallbackKind kind)
{
    return kind == FallbackKind::mmap ? &mmap_backend : nullptr;
}

} // namespace tarn
