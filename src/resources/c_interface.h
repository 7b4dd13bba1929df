// SPDX-License-Identifier: MIT
//
// What the functions of the C interface have in common: no exception leaves one.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <stdexcept>
#include <type_traits>

#include <tarn/resources.h>

namespace tarn::detail {

/// By the call that this thread is in.
inline constinit thread_local bool was_misused = false;

/// What the call returns, or the error that its exception is.
template <class Call> int guarded(Call call) noexcept
{
    was_misused = false;
    try {
        const int error = call();
        return was_misused ? TARN_ERROR_MISUSE : error;
    } catch (const std::bad_alloc&) {
        return TARN_ERROR_NO_MEMORY;
    } catch (const std::invalid_argument&) {
        return TARN_ERROR_INVALID;
    } catch (...) { // a handler of C++ throws what it likes
        return TARN_ERROR_MISUSE;
    }
}

template <class... Pointers> bool has_null(Pointers... pointers)
{
    return ((pointers == nullptr) || ...);
}

/// Those of the caller, who may have been compiled with fewer, or none.
template <class Options> Options known(const Options* options)
{
    Options all{};
    if (options != nullptr) std::memcpy(&all, options, std::min(options->size, sizeof(Options)));
    return all;
}

template <class Value> void set(Value& option, std::type_identity_t<Value> value)
{
    if (value != 0) option = value;
}

template <class Handle, class Options> int create(Handle** place, const Options& options)
{
    if (place == nullptr) return TARN_ERROR_INVALID;
    *place = nullptr;
    return guarded([&] {
        *place = new Handle(options);
        return TARN_OK;
    });
}

} // namespace tarn::detail
