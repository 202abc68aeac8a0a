/* Whatever comes in, the simulated printer neither crashes nor hangs nor loses its promises. */
#include "printer_bench.h"

static uint64_t seed;

static uint32_t dice(uint32_t sides)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 11) % sides;
}

static const char *const pieces[] = {"N1 ",
                                     "N2 G1 X1*",
                                     "M110 N0",
                                     "G1 X10 Y-5 F3000",
                                     "G28\n",
                                     "G4 P50\n",
                                     "M109 S90",
                                     "M600\n",
                                     "M108\n",
                                     "M876 S1\n",
                                     "M876 S0",
                                     "M28 /a.gco\n",
                                     "M29\n",
                                     "M23 a.gco\n",
                                     "M24\n",
                                     "M25\n",
                                     "M26 S4\n",
                                     "M20\n",
                                     "M27\n",
                                     "M155 S1\n",
                                     "M113 S0\n",
                                     "M410\n",
                                     "M400\n",
                                     "M115\n",
                                     "M114\n",
                                     "M999\n",
                                     "\\",
                                     ";",
                                     "*",
                                     "\b",
                                     "\n",
                                     "\r\n",
                                     "G92 E1e9",
                                     "G1 X999999999999 F1\n",
                                     "FIRMWARE_RESTART\n",
                                     "M220 S9999",
                                     "M204 S0",
                                     "G91\n",
                                     "M30 a.gco\n",
                                     "M0\n",
                                     "M1 S1\n",
                                     "M928 b.gco\n",
                                     "M105\n",
                                     "M190 R10\n"};

/* What ends everything, so that it does not come too often. */
static const char *const last_pieces[] = {"M112\n", "KILL\n", "N3 M112\n", "^X\n"};

static size_t random_bytes(char *bytes, size_t capacity)
{
    size_t length = 0;

    while (length + 64 < capacity && dice(8) != 0) {
        if (dice(3) == 0) {
            for (uint32_t i = dice(60); i > 0; i--)
                bytes[length++] = (char)dice(256);
        } else {
            const char *piece = dice(200) == 0 ? last_pieces[dice(4)]
                                               : pieces[dice(sizeof pieces / sizeof *pieces)];
            memcpy(bytes + length, piece, strlen(piece));
            length += strlen(piece);
        }
    }
    return length;
}

static void poke(void)
{
    char bytes[1024];

    switch (dice(12)) {
    case 0: pass_ms((int64_t)dice(10000)); break;
    case 1:
        now = instant_after_us(now, dice(1000));
        sim_printer_expire(&printer, now);
        break;
    case 2:
        if (dice(10) == 0 || printer.state == SIM_PRINTER_HALTED)
            sim_printer_reset(&printer, now);
        break;
    case 3:
        if (dice(10) == 0)
            sim_printer_power(&printer, false, now);
        else
            sim_printer_power(&printer, true, now);
        break;
    case 4: sim_printer_runout(&printer, dice(2) != 0, now); break;
    case 5: hear(); break;
    case 6:
        now = instant_after_ms(now, dice(300000)); /* a late call */
        sim_printer_expire(&printer, now);
        break;
    default: {
        size_t length = random_bytes(bytes, sizeof bytes);
        assert_true(sim_printer_receive(&printer, (struct span){bytes, length}, now) <= length);
        break;
    }
    }
    check_promises();
}

static struct sim_printer_manner random_manner(void)
{
    struct sim_printer_manner manner =
        dice(4) == 0 ? sim_printer_manner_klipper() : sim_printer_manner_marlin();

    manner.emergency_parser = dice(2) != 0;
    manner.advanced_ok = dice(2) != 0;
    manner.doublets_refused = dice(2) != 0;
    manner.wait_when_idle = dice(4) == 0;
    manner.flow_control = dice(2) != 0;
    manner.prompts = dice(2) != 0;
    manner.resend_ok = (enum sim_resend_ok)dice(3);
    manner.baud = dice(2) != 0 ? 0 : dice(2) != 0 ? 115200 : 2400;
    manner.speed = dice(3) == 0 ? 0 : 1 + dice(100);
    return manner;
}

static void whatever_comes_in_the_promises_hold(void **unused)
{
    uint64_t lines = 0;
    uint64_t refused = 0;
    uint64_t halts = 0;

    (void)unused;
    for (uint64_t run = 1; run <= 1000; run++) {
        seed = run * 0x9E3779B97F4A7C15u;
        begin(random_manner());
        for (int i = 0; i < 400; i++)
            poke();
        lines += printer.counters.lines;
        refused += printer.counters.refused;
        halts += printer.counters.halts;
    }
    assert_true(lines > 50000);
    assert_true(refused > 1000);
    assert_true(halts > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_comes_in_the_promises_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
