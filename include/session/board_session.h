/*
 * The conversation with the IO board: levels wanted go in, levels reported come out, and between
 * them one command at a time.
 *
 * The host of a "SIOPlugin 0.1.1" board (SIO_Arduino 1.0.11, SIO_ESP8266 1.0.10, SIO_ESP32 1.1.5).
 * Knows io numbers and levels; knows no point, no name, no debounce and no occasion. Believes only
 * reports: an OK says that a command was read, never that an output switched.
 *
 * After every call take the events and then the lines, each until there are none.
 *
 * What the boards do that is not to be expected (what reports do: board_levels.h):
 * - Opening the port resets an Arduino; with optiboot what is sent in the first 2 s is lost, and
 *   `VC` is an opcode of optiboot: it makes the boot loader wait 1.3 s longer, not fail.
 * - Each `IO n v` is answered OK and by a report, also after `EIO` and also if it was refused.
 * - An unknown command is answered `DG:` alone on Arduino and ESP8266, OK and `DG:` on ESP32.
 * - `IC` tells the highest index, or another figure: only the length of `IO:` counts.
 * - A half line blocks an Arduino for 1 s, is then carried out as it is, and swallows what
 *   followed it.
 */
#pragma once

#include "base/instant.h"
#include "base/text.h"
#include "session/board_ask.h"
#include "session/board_levels.h"
#include "session/board_pwm.h"
#include "session/board_signs.h"
#include "wire/board_message.h"

#define BOARD_OPEN_PATIENCE_MS 10000 /* no CP for so long: open the port again */
#define BOARD_GREETING_MS      700   /* VC is repeated, as measured with optiboot */
#define BOARD_GREETED_MS       50    /* quiet after CP, for the answers to repeated VCs */
#define BOARD_ANSWER_MS        1500  /* a half line blocks an Arduino for 1 s */
#define BOARD_URGENT_MS        250   /* the same for what cannot wait */
#define BOARD_OVERTAKE_MS      50    /* what cannot wait waits so long for another's answer */
#define BOARD_VERSION_MAX      48

enum board_state {
    /*
     * The port is closed; levels are unknown, levels wanted are kept.
     * opened -> GREETING
     */
    BOARD_CLOSED,

    /*
     * Open; it may be booting, or no board. VC is asked every 700 ms and at each sign of a boot.
     * CP:SIOPlugin -> SETTING_UP
     * the second line of a printer -> FOREIGN
     * deadline (10 s) -> GREETING, told: open the port again
     */
    BOARD_GREETING,

    /*
     * It is a board. The rows of the setup are asked one after the other: TC, IOT, SI, BIO, GS.
     * If it was in use before, what cannot wait is set between them.
     * all answered and the count of ios known -> CONFIRMING
     * three tries of BIO or GS in vain -> GREETING
     * sign of a boot -> GREETING
     */
    BOARD_SETTING_UP,

    /*
     * Levels are known; those wanted are being set.
     * none left -> ONLINE
     * as ONLINE otherwise
     */
    BOARD_CONFIRMING,

    /*
     * In use.
     * no report for 2.5 intervals, or a command without any line after it -> DOUBTED
     * sign of a boot, another count of ios, all high outputs low unasked -> GREETING (reset)
     */
    BOARD_ONLINE,

    /*
     * Silent: BIO and GS are asked, twice, 1.5 s each.
     * a report -> SETTING_UP (still online)
     * deadline the second time -> GREETING (lost)
     */
    BOARD_DOUBTED,

    /*
     * Not a board. Nothing is read or written any more.
     * opened -> GREETING
     */
    BOARD_FOREIGN,
};

enum board_event_kind {
    BOARD_EVENT_RESET,     /* it booted: levels unknown; say anew what is wanted (board_back) */
    BOARD_EVENT_LOST,      /* silent or closed: levels unknown; the same */
    BOARD_EVENT_FAULT,     /* io cannot be brought to `high`: not tried again until wanted anew */
    BOARD_EVENT_CONFIRMED, /* a report asked after board_session_confirm() has come */
    BOARD_EVENT_ONLINE,    /* handshake done and the levels wanted are reported */
    BOARD_EVENT_FOREIGN,   /* a printer: close the port and leave it alone */
    BOARD_EVENT_REOPEN,    /* silent too long: close the port and open it again */
};
struct board_event {
    enum board_event_kind kind;
    uint8_t io;
    bool high;
};

struct board_session {
    enum board_state state;
    struct instant deadline; /* of the state */

    struct board_ask ask;
    bool ask_confirms; /* the GS outstanding is the one that board_session_confirm() wants */

    uint8_t step;    /* SETTING_UP: row; DOUBTED: 0 BIO, 1 GS */
    uint8_t tries;   /* of this row, or of doubting */
    uint8_t strange; /* lines that speak against a board */
    bool online;     /* told, and not taken back */
    bool confirm;    /* board_session_confirm() is not answered yet */

    struct board_levels levels;
    struct board_pwm pwm; /* moved on beside the session by who owns it */
    struct board_constants constants;
    uint32_t interval_ms;
    char version[BOARD_VERSION_MAX]; /* of VI:, NUL-terminated, empty unknown */

    uint8_t events; /* one bit per kind, to be told */
    uint64_t damaged, timeouts, retries;
};

/* `interval_ms`: how often the board is to report by itself, 500 to 10000. */
void board_session_init(struct board_session *session, uint32_t interval_ms);
/* Another interval, sent at once if the board is in use. */
void board_session_interval(struct board_session *session, uint32_t interval_ms,
                            struct instant now);

void board_session_opened(struct board_session *session, struct instant now);
void board_session_closed(struct board_session *session, struct instant now);
/* A line of the board, parsed. A garbage message's argument is the whole line. */
void board_session_message(struct board_session *session, const struct board_message *message,
                           struct instant now);
/* Early is harmless. */
void board_session_expire(struct board_session *session, struct instant now);
struct instant board_session_deadline(const struct board_session *session);

/*
 * From now on this io is to have this level: kept until wanted otherwise or released, over resets
 * and losses too. Wanting again what failed tries again. _first overtakes all that is not urgent.
 */
enum board_want_result board_session_want(struct board_session *session, unsigned io, bool high,
                                          struct instant now);
enum board_want_result board_session_want_first(struct board_session *session, unsigned io,
                                                bool high, struct instant now);
/* Nothing is wanted of this io any more; it stays as it is. */
static inline void board_session_release(struct board_session *session, unsigned io)
{
    board_levels_release(&session->levels, io);
}
static inline enum board_outcome board_session_outcome(const struct board_session *session,
                                                       unsigned io)
{
    return board_levels_outcome(&session->levels, io);
}
/* The last report's; BOARD_UNKNOWN for an io the board has not, and while the board is lost. */
static inline enum board_level board_session_level(const struct board_session *session, unsigned io)
{
    return io < BOARD_IO_MAX ? session->levels.level[io] : BOARD_UNKNOWN;
}
/* Asks for a fresh report (BOARD_EVENT_CONFIRMED); does nothing while the board is not in use. */
void board_session_confirm(struct board_session *session, struct instant now);

/*
 * The next line to write, LF included, appended to `text`, which must have BOARD_COMMAND_MAX bytes
 * free. False if there is none now.
 */
bool board_session_next_line(struct board_session *session, struct text *text, struct instant now);
bool board_session_next_event(struct board_session *session, struct board_event *ret_event);

/* May a command that is not the session's be sent? Nothing else may go until it is answered. */
static inline bool board_session_free(const struct board_session *session)
{
    return session->ask.kind == BOARD_ASK_NOTHING &&
           (session->state == BOARD_CONFIRMING || session->state == BOARD_ONLINE);
}
/* Handshake done, start values confirmed, not lost. */
static inline bool board_session_online(const struct board_session *session)
{
    return session->online;
}
/* Damaged lines, timeouts and repeated commands so far. */
static inline uint64_t board_session_faults(const struct board_session *session)
{
    return session->damaged + session->timeouts + session->retries;
}
/* A promise of this module that does not hold, in words, or NULL. */
const char *board_session_check(const struct board_session *session);
