// SPDX-License-Identifier: MIT
//
// The switch of the `nop` reference library; a weak symbol, absent under every other allocator.

#pragma once

extern "C" [[gnu::weak, gnu::visibility("default")]] void
bench_reference_nop_measure(int measuring);
