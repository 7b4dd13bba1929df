// SPDX-License-Identifier: MIT
#include <algorithm>
#include <optional>
#include <ostream>

#include <tarn/scratch_resource.h>

#include "src/resources/fields.h"
#include "src/resources/never_destroyed.h"

namespace tarn {

ScratchResource::ScratchResource(const Options& options, std::pmr::memory_resource* upstream)
    : Resource(options.name), arena_({.name = options.name,
                                      .growth = {options.chunk, 100, options.chunk},
                                      .checked = options.checked},
                                     upstream),
      keep_(options.keep)
{}

void ScratchResource::reset()
{
    ++resets_;
    arena_.reset_and_merge(keep_);
}

void ScratchResource::release()
{
    ++resets_;
    arena_.release();
}

struct ScratchRegistry::Named {
    Named(std::string_view wanted, ScratchOptions options) : name(wanted)
    {
        options.name = name.c_str();
        scratch.emplace(options);
    }
    std::string name;
    std::optional<ScratchResource> scratch;
};

ScratchRegistry::ScratchRegistry() = default;
ScratchRegistry::~ScratchRegistry() = default;

ScratchResource& ScratchRegistry::get(std::string_view name, ScratchOptions options)
{
    if (ScratchResource* const found = find(name)) return *found;
    auto made = std::make_unique<Named>(name, options);
    const std::lock_guard lock(mutex_);
    for (const auto& named : scratches_) // another thread may have been faster
        if (named->name == name) return *named->scratch;
    return *scratches_.emplace_back(std::move(made))->scratch;
}

ScratchResource* ScratchRegistry::find(std::string_view name) const noexcept
{
    const std::lock_guard lock(mutex_);
    for (const auto& named : scratches_)
        if (named->name == name) return &*named->scratch;
    return nullptr;
}

void ScratchRegistry::reset_all()
{
    const std::lock_guard lock(mutex_);
    for (const auto& named : scratches_)
        named->scratch->reset();
}

std::vector<ScratchRegistry::Entry> ScratchRegistry::statistics() const
{
    std::vector<Entry> entries;
    const std::lock_guard lock(mutex_);
    for (const auto& named : scratches_)
        entries.push_back({named->name, named->scratch->statistics(), named->scratch->resets()});
    return entries;
}

ScratchRegistry& scratch_registry()
{
    static detail::NeverDestroyed<ScratchRegistry> registry;
    return registry.get();
}

ScratchResource& thread_scratch()
{
    thread_local ScratchResource scratch(ScratchOptions::frame());
    return scratch;
}

std::ostream& operator<<(std::ostream& out, const ScratchRegistry::Entry& entry)
{
    return out << entry.name << ": resets " << entry.resets << ", " << entry.statistics;
}

std::string to_json(const ScratchRegistry::Entry& entry)
{
    return R"({"name":)" + detail::json_text(entry.name) + R"(,"resets":)" +
           std::to_string(entry.resets) + R"(,"blocks":)" + to_json(entry.statistics) + "}";
}

} // namespace tarn
