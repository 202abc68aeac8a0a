/* Lines of a printer: whatever they are, what is found lies inside them. */
#include "fuzz.h"
#include "route/temperatures.h"
#include "wire/firmware.h"
#include "wire/line_framer.h"
#include "wire/printer_reply.h"

static void check_reply(struct span content, const struct printer_reply *reply)
{
    fuzz_promise(reply->kind <= REPLY_SD, "a reply has a kind");
    fuzz_promise(fuzz_inside(reply->text, content), "its text lies inside the line");
    fuzz_promise(fuzz_inside(reply->argument, content), "its argument lies inside the line");
    fuzz_promise(reply->heaters <= PRINTER_REPLY_HEATERS, "heaters are bounded");
    fuzz_promise(reply->kind != REPLY_RESEND || reply->number >= -1, "a Resend has a number or -1");
    fuzz_promise(reply->kind == REPLY_OK || reply->kind == REPLY_TEMPERATURE ||
                     reply->heaters == 0 || reply->kind == REPLY_TEXT,
                 "only an ok and a report bring temperatures");
    for (unsigned i = 0; i < reply->heaters; i++)
        fuzz_promise(reply->heater[i].name == 'T' || reply->heater[i].name == 'B' ||
                         reply->heater[i].name == 'C',
                     "a heater has a name");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};
    struct temperatures temperatures;
    struct printer_reply reply;

    temperatures_init(&temperatures);
    while (fuzz.size > 0) {
        struct span content = line_content(fuzz_line(&fuzz, LINE_CAPACITY));

        printer_reply_parse(content, &reply);
        check_reply(content, &reply);
        temperatures_see(&temperatures, &reply, (struct instant){0});
        fuzz_promise(temperatures.heaters <= PRINTER_REPLY_HEATERS, "heaters kept are bounded");
        fuzz_promise(firmware_at(firmware_index(firmware_by_name(reply.argument))) != NULL,
                     "every firmware has a row");
    }
    return 0;
}
