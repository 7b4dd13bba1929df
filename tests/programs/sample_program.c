// SPDX-License-Identifier: MIT
//
// A small program for debuggers and analysers: allocates from two threads and prints a sum.

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node* next;
    unsigned long value;
    char text[40];
};

static struct node* push(struct node* list, unsigned long value)
{
    struct node* node = malloc(sizeof *node);
    if (node == NULL) abort();
    node->next = list;
    node->value = value;
    snprintf(node->text, sizeof node->text, "node %lu", value);
    return node;
}

static unsigned long consume(struct node* list)
{
    unsigned long sum = 0;
    while (list != NULL) {
        struct node* next = list->next;
        sum += list->value + strlen(list->text);
        free(list);
        list = next;
    }
    return sum;
}

static void* produce(void* count)
{
    struct node* list = NULL;
    for (unsigned long i = 1; i <= *(unsigned long*)count; ++i)
        list = push(list, i);
    return list;
}

int main(void)
{
    unsigned long count = 5000;
    pthread_t thread;
    void* list = NULL;
    if (pthread_create(&thread, NULL, produce, &count) != 0) abort();
    struct node* own = produce(&count);
    if (pthread_join(thread, &list) != 0) abort();
    void* large = calloc(3, 1024 * 1024);
    large = realloc(large, 9 * 1024 * 1024);
    if (large == NULL) abort();
    printf("sum %lu\n", consume(own) + consume(list));
    free(large);
    return 0;
}
