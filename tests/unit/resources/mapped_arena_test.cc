// SPDX-License-Identifier: MIT
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <tarn/mapped_arena.h>
#include <tarn/misuse.h>

#include "src/base/units.h"
#include "tests/unit/resources/misuse_handler.h"
#include "tests/unit/resources/model.h"
#include "tests/unit/support/contents.h"

namespace tarn {

namespace {

/// A file of a test, gone at its end.
class Path {
public:
    Path() : path_(testing::TempDir() + "tarn-mapped-" + std::to_string(::getpid())) {}
    Path(const Path&) = delete;
    Path& operator=(const Path&) = delete;
    ~Path() { std::remove(path_.c_str()); }
    operator const std::string&() const { return path_; }

private:
    std::string path_;
};

struct Node {
    int value;
    OffsetPtr<Node> next;
    OffsetPtr<const char> text;
};

struct Root {
    OffsetPtr<Node> first;
    std::size_t count;
};

void add_nodes(MappedArena& arena, Root& root, int count)
{
    for (int i = 0; i < count; ++i) {
        Node* const node = arena.make<Node>();
        node->value = static_cast<int>(root.count++);
        node->text = arena.dup("node " + std::to_string(node->value)).data();
        node->next = root.first;
        root.first = node;
    }
}

void write_file(const std::string& path, int count)
{
    const auto arena = MappedArena::create(path, {.version = 3});
    Root* const root = arena->make<Root>();
    arena->set_root(root);
    add_nodes(*arena, *root, count);
    arena->close();
}

void expect_nodes(const Root& root, int count)
{
    int left = count;
    for (const Node* node = root.first.get(); node != nullptr; node = node->next.get()) {
        --left;
        ASSERT_EQ(node->value, left);
        ASSERT_EQ(std::string(node->text.get()), "node " + std::to_string(left));
    }
    EXPECT_EQ(left, 0);
}

/// Why it is refused; empty: it is not.
std::string refusal(const std::string& path, const MappedArenaOptions& options = {.version = 3})
{
    try {
        MappedArena::open(path, options);
    } catch (const MappedArenaError& error) {
        return error.what();
    }
    return "";
}

void patch(const std::string& path, std::size_t offset, char value)
{
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(value);
}

testing::AssertionResult says(const std::string& text, const char* reason)
{
    if (text.find(reason) != std::string::npos) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "'" << text << "' does not say '" << reason << "'";
}

} // namespace

RC_GTEST_PROP(MappedArenaProperty, BlocksAreApartAndKeepTheirContents, ())
{
    const Path path;
    const auto arena = MappedArena::create(path, {.limit = MiB(4), .step = 4096});
    test::run_against_model(*arena, *test::any_steps(100'000), {.may_refuse = true});
}

TEST(MappedArena, IsReadByWhomeverAtWhateverAddress)
{
    const Path path;
    write_file(path, 1000);
    const auto first = MappedArena::open(path, {.version = 3});
    const auto second = MappedArena::open(path, {.version = 3});
    EXPECT_NE(first->root<const Root>(), second->root<const Root>());
    expect_nodes(*first->root<const Root>(), 1000);
    expect_nodes(*second->root<const Root>(), 1000);
}

TEST(MappedArena, CanBeExtended)
{
    const Path path;
    write_file(path, 10);
    {
        const auto arena = MappedArena::extend(path, {.version = 3});
        add_nodes(*arena, *arena->root<Root>(), 10'000);
    }
    expect_nodes(*MappedArena::open(path, {.version = 3})->root<const Root>(), 10'010);
}

TEST(MappedArena, BlocksStayWhereTheyAreWhileItGrows)
{
    const Path path;
    const auto arena = MappedArena::create(path, {.limit = MiB(64), .step = 4096});
    int* const first = arena->make<int>(42);
    for (int i = 0; i < 1000; ++i)
        test::fill(arena->allocate(KiB(32)), KiB(32), 1);
    EXPECT_EQ(*first, 42);
    EXPECT_EQ(arena->try_allocate(MiB(64)), nullptr) << "the limit";
    EXPECT_GE(arena->statistics().reserved, MiB(31));
}

TEST(MappedArena, ForReadingRefusesEveryRequest)
{
    const test::ThrowingMisuseHandler handler;
    const Path path;
    write_file(path, 1);
    const auto arena = MappedArena::open(path, {.version = 3});
    EXPECT_EQ(arena->try_allocate(1), nullptr);
    EXPECT_THROW(static_cast<void>(arena->allocate(1)), std::bad_alloc);
    EXPECT_EQ(handler.of([&] { arena->set_root(arena->root<const Root>()); }), Misuse::not_owned);
    EXPECT_FALSE(arena->is_writable());
}

TEST(MappedArena, HasOneWriterOrSeveralReaders)
{
    const Path path;
    write_file(path, 1);
    {
        const auto reader = MappedArena::open(path, {.version = 3});
        EXPECT_EQ(refusal(path), "");
        EXPECT_THROW(MappedArena::extend(path, {.version = 3}), MappedArenaError);
        EXPECT_THROW(MappedArena::create(path), MappedArenaError);
        expect_nodes(*reader->root<const Root>(), 1);
    }
    const auto writer = MappedArena::extend(path, {.version = 3});
    EXPECT_NE(refusal(path), "");
}

TEST(MappedArena, RefusesFilesThatAreNotItsOwn)
{
    const Path path;
    EXPECT_TRUE(says(refusal(path), "No such file")) << "and names it";
    EXPECT_TRUE(says(refusal(path), static_cast<const std::string&>(path).c_str()));
    std::ofstream(path) << "short";
    EXPECT_TRUE(says(refusal(path), "too short"));
    std::ofstream(path) << std::string(1000, 'x');
    EXPECT_TRUE(says(refusal(path), "not a mapped arena"));
    EXPECT_NE(refusal("/dev/zero"), "");
    EXPECT_NE(refusal("/"), "");
    write_file(path, 1);
    EXPECT_TRUE(says(refusal(path, {.version = 4}), "of another version"));
    EXPECT_EQ(refusal(path), "");
}

// Every byte, changed on its own.
TEST(MappedArena, RefusesDamagedFiles)
{
    const Path path;
    write_file(path, 20);
    const std::size_t size = std::filesystem::file_size(std::string(path));
    std::string contents(size, '\0');
    std::ifstream(path, std::ios::binary).read(contents.data(), static_cast<std::streamsize>(size));
    for (std::size_t offset = 0; offset < size; ++offset) {
        patch(path, offset, static_cast<char>(contents[offset] ^ 0x40));
        ASSERT_NE(refusal(path), "") << "byte " << offset;
        patch(path, offset, contents[offset]);
    }
    EXPECT_EQ(refusal(path), "");
    std::filesystem::resize_file(std::string(path), size - 1);
    EXPECT_TRUE(says(refusal(path), "cut off"));
    std::filesystem::resize_file(std::string(path), 10);
    EXPECT_TRUE(says(refusal(path), "too short"));
}

TEST(MappedArena, RefusesFilesThatWereNotClosed)
{
    const Path path;
    const pid_t child = ::fork();
    if (child == 0) {
        auto arena = MappedArena::create(path, {.version = 3});
        arena->make<int>(1);
        std::_Exit(0); // no destructor runs
    }
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(says(refusal(path), "not closed"));
    EXPECT_THROW(MappedArena::extend(path, {.version = 3}), MappedArenaError);
}

TEST(OffsetPtr, StaysRightWhereverItIsCopiedTo)
{
    int values[2] = {1, 2};
    OffsetPtr<int> first = values;
    OffsetPtr<int> copy = first;
    EXPECT_EQ(copy.get(), values);
    copy = values + 1;
    EXPECT_EQ(*copy, 2);
    EXPECT_FALSE(first == copy);
    first = nullptr;
    EXPECT_FALSE(first);
    EXPECT_EQ(first.get(), nullptr);
}

} // namespace tarn
