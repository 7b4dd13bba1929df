// SPDX-License-Identifier: MIT
//
// A module of redis-server whose command "lose N" loses N blocks of 12345 bytes, each with another
// of 23456 that nothing else leads to, and keeps one of 99. The server has none of such sizes: what
// it had freed could still be known by what it has not cleared. The interface is declared by hand:
// Debian has no package with redismodule.h.

#include <stdlib.h>

typedef struct Context Context;
typedef struct String String;
typedef int Command(Context* context, String** arguments, int count);

static int (*reply)(Context* context, long long number);
static int (*read_number)(const String* text, long long* number);

static void* volatile kept;

__attribute__((noinline)) static void lose_in_module(void)
{
    void* volatile* const block = calloc(1, 12345); // lost: block
    block[3] = malloc(23456);                       // lost: other
}

static int lose(Context* context, String** arguments, int count)
{
    long long blocks = 0;
    if (count == 2) read_number(arguments[1], &blocks);
    for (long long i = 0; i < blocks; ++i)
        lose_in_module();
    if (kept == NULL) kept = malloc(99);
    return reply(context, blocks);
}

/// What redis calls first. The context begins with the function that finds all others.
int RedisModule_OnLoad(Context* context, String** arguments, int count)
{
    int (*find)(const char* name, void* function) =
        *(int (**)(const char* name, void* function))context;
    void (*describe)(Context * context, const char* name, int version, int interface);
    int (*add)(Context * context, const char* name, Command* command, const char* flags, int first,
               int last, int step);
    (void)arguments;
    (void)count;
    if (find("RedisModule_SetModuleAttribs", &describe) != 0 ||
        find("RedisModule_CreateCommand", &add) != 0 ||
        find("RedisModule_ReplyWithLongLong", &reply) != 0 ||
        find("RedisModule_StringToLongLong", &read_number) != 0)
        return 1;
    describe(context, "loser", 1, 1);
    return add(context, "lose", lose, "", 0, 0, 0);
}
