// SPDX-License-Identifier: MIT
//
// Who else may own a pointer that is given to free(), see ForeignOwner.

#include "src/heap/slow_path.h"

namespace tarn {

namespace {

constinit ForeignOwner foreign_owner{};

} // namespace

void set_foreign_owner(ForeignOwner owner)
{
    foreign_owner = owner;
}

bool free_foreign(void* block)
{
    return foreign_owner.free != nullptr && foreign_owner.free(block);
}

std::size_t foreign_size(const void* block)
{
    return foreign_owner.usable_size != nullptr ? foreign_owner.usable_size(block) : 0;
}

} // namespace tarn
