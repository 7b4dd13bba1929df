// SPDX-License-Identifier: MIT
//
// An HTTP server: everything that a request needs lies in the arena of its connection, which starts
// again for the next one.
//
//     http_server          measures the handler, without a network
//     http_server serve    prints its port and serves 127.0.0.1 until somebody asks for /quit
//
//     GET /malloc/KIND?item=..&item=..     a page, made with malloc
//     GET /arena/KIND?item=..&item=..      the same page, made in an arena

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <tarn/arena_resource.h>

#include "tests/examples/compare.h"

namespace {

// The handler is written once, for std::allocator and for std::pmr::polymorphic_allocator.
template <class Allocator> struct Page {
    template <class T>
    using Rebound = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;
    using String = std::basic_string<char, std::char_traits<char>, Rebound<char>>;
    using Strings = std::vector<String, Rebound<String>>;
    using Fields = std::map<String, String, std::less<>, Rebound<std::pair<const String, String>>>;

    struct Request {
        String path;
        Strings items;
        Fields headers;
    };

    static String unescaped(std::string_view text, Allocator allocator)
    {
        String result(allocator);
        for (std::size_t i = 0; i < text.size(); ++i) {
            unsigned code = 0;
            if (text[i] == '%' && i + 2 < text.size() &&
                std::from_chars(&text[i + 1], &text[i + 3], code, 16).ec == std::errc()) {
                result += static_cast<char>(code);
                i += 2;
            } else {
                result += text[i] == '+' ? ' ' : text[i];
            }
        }
        return result;
    }

    static Request parse(std::string_view text, Allocator allocator)
    {
        Request request{String(allocator), Strings(allocator), Fields(allocator)};
        std::string_view line = take_until(text, "\r\n");
        take_until(line, " "); // the method
        std::string_view target = take_until(line, " ");
        request.path = take_until(target, "?");
        while (!target.empty()) {
            std::string_view item = take_until(target, "&");
            take_until(item, "=");
            request.items.push_back(unescaped(item, allocator));
        }
        while (!(line = take_until(text, "\r\n")).empty()) {
            const std::string_view name = take_until(line, ": ");
            request.headers.emplace(String(name, allocator), String(line, allocator));
        }
        return request;
    }

    /// A table of the items, in order, with how often each was asked for, and of whom.
    static String body(const Request& request, Allocator allocator)
    {
        std::map<String, int, std::less<>, Rebound<std::pair<const String, int>>> counts(allocator);
        for (const String& item : request.items)
            ++counts[item];
        String page("<h1>", allocator);
        page.append(std::string_view(request.path).substr(request.path.rfind('/') + 1));
        page += "</h1>\n<table>\n";
        for (const auto& [item, count] : counts) {
            String row("<tr><td>", allocator);
            for (const char c : item)
                row.append(c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string_view(&c, 1));
            row += "</td><td>";
            row.append(std::to_string(count)).append("</td></tr>\n");
            page += row;
        }
        page += "</table>\n<p>";
        const auto host = request.headers.find("Host");
        if (host != request.headers.end()) page += host->second;
        return page += "</p>\n";
    }

    static String response(std::string_view text, Allocator allocator)
    {
        const Request request = parse(text, allocator);
        const String page = body(request, allocator);
        String response("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", allocator);
        response.append("Content-Length: ").append(std::to_string(page.size()));
        return response.append("\r\n\r\n").append(page);
    }

    static std::string_view take_until(std::string_view& text, std::string_view end)
    {
        const std::size_t at = std::min(text.find(end), text.size());
        const std::string_view taken = text.substr(0, at);
        text.remove_prefix(std::min(at + end.size(), text.size()));
        return taken;
    }
};

using PlainPage = Page<std::allocator<char>>;
using ArenaPage = Page<std::pmr::polymorphic_allocator<char>>;

bool send_all(int socket, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool answer(int socket, std::string_view request, tarn::ArenaResource& arena)
{
    if (request.starts_with("GET /malloc/"))
        return send_all(socket, PlainPage::response(request, {}));
    const bool is_sent =
        request.starts_with("GET /arena/")
            ? send_all(socket, ArenaPage::response(request, &arena))
            : send_all(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    arena.reset(); // keeps its chunks for the next request
    return is_sent;
}

/// Requests of one connection, until it ends.
void serve(int socket, int listener)
{
    tarn::ArenaResource arena(tarn::ArenaOptions::frame());
    std::string received;
    std::array<char, 16384> bytes;
    for (ssize_t count = 0; (count = recv(socket, bytes.data(), bytes.size(), 0)) > 0;) {
        received.append(bytes.data(), static_cast<std::size_t>(count));
        for (std::size_t end = 0; (end = received.find("\r\n\r\n")) != std::string::npos;) {
            const std::string_view request = std::string_view(received).substr(0, end + 4);
            if (request.starts_with("GET /quit ")) shutdown(listener, SHUT_RDWR);
            if (!answer(socket, request, arena)) break;
            received.erase(0, end + 4);
        }
    }
    close(socket);
}

int serve_until_quit()
{
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener, any, length) != 0 || listen(listener, 64) != 0) return 1;
    getsockname(listener, any, &length);
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);

    std::vector<std::thread> connections;
    for (int socket = 0; (socket = accept(listener, nullptr, nullptr)) >= 0;)
        connections.emplace_back(serve, socket, listener);
    for (std::thread& connection : connections)
        connection.join();
    close(listener);
    return 0;
}

int measure()
{
    std::string request = "GET /any/fruit?item=apple";
    for (int i = 0; i < 40; ++i)
        request += "&item=a+fruit+with+a+longer+name+%3C" + std::to_string(i * 7 % 30) + "%3E";
    request += " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: example\r\nAccept: */*\r\n\r\n";
    constexpr int kRequests = 3000;
    tarn::ArenaResource arena(tarn::ArenaOptions::frame());
    return example::compare(
        "http_server", "ArenaResource",
        [&] {
            std::size_t hash = 0;
            for (int i = 0; i < kRequests; ++i)
                hash = hash * 31 + std::hash<std::string_view>{}(PlainPage::response(request, {}));
            return hash;
        },
        [&] {
            std::size_t hash = 0;
            for (int i = 0; i < kRequests; ++i) {
                hash =
                    hash * 31 + std::hash<std::string_view>{}(ArenaPage::response(request, &arena));
                arena.reset();
            }
            return hash;
        });
}

} // namespace

int main(int argc, char** argv)
{
    return argc > 1 && std::string_view(argv[1]) == "serve" ? serve_until_quit() : measure();
}
