// SPDX-License-Identifier: MIT
//
// A server on the loopback interface that loses something with each request, a thread for each
// connection. It writes its port to stdout and ends when it is told by a signal.
//
// Requests are lines: "name", "numbers", "friends" lose what a function of that name says; "hold"
// keeps a block on the stack for as long as the connection lasts. The answer is "ok".

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "tests/leaks/calls_apart.h"

namespace shop {

void* volatile sink;

void lose(void* block)
{
    sink = block;
    sink = nullptr;
}

struct Friend {
    explicit Friend(int number) : name(static_cast<std::size_t>(number), 'f') {}
    std::shared_ptr<Friend> other;
    std::string name;
};

APART void handle_name()
{
    lose(new std::string(200, 'n')); // lost: name
    BEHIND;
}

APART void handle_numbers()
{
    auto* const numbers = new std::vector<int>; // lost: numbers
    numbers->resize(750);                       // lost: array
    lose(numbers);
    BEHIND;
}

APART void handle_friends()
{
    const auto one = std::make_shared<Friend>(300); // lost: friends
    one->other = std::make_shared<Friend>(400);
    one->other->other = one;
    BEHIND;
}

APART void handle_hold(int connection)
{
    const std::vector<char> held(5000); // not lost
    char byte = held[7];
    while (::read(connection, &byte, 1) > 0) {
    }
    sink = const_cast<char*>(held.data());
    BEHIND;
}

/// Overwrites what a request has left on the stack.
APART void forget()
{
    std::array<volatile char, 16384> waste;
    for (volatile char& byte : waste)
        byte = 0;
}

bool answer(int connection)
{
    return ::write(connection, "ok\n", 3) == 3;
}

APART void handle(int connection, std::string_view request)
{
    if (request == "name\n")
        handle_name();
    else if (request == "numbers\n")
        handle_numbers();
    else if (request == "friends\n")
        handle_friends();
    else if (request == "hold\n" && answer(connection))
        handle_hold(connection);
    BEHIND;
}

void serve(int connection)
{
    std::array<char, 100> line;
    for (;;) {
        const ssize_t size = ::read(connection, line.data(), line.size());
        if (size <= 0) break;
        handle(connection, {line.data(), static_cast<std::size_t>(size)});
        forget();
        if (!answer(connection)) break;
    }
    ::close(connection);
}

} // namespace shop

int main()
{
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener, 100) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return 99;
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    for (;;) {
        const int connection = ::accept(listener, nullptr, nullptr);
        if (connection >= 0) std::thread(shop::serve, connection).detach();
    }
}
