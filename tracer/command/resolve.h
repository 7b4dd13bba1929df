// SPDX-License-Identifier: MIT
//
// Answers what libtarn.so asks when it writes a report: names of addresses, and which stacks are
// suppressed. The questions, one on a line:
//
//      U text                          a line of the program's suppressions, before all L lines
//      M path <tab> build-id [<tab> start <tab> end <tab> bias]
//                                      a file, and where it was in memory; the first is number 0;
//                                      a line break in the path is %0a, and so on
//      J process                       whose generated code has the addresses in no file
//      A file address                  an address in that file, both hexadecimal; in no file, if
//                                      that was not told
//      D file address                  likewise, of data
//      L address ...                   a stack: numbers of A lines, hexadecimal, innermost first
//      N node address                  a call made by a node, 0 if by nobody: a new node, the first
//                                      is number 1
//      G tag                           a new node likewise, which is no call: what is below has the
//                                      tag
//      K node                          a stack by its innermost node
//      T number ...                    what the K stack before it did: allocations and their bytes;
//                                      blocks and bytes in use, and those at the peak; blocks that
//                                      were freed before the thread's next allocation, and by
//                                      another thread; reallocs, and the bytes that they copied;
//                                      bytes of rounding in use and at the peak
//      C node text                     a comment on the stack of a node, hexadecimal, which is told
//                                      behind the text
//      W number                        one in so many bytes was sampled, and the rest is estimated
//      P path                          write all T lines as a profile for pprof
//
// The answers, in the same order: for each A its functions, innermost first, and a line ".";
// for D the symbol and how far behind its start the address is, if it is in one;
// for each L which leaks of that stack are suppressed, and the first suppression that applies; for
// P what is to be told the user. Before them, what is wrong with the suppressions.
//
//      E text
//      F function <tab> file <tab> line <tab> column <tab> name for the linker
//      .
//      D symbol <tab> bytes
//      S kinds <tab> name              of leaks, as bits of 1 << Reach, hexadecimal; 0: none
//      P text

#pragma once

#include <iosfwd>
#include <string>

namespace tarn {

/// `suppressions`: a file; empty: only those that are built in.
void answer(std::istream& questions, std::ostream& answers, const std::string& suppressions);

/// Copies a report in which addresses have no names, "(file+0x12ab)", and puts them in.
void symbolize(std::istream& report, std::ostream& out);

} // namespace tarn
