// SPDX-License-Identifier: MIT
//
// Names of code that a just-in-time compiler has made, from the file that it writes for perf: a
// line "START SIZE NAME" for each function, hexadecimal. node --perf-basic-prof, python3 -X perf
// and java -XX:+DumpPerfMapAtExit write it. Source: Linux,
// tools/perf/Documentation/jit-interface.txt.

#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>

namespace tarn {

class PerfMap {
public:
    /// /tmp/perf-PROCESS.map, if it is a file of this user's or of root's, as perf demands it of
    /// what anybody may write to /tmp. Errors: as if it were empty.
    void open(std::uint64_t process);
    /// Lines that are none are left out. What was at the same addresses before is gone.
    void read(std::istream& in);

    /// Empty: not known.
    std::string name_at(std::uint64_t address) const;

private:
    struct Function {
        std::uint64_t end;
        std::string name;
    };
    void add(std::uint64_t start, Function function);

    std::map<std::uint64_t, Function> functions_; // by start; none overlap
};

} // namespace tarn
