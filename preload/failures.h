// SPDX-License-Identifier: MIT
//
// Allocations that get no memory though there is some: fail=, fail_fork=, max_alloc=.

#pragma once

namespace tarn {

/// In configure_heap(), after the other modes, whose observer it shares.
void prepare_failures();

/// In our constructor. What is allocated before, by the loader and by libraries that start, is not
/// counted.
void start_failures();

/// From now on requests fail that exceed the limit of a tag, see tracer/tags.h. Requires: all
/// blocks are counted. Any thread.
void heed_tag_limits();

/// At the end of the process: says what came of it. Returns `status`, or what it is to be instead.
int report_failures(int status);

} // namespace tarn
