// SPDX-License-Identifier: MIT
//
// What keeps functions and calls of a subject as they are written, so that stacks are known.

#pragma once

/// A function that is not inlined, nor copied for what it is called with.
#ifdef __clang__
#define APART [[gnu::noinline]]
#else
#define APART [[gnu::noinline, gnu::noclone]]
#endif

/// What is said behind it keeps calls from becoming jumps.
#define BEHIND asm volatile("" ::: "memory")
