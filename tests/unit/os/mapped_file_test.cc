// SPDX-License-Identifier: MIT

#include "src/os/mapped_file.h"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

namespace tarn::os {

namespace {

class MappedFileTest : public testing::Test {
protected:
    ~MappedFileTest() override { std::remove(path_.c_str()); }
    const char* path() const { return path_.c_str(); }

private:
    std::string path_ = testing::TempDir() + "tarn-mapped-file-" + std::to_string(::getpid());
};

} // namespace

TEST_F(MappedFileTest, GrowsWithoutMovingAndIsReadAgain)
{
    MappedFile file;
    ASSERT_EQ(file.open(path(), MappedFile::Mode::create, 1 << 20), 0);
    ASSERT_EQ(file.resize(100), 0);
    std::byte* const start = file.data();
    start[99] = std::byte{7};
    for (std::size_t size = 1000; size < (1 << 20); size *= 3) {
        ASSERT_EQ(file.resize(size), 0);
        EXPECT_EQ(file.data(), start);
        EXPECT_EQ(start[size - 1], std::byte{0});
    }
    EXPECT_EQ(file.sync(100), 0);
    file.close_at(100);
    EXPECT_EQ(std::filesystem::file_size(path()), 100U);

    MappedFile again;
    ASSERT_EQ(again.open(path(), MappedFile::Mode::read, 0), 0);
    ASSERT_EQ(again.map_all(), 0);
    EXPECT_EQ(again.size(), 100U);
    EXPECT_EQ(again.data()[99], std::byte{7});
}

TEST_F(MappedFileTest, SaysWhyItCannotBeOpenedAndKeepsErrno)
{
    errno = 0;
    MappedFile file;
    EXPECT_EQ(file.open(path(), MappedFile::Mode::read, 0), ENOENT);
    EXPECT_EQ(file.open("/", MappedFile::Mode::read, 0), EINVAL);
    ASSERT_EQ(file.open(path(), MappedFile::Mode::create, 4096), 0);
    MappedFile other;
    EXPECT_EQ(other.open(path(), MappedFile::Mode::create, 4096), EWOULDBLOCK);
    ASSERT_EQ(file.resize(4096), 0);
    file.close();
    EXPECT_EQ(other.open(path(), MappedFile::Mode::write, 4000), 0) << "room is whole pages";
    other.close();
    std::filesystem::resize_file(path(), 5000);
    EXPECT_EQ(other.open(path(), MappedFile::Mode::write, 4096), EFBIG);
    EXPECT_EQ(errno, 0);
}

} // namespace tarn::os
