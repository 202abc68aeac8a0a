/*
 * What the three peers of the world fuzzer may say: lines of a vocabulary, most of which mean
 * something at the moment, and what they owe an answer for.
 */
#pragma once

#include "base/text.h"

/* Of a power of two, so that more words leave the meaning of the corpus as it is. */
#define HOST_WORDS    65
#define PRINTER_WORDS 32
#define BOARD_WORDS   8
#define GUEST_WORDS   16

static const struct span host_words[HOST_WORDS] = {
    SPAN_INIT("G1 X10 E1"),        SPAN_INIT("G28"),           SPAN_INIT("M105"),
    SPAN_INIT("M115"),             SPAN_INIT("M110"),          SPAN_INIT("M110 N0"),
    SPAN_INIT("M400"),             SPAN_INIT("M42 Plight S1"), SPAN_INIT("M42 P200 S0"),
    SPAN_INIT("M42 Pfan S40%"),    SPAN_INIT("M43"),           SPAN_INIT("M62 Plight"),
    SPAN_INIT("M66 Pdoor L3 Q5"),  SPAN_INIT("M66 Prunout L1"), SPAN_INIT("M226 Prunout S1"),
    SPAN_INIT("M750 S50 T2 E1"),   SPAN_INIT("M750"),          SPAN_INIT("M751 Plight S3"),
    SPAN_INIT("M752 A\"hello\""),  SPAN_INIT("M753 A1"),       SPAN_INIT("M754"),
    SPAN_INIT("M755"),             SPAN_INIT("M756 A7"),       SPAN_INIT("M757"),
    SPAN_INIT("M759"),             SPAN_INIT("ENC L1"),        SPAN_INIT("abc def"),
    SPAN_INIT("M108"),             SPAN_INIT("M112"),          SPAN_INIT("M410"),
    SPAN_INIT("M876 S0"),          SPAN_INIT("M28 a.gco"),     SPAN_INIT("M28 B1 a.gco"),
    SPAN_INIT("M29"),              SPAN_INIT("M23 a.gco"),     SPAN_INIT("M24"),
    SPAN_INIT("M104 S200"),        SPAN_INIT("M600"),          SPAN_INIT("T1"),
    SPAN_INIT("M999"),             SPAN_INIT(";"),             SPAN_INIT("M42 Pfar S1"),
    SPAN_INIT("M928 a.gco"),       SPAN_INIT("M80"),           SPAN_INIT("M81"),
    SPAN_INIT("M889 J1"), SPAN_INIT("M889 J2"), SPAN_INIT("M889 J3"), SPAN_INIT("M889 J4"), SPAN_INIT("M889 J5"), SPAN_INIT("M889"), SPAN_INIT("M140 S60"), SPAN_INIT("M117 a"), SPAN_INIT("M226 Pstop S1"), SPAN_INIT("M42 Pstop S1"), SPAN_INIT("M760"), SPAN_INIT("M761"), SPAN_INIT("M762"), SPAN_INIT("M763"), SPAN_INIT("M999"), SPAN_INIT("G1 X10 Y3 E2 F600"), SPAN_INIT("M25"), SPAN_INIT("M524"), SPAN_INIT("M412 S1"), SPAN_INIT("M764 S3 Afoo"),
};

static const struct span printer_words[PRINTER_WORDS] = {
    SPAN_INIT("ok"),
    SPAN_INIT("ok T:20.0 /0.0 B:20.0 /0.0 @:0 B@:0"),
    SPAN_INIT("ok N3 P15 B3"),
    SPAN_INIT("start"),
    SPAN_INIT("wait"),
    SPAN_INIT("echo:busy: processing"),
    SPAN_INIT("echo:busy: paused for user"),
    SPAN_INIT("Error:checksum mismatch, Last Line: 3"),
    SPAN_INIT("Error:Printer halted. kill() called!"),
    SPAN_INIT("FIRMWARE_NAME:Marlin 2.1.2 SOURCE_CODE_URL:x"),
    SPAN_INIT("ok FIRMWARE_VERSION:v0.12 FIRMWARE_NAME:Klipper"),
    SPAN_INIT("FIRMWARE_NAME:Prusa-Firmware 3.13"),
    SPAN_INIT("Cap:EMERGENCY_PARSER:1"),
    SPAN_INIT("T:20.0 /0.0 B:20.0 /0.0"),
    SPAN_INIT("X:0.00 Y:0.00 Z:0.00 E:0.00 Count X:0"),
    SPAN_INIT("SD printing byte 1/2"),
    SPAN_INIT("//action:paused"),
    SPAN_INIT("// Klipper state: Ready"),
    SPAN_INIT("!! Shutdown due to webhooks request"),
    SPAN_INIT("echo:Unknown command: \"M42\""),
    SPAN_INIT("Writing to file: a.gco"),
    SPAN_INIT("open failed, File: a.gco."),
    SPAN_INIT("Done saving file."),
    SPAN_INIT("Resend:"),
    SPAN_INIT("CP:SIOPlugin 0.1.1"),
    SPAN_INIT("ok3"),
    SPAN_INIT("T:60.0 /0.0 B:61.0 /0.0"), SPAN_INIT("T:20.0 /0.0 B:30.0 /0.0"), SPAN_INIT("//action:resumed"), SPAN_INIT("//action:cancel"), SPAN_INIT("Done printing file"), SPAN_INIT("echo:busy: paused for input"),
};

static const struct span board_words[BOARD_WORDS] = {
    SPAN_INIT("OK"),
    SPAN_INIT("RR"),
    SPAN_INIT("CP:SIOPlugin 0.1.1"),
    SPAN_INIT("CP:other"),
    SPAN_INIT("DG:SIO_Arduino_General 1.0.11"),
    SPAN_INIT("DG:ERR: bad cmnd[IO]"),
    SPAN_INIT("IO:1100"),
    SPAN_INIT("ok"),
};

/* What the plugin SIO Control says, and a little beside it. */
static const struct span guest_words[GUEST_WORDS] = {
    SPAN_INIT("VC"),     SPAN_INIT("IC"),     SPAN_INIT("SI 500"), SPAN_INIT("EIO"),
    SPAN_INIT("BIO"),    SPAN_INIT("GS"),     SPAN_INIT("IO 2 1"), SPAN_INIT("IO 2 0"),
    SPAN_INIT("IO 3 1"), SPAN_INIT("IO 0 1"), SPAN_INIT("IOT"),    SPAN_INIT("TC"),
    SPAN_INIT("IO 4 0"), SPAN_INIT("M115"),   SPAN_INIT(""),       SPAN_INIT("reset"),
};

/* Does a line for a guest begin as a board's does? Others make it leave, if they are many. */
static inline bool guest_hears(struct span line)
{
    static const char *const beginnings[] = {"OK\r", "IO:", "RR\r", "DG:", "VI:", "FS:", "XT ",
                                             "IC:", "IT:", "TC ", "CP:SIOPlugin 0.1.1\r",
                                             "This is", "//action:disconnect\r"};

    for (unsigned i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (span_starts(line, span_of(beginnings[i])))
            return true;
    return false;
}

#define BOARD_IOS 6
static bool board_levels[BOARD_IOS];

static inline void board_report(struct text *answer)
{
    text_add_string(answer, "IO:");
    for (unsigned i = 0; i < BOARD_IOS; i++)
        text_add_char(answer, board_levels[i] ? '1' : '0');
    text_add_char(answer, '\n');
}

/* What a board in good health answers to this command. */
static inline void board_answers(struct span command, struct text *answer)
{
    int64_t io, level;
    size_t used;

    if (span_equal(command, SPAN("VC"))) {
        text_add_string(answer, "VI:SIO_Arduino_General 1.0.11\nCP:SIOPlugin 0.1.1\nIC:5\n");
    } else if (span_equal(command, SPAN("TC"))) {
        text_add_string(answer, "OK\nTC INPUT:0,OUTPUT:1,INPUT_PULLUP:2\n");
    } else if (span_equal(command, SPAN("IOT"))) {
        text_add_string(answer, "OK\nIT:2,2,1,1,1,2\n");
    } else if (span_equal(command, SPAN("GS"))) {
        text_add_string(answer, "OK\n");
        board_report(answer);
    } else if (span_starts(command, SPAN("IO "))) {
        used = text_integer(span_skip(command, 3), &io);
        if (text_integer(span_skip(command, 4 + used), &level) > 0 && io >= 0 && io < BOARD_IOS)
            board_levels[io] = level != 0;
        text_add_string(answer, "OK\n");
        board_report(answer);
    } else {
        text_add_string(answer, "OK\n");
    }
}
