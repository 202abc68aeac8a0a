#include <string.h>

#include "sim/sim_printer_parts.h"

static const struct sim_sd_file *selected(const struct sim_printer *printer)
{
    return printer->sd_selected < 0 ? NULL : &printer->sd.files[printer->sd_selected];
}

static void say_line(struct sim_printer *printer, const char *before, struct span name,
                     const char *after)
{
    sim_say(printer, before);
    sim_say_span(printer, name);
    sim_say(printer, after);
}

static void list(struct sim_printer *printer)
{
    sim_say(printer, "Begin file list\n");
    for (int slot = 0; slot < SIM_SD_FILES; slot++) {
        const struct sim_sd_file *file = &printer->sd.files[slot];
        if (file->name[0] == '\0')
            continue;
        say_line(printer, "", span_of(file->name), " ");
        sim_say_integer(printer, file->size);
        sim_say(printer, "\n");
    }
    sim_say(printer, "End file list\n");
}

static void open_to_read(struct sim_printer *printer, struct span name)
{
    int slot = sim_sd_find(&printer->sd, name);

    printer->sd_printing = false;
    if (slot < 0) {
        printer->sd_selected = -1;
        say_line(printer, "open failed, File: ", name, ".\n");
        return;
    }
    printer->sd_selected = slot;
    printer->sd_position = 0;
    say_line(printer, "echo:Now fresh file: ", name, "\n");
    say_line(printer, "File opened: ", name, " Size: ");
    sim_say_integer(printer, printer->sd.files[slot].size);
    sim_say(printer, "\nFile selected\n");
}

static void open_to_write(struct sim_printer *printer, struct span name, bool logging)
{
    int slot = sim_sd_create(&printer->sd, name);

    if (slot < 0) {
        say_line(printer, "open failed, File: ", name, ".\n");
        return;
    }
    if (slot == printer->sd_selected) {
        printer->sd_selected = -1;
        printer->sd_printing = false;
    }
    printer->sd_writing = slot;
    printer->sd_logging = logging;
    say_line(printer, "echo:Now fresh file: ", name, "\n");
    say_line(printer, "Writing to file: ", name, "\n");
}

static void remove_file(struct sim_printer *printer, struct span name)
{
    int slot = sim_sd_find(&printer->sd, name);

    if (slot < 0) {
        say_line(printer, "Deletion failed, File: ", name, ".\n");
        return;
    }
    if (slot == printer->sd_selected) {
        printer->sd_selected = -1;
        printer->sd_printing = false;
    }
    sim_sd_remove(&printer->sd, slot);
    say_line(printer, "File deleted:", name, "\n");
}

void sim_card_status(struct sim_printer *printer)
{
    const struct sim_sd_file *file = selected(printer);

    if (file == NULL || (!printer->sd_printing && printer->sd_position == 0)) {
        sim_say(printer, "Not SD printing\n");
        return;
    }
    sim_say(printer, "SD printing byte ");
    sim_say_integer(printer, printer->sd_position);
    sim_say(printer, "/");
    sim_say_integer(printer, file->size);
    sim_say(printer, "\n");
}

static void status(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    double seconds;

    if (sim_gcode_value(gcode, 'S', &seconds)) {
        printer->sd_report_s = seconds < 1 ? 0 : seconds > 60 ? 60 : (uint32_t)seconds;
        printer->sd_report_due = instant_after_ms(printer->now, printer->sd_report_s * 1000);
    } else if (sim_gcode_has(gcode, 'C')) {
        const struct sim_sd_file *file = selected(printer);
        say_line(printer, "Current file: ", span_of(file == NULL ? "(no file)" : file->name), "\n");
    } else {
        sim_card_status(printer);
    }
}

static void seek(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    const struct sim_sd_file *file = selected(printer);
    double position = 0;

    if (file == NULL || !sim_gcode_value(gcode, 'S', &position))
        return;
    printer->sd_position = position < 0                    ? 0
                           : position > (double)file->size ? file->size
                                                           : (uint32_t)position;
}

enum sim_done sim_card_command(struct sim_printer *printer, const struct sim_gcode *gcode)
{
    switch (gcode->number) {
    case 20: list(printer); break;
    case 21: sim_say(printer, "echo:SD card ok\n"); break;
    case 22:
    case 524:
        printer->sd_printing = false;
        printer->sd_position = 0;
        if (gcode->number == 22)
            printer->sd_selected = -1;
        break;
    case 23: open_to_read(printer, gcode->rest); break;
    case 24: printer->sd_printing = selected(printer) != NULL; break;
    case 25: printer->sd_printing = false; break;
    case 26: seek(printer, gcode); break;
    case 27: status(printer, gcode); break;
    case 28:
    case 928: open_to_write(printer, gcode->rest, gcode->number == 928); break;
    case 29:
        printer->sd_writing = -1;
        printer->sd_logging = false;
        break;
    case 30: remove_file(printer, gcode->rest); break;
    case 32:
        open_to_read(printer, gcode->rest);
        printer->sd_printing = selected(printer) != NULL;
        break;
    }
    return SIM_DONE;
}

void sim_card_write(struct sim_printer *printer)
{
    const struct sim_queued *command = sim_queue_front(printer);
    struct sim_gcode gcode = sim_gcode_read((struct span){command->text, command->length});

    if (sim_line_is_m29((struct span){command->text, command->length})) {
        printer->sd_writing = -1;
        printer->sd_logging = false;
        sim_say(printer, "Done saving file.\n");
        return;
    }
    if (!sim_sd_append(&printer->sd, printer->sd_writing, gcode.text))
        sim_say(printer, "Error:error writing to file\n");
}
