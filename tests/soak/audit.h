/*
 * Looks at both ends of the core while it works, and says which promise of the wire it breaks.
 *
 * Sees what enters and leaves the core, and what the printer begins to carry out. Each command of a
 * script bears a serial (K12.g). What the protocol cannot save is excused, by class, and counted.
 */
#pragma once

#include "sim/world.h"

#define AUDIT_SERIALS          4096
#define AUDIT_OWED             1024
#define AUDIT_COMMAND          120
#define AUDIT_GIVEN_UP_AT_ONCE 2

/* What is excused. */
enum audit_class {
    AUDIT_TORN,      /* a number torn off whole: the printer took the line as unnumbered */
    AUDIT_COLLISION, /* a hurt line whose checksum is right all the same */
    AUDIT_LOST,  /* an unnumbered line, or one for firmware without numbers, that was lost … */
    AUDIT_HURT,  /* … or arrived as something else … */
    AUDIT_TWICE, /* … or was doubled by the wire */
    AUDIT_EARLY, /* an ok that was no answer: of a refusal that was hurt, or said twice */
    AUDIT_UNREVEALED,  /* the last line of a print, refused: Error and Resend were both hurt */
    AUDIT_UNHEARD,     /* a reset that nothing told: no `start`, and no numbers */
    AUDIT_ON_THE_WAY,  /* lines that were under way when the printer was reset */
    AUDIT_GIVEN_UP,    /* a print that was cancelled and said so, without a reset */
    AUDIT_MADE_UP,     /* oks made up and told, for such as the wire lost */
    AUDIT_LET_GO,      /* a line that the printer refused ten times, told */
    AUDIT_ERROR_SHOWN, /* an Error about numbers whose Resend did not arrive */
    AUDIT_CLASSES,
};
const char *audit_word(enum audit_class class);

enum { AHEAD_NOT, AHEAD_BY_A_FALSE_OK, AHEAD_MADE_UP };

struct audit_owed {
    uint32_t serial; /* 0 none */
    int64_t number;
    bool temperature;
};

struct audit {
    const struct world *world;
    bool checked; /* the printer checks numbers */
    bool shown;

    /* what the script gave */
    char given[AUDIT_SERIALS][AUDIT_COMMAND];
    uint32_t serials, first;        /* of the print that runs */
    uint8_t content[AUDIT_SERIALS]; /* of a file: to be written and not carried out */
    bool is_content;                /* what the script gives now */
    bool uploads;                   /* … or gave */
    bool opened;                    /* the file: M28 was carried out */
    uint8_t seen[AUDIT_SERIALS], accepted[AUDIT_SERIALS], refused[AUDIT_SERIALS];
    uint8_t torn[AUDIT_SERIALS]; /* carried out without its number: may be again, or not */
    uint8_t wrote[AUDIT_SERIALS], wrote_bare[AUDIT_SERIALS];
    uint32_t last_seen, last_by[2]; /* of all; by the printer, by us */
    uint8_t ahead[AUDIT_SERIALS];   /* its ok came before it was carried out: one of these */
    unsigned aheads;
    uint64_t m110_wrote, m110_executed;
    uint8_t may_be_bare[AUDIT_SERIALS]; /* came without a number, or is too long for one */
    bool lost_port;                     /* of the printer, with what was on its way in it */
    bool torn_file;                     /* it was closed by a part of a line */
    bool m110_last;                     /* the printer's last was one */
    uint8_t bare;                       /* a command was sent without a number */
    unsigned ours_bare;                 /* so many of ours were, and are not carried out */
    bool shifted; /* an ok was early: what is ours may go before what the printer has */

    /* the host's side */
    bool number_known;
    int64_t expected, asked_for; /* the latter: when it last refused a line */
    struct audit_owed owed[AUDIT_OWED];
    uint32_t first_owed, owing;
    bool its_ok;      /* of a Resend for the host: it is to be next */
    bool overtaken;   /* by M108: oks come in another order until all are paid */
    bool loose;       /* a job was broken off: what is owed is not known any more */
    unsigned strays;  /* lines the wire made of others, which the printer took and answered */
    unsigned made_up; /* told, and not yet paid */
    uint64_t temperatures_asked, temperatures_shown;
    uint64_t positions_asked, positions_due, positions_shown; /* M114 */
    uint64_t oks_to_host, resends_from_printer;
    bool cancelled; /* the host was told to cancel */

    /* the printer's side */
    bool card_writes;     /* the printer had a file open to write when last looked at */
    uint64_t resets_seen; /* of the printer, by then */
    bool job_dead; /* the printer was reset in it, or halted */
    bool job_open; /* something of it was carried out under a number */
    bool printer_gone;
    struct instant printer_back; /* its port was opened last */
    bool start_heard, start_lost;
    struct instant progress; /* last ok or busy for the host */

    char line[4][WORLD_TEXT + 1024];
    uint32_t length[4];
    const char *wrong;
    uint32_t wrong_serial;
    uint64_t excused[AUDIT_CLASSES];
    uint64_t lines, executed;
};

void audit_init(struct audit *audit, const struct world *world, bool checked);
/* A print begins: what was before is forgotten, but for the counts and the serials. */
void audit_begin(struct audit *audit);
/* A command of the script; returns its serial. */
uint32_t audit_give(struct audit *audit, const char *command);
/* What the script gives from now on is content of a file, or commands again. */
void audit_content(struct audit *audit, bool content);
/* Stands behind a serial, so that one hurt is not another. */
char audit_letter(uint32_t serial);
/* For the world's options. */
void audit_watch(void *audit, const struct world_entry *entry);
void audit_listen(void *audit, enum world_kind kind, enum proxy_port port, struct span bytes);
/*
 * Was the M29 hurt so that its checksum is right all the same (`O09` under its number)? The printer
 * has taken it and writes on, and refuses all without a number: nobody can know.
 */
bool audit_is_left_open(const struct audit *audit);
/* The print is over and all is quiet: what is missing? */
void audit_end(struct audit *audit, bool whole);
