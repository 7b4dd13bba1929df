// SPDX-License-Identifier: MIT
//
// Reports on accesses to memory that the heap has to do with, or that end the process.

#pragma once

namespace tarn {

/// In our constructor, if blocks are checked. Where the program has handlers for SIGSEGV and SIGBUS
/// these are all that is called, but for faults of guarded blocks.
void start_fault_reports();

/// For the calling thread: a stack for the handler, so that the overflow of its own is reported,
/// unless it has one; until it ends. Cost: two system calls and 64 KiB of addresses.
void begin_fault_reports_of_thread();
void end_fault_reports_of_thread();

/// Around a report, in which a fault would be our own: it ends the process at once.
class NoFaultReports {
public:
    NoFaultReports();
    NoFaultReports(const NoFaultReports&) = delete;
    NoFaultReports& operator=(const NoFaultReports&) = delete;
    ~NoFaultReports();
};

} // namespace tarn
