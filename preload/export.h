// SPDX-License-Identifier: MIT
#pragma once

/// A symbol that libtarn.so offers; exports.map lists it too.
#define TARN_EXPORT extern "C" [[gnu::visibility("default")]]
