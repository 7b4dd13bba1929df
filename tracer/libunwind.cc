// SPDX-License-Identifier: MIT

#include "tracer/libunwind.h"

#if defined(__x86_64__)

#include <atomic>
#include <dlfcn.h>
#include <libunwind-x86_64.h>

#include "src/os/probe.h"
#include "tracer/modules.h"
#include "tracer/unwinder.h"

namespace tarn {

namespace {

/// What we call of it. The names in the library are those that its header's macros stand for.
struct Functions {
    decltype(&unw_create_addr_space) create;
    decltype(&unw_set_caching_policy) cache;
    decltype(&unw_flush_cache) flush;
    decltype(&unw_init_remote) start;
    decltype(&unw_step) step;
    decltype(&unw_get_reg) get;
    decltype(&unw_is_signal_frame) is_signal_frame;
    // In no header; perf and gdbserver declare it, too.
    int (*search)(unw_addr_space_t, unw_word_t, unw_dyn_info_t*, unw_proc_info_t*, int, void*);
};
constinit Functions functions{};
constinit unw_addr_space_t space = nullptr;
constinit std::atomic<std::uint64_t> epoch{0}; // of what it remembers

int find_function(unw_addr_space_t, unw_word_t address, unw_proc_info_t* found, int needs_all,
                  void* context)
{
    const ModuleId module = module_table.find(address);
    UnwindTable table{};
    if (module == kNoModule || !read_unwind_table(module_table[module].unwind_table, table))
        return -UNW_ENOINFO;
    unw_dyn_info_t known{};
    known.start_ip = module_table[module].range.start;
    known.end_ip = module_table[module].range.end;
    known.format = UNW_INFO_FORMAT_REMOTE_TABLE;
    known.u.rti.segbase = reinterpret_cast<unw_word_t>(table.base);
    known.u.rti.table_len = table.size * sizeof(UnwindTable::Row) / sizeof(unw_word_t);
    known.u.rti.table_data = reinterpret_cast<unw_word_t>(table.rows);
    return functions.search(space, address, &known, found, needs_all, context);
}

void forget_function(unw_addr_space_t, unw_proc_info_t*, void*) {}

int find_generated_code(unw_addr_space_t, unw_word_t*, void*)
{
    return -UNW_ENOINFO;
}

int access_memory(unw_addr_space_t, unw_word_t address, unw_word_t* word, int writes, void*)
{
    return writes == 0 && os::read_memory(address, word, sizeof *word) ? 0 : -UNW_EINVAL;
}

int access_register(unw_addr_space_t, unw_regnum_t number, unw_word_t* value, int writes,
                    void* context)
{
    const auto& registers = *static_cast<const RegisterValues*>(context);
    const auto at = static_cast<std::size_t>(number); // libunwind's numbers are DWARF's
    if (writes != 0 || at >= registers.size()) return -UNW_EBADREG;
    *value = registers[at];
    return 0;
}

int access_float(unw_addr_space_t, unw_regnum_t, unw_fpreg_t*, int, void*)
{
    return -UNW_EBADREG;
}

int resume(unw_addr_space_t, unw_cursor_t*, void*)
{
    return -UNW_EINVAL;
}

// Written to by nobody; libunwind has no const there.
constinit unw_accessors_t accessors{.find_proc_info = find_function,
                                    .put_unwind_info = forget_function,
                                    .get_dyn_info_list_addr = find_generated_code,
                                    .access_mem = access_memory,
                                    .access_reg = access_register,
                                    .access_fpreg = access_float,
                                    .resume = resume,
                                    .get_proc_name = nullptr};

template <class Function> bool find(void* library, Function& function, const char* name)
{
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

unw_cursor_t* cursor_of(std::array<std::uint64_t, 128>& room)
{
    static_assert(sizeof room >= sizeof(unw_cursor_t));
    return reinterpret_cast<unw_cursor_t*>(room.data());
}

} // namespace

#define TARN_NAME_OF(macro) TARN_TEXT_OF(macro)
#define TARN_TEXT_OF(name) #name

const char* open_libunwind()
{
    void* const library = ::dlopen("libunwind-x86_64.so.8", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        // Or the program would be told of it.
        ::dlerror(); // NOLINT(concurrency-mt-unsafe): glibc's is of the thread
        return "there is no libunwind-x86_64.so.8 (Debian: libunwind8)";
    }
    const bool has_all =
        find(library, functions.create, TARN_NAME_OF(unw_create_addr_space)) &&
        find(library, functions.cache, TARN_NAME_OF(unw_set_caching_policy)) &&
        find(library, functions.flush, TARN_NAME_OF(unw_flush_cache)) &&
        find(library, functions.start, TARN_NAME_OF(unw_init_remote)) &&
        find(library, functions.step, TARN_NAME_OF(unw_step)) &&
        find(library, functions.get, TARN_NAME_OF(unw_get_reg)) &&
        find(library, functions.is_signal_frame, TARN_NAME_OF(unw_is_signal_frame)) &&
        find(library, functions.search, "_Ux86_64_dwarf_search_unwind_table");
    space = has_all ? functions.create(&accessors, 0) : nullptr;
    if (space == nullptr) return "libunwind-x86_64.so.8 is not as it was in version 1.6";
    functions.cache(space, UNW_CACHE_GLOBAL);
    return nullptr;
}

LibunwindSteps::LibunwindSteps(const RegisterValues& registers) : registers_(registers)
{
    const std::uint64_t now = rule_cache.epoch();
    if (epoch.load(std::memory_order_acquire) != now) {
        functions.flush(space, 0, 0);
        epoch.store(now, std::memory_order_release);
    }
    is_valid_ = functions.start(cursor_of(cursor_), space, &registers_) == 0;
}

bool LibunwindSteps::next()
{
    if (!is_valid_ || functions.step(cursor_of(cursor_)) <= 0) return false;
    is_interrupted_ = functions.is_signal_frame(cursor_of(cursor_)) > 0;
    return address() != 0;
}

std::uintptr_t LibunwindSteps::address() const
{
    return read(UNW_REG_IP);
}

std::uintptr_t LibunwindSteps::stack_pointer() const
{
    return read(UNW_REG_SP);
}

std::uintptr_t LibunwindSteps::read(int number) const
{
    unw_word_t value = 0;
    return functions.get(cursor_of(cursor_), number, &value) == 0 ? value : 0;
}

} // namespace tarn

#else

namespace tarn {

const char* open_libunwind()
{
    return "stacks need x86-64";
}

LibunwindSteps::LibunwindSteps(const RegisterValues& registers) : registers_(registers) {}

bool LibunwindSteps::next()
{
    return false;
}

std::uintptr_t LibunwindSteps::address() const
{
    return 0;
}

std::uintptr_t LibunwindSteps::stack_pointer() const
{
    return 0;
}

} // namespace tarn

#endif
