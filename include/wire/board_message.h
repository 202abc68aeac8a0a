/*
 * The IO board's lines, both ways: protocol "SIOPlugin 0.1.1".
 *
 * Follows SIO_Arduino 1.0.11, SIO_ESP8266 1.0.10 and SIO_ESP32 1.1.5 as seen on the wire. Knows no
 * conversation: which command an OK answers is the session's question.
 */
#pragma once

#include "base/text.h"

/* Points of the largest known board, with room. */
#define BOARD_IO_MAX 64

enum board_message_kind {
    BOARD_OK,
    BOARD_IO,            /* `IO:0101…`: count, level[] */
    BOARD_READY_REPORT,  /* `RR` */
    BOARD_TYPES,         /* `IT:2,2,1,…`: count, type[] */
    BOARD_CONSTANTS,     /* `TC INPUT:0,OUTPUT:1,…`: argument is all after TC */
    BOARD_VERSION,       /* `VI:name`: argument */
    BOARD_COMPATIBILITY, /* `CP:SIOPlugin 0.1.1`: argument */
    BOARD_COUNT,         /* `IC:17`: number (the highest index; not to be trusted) */
    BOARD_DEBUG,         /* `DG:text`: argument */
    BOARD_EXTENSION,     /* `XT …`: argument */
    BOARD_FEATURES,      /* `FS:…`: argument */
    BOARD_ACTION,        /* `//action:disconnect`: somebody took it for a printer */
    BOARD_GARBAGE,       /* anything else, damaged or no board at all: argument is the line */
};

struct board_message {
    enum board_message_kind kind;
    struct span argument;
    int64_t number;
    unsigned count;
    bool level[BOARD_IO_MAX];
    int16_t type[BOARD_IO_MAX];
};

/* Never fails. An `IO:` line with anything but 0 and 1 in it, or too long, is garbage. */
void board_message_parse(struct span content, struct board_message *ret_message);

/* The number of a type constant (`OUTPUT`) in a BOARD_CONSTANTS argument. False if not named. */
bool board_message_constant(struct span constants, struct span name, int64_t *ret_value);

/* What a BOARD_EXTENSION says of a sensor of temperature and humidity, in thousandths. */
struct board_dht {
    unsigned sensor; /* counted among the board's sensors, from 0 */
    unsigned io;     /* BOARD_IO_MAX if the board does not say it */
    int32_t degree, humidity;
};
/*
 * `DHT 0 23.40 45.00`, or with its io, as boards say it that are "SIOPlugin 0.1.2": `DHT 0 4 23.40
 * 45.00`. False for anything else, and for what no such sensor can have measured.
 */
bool board_message_dht(struct span extension, struct board_dht *ret_dht);

/* Whole lines towards the board, LF included, appended to `text`. */
void board_message_set(unsigned io, bool high, struct text *text);       /* IO n v */
/* PWM n duty hertz; value 0 to 255 */
void board_message_pwm(unsigned io, uint8_t value, unsigned hertz, struct text *text);
void board_message_interval(unsigned interval_ms, struct text *text);    /* SI ms, 500 at least */
void board_message_word(const char *word, struct text *text);            /* VC, GS, BIO, TC, IOT … */
