/*
 * A simulated IO board: bytes of its serial port and levels of its pins in, the same out, in
 * virtual or real time.
 *
 * The firmware's own core (firmware/sio_board.h) on a simulated ATmega328P: UART both ways at
 * 115200 baud with the 64-byte receive ring that loses silently, the reset that opening the port
 * causes, the bootloader that eats what is sent too early, pins with pull-ups, types that survive
 * a reset. Knows nothing of the proxy and shares no parser with it. Pure: no clock, no I/O, no
 * heap; the state is one struct without a pointer, a copy of it is a snapshot.
 *
 * Times as measured on SIO_Arduino 1.0.11 in a cycle-exact emulator: first byte 0.368 s after
 * opening (1.767 s with optiboot), then IO: after 0.10 s and RR after 3.0 s; a command takes about
 * 0.8 ms, so that of 40 `IC` in one write 34 are answered; millis() advances each 1024 us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/instant.h"
#include "base/text.h"
#include "firmware/sio_board.h"

#define SIM_BOARD_RX_RING  63   /* Arduino's 64-byte ring holds one less */
#define SIM_BOARD_INCOMING 1024 /* written by the host, not yet over the wire */
#define SIM_BOARD_OUTGOING 4096 /* over the wire, not yet taken by the host */
#define SIM_BOARD_CHANGES  256  /* pin changes remembered */

enum sim_board_bootloader {
    SIM_BOARD_NO_BOOTLOADER,
    SIM_BOARD_OPTIBOOT, /* waits 1 s after a reset, not after power-up; takes bytes for STK500 */
};

/* Zeroed is the default: no bootloader, a boot at each opening, outputs where a new board has them. */
struct sim_board_options {
    enum sim_board_bootloader bootloader;
    bool runs_on; /* opening does not reset it: no DTR wire */
    bool whole_lines; /* what it says is there when its line is over: quicker to simulate */
    uint32_t sensors, pwms; /* of a board that has such: their ios, a bit each */
    uint32_t outputs; /* stored types, a bit per io: the others are inputs; 0: none are stored */
};

struct sim_board_change {
    struct instant time;
    uint8_t io;
    bool high;
};

enum sim_board_stage {
    /*
     * No power: deaf, dumb, outputs float.
     * plug -> SIM_BOARD_HELD
     */
    SIM_BOARD_UNPLUGGED,

    /*
     * Held in reset by its start-up delay; bytes pass by.
     * 65 ms -> SIM_BOARD_BOOTLOADING, or without one SIM_BOARD_STARTING
     */
    SIM_BOARD_HELD,

    /*
     * Bytes are taken for commands of a programmer.
     * a bad one, or 1 s without a byte -> SIM_BOARD_STARTING
     */
    SIM_BOARD_BOOTLOADING,

    /*
     * The firmware's first 300 ms: bytes are kept in the receive ring.
     * over -> SIM_BOARD_RUNNING
     */
    SIM_BOARD_STARTING,

    /* open, reset -> SIM_BOARD_HELD; unplug -> SIM_BOARD_UNPLUGGED, as from every stage. */
    SIM_BOARD_RUNNING,
};

/* What a sensor measures, in hundredths. */
struct sim_board_sensor {
    bool there; /* else it cannot be read */
    int16_t degree;
    uint16_t humidity;
};

struct sim_board {
    struct sim_board_options options;
    struct instant clock; /* up to here everything has happened */
    struct instant due;   /* and then the next thing will */
    struct instant works; /* the processor has something to do then */
    enum sim_board_stage stage;
    struct instant stage_ends;
    bool opened;

    /* bootloader */
    bool skip_bootloader;   /* power-up */
    struct instant listens; /* flashes its LED until then */
    bool in_command;
    uint8_t arguments; /* bytes the command still swallows */

    /* UART, from the host */
    char incoming[SIM_BOARD_INCOMING];
    uint16_t incoming_first;
    uint16_t incoming_count;
    struct instant arrives; /* the first of them */
    char rx[SIM_BOARD_RX_RING];
    uint8_t rx_first;
    uint8_t rx_count;

    /* UART, to the host */
    bool sending;
    char sending_byte;
    struct instant sent_at;
    char outgoing[SIM_BOARD_OUTGOING];
    uint16_t outgoing_count;

    /* pins, a bit per point */
    uint32_t is_output; /* direction register */
    uint32_t port;      /* output level, or pull-up */
    uint32_t driven;    /* somebody outside drives it */
    uint32_t drive;
    struct sim_board_change changes[SIM_BOARD_CHANGES];
    uint32_t change_count;

    struct sim_board_sensor sensor[SIO_POINTS];
    uint16_t duty[SIO_POINTS]; /* of a PWM pin, hundredths of a percent */
    uint32_t hertz[SIO_POINTS];

    /* processor */
    struct sio_board core;
    uint8_t eeprom[SIO_STORED];
    struct instant booted; /* millis() is 0 */
    struct instant free;   /* busy until then */
    bool look;             /* an input has moved */

    /* what was lost, since init */
    uint32_t lost_early; /* before the firmware listened */
    uint32_t lost_rx;    /* receive ring full */
    uint32_t lost_tx;    /* nobody had the port open, or did not read */
};

/* A new board, just plugged in, its port not open. */
void sim_board_init(struct sim_board *board, struct sim_board_options options, struct instant now);

/* The host opens the port, which resets the board. False if it is unplugged. */
bool sim_board_open(struct sim_board *board, struct instant now);

/* The host closes the port: the board runs on, what it says is lost. */
void sim_board_close(struct sim_board *board, struct instant now);

/* Pulls it out of its socket, which closes the port. Outputs float, read as low. */
void sim_board_unplug(struct sim_board *board, struct instant now);

/* Plugs it in again: a power-up, the port not open. No effect if it is in. */
void sim_board_plug(struct sim_board *board, struct instant now);

/* The reset button. No effect if it is unplugged. */
void sim_board_reset(struct sim_board *board, struct instant now);

/*
 * Bytes from the host, on the wire one after the other. Returns how many were taken: all that fit,
 * or all if they are lost because the port is not open.
 */
size_t sim_board_write(struct sim_board *board, struct span bytes, struct instant now);

/* How many bytes sim_board_write would take. */
size_t sim_board_room(const struct sim_board *board);

/* Bytes for the host, until the next call on the board. Full, the newest are lost. */
struct span sim_board_outgoing(const struct sim_board *board);

/* The host took the first `count` of them. */
void sim_board_sent(struct sim_board *board, size_t count);

/* Drives an input pin from outside. On a pin that is an output it has no effect now. */
void sim_board_input(struct sim_board *board, uint8_t io, bool high, struct instant now);

/* What the sensor at that pin measures from now on. */
void sim_board_sense(struct sim_board *board, uint8_t io, struct sim_board_sensor sensor,
                     struct instant now);

/* The level of a pin, of whatever type. */
bool sim_board_output(const struct sim_board *board, uint8_t io);

/*
 * The pin change number `index`, counted from 0 at init: of outputs, and of inputs that
 * sim_board_input moved. False if it did not happen yet, or is forgotten.
 */
bool sim_board_change(const struct sim_board *board, uint32_t index,
                      struct sim_board_change *ret_change);

/* When sim_board_expire has something to do. */
struct instant sim_board_deadline(const struct sim_board *board);

/* Lets everything happen that is due. Late, it happens as if it had been called in time. */
void sim_board_expire(struct sim_board *board, struct instant now);

/* A broken promise of the struct in words, or NULL. */
const char *sim_board_check(const struct sim_board *board);
