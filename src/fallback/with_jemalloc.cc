// SPDX-License-Identifier: MIT

#include "src/fallback/fallback.h"

namespace tarn {

extern constinit const FallbackBackend jemalloc_backend;
extern constinit const FallbackBackend mmap_backend;

const FallbackBackend* fallback_backend(FallbackKind kind)
{
    return kind == FallbackKind::jemalloc ? &jemalloc_backend : &mmap_backend;
}

} // namespace tarn
