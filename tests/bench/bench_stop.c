/*
 * The emergency stop's way: from the board's report of the edge, written to its port, until M112 is
 * read at the printer's; figures as JSON, one object for each thing that goes on meanwhile.
 *
 *     bench_stop HOST PRINTER BOARD SOCKET TRIALS
 *
 * The first three are open descriptors, the far ends of the daemon's ports; SOCKET is its control
 * socket, to reset the latch between trials. The config is bench.py's business. The board is the
 * simulated one in real time: it makes the report, what it takes for that is not counted.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ends.h"
#include "samples.h"
#include "sim/sim_board.h"

#define BUTTON      0
#define OUTPUTS     0x3ff00u /* ten, behind eight inputs */
#define WINDOW      8
#define PATIENCE_NS 5000000000

enum meanwhile { IDLE, PRINT, BURST, UPLOAD, FULL, MEANWHILES };
static const char *const names[MEANWHILES] = {"idle", "print", "burst", "upload", "full"};

static int host_fd, printer_fd, board_fd;

/* --- the board -------------------------------------------------------------------------------- */

static struct sim_board board;
static _Atomic bool press, release_it;
static _Atomic bool press_in_burst; /* as soon as an output is to be switched */
static _Atomic int64_t pressed_at;  /* when its report was written */

static struct instant board_now(void)
{
    return (struct instant){ends_now() / 1000};
}

/* Does a line of these say that the button is pressed? */
static bool reports_button(struct span bytes)
{
    for (; bytes.length > 4 + BUTTON; bytes = span_skip(bytes, 1)) {
        if (span_starts(bytes, SPAN("IO:")) && bytes.data[3 + BUTTON] == '1')
            return true;
    }
    return false;
}

static void board_moves(void)
{
    struct span bytes;

    if (atomic_exchange(&press, false))
        sim_board_input(&board, BUTTON, true, board_now());
    if (atomic_exchange(&release_it, false))
        sim_board_input(&board, BUTTON, false, board_now());
    sim_board_expire(&board, board_now());
    bytes = sim_board_outgoing(&board);
    if (bytes.length == 0)
        return;
    if (atomic_load(&pressed_at) == 0 && reports_button(bytes))
        atomic_store(&pressed_at, ends_now());
    ends_write(board_fd, bytes.data, bytes.length);
    sim_board_sent(&board, bytes.length);
}

static void *run_board(void *unused)
{
    (void)unused;
    sim_board_init(
        &board,
        (struct sim_board_options){.runs_on = true, .whole_lines = true, .outputs = OUTPUTS},
        board_now());
    sim_board_input(&board, BUTTON, false, board_now());
    sim_board_open(&board, board_now());
    for (;;) {
        struct pollfd one = {.fd = board_fd, .events = POLLIN};
        char bytes[256];

        if (poll(&one, 1, 1) > 0 && (one.revents & POLLIN) != 0) {
            ssize_t count = read(board_fd, bytes, sizeof bytes);

            for (ssize_t done = 0; done < count;) {
                sim_board_expire(&board, board_now());
                done += (ssize_t)sim_board_write(
                    &board, (struct span){bytes + done, (size_t)(count - done)}, board_now());
            }
            if (count > 3 && memmem(bytes, (size_t)count, "IO ", 3) != NULL &&
                atomic_exchange(&press_in_burst, false))
                atomic_store(&press, true);
        }
        board_moves();
    }
    return NULL;
}

/* --- the printer ------------------------------------------------------------------------------ */

static _Atomic int64_t halted_at; /* when it had read M112 */
static _Atomic bool boot;         /* it shall be reset */
static _Atomic bool deaf;         /* it reads nothing */

static void printer_says(const char *words)
{
    ends_write(printer_fd, words, strlen(words));
}

static void printer_line(const char *line)
{
    const char *blank = line[0] == 'N' ? strchr(line, ' ') : NULL;
    const char *command = blank != NULL ? blank + 1 : line;

    if (atomic_load(&halted_at) != 0 || line[0] == '\0')
        return;
    if (strncmp(command, "M112", 4) == 0) {
        atomic_store(&halted_at, ends_now());
        printer_says("Error:Printer halted. kill() called!\n");
    } else if (strncmp(command, "M28 B1", 6) == 0) {
        printer_says("Switching to Binary Protocol\nok\n");
        atomic_store(&deaf, true);
    } else if (strncmp(command, "M28", 3) == 0) {
        printer_says("Writing to file: bench.gco\nok\n");
    } else {
        printer_says("ok\n");
    }
}

static void *run_printer(void *unused)
{
    char line[ENDS_LINE];
    size_t length = 0;

    (void)unused;
    for (;;) {
        struct pollfd one = {.fd = printer_fd, .events = POLLIN};
        char bytes[4096];
        ssize_t count = 0;

        if (atomic_exchange(&boot, false)) {
            length = 0;
            atomic_store(&halted_at, 0);
            printer_says("start\n");
        }
        if (atomic_load(&deaf))
            usleep(100);
        else if (poll(&one, 1, 1) > 0 && (one.revents & POLLIN) != 0)
            count = read(printer_fd, bytes, sizeof bytes);
        for (ssize_t i = 0; i < count; i++) {
            if (bytes[i] != '\n') {
                if (length < sizeof line - 1)
                    line[length++] = bytes[i];
                continue;
            }
            line[length] = '\0';
            length = 0;
            printer_line(line);
        }
    }
    return NULL;
}

/* --- the host --------------------------------------------------------------------------------- */

static int64_t line_number;
static bool heard_start;

static void host_says(const char *line)
{
    ends_write(host_fd, line, strlen(line));
}

static void host_numbered(const char *command)
{
    char line[ENDS_LINE];
    int length = snprintf(line, sizeof line, "N%lld %s", (long long)line_number++, command);
    unsigned sum = 0;

    for (int i = 0; i < length; i++)
        sum ^= (unsigned char)line[i];
    snprintf(line + length, sizeof line - (size_t)length, "*%u\n", sum);
    host_says(line);
}

/* What the host hears within a millisecond: how many oks. */
static unsigned host_hears(void)
{
    static char line[ENDS_LINE];
    static size_t length;
    struct pollfd one = {.fd = host_fd, .events = POLLIN};
    char bytes[4096];
    ssize_t count = poll(&one, 1, 1) > 0 ? read(host_fd, bytes, sizeof bytes) : 0;
    unsigned oks = 0;

    for (ssize_t i = 0; i < count; i++) {
        if (bytes[i] != '\n') {
            if (length < sizeof line)
                line[length++] = bytes[i];
            continue;
        }
        oks += length >= 2 && memcmp(line, "ok", 2) == 0;
        heard_start = heard_start || (length >= 5 && memcmp(line, "start", 5) == 0);
        length = 0;
    }
    return oks;
}

/* Until the host hears an ok. */
static void await_ok(const char *what)
{
    int64_t until = ends_now() + PATIENCE_NS;

    while (host_hears() == 0) {
        if (ends_now() > until)
            ends_fail("%s: no ok came", what);
    }
}

static void drain(unsigned ms)
{
    for (int64_t until = ends_now() + ms * 1000000LL; ends_now() < until;)
        host_hears();
}

/* --- the control socket ----------------------------------------------------------------------- */

static int control_fd = -1;

/* Does the daemon's answer have this in it? */
static bool control(const char *request, const char *wanted)
{
    char answer[4096];
    ssize_t count;

    if (write(control_fd, request, strlen(request)) < 0)
        ends_fail("the control socket is gone");
    count = read(control_fd, answer, sizeof answer - 1);
    if (count <= 0)
        ends_fail("the control socket is gone");
    answer[count] = '\0';
    return strstr(answer, wanted) != NULL;
}

/* --- trials ----------------------------------------------------------------------------------- */

/* Lines as slicers write them, as many at once as the window allows, until the printer is halted.
 */
static void print_until_halted(unsigned before_press)
{
    unsigned open = 0, oks = 0;

    for (int64_t until = ends_now() + PATIENCE_NS; atomic_load(&halted_at) == 0;) {
        char command[64];

        for (; open < WINDOW; open++) {
            snprintf(command, sizeof command, "G1 X%u.%03u Y%u.%03u E.0%04u",
                     60 + (unsigned)line_number % 97, (unsigned)line_number * 37 % 1000,
                     40 + (unsigned)line_number % 83, (unsigned)line_number * 59 % 1000,
                     (unsigned)line_number % 10000);
            host_numbered(command);
        }
        for (unsigned more = host_hears(); more > 0 && open > 0; more--, open--)
            oks++;
        if (oks >= before_press && before_press > 0) {
            before_press = 0;
            atomic_store(&press, true);
        }
        if (ends_now() > until)
            ends_fail("the printer got no M112");
    }
}

/* As much as the port takes. */
static void fill_port(void)
{
    static char bytes[4096];
    int64_t last = ends_now(), until = last + PATIENCE_NS;

    memset(bytes, 'x', sizeof bytes);
    while (ends_now() < last + 30000000) {
        if (last > until)
            ends_fail("the port does not get full");
        struct pollfd one = {.fd = host_fd, .events = POLLOUT};

        if (poll(&one, 1, 1) > 0 && write(host_fd, bytes, sizeof bytes) > 0)
            last = ends_now();
    }
}

static void make_ready(void)
{
    int64_t until = ends_now() + PATIENCE_NS;

    atomic_store(&deaf, false);
    atomic_store(&release_it, true);
    while (!control("{\"command\":\"estop\",\"action\":\"state\"}\n", "armed")) {
        control("{\"command\":\"estop\",\"action\":\"reset\"}\n", "ok");
        drain(2);
        if (ends_now() > until)
            ends_fail("the latch does not open");
    }
    heard_start = false;
    atomic_store(&boot, true);
    while (!heard_start) {
        host_hears();
        if (ends_now() > until)
            ends_fail("the printer does not start");
    }
    host_says("\n"); /* what the port was filled with is a line now */
    drain(10);
    line_number = 0;
    host_numbered("M110 N0");
    await_ok("M110");
    drain(5);
    atomic_store(&pressed_at, 0);
}

/* Nanoseconds from the report to M112. */
static int64_t stop_once(enum meanwhile what, unsigned trial)
{
    int64_t until;

    switch (what) {
    case IDLE:
        drain(trial % 7);
        atomic_store(&press, true);
        break;
    case PRINT: print_until_halted(40 + trial * 7 % 31); break;
    case BURST:
        atomic_store(&press_in_burst, true);
        host_numbered(trial % 2 == 0 ? "M30050" : "M30051");
        break;
    case UPLOAD:
        host_numbered("M28 bench.gco");
        await_ok("M28");
        print_until_halted(40 + trial * 7 % 31);
        break;
    case FULL:
        host_says("M28 B1 bench.gco\n");
        await_ok("M28 B1");
        fill_port();
        atomic_store(&press, true);
        while (atomic_load(&pressed_at) == 0)
            usleep(20);
        atomic_store(&deaf, false);
        break;
    case MEANWHILES: break;
    }
    until = ends_now() + PATIENCE_NS;
    while (atomic_load(&halted_at) == 0) {
        host_hears();
        if (ends_now() > until)
            ends_fail("%s: the printer got no M112, the board %s", names[what],
                      atomic_load(&pressed_at) != 0 ? "has reported" : "said nothing");
    }
    if (atomic_load(&pressed_at) == 0)
        ends_fail("%s: M112 without a report", names[what]);
    return atomic_load(&halted_at) - atomic_load(&pressed_at);
}

int main(int count, char **words)
{
    pthread_t thread[2];
    unsigned trials;

    if (count != 6) {
        fputs("usage: bench_stop HOST PRINTER BOARD SOCKET TRIALS\n", stderr);
        return 2;
    }
    host_fd = atoi(words[1]);
    printer_fd = atoi(words[2]);
    board_fd = atoi(words[3]);
    if (fcntl(host_fd, F_SETFL, fcntl(host_fd, F_GETFL) | O_NONBLOCK) != 0)
        ends_fail("the host's port cannot be had");
    control_fd = ends_connect(words[4]);
    trials = (unsigned)atoi(words[5]);
    if (pthread_create(&thread[0], NULL, run_board, NULL) != 0 ||
        pthread_create(&thread[1], NULL, run_printer, NULL) != 0)
        ends_fail("no thread to be had");
    for (int64_t until = ends_now() + 2 * PATIENCE_NS;
         !control("{\"command\":\"estop\",\"action\":\"state\"}\n", "armed");) {
        drain(50);
        if (ends_now() > until)
            ends_fail("the stop is not armed");
    }
    drain(3000); /* the board is online */
    make_ready();
    printf("{");
    for (enum meanwhile what = 0; what < MEANWHILES; what++) {
        struct samples samples;

        samples_init(&samples, trials);
        for (unsigned trial = 0; trial < trials; trial++) {
            samples_add(&samples, stop_once(what, trial));
            make_ready();
        }
        printf("%s\"%s\": {", what > 0 ? ", " : "", names[what]);
        samples_tell(&samples);
        printf("}");
    }
    printf("}\n");
    return 0;
}
