// SPDX-License-Identifier: MIT

#include "tests/misuse/subject.h"

#include <cstdio>
#include <unistd.h>

void misuse::say(const char* text)
{
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) std::abort();
}

/// Runs the kinds of misuse that the arguments name, and says when it gets past them.
int main(int count, char** arguments)
{
    for (int i = 1; i < count; ++i) {
        const misuse::Kind* const kind = misuse::Kind::find(arguments[i]);
        if (kind == nullptr) return 2;
        kind->run();
    }
    std::puts("goes on");
    return 0;
}
