// SPDX-License-Identifier: MIT
//
// Variables that come and go with a library.

static void* volatile shared;
static __thread void* volatile of_thread;

void* volatile* shared_variable(void)
{
    return &shared;
}

void* volatile* thread_variable(void)
{
    return &of_thread;
}
