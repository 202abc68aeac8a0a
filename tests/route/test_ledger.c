#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "route/ledger.h"

static void the_printers_oldest_debt_is_found_behind_a_plans(void **unused)
{
    struct ledger ledger = {0};
    struct debt debt;
    uint32_t plan = ledger_owe_plan(&ledger, 1), first, second;

    (void)unused;
    assert_false(ledger_oldest_real(&ledger, &debt));
    first = ledger_owe_real(&ledger, 2);
    second = ledger_owe_real(&ledger, 3);
    assert_true(ledger_oldest_real(&ledger, &debt));
    assert_int_equal(debt.serial, first);
    assert_true(ledger_pay(&ledger, first, &debt));
    assert_true(ledger_oldest_real(&ledger, &debt));
    assert_int_equal(debt.serial, second);
    ledger_make_real(&ledger, plan);
    assert_true(ledger_oldest_real(&ledger, &debt));
    assert_int_equal(debt.serial, plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_printers_oldest_debt_is_found_behind_a_plans),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
