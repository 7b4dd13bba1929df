// SPDX-License-Identifier: MIT
//
// operator new and delete, every form of C++20.
//
// A program may replace only some of them. [new.delete] says in which others its own then show up:
// array forms end in the plain ones, nothrow forms in the throwing ones, sized forms in the
// unsized ones. So those here call the form they forward to by its public name, through the PLT,
// where the program's own is found if it has one.
//
// libstdc++ is not linked, because a C program must not be made to load it. What is needed of it
// is referred to weakly, and looked up where that finds nothing: a C program may load a plugin that
// brings libstdc++ along.

#include <cstddef>
#include <dlfcn.h>
#include <errno.h>
#include <new>

#include "preload/cxx_forms.h"
#include "preload/export.h"
#include "src/heap/allocate.h"
#include "src/heap/deallocate.h"

// std::get_new_handler() and std::__throw_bad_alloc() of libstdc++, and what a catch block needs.
extern "C" {
[[gnu::weak]] std::new_handler tarn_get_new_handler() asm("_ZSt15get_new_handlerv");
[[gnu::weak, noreturn]] void tarn_throw_bad_alloc() asm("_ZSt17__throw_bad_allocv");
}
// operator delete and delete[], as forms that are given a size see them.
extern "C" {
void tarn_delete(void*, std::size_t) noexcept asm("_ZdlPv");
void tarn_delete_array(void*, std::size_t) noexcept asm("_ZdaPv");
}
asm(".weak __gxx_personality_v0\n"
    ".weak _ZSt9terminatev\n" // std::terminate(), which clang calls where noexcept is broken
    ".weak __cxa_begin_catch\n"
    ".weak __cxa_end_catch\n"
    ".weak _Unwind_Resume\n");

namespace {

/// A function of the libstdc++ that the process has, wherever it was loaded; null without one.
template <class Function> Function* find_in_libstdcxx(Function* linked, const char* name)
{
    if (linked != nullptr) return linked;
    void* const library = ::dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
    return library != nullptr ? reinterpret_cast<Function*>(::dlsym(library, name)) : nullptr;
}

std::new_handler current_new_handler()
{
    auto* const get = find_in_libstdcxx(tarn_get_new_handler, "_ZSt15get_new_handlerv");
    return get != nullptr ? get() : nullptr;
}

[[noreturn]] void throw_bad_alloc()
{
    if (auto* const thrower = find_in_libstdcxx(tarn_throw_bad_alloc, "_ZSt17__throw_bad_allocv"))
        thrower();
    __builtin_abort(); // operator new without libstdc++: there is nothing to throw
}

/// [new.delete.single]: call the handler and try again, until there is none; then throw.
template <class Allocate> void* allocate_or_throw(Allocate allocate)
{
    for (;;) {
        if (void* const block = allocate()) [[likely]]
            return block;
        const std::new_handler handler = current_new_handler();
        if (handler == nullptr) throw_bad_alloc();
        handler();
    }
}

/// Says of the allocations in its life that they are operator new's own, for the checks.
class OwnNew {
public:
    OwnNew() { tarn::cpp_form.is_new = true; }
    OwnNew(const OwnNew&) = delete;
    OwnNew& operator=(const OwnNew&) = delete;
    ~OwnNew() { tarn::cpp_form.is_new = false; }
};

/// Apart from operator new, so that its fast path needs no stack frame.
[[gnu::noinline]] void* new_slow(std::size_t size)
{
    return allocate_or_throw([size] {
        const OwnNew own;
        return tarn::allocate(size);
    });
}

/// The nothrow forms: nullptr where the form that `throwing` calls throws.
///
/// A C program with a C++ plugin has no personality routine where ours is looked for, so nothing
/// can be caught here. There is also no operator new of the program's own then, and nothing is
/// thrown: `quiet` allocates without it.
template <class Throwing, class Quiet> void* or_null(Throwing throwing, Quiet quiet)
{
    if (tarn_throw_bad_alloc == nullptr) {
        for (;;) {
            void* const block = quiet();
            const std::new_handler handler = block == nullptr ? current_new_handler() : nullptr;
            if (handler == nullptr) return block;
            handler();
        }
    }
    try {
        return throwing();
    } catch (...) {
        return nullptr;
    }
}

std::size_t to_size(std::align_val_t alignment)
{
    return static_cast<std::size_t>(alignment);
}

/// [new.delete.single]: an alignment that is no power of two is a failure like any other.
void* allocate_for(std::size_t size, std::align_val_t alignment)
{
    const std::size_t bytes = to_size(alignment);
    const OwnNew own;
    return tarn::is_power_of_two(bytes) ? tarn::allocate_aligned(size, bytes) : nullptr;
}

/// Adds to what is said of the form that was called, while the one that it forwards to runs.
class Form {
public:
    Form() : before_(tarn::cpp_form) {}
    Form(const Form&) = delete;
    Form& operator=(const Form&) = delete;
    ~Form() { tarn::cpp_form = before_; }

    Form& is_array()
    {
        tarn::cpp_form.is_array = true;
        return *this;
    }
    Form& has_size(std::size_t size)
    {
        tarn::cpp_form.size = size;
        return *this;
    }
    Form& has_alignment(std::align_val_t alignment)
    {
        tarn::cpp_form.alignment = to_size(alignment);
        return *this;
    }

private:
    const tarn::CppForm before_;
};

void* new_array_told(std::size_t size)
{
    Form form;
    form.is_array();
    return operator new(size);
}

void delete_array_told(void* block) noexcept
{
    Form form;
    form.is_array();
    operator delete(block);
}

void delete_sized_told(void* block, std::size_t size) noexcept
{
    Form form;
    form.has_size(size);
    operator delete(block);
}

void delete_array_sized_told(void* block, std::size_t size) noexcept
{
    Form form;
    form.has_size(size);
    operator delete[](block);
}

// Where the commonest forms go on: through pointers, so that a jump is all that they are. With
// checks on these are the functions above, else the public forms, which ignore a second argument.
using New = void* (*)(std::size_t);
using Delete = void (*)(void*) noexcept;
using DeleteSized = void (*)(void*, std::size_t) noexcept;
constinit New new_array = &operator new;
constinit Delete delete_array = &operator delete;
constinit DeleteSized delete_sized = tarn_delete;
constinit DeleteSized delete_array_sized = tarn_delete_array;

} // namespace

void tarn::tell_cxx_forms()
{
    new_array = new_array_told;
    delete_array = delete_array_told;
    delete_sized = delete_sized_told;
    delete_array_sized = delete_array_sized_told;
}

#define TARN_OPERATOR [[gnu::visibility("default")]]

TARN_OPERATOR void* operator new(std::size_t size)
{
    if (size <= tarn::kMaxLinearSize) [[likely]] {
        if (void* const block =
                tarn::pop(tarn::this_thread_cache(), tarn::linear_class_index(size))) [[likely]]
            return block;
    }
    return new_slow(size);
}

TARN_OPERATOR void* operator new(std::size_t size, std::align_val_t alignment)
{
    return allocate_or_throw([=] { return allocate_for(size, alignment); });
}

TARN_OPERATOR void* operator new[](std::size_t size)
{
    return new_array(size);
}

TARN_OPERATOR void* operator new[](std::size_t size, std::align_val_t alignment)
{
    Form form;
    form.is_array();
    return operator new(size, alignment);
}

TARN_OPERATOR void* operator new(std::size_t size, const std::nothrow_t&) noexcept
{
    return or_null([=] { return operator new(size); }, [=] { return tarn::allocate(size); });
}

TARN_OPERATOR void* operator new(std::size_t size, std::align_val_t alignment,
                                 const std::nothrow_t&) noexcept
{
    return or_null([=] { return operator new(size, alignment); },
                   [=] { return allocate_for(size, alignment); });
}

TARN_OPERATOR void* operator new[](std::size_t size, const std::nothrow_t&) noexcept
{
    return or_null([=] { return operator new[](size); }, [=] { return tarn::allocate(size); });
}

TARN_OPERATOR void* operator new[](std::size_t size, std::align_val_t alignment,
                                   const std::nothrow_t&) noexcept
{
    return or_null([=] { return operator new[](size, alignment); },
                   [=] { return allocate_for(size, alignment); });
}

TARN_OPERATOR void operator delete(void* block) noexcept
{
    tarn::deallocate(block, tarn::BlockKind::single);
}

TARN_OPERATOR void operator delete(void* block, std::align_val_t alignment) noexcept
{
    Form form;
    form.has_alignment(alignment);
    tarn::deallocate(block, tarn::BlockKind::single);
}

TARN_OPERATOR void operator delete[](void* block) noexcept
{
    delete_array(block);
}

TARN_OPERATOR void operator delete[](void* block, std::align_val_t alignment) noexcept
{
    Form form;
    form.is_array();
    operator delete(block, alignment);
}

TARN_OPERATOR void operator delete(void* block, std::size_t size) noexcept
{
    delete_sized(block, size);
}

TARN_OPERATOR void operator delete(void* block, std::size_t size,
                                   std::align_val_t alignment) noexcept
{
    Form form;
    form.has_size(size);
    operator delete(block, alignment);
}

TARN_OPERATOR void operator delete[](void* block, std::size_t size) noexcept
{
    delete_array_sized(block, size);
}

TARN_OPERATOR void operator delete[](void* block, std::size_t size,
                                     std::align_val_t alignment) noexcept
{
    Form form;
    form.has_size(size);
    operator delete[](block, alignment);
}

TARN_OPERATOR void operator delete(void* block, const std::nothrow_t&) noexcept
{
    operator delete(block);
}

TARN_OPERATOR void operator delete(void* block, std::align_val_t alignment,
                                   const std::nothrow_t&) noexcept
{
    operator delete(block, alignment);
}

TARN_OPERATOR void operator delete[](void* block, const std::nothrow_t&) noexcept
{
    operator delete[](block);
}

TARN_OPERATOR void operator delete[](void* block, std::align_val_t alignment,
                                     const std::nothrow_t&) noexcept
{
    operator delete[](block, alignment);
}
