#include "route/ledger.h"

#include <string.h>

static void drop(struct ledger *ledger, uint32_t index)
{
    memmove(&ledger->debt[index], &ledger->debt[index + 1],
            (ledger->count - index - 1) * sizeof ledger->debt[0]);
    ledger->count--;
}

static uint32_t owe(struct ledger *ledger, bool real, int64_t number)
{
    uint32_t serial = ++ledger->next_serial;

    if (ledger->count == LEDGER_DEBTS) {
        drop(ledger, 0);
        ledger->forgotten++;
    }
    ledger->debt[ledger->count++] = (struct debt){serial, real, number};
    ledger->owed++;
    return serial;
}

uint32_t ledger_owe_real(struct ledger *ledger, int64_t number)
{
    return owe(ledger, true, number);
}

uint32_t ledger_owe_plan(struct ledger *ledger, int64_t number)
{
    return owe(ledger, false, number);
}

/* The debt's index, or count if it is owed no more. */
static uint32_t find(const struct ledger *ledger, uint32_t serial)
{
    uint32_t index = 0;

    while (index < ledger->count && ledger->debt[index].serial != serial)
        index++;
    return index;
}

bool ledger_turn(const struct ledger *ledger, uint32_t serial)
{
    uint32_t index = find(ledger, serial);

    return index == 0 || index == ledger->count;
}

bool ledger_owes(const struct ledger *ledger, uint32_t serial)
{
    return find(ledger, serial) < ledger->count;
}

bool ledger_number(const struct ledger *ledger, uint32_t serial, int64_t *ret_number)
{
    uint32_t index = find(ledger, serial);

    if (index == ledger->count)
        return false;
    *ret_number = ledger->debt[index].number;
    return true;
}

bool ledger_pay(struct ledger *ledger, uint32_t serial, struct debt *ret_debt)
{
    uint32_t index = find(ledger, serial);

    if (index == ledger->count)
        return false;
    *ret_debt = ledger->debt[index];
    drop(ledger, index);
    ledger->paid++;
    return true;
}

void ledger_make_real(struct ledger *ledger, uint32_t serial)
{
    uint32_t index = find(ledger, serial);

    if (index < ledger->count)
        ledger->debt[index].real = true;
}

bool ledger_oldest(const struct ledger *ledger, struct debt *ret_debt)
{
    if (ledger->count == 0)
        return false;
    *ret_debt = ledger->debt[0];
    return true;
}

bool ledger_oldest_real(const struct ledger *ledger, struct debt *ret_debt)
{
    for (uint32_t i = 0; i < ledger->count; i++) {
        if (ledger->debt[i].real) {
            *ret_debt = ledger->debt[i];
            return true;
        }
    }
    return false;
}

void ledger_forget_real(struct ledger *ledger)
{
    uint32_t index = 0;

    while (index < ledger->count) {
        if (ledger->debt[index].real) {
            drop(ledger, index);
            ledger->forgotten++;
        } else {
            index++;
        }
    }
}

void ledger_forget(struct ledger *ledger)
{
    ledger->forgotten += ledger->count;
    ledger->count = 0;
}
