// SPDX-License-Identifier: MIT
//
// Tells the tracer what it does, and does a known amount of it:
//
//      marks_subject tags THREADS      each thread: of one place 10 blocks of 100 bytes as
//      "render",
//                                      of which 4 stay; 5 of 1000 as "render::textures", of which
//                                      the main thread frees 2; 7 of 10 as nothing, which stay
//      marks_subject frames THREADS    each thread: 600 frames, the ith with i % 10 blocks of 100
//                                      bytes; the 300th with 500 of them, and 30 ms of sleep
//      marks_subject budget            "a" has 50000 bytes in use three times, "a::b" once; "c"
//                                      never, of which 1000 are allowed
//      marks_subject limit             as much of "a" and "a::b" as is allowed, and what is not
//      marks_subject deep              tags inside tags, more than there can be
//      marks_subject switch N          a block as "one" and one as "two", by turns, N times, of the
//                                      same place; each tenth of "two" stays
//      marks_subject fork              three threads make tags and frames while children are
//      forked,
//                                      which do so, too
//      marks_subject move THREADS      each thread: 300 times 3000 bytes read and 1000 written, the
//                                      last 100 times ten times as much, a millisecond apart
//      marks_subject lose              loses a block as "shop::cart", and one as nothing

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tarn/malloc.h>

enum { kThreads = 8, kFrames = 600, kSlow = 300 };

static void* textures[kThreads][5];

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "not so: " #what "\n");                                                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

__attribute__((noinline)) static void* block_of(size_t size)
{
    void* volatile block = malloc(size);
    memset(block, 0, size);
    return block;
}

__attribute__((noinline)) static void keep(size_t size)
{
    static __thread void* volatile last;
    void** block = block_of(size);
    block[0] = last;
    last = block;
}

static void* use_tags(void* argument)
{
    void** own = argument;
    CHECK(tarn_tag_push("render") == 0);
    for (int i = 0; i < 6; ++i) {
        free(block_of(100));
    }
    for (int i = 0; i < 4; ++i) {
        keep(100);
    }
    CHECK(tarn_tag_push("textures") == 0);
    for (int i = 0; i < 5; ++i) {
        own[i] = block_of(1000);
    }
    CHECK(tarn_tag_pop() == 0);
    CHECK(tarn_tag_pop() == 0);
    CHECK(tarn_tag_pop() == -1);
    for (int i = 0; i < 7; ++i) {
        keep(10);
    }
    return NULL;
}

static void* use_frames(void* unused)
{
    tarn_frame_mark();
    for (int frame = 0; frame < kFrames; ++frame) {
        const int blocks = frame == kSlow ? 500 : frame % 10;
        for (int i = 0; i < blocks; ++i) {
            free(block_of(100));
        }
        if (frame == kSlow) usleep(30000);
        tarn_frame_mark();
    }
    return unused;
}

static void* move_bytes(void* unused)
{
    for (int i = 0; i < 300; ++i) {
        const size_t times = i < 200 ? 1 : 10;
        tarn_bandwidth(3000 * times, 1000 * times);
        usleep(1000);
    }
    return unused;
}

static void in_threads(int threads, void* (*work)(void*))
{
    pthread_t all[kThreads];
    for (int i = 0; i < threads && i < kThreads; ++i) {
        pthread_create(&all[i], NULL, work, textures[i]);
    }
    for (int i = 0; i < threads && i < kThreads; ++i) {
        pthread_join(all[i], NULL);
    }
}

static void use_budget(void)
{
    CHECK(tarn_tag_budget("a", 40000) == 0);
    CHECK(tarn_tag_budget("a::b", 2000) == 0);
    CHECK(tarn_tag_budget("c", 1000) == 0);
    CHECK(tarn_tag_budget("none", UINT64_MAX) == 0);
    CHECK(tarn_tag_budget("", 1) == -1 && tarn_tag_budget(NULL, 1) == -1);
    CHECK(tarn_tag_budget("x::", 1) == -1 && tarn_tag_budget("x::::y", 1) == -1);
    for (int round = 0; round < 3; ++round) {
        tarn_tag_push("a");
        void* block = block_of(45000);
        if (round == 1) tarn_tag_push("b");
        void* other = block_of(5000);
        if (round == 1) tarn_tag_pop();
        tarn_tag_pop();
        free(block);
        free(other);
    }
    tarn_tag_push("c");
    free(block_of(1000));
    tarn_tag_pop();
}

static void use_limit(void)
{
    CHECK(tarn_tag_limit("a", 10000) == 0);
    CHECK(tarn_tag_limit("a::b", 2000) == 0);
    CHECK(tarn_tag_limit("", 1) == -1 && tarn_tag_limit(NULL, 1) == -1);
    void* volatile other = malloc(20000); /* has no tag */
    CHECK(other != NULL);
    tarn_tag_push("a");
    void* volatile all = malloc(10000);
    CHECK(all != NULL);
    errno = 0;
    void* volatile more = malloc(1);
    CHECK(more == NULL && errno == ENOMEM);
    more = calloc(1, 1);
    CHECK(more == NULL);
    more = realloc(all, 20000);
    CHECK(more == NULL);
    more = realloc(all, 9000); /* smaller ones may */
    CHECK(more != NULL);
    free(more);
    tarn_tag_push("b");
    all = malloc(2001);
    CHECK(all == NULL);
    all = malloc(2000);
    CHECK(all != NULL);
    tarn_tag_pop();
    more = malloc(8001); /* what is inside counts */
    CHECK(more == NULL);
    CHECK(tarn_tag_limit("a", UINT64_MAX) == 0);
    more = malloc(8001);
    CHECK(more != NULL);
    free(more);
    free(all);
    free(other);
    tarn_tag_pop();
}

static void go_deep(void)
{
    int pushed = 0;
    for (int i = 0; i < 100; ++i) {
        pushed += tarn_tag_push("a") == 0 ? 1 : 0;
    }
    CHECK(pushed == 62);
    free(block_of(111));
    for (int i = 0; i < 100; ++i) {
        CHECK(tarn_tag_pop() == 0);
    }
    CHECK(tarn_tag_pop() == -1);
    free(block_of(222));
    CHECK(tarn_tag_push("") == -1);
    CHECK(tarn_tag_push(NULL) == -1);
    CHECK(tarn_tag_push("two\nlines") == -1);
    CHECK(tarn_tag_push("x::y") == 0);
    char name[300];
    memset(name, 'z', sizeof name);
    name[sizeof name - 1] = '\0';
    CHECK(tarn_tag_push(name) == -1);
    free(block_of(333));
    for (int i = 0; i < 5; ++i) {
        CHECK(tarn_tag_pop() == 0);
    }
    CHECK(tarn_tag_pop() == -1);
    for (int i = 0; i < 5000; ++i) {
        snprintf(name, sizeof name, "tag%d", i);
        const int pushed_one = tarn_tag_push(name);
        CHECK(i < 4000 ? pushed_one == 0 : i < 4095 || pushed_one == -1);
        CHECK(tarn_tag_pop() == 0);
    }
    free(block_of(444));
}

static void switch_tags(int times)
{
    for (int i = 0; i < times; ++i) {
        tarn_tag_push(i % 2 == 0 ? "one" : "two");
        if (i % 20 == 1) {
            keep(60);
        } else {
            free(block_of(60));
        }
        tarn_tag_pop();
    }
}

static volatile int is_over;

static void make_tag(const char* who, int number)
{
    char name[32];
    snprintf(name, sizeof name, "%s%d", who, number);
    tarn_tag_push(name);
    free(block_of(100));
    tarn_tag_pop();
    tarn_frame_mark();
}

static void* make_tags(void* own)
{
    char who[32];
    snprintf(who, sizeof who, "thread %p ", own);
    for (int i = 0; !is_over; ++i) {
        make_tag(who, i % 1000);
    }
    return NULL;
}

static void fork_meanwhile(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; ++i) {
        pthread_create(&threads[i], NULL, make_tags, textures[i]);
    }
    for (int child = 0; child < 60; ++child) {
        const pid_t process = fork();
        CHECK(process >= 0);
        if (process == 0) {
            alarm(20);
            for (int i = 0; i < 20; ++i) {
                make_tag("child ", child + i);
            }
            _exit(0);
        }
        int status = 0;
        CHECK(waitpid(process, &status, 0) == process && status == 0);
    }
    is_over = 1;
    for (int i = 0; i < 3; ++i) {
        pthread_join(threads[i], NULL);
    }
}

__attribute__((noinline)) static void lose(size_t size)
{
    void* volatile block = block_of(size);
    (void)block;
}

static void lose_two(void)
{
    tarn_tag_push("shop::cart");
    lose(1234);
    tarn_tag_pop();
    lose(4321);
    for (int i = 0; i < 100; ++i) {
        free(block_of(64)); // nobody remembers them
    }
}

int main(int argc, char** argv)
{
    if (argc < 2) return 2;
    const int number = argc > 2 ? atoi(argv[2]) : 1;
    if (strcmp(argv[1], "tags") == 0) {
        in_threads(number, use_tags);
        for (int i = 0; i < number; ++i) {
            free(textures[i][0]);
            free(textures[i][1]);
        }
    } else if (strcmp(argv[1], "frames") == 0) {
        in_threads(number, use_frames);
    } else if (strcmp(argv[1], "budget") == 0) {
        use_budget();
    } else if (strcmp(argv[1], "limit") == 0) {
        use_limit();
    } else if (strcmp(argv[1], "deep") == 0) {
        go_deep();
    } else if (strcmp(argv[1], "switch") == 0) {
        switch_tags(number);
    } else if (strcmp(argv[1], "fork") == 0) {
        fork_meanwhile();
    } else if (strcmp(argv[1], "move") == 0) {
        in_threads(number, move_bytes);
    } else {
        lose_two();
    }
    return 0;
}
