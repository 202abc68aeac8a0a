#include "base/outbox.h"

#include <assert.h>
#include <string.h>

void outbox_init(struct outbox *outbox, uint32_t capacity)
{
    *outbox = (struct outbox){.capacity = capacity};
}

size_t outbox_room(const struct outbox *outbox)
{
    return outbox->capacity - outbox->length;
}

bool outbox_add(struct outbox *outbox, char *storage, struct span bytes)
{
    if (bytes.length > outbox_room(outbox)) {
        outbox->dropped += bytes.length;
        return false;
    }
    if (bytes.length > 0) {
        memcpy(storage + outbox->length, bytes.data, bytes.length);
        outbox->length += (uint32_t)bytes.length;
    }
    return true;
}

struct span outbox_bytes(const struct outbox *outbox, const char *storage)
{
    return (struct span){storage, outbox->length};
}

void outbox_take(struct outbox *outbox, char *storage, size_t count)
{
    assert(count <= outbox->length);
    if (count == 0) {
        return;
    }
    outbox->mid_line = storage[count - 1] != '\n';
    outbox->taken += count;
    outbox->length -= (uint32_t)count;
    memmove(storage, storage + count, outbox->length);
}

void outbox_overtake(struct outbox *outbox, char *storage, struct span bytes)
{
    bool added = true;

    outbox->length = 0;
    if (outbox->mid_line) {
        added = outbox_add(outbox, storage, SPAN("\n"));
    }
    added = added && outbox_add(outbox, storage, bytes);
    assert(added);
    (void)added;
}

void outbox_clear(struct outbox *outbox)
{
    outbox->length = 0;
    outbox->mid_line = false;
}
