// SPDX-License-Identifier: MIT
#pragma once

/// Marks what libtarn_alloc offers to programs; all else in it is hidden.
#define TARN_API __attribute__((visibility("default")))
