/*
 * What the host is owed, oldest first.
 *
 * A debt is *real* (the printer will answer: its ok goes out at once) or a *plan's* (we will: it
 * speaks and is paid at its turn only, when nothing older is owed). What the printer has not
 * answered only printer_session knows, what the host is owed only the ledger. Knows no lines.
 */
#pragma once

#include "base/instant.h"

#define LEDGER_DEBTS 128

struct debt {
    uint32_t serial;
    bool real;
    int64_t number; /* the host's number of the line, -1 none */
};

struct ledger {
    struct debt debt[LEDGER_DEBTS]; /* oldest first */
    uint32_t count;
    uint32_t next_serial;
    uint64_t owed, paid, forgotten; /* debts made, paid and given up since init */
};

/* A debt is made; its serial. The oldest is forgotten if there is no room (counted). */
uint32_t ledger_owe_real(struct ledger *ledger, int64_t number);
uint32_t ledger_owe_plan(struct ledger *ledger, int64_t number);
/* Is nothing older owed than the debt with this serial? True also if it is owed no more. */
bool ledger_turn(const struct ledger *ledger, uint32_t serial);
/* Is it still owed? */
bool ledger_owes(const struct ledger *ledger, uint32_t serial);
/* The host's number of what it is owed for, -1 none. False if it is owed no more. */
bool ledger_number(const struct ledger *ledger, uint32_t serial, int64_t *ret_number);
/* The debt is paid. False, and nothing done, if it is owed no more. */
bool ledger_pay(struct ledger *ledger, uint32_t serial, struct debt *ret_debt);
/* From now on the printer will answer it (a line that goes on to the printer after its plan). */
void ledger_make_real(struct ledger *ledger, uint32_t serial);
/* The oldest debt. False if nothing is owed. */
bool ledger_oldest(const struct ledger *ledger, struct debt *ret_debt);
/* The oldest real debt, whatever plans are owed before it. False if there is none. */
bool ledger_oldest_real(const struct ledger *ledger, struct debt *ret_debt);
/* The real debts, or all, are given up. */
void ledger_forget_real(struct ledger *ledger);
void ledger_forget(struct ledger *ledger);
