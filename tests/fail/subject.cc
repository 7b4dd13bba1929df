// SPDX-License-Identifier: MIT
//
// Allocates at places that bear it differently to get no memory. Its argument says how often, or
// which one alone.

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <pthread.h>
#include <string_view>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

/// Says so and ends.
[[gnu::noinline]] void careful()
{
    void* volatile const block = std::malloc(100);
    if (block == nullptr) {
        std::puts("careful: no memory");
        std::exit(3);
    }
    std::free(block);
}

/// Does without.
[[gnu::noinline]] void flexible()
{
    void* volatile const block = std::malloc(200);
    std::free(block);
}

/// Writes to what it has not got.
[[gnu::noinline]] void careless()
{
    auto* volatile const block = static_cast<char*>(std::malloc(300));
    block[0] = 1;
    std::free(block);
}

/// Waits for better times.
[[gnu::noinline]] void patient()
{
    void* volatile block = std::malloc(400);
    while (block == nullptr)
        ::pause();
    std::free(block);
}

/// An exception that nobody catches.
[[gnu::noinline]] void exceptional()
{
    const std::vector<char> bytes(500);
    if (bytes[1] != 0) std::abort();
}

/// Keeps the old block, as it should.
[[gnu::noinline]] void growing(std::size_t first, std::size_t then)
{
    auto* volatile block = static_cast<char*>(std::malloc(first));
    if (block == nullptr) std::exit(4);
    std::memset(block, 'x', first);
    auto* volatile const larger = static_cast<char*>(std::realloc(block, then));
    if (larger != nullptr) block = larger;
    if (block[first - 1] != 'x') std::abort();
    std::free(block);
    if (larger == nullptr) std::exit(5);
}

[[gnu::noinline]] void zeroed()
{
    auto* volatile const block = static_cast<char*>(std::calloc(1000, 10));
    if (block == nullptr) std::exit(6);
    std::free(block);
}

[[gnu::noinline]] void aligned()
{
    void* block = nullptr;
    if (::posix_memalign(&block, 4096, 600) != 0) std::exit(7);
    std::free(block);
}

/// Under locks that know which thread holds them; they are released and taken again.
[[gnu::noinline]] void locked()
{
    ::pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
    std::recursive_mutex mutex;
    ::pthread_rwlock_wrlock(&lock);
    mutex.lock();
    void* volatile const block = std::malloc(250);
    mutex.unlock();
    ::pthread_rwlock_unlock(&lock);
    ::pthread_rwlock_wrlock(&lock);
    mutex.lock();
    if (block == nullptr) std::exit(9);
    std::free(block);
}

[[gnu::noinline]] void hold(std::size_t bytes)
{
    void* volatile const block = std::malloc(bytes);
    if (block == nullptr) std::exit(8);
    std::free(block);
}

void all()
{
    careful();
    flexible();
    careless();
    exceptional();
    growing(700, 900);
    growing(3'000'000, 5'000'000);
    zeroed();
    aligned();
}

void many(int times)
{
    for (int i = 0; i < times; ++i)
        flexible();
}

} // namespace

int main(int argc, char** argv)
{
    const std::string_view what = argc > 1 ? argv[1] : "all";
    if (what == "careful") careful();
    if (what == "careless") careless();
    if (what == "patient") patient();
    if (what == "locked") locked();
    if (what == "all") all();
    if (what == "many") many(argc > 2 ? std::atoi(argv[2]) : 1000);
    if (what == "hold") hold(std::strtoull(argv[2], nullptr, 10));
    if (what == "_exit") {
        careless();
        std::puts("done");
        std::fflush(stdout);
        ::_exit(0);
    }
    if (what == "threads") {
        std::atomic<bool> are_all_there{false};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back([&are_all_there] {
                while (!are_all_there)
                    std::this_thread::yield();
                many(200);
            });
        are_all_there = true;
        for (std::thread& thread : threads)
            thread.join();
    }
    if (what == "children") {
        std::signal(SIGCHLD, SIG_IGN);
        flexible();
        if (::fork() == 0) {
            flexible();
            ::_exit(0);
        }
        flexible();
    }
    std::puts("done");
}
