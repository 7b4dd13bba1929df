// SPDX-License-Identifier: MIT

#include "tracer/slow_walk.h"

#include "tracer/libunwind.h"

namespace tarn {

namespace {

class TableSteps {
public:
    explicit TableSteps(const RegisterValues& registers) : registers_(registers) {}

    bool next() { return step_out(registers_, is_interrupted_) == Caller::found; }
    std::uintptr_t address() const { return registers_[kReturnAddress]; }
    std::uintptr_t stack_pointer() const { return registers_[kStackPointer]; }
    bool is_interrupted() const { return is_interrupted_; }

private:
    RegisterValues registers_;
    bool is_interrupted_ = true;
};

/// `steps` begin further inside, in functions of ours.
template <class Steps>
void tell(Steps& steps, const Position& start, const MemoryRange& own, std::size_t most_calls,
          CallSink sink)
{
    while (steps.stack_pointer() < start.stack_pointer)
        if (!steps.next()) return;
    for (std::size_t calls = 0; calls < most_calls && steps.next();) {
        const std::uintptr_t address = steps.address();
        if (calls == 0 && own.contains(address)) continue;
        const bool is_interrupted = steps.is_interrupted();
        // One is taken off wherever it is shown, as calls need.
        sink.take(sink.context, address + (is_interrupted ? 1 : 0),
                  module_table.find(address - (is_interrupted ? 0 : 1)));
        ++calls;
    }
}

/// Apart: libunwind's cursor of a kilobyte is not to be on the stack of the other.
[[gnu::noinline]] void tell_by_libunwind(const Position& start, const MemoryRange& own,
                                         std::size_t most_calls, CallSink sink)
{
    LibunwindSteps steps(current_registers());
    tell(steps, start, own, most_calls, sink);
}

} // namespace

[[gnu::noinline]] void walk_slowly(const Position& start, const MemoryRange& own,
                                   std::size_t most_calls, CallSink sink)
{
    if (current_unwinding() == Unwind::libunwind)
        return tell_by_libunwind(start, own, most_calls, sink);
    TableSteps steps(current_registers());
    tell(steps, start, own, most_calls, sink);
}

} // namespace tarn
