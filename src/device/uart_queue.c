/* SPDX-License-Identifier: MIT */
/* Queues of characters, in blocks that go from one queue to the next through a free list. */
#include "device/uart_internal.h"

static struct uart_block *free_blocks;

static struct uart_block *take_block(void)
{
    struct uart_block *block = free_blocks;

    if (block == NULL) {
        return machine_allocate(sizeof *block);
    }
    free_blocks = block->next;
    return block;
}

static void count(struct uart_queue *queue, uart_char c)
{
    queue->count++;
    queue->damaged += UART_DAMAGE_OF(c) != 0;
}

void uart_queue_put(struct uart_queue *queue, uart_char c)
{
    struct uart_block *block = queue->tail;

    if (block == NULL || block->end == UART_BLOCK_CHARS) {
        block = take_block();
        block->next = NULL;
        block->first = block->end = 0;
        if (queue->tail == NULL) {
            queue->head = block;
        } else {
            queue->tail->next = block;
        }
        queue->tail = block;
    }
    block->chars[block->end++] = c;
    count(queue, c);
}

void uart_queue_put_first(struct uart_queue *queue, uart_char c)
{
    struct uart_block *block = queue->head;

    if (block == NULL || block->first == 0) {
        block = take_block();
        block->next = queue->head;
        block->first = block->end = UART_BLOCK_CHARS;
        if (queue->tail == NULL) {
            queue->tail = block;
        }
        queue->head = block;
    }
    block->chars[--block->first] = c;
    count(queue, c);
}

uart_char uart_queue_take(struct uart_queue *queue)
{
    struct uart_block *block = queue->head;
    uart_char c = block->chars[block->first++];

    queue->count--;
    queue->damaged -= UART_DAMAGE_OF(c) != 0;
    if (block->first == block->end) {
        queue->head = block->next;
        if (queue->head == NULL) {
            queue->tail = NULL;
        }
        block->next = free_blocks;
        free_blocks = block;
    }
    return c;
}
