// SPDX-License-Identifier: MIT

#include "tracer/modules.h"

#include <dlfcn.h>
#include <link.h>
#include <string>
#include <sys/auxv.h>

#include <gtest/gtest.h>

#include "src/base/units.h"
#include "tests/unit/support/threads.h"
#include "tracer/arena.h"

namespace tarn {

namespace {

std::uintptr_t address_of(int (*function)())
{
    return reinterpret_cast<std::uintptr_t>(function);
}

int own_function()
{
    return 3;
}

class ModulesTest : public testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_TRUE(arena.initialise()); }
    void SetUp() override { ASSERT_TRUE(can_find_modules()) << "before glibc 2.35"; }
};

TEST_F(ModulesTest, FindTheProgramItself)
{
    const ModuleId own = module_table.find(address_of(own_function));
    ASSERT_NE(own, kNoModule);
    const Module& module = module_table[own];
    EXPECT_STREQ(module.name, "");
    EXPECT_TRUE(module.range.contains(address_of(own_function)));
    EXPECT_FALSE(module.unloaded);
    EXPECT_NE(module.unwind_table, nullptr);
    EXPECT_EQ(module_table.find(::getauxval(AT_PHDR)), own);
    EXPECT_EQ(module_table.find(address_of(own_function) + 1), own);
}

TEST_F(ModulesTest, FindLibrariesWithTheirBuildId)
{
    const auto in_libc = reinterpret_cast<std::uintptr_t>(::dlsym(RTLD_NEXT, "qsort"));
    const ModuleId libc = module_table.find(in_libc);
    ASSERT_NE(libc, kNoModule);
    const Module& module = module_table[libc];
    EXPECT_NE(std::string(module.name).find("libc.so"), std::string::npos) << module.name;
    EXPECT_EQ(module.id_size, 20U);
    EXPECT_NE(module.id, (std::array<std::byte, 20>{}));
    EXPECT_NE(libc, module_table.find(address_of(own_function)));
}

TEST_F(ModulesTest, FindNothingWhereNoCodeIs)
{
    int local = 0;
    const std::size_t before = module_table.size();
    EXPECT_EQ(module_table.find(0), kNoModule);
    EXPECT_EQ(module_table.find(1), kNoModule);
    EXPECT_EQ(module_table.find(reinterpret_cast<std::uintptr_t>(&local)), kNoModule);
    EXPECT_EQ(module_table.find(~std::uintptr_t{0}), kNoModule);
    EXPECT_EQ(module_table.size(), before);
}

TEST_F(ModulesTest, AreTheSameForAllThreads)
{
    const ModuleId own = module_table.find(address_of(own_function));
    test::in_threads(4, [&](std::size_t) {
        for (int i = 0; i < 1000; ++i)
            ASSERT_EQ(module_table.find(address_of(own_function)), own);
    });
}

TEST_F(ModulesTest, KnowWhatHasBeenUnloaded)
{
    module_table.look_for_unloaded();
    EXPECT_FALSE(module_table.look_for_unloaded());
    void* const library = ::dlopen("libthread_db.so.1", RTLD_LAZY);
    ASSERT_NE(library, nullptr) << ::dlerror();
    const auto function = reinterpret_cast<std::uintptr_t>(::dlsym(library, "td_init"));
    const ModuleId id = module_table.find(function);
    ASSERT_NE(id, kNoModule);
    const std::string name = module_table[id].name;
    EXPECT_NE(name.find("libthread_db"), std::string::npos) << name;
    EXPECT_EQ(module_table[id].bias, static_cast<link_map*>(library)->l_addr);
    EXPECT_FALSE(module_table.look_for_unloaded());

    ASSERT_EQ(::dlclose(library), 0);
    EXPECT_EQ(module_table.find(function), kNoModule);
    EXPECT_TRUE(module_table.look_for_unloaded());
    EXPECT_FALSE(module_table.look_for_unloaded()) << "is told once";
    EXPECT_TRUE(module_table[id].unloaded);
    EXPECT_EQ(module_table[id].name, name) << "the loader's own copy is gone";

    void* const again = ::dlopen("libthread_db.so.1", RTLD_LAZY);
    ASSERT_NE(again, nullptr);
    const ModuleId next =
        module_table.find(reinterpret_cast<std::uintptr_t>(::dlsym(again, "td_init")));
    ASSERT_NE(next, kNoModule);
    // Where it was it is the same: a program may open and close it for ever.
    const bool is_where_it_was = static_cast<link_map*>(again)->l_addr == module_table[id].bias;
    EXPECT_EQ(next == id, is_where_it_was);
    ::dlclose(again);
}

} // namespace

} // namespace tarn
