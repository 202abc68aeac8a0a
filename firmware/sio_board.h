/*
 * The IO board's core: bytes of the SIO protocol in, answers and reports out, pins in between.
 *
 * Behaves as SIO_Arduino 1.0.11 on an ATmega328P does (protocol "SIOPlugin 0.1.1"), its faults
 * included, because existing hosts have learned them. Knows no UART, no clock, no pin registers
 * and no heap: the owner brings bytes and milliseconds and lends a const table of functions for
 * the pins. Plain C11, no libc but memcmp and strlen, no floating point, no pointer in its state.
 *
 * Seen on the original, and kept:
 * - A loop turn reads one whole line, does it, then looks at the inputs and the timers. A line
 *   once begun holds everything up: nothing is scanned or reported until its LF, or until 1000 ms
 *   without a byte, and then the fragment is carried out as a command.
 * - An edge is reported after 5 ms of quiet, but each report's digits are read raw.
 * - `IO` and `GS` report even after `EIO`; an edge made meanwhile is reported after `BIO`.
 * - The timers fire strictly after their time. `SI` restarts the report timer, not that of `RR`.
 * - `CIO` changes the table of types only; the pins follow at the next start, if it was stored.
 *   `IO` on a point that the table now calls an output writes the pin all the same: on an input
 *   that switches its pull-up.
 * - An unknown command gets no `OK`, `IC` is the highest index, `SE` spells `EROR`.
 * Sensors and PWM, if the hardware has them, are those of SIO_ESP32 1.1.5: the types INPUT_DHT and
 * OUTPUT_PWM, whose digit in a report is always 0, `XT DHT n t h` before each report for the n-th
 * sensor that can be read, and `PWM io duty hertz`, which is answered `OK` and, if the point is one
 * of PWM, `DG:PWM for IO Updated`, but by no report.
 * Different on purpose: a point number outside the table is refused in the same words where the
 * original reads past its array, and a line is cut off at SIO_LINE_CAPACITY bytes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "firmware/sio_timer.h"

#define SIO_POINTS        18
#define SIO_STORED        (SIO_POINTS + 1) /* bytes kept over a reset: a sum and the types */
#define SIO_LINE_CAPACITY 112              /* twice the longest command, CIO with 18 types */
#define SIO_OUT_CAPACITY  256              /* a full transmit buffer and the longest answer fit */
#define SIO_OUT_BACKLOG   63               /* more unsent bytes than these hold the loop up */

enum sio_type {
    SIO_INPUT,
    SIO_OUTPUT,
    SIO_INPUT_PULLUP,
    SIO_SENSOR, /* INPUT_DHT: of temperature and humidity */
    SIO_PWM,    /* OUTPUT_PWM */
};

/* What the board is soldered to. `context` is handed through from the call. */
struct sio_hardware {
    void (*set_type)(void *context, uint8_t io, enum sio_type type);
    void (*write)(void *context, uint8_t io, bool high);
    bool (*read)(void *context, uint8_t io);
    void (*load)(void *context, uint8_t ret_stored[SIO_STORED]);
    void (*store)(void *context, const uint8_t stored[SIO_STORED]);
    /*
     * For boards that offer sensors and PWM, as SIO_ESP32 1.1.5 does; both NULL: none. Hundredths of
     * a degree and of a percent; false: the sensor cannot be read. Duty in hundredths of a percent.
     */
    bool (*sense)(void *context, uint8_t io, int16_t *ret_degree, uint16_t *ret_humidity);
    void (*pwm)(void *context, uint8_t io, uint16_t duty, uint32_t hertz);
};

struct sio_board {
    uint8_t types[SIO_POINTS];  /* enum sio_type */
    uint16_t moved[SIO_POINTS]; /* when the raw level last changed, low half of the milliseconds */
    uint32_t raw;               /* levels at the last scan, a bit per point */
    uint32_t steady;            /* levels after 5 ms of quiet */
    uint32_t shown;             /* levels in the last report */
    uint32_t interval;          /* of reports, milliseconds */
    struct sio_timer report;
    struct sio_timer ready;
    bool paused; /* EIO */

    bool reading;  /* a line has begun; nothing else happens */
    bool complete; /* its LF is there */
    uint8_t line_length;
    uint32_t last_byte; /* when the last byte of the line came */
    char line[SIO_LINE_CAPACITY];

    uint8_t out_first;
    uint8_t out_count;
    char out[SIO_OUT_CAPACITY];
};

/*
 * Starts as after a reset: default or stored types, outputs low, reports on every 3 s, version
 * and types said.
 */
void sio_board_start(struct sio_board *board, const struct sio_hardware *hardware, void *context,
                     uint32_t now_ms);

/* True while the loop can read: no complete line waits and the answers are mostly sent. */
bool sio_board_ready(const struct sio_board *board);

/* One byte from the host, only while ready. */
void sio_board_take(struct sio_board *board, char byte, uint32_t now_ms);

/*
 * One turn of the loop: carries out the line that is complete or was given up, then scans and
 * reports. Does nothing inside a line or while too much is unsent.
 */
void sio_board_run(struct sio_board *board, const struct sio_hardware *hardware, void *context,
                   uint32_t now_ms);

/*
 * Milliseconds until sio_board_run has something to do if no byte comes and no input moves, 0 if
 * it has now, SIO_NO_WAIT if never.
 */
uint32_t sio_board_wait(const struct sio_board *board, uint32_t now_ms);

/* The next byte to the host; false when there is none. */
bool sio_board_next_byte(struct sio_board *board, char *ret_byte);
