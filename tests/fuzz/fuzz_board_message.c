/* Lines of an IO board, and what a line gives away: whatever they are, nothing is out of bounds. */
#include "fuzz.h"
#include "session/board_signs.h"
#include "wire/board_message.h"
#include "wire/line_framer.h"

static void check_message(struct span content, const struct board_message *message)
{
    fuzz_promise(message->kind <= BOARD_GARBAGE, "a message has a kind");
    fuzz_promise(fuzz_inside(message->argument, content), "its argument lies inside the line");
    fuzz_promise(message->kind != BOARD_GARBAGE || span_equal(message->argument, content),
                 "garbage is the whole line");
    fuzz_promise(message->count <= BOARD_IO_MAX, "ios are bounded");
    if (message->kind != BOARD_IO)
        return;
    fuzz_promise(message->count > 0, "a report has levels");
    for (size_t i = 0; i < content.length; i++)
        fuzz_promise(content.data[i] != '2', "levels are 0 and 1");
}

static void check_signs(const struct board_message *message)
{
    struct board_constants constants = board_sign_constants(message->argument);
    struct span word;

    fuzz_promise(constants.count <= BOARD_OUTPUT_TYPES, "types of outputs are bounded");
    if (board_sign_refusal(message->argument, &word))
        fuzz_promise(fuzz_inside(word, message->argument), "the word refused lies in the line");
    if (message->kind == BOARD_TYPES && message->count < BOARD_IO_MAX)
        fuzz_promise(board_sign_outputs(&constants, message) >> message->count == 0,
                     "only ios that are there are outputs");
    board_sign_banner(message);
    board_sign_printer(message->argument);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};
    struct board_message message;

    while (fuzz.size > 0) {
        struct span content = line_content(fuzz_line(&fuzz, LINE_CAPACITY));

        board_message_parse(content, &message);
        check_message(content, &message);
        check_signs(&message);
    }
    return 0;
}
