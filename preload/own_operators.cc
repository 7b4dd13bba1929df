// SPDX-License-Identifier: MIT

#include "preload/own_operators.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <iterator>
#include <link.h>
#include <string_view>

#include "tracer/process_maps.h"

// glibc 2.35; weak, because older ones have none.
// NOLINTNEXTLINE(*-reserved-identifier, readability-identifier-naming): libc's name
extern "C" [[gnu::weak]] int _dl_find_object(void* address, dl_find_object* result) noexcept;

namespace tarn {

namespace {

constexpr const char* kForms[] = {"_Znwm", "_Znam", "_ZdlPv", "_ZdaPv", "_ZdlPvm", "_ZdaPvm"};
/// Their operators are what ours take the place of.
constexpr std::string_view kRuntimes[] = {"libstdc++.so", "libc++.so", "libc++abi.so"};

/// The symbols that an object shows to others, as its dynamic section says.
class DynamicSymbols {
public:
    explicit DynamicSymbols(const ::link_map& link)
    {
        for (const ElfW(Dyn)* entry = link.l_ld; entry->d_tag != DT_NULL; ++entry) {
            // The loader has made addresses of offsets, but in the kernel's own object.
            const ElfW(Addr) value = entry->d_un.d_ptr;
            const ElfW(Addr) address = value < link.l_addr ? value + link.l_addr : value;
            if (entry->d_tag == DT_SYMTAB) symbols_ = reinterpret_cast<const ElfW(Sym)*>(address);
            if (entry->d_tag == DT_STRTAB) names_ = reinterpret_cast<const char*>(address);
            if (entry->d_tag == DT_GNU_HASH)
                hashes_ = reinterpret_cast<const std::uint32_t*>(address);
        }
    }

    /// Source: glibc, elf/dl-lookup.c; the Bloom filter in front is passed over.
    bool define(const char* name) const
    {
        if (symbols_ == nullptr || names_ == nullptr || hashes_ == nullptr) return false;
        const std::uint32_t buckets = hashes_[0];
        const std::uint32_t first = hashes_[1];
        const std::uint32_t* const bucket =
            hashes_ + 4 + hashes_[2] * (sizeof(ElfW(Addr)) / sizeof(std::uint32_t));
        const std::uint32_t hash = hash_of(name);
        std::uint32_t index = buckets != 0 ? bucket[hash % buckets] : 0;
        if (index < first) return false;
        const std::uint32_t* const chain = bucket + buckets;
        for (;; ++index) {
            const std::uint32_t other = chain[index - first];
            const ElfW(Sym)& symbol = symbols_[index];
            if ((other | 1U) == (hash | 1U) && symbol.st_shndx != SHN_UNDEF &&
                std::strcmp(names_ + symbol.st_name, name) == 0)
                return true;
            if ((other & 1U) != 0) return false; // the last of its bucket
        }
    }

private:
    static std::uint32_t hash_of(const char* name)
    {
        std::uint32_t hash = 5381;
        for (; *name != '\0'; ++name)
            hash = hash * 33 + static_cast<unsigned char>(*name);
        return hash;
    }

    const ElfW(Sym) * symbols_ = nullptr;
    const char* names_ = nullptr;
    const std::uint32_t* hashes_ = nullptr;
};

const ::link_map* object_at(std::uintptr_t address)
{
    dl_find_object found{};
    const bool is_code = _dl_find_object(reinterpret_cast<void*>(address), &found) == 0;
    return is_code ? found.dlfo_link_map : nullptr;
}

bool is_runtime(const ::link_map& link)
{
    const char* const slash = std::strrchr(link.l_name, '/');
    const char* const name = slash != nullptr ? slash + 1 : link.l_name;
    // Not starts_with(), which in debug builds needs a function of libstdc++.
    return std::any_of(std::begin(kRuntimes), std::end(kRuntimes),
                       [name](std::string_view runtime) {
                           return std::strncmp(name, runtime.data(), runtime.size()) == 0;
                       });
}

} // namespace

bool has_own_operators()
{
    if (&_dl_find_object == nullptr) return true; // nobody knows
    const ::link_map* const own = object_at(reinterpret_cast<std::uintptr_t>(&has_own_operators));
    const ::link_map* last = own;
    MapsReader maps;
    for (Mapping mapping; maps.next(mapping);) {
        const ::link_map* const object = object_at(mapping.range.start);
        if (object == nullptr || object == own || object == last) continue;
        last = object; // it has several mappings in a row
        if (is_runtime(*object)) continue;
        const DynamicSymbols symbols(*object);
        if (std::any_of(std::begin(kForms), std::end(kForms),
                        [&](const char* form) { return symbols.define(form); }))
            return true;
    }
    return false;
}

} // namespace tarn
