// SPDX-License-Identifier: MIT
#pragma once

#include <new>
#include <utility>

namespace tarn::detail {

/// Holds an object of static storage whose destructor never runs: blocks of it may be given back
/// by destructors of other static objects, in any order.
template <class T> class NeverDestroyed {
public:
    template <class... Arguments> explicit NeverDestroyed(Arguments&&... arguments)
    {
        ::new (static_cast<void*>(storage_)) T(std::forward<Arguments>(arguments)...);
    }

    T& get() { return *std::launder(reinterpret_cast<T*>(storage_)); }

private:
    alignas(T) unsigned char storage_[sizeof(T)];
};

} // namespace tarn::detail
