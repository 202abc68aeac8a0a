/*
 * What a line on a port gives away: a boot, a printer, a board, a command not understood, and
 * which ios are outputs.
 *
 * Follows SIO_Arduino 1.0.11, SIO_ESP8266 1.0.10 and SIO_ESP32 1.1.5 for boards, and the older
 * ones from NanoSerialIO 1.0.5 on, which answer VC without an OK and do not know TC; Marlin, Klipper
 * and RepRapFirmware for printers. Remembers nothing and draws no conclusion.
 */
#pragma once

#include "base/text.h"
#include "wire/board_message.h"

/* The line with its name that a board says when it has booted: `DG:SIO_Arduino_General 1.0.11`. */
bool board_sign_banner(const struct board_message *message);

/* Does a printer talk like this, and a board never? */
bool board_sign_printer(struct span line);

/* Does a board talk like this, and a printer never? */
bool board_sign_board(struct span line);

/*
 * The argument of `DG:ERR: bad cmnd[XYZ]` (Arduino) or `DG:ERROR: Unrecognized command[XYZ]`
 * (ESP): *ret_word is what was not understood. False for any other.
 */
bool board_sign_refusal(struct span debug, struct span *ret_word);

/* A family's numbers for its types of output. */
#define BOARD_OUTPUT_TYPES 3
struct board_constants {
    unsigned count;
    int16_t output[BOARD_OUTPUT_TYPES];
};

/* Of the argument of a `TC ` line. */
struct board_constants board_sign_constants(struct span argument);
/* One bit for each io that is an output according to an `IT:` line. */
uint64_t board_sign_outputs(const struct board_constants *constants,
                            const struct board_message *types);
