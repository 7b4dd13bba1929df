// SPDX-License-Identifier: MIT
//
// What a program says of itself for traces: tags, their budgets, frames, and
// bytes moved; see <tarn/malloc.h>.

#include <cstddef>
#include <cstdint>

#include "preload/export.h"
#include "preload/failures.h"
#include "preload/startup.h"
#include "src/heap/settings.h"
#include "src/heap/slow_path.h"
#include "src/include/tarn/malloc.h"
#include "tracer/frames.h"
#include "tracer/sites.h"
#include "tracer/tags.h"
#include "tracer/timeline.h"
#include "tracer/traces.h"

namespace {

bool is_traced()
{
    return tarn::settings.observer != nullptr;
}

bool has_counts()
{
    return is_traced() && tarn::startup_options().counts_sites();
}

} // namespace

TARN_EXPORT int tarn_tag_push(const char* name)
{
    if (!is_traced()) [[likely]]
        return -1;
    return tarn::push_tag(name != nullptr ? name : "", tarn::run_undisturbed) ? 0 : -1;
}

TARN_EXPORT int tarn_tag_pop()
{
    return is_traced() && tarn::pop_tag() ? 0 : -1;
}

TARN_EXPORT int tarn_tag_budget(const char* path, std::uint64_t bytes)
{
    if (!has_counts() || path == nullptr) return -1;
    return tarn::set_tag_budget(path, bytes, tarn::run_undisturbed) ? 0 : -1;
}

TARN_EXPORT int tarn_tag_limit(const char* path, std::uint64_t bytes)
{
    const bool counts_each = has_counts() && tarn::startup_options().counts_all();
    if (!counts_each || path == nullptr) return -1;
    if (!tarn::set_tag_limit(path, bytes, tarn::run_undisturbed)) return -1;
    tarn::heed_tag_limits();
    return 0;
}

TARN_EXPORT void tarn_frame_mark()
{
    if (has_counts()) [[unlikely]]
        tarn::run_undisturbed(tarn::end_frame);
}

TARN_EXPORT void tarn_bandwidth(std::size_t bytes_read, std::size_t bytes_written)
{
    if (!has_counts()) [[likely]]
        return;
    tarn::live_totals.moved(bytes_read, bytes_written);
    tarn::timeline.look();
}
