// SPDX-License-Identifier: MIT

#include "tracer/address_place.h"

#include "src/base/units.h"
#include "src/os/stack.h"
#include "tracer/process_maps.h"

namespace tarn {

namespace {

AddressPlace::Kind kind_of(const Mapping& mapping, ModuleId module)
{
    using Kind = AddressPlace::Kind;
    if (module != kNoModule) return mapping.writable ? Kind::data : Kind::constant;
    if (mapping.name == "[heap]") return Kind::heap;
    return mapping.name.empty() ? Kind::memory : Kind::file;
}

/// What place_of() takes along to the stack that it runs on.
struct Job {
    std::uintptr_t address;
    AddressPlace place;
};
constinit Job job{};

void do_job()
{
    MapsReader maps;
    for (Mapping mapping; maps.next(mapping);) {
        if (job.address < mapping.range.start || job.address >= mapping.range.end) continue;
        AddressPlace& place = job.place;
        place.module = module_table.find(job.address);
        place.kind = kind_of(mapping, place.module);
        place.file << mapping.name;
        place.mapping = mapping.range;
        return;
    }
}

/// The reader is larger than the smallest stacks can bear.
constexpr std::size_t kStack = KiB(32);

} // namespace

AddressPlace place_of(std::uintptr_t address)
{
    job = {.address = address, .place = {}};
    os::call_on_own_stack(kStack, do_job);
    return job.place;
}

} // namespace tarn
