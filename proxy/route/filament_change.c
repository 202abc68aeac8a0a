#include "route/filament.h"

/*
 * The change from the injected command to its ok: FILAMENT_SENT and FILAMENT_CHANGES.
 */

void filament_press(struct filament *filament, struct instant now)
{
    struct text text = {filament->press_text, sizeof filament->press_text - 1, 0, false};

    if (filament->prompt_open && filament->go_on >= 0) {
        text_add_string(&text, "M876 S");
        text_add_integer(&text, filament->go_on);
        filament->prompt_open = false;
    } else {
        text_add_string(&text, "M108");
    }
    filament->press_text[text.length] = '\0';
    filament->press = instant_after_ms(now, FILAMENT_PRESS_MS);
    if (filament->cancelled)
        filament->deadline = filament->press;
    filament_want(filament, FILAMENT_PRESS);
}

void filament_cancel(struct filament *filament, bool now_too, struct instant now)
{
    if (filament->cancelled)
        return;
    filament->cancelled = true;
    filament_release_ok(filament); /* whoever waits for it; the printer is still at the command */
    if ((filament->pending & 1u << FILAMENT_INJECT) != 0) {
        filament->pending &= (uint8_t)~(1u << FILAMENT_INJECT); /* it is not even sent */
        filament_over(filament, now);
        return;
    }
    if (filament->state == FILAMENT_SENT)
        filament_enter(filament, FILAMENT_CHANGES, now);
    if (now_too)
        filament_press(filament, now);
    filament->deadline = filament->press;
}

/* The host is paused from here on, by us or by the printer, and gets its ok. */
static void tell_paused(struct filament *filament, bool by_printer, struct instant now)
{
    if (!by_printer)
        filament_want(filament, FILAMENT_SAY_PAUSED);
    filament_release_ok(filament);
    filament_enter(filament, FILAMENT_CHANGES, now);
}

/* The printer is done with the command. */
static void changed(struct filament *filament, struct instant now)
{
    if (!filament->cancelled) {
        bool told = filament->resumed || filament->pressed;

        if (!told && filament->waiting_seen)
            filament_want(filament, FILAMENT_SAY_RESUMED);
        filament_notify(filament,
                        told || filament->waiting_seen ? FILAMENT_NOTE_DONE : FILAMENT_NOTE_RESUME);
    }
    filament_over(filament, now);
}

void filament_answered(struct filament *filament, struct instant now)
{
    switch (filament->state) {
    case FILAMENT_WATCHES:
    case FILAMENT_DUE:
    case FILAMENT_HOSTS:
    case FILAMENT_KEEPS: return; /* of a change that is over */
    case FILAMENT_SENT:
        filament_want(filament, FILAMENT_SAY_PAUSED);
        filament_release_ok(filament);
        changed(filament, now);
        return;
    case FILAMENT_CHANGES: changed(filament, now); return;
    case FILAMENT_RETURNS: filament_returned(filament, now); return;
    }
}

/* There is no change to be had from this printer: the host pauses, or stays paused. */
static void give_up(struct filament *filament, struct instant now)
{
    if (filament->state == FILAMENT_SENT)
        filament_want(filament, FILAMENT_SAY_PAUSE);
    filament_notify(filament, FILAMENT_NOTE_PAUSED);
    filament_release_ok(filament);
    filament_over(filament, now);
}

void filament_failed(struct filament *filament, struct instant now)
{
    if (filament->state == FILAMENT_SENT || filament->state == FILAMENT_CHANGES)
        give_up(filament, now);
    else if (filament->state == FILAMENT_RETURNS)
        filament_returned(filament, now);
}

/* What the printer offers to choose from. */
static void see_prompt(struct filament *filament, struct span action, struct instant now)
{
    if (span_starts(action, SPAN("prompt_begin"))) {
        filament->choices = 0;
        filament->go_on = -1;
        filament->prompt_open = false;
    } else if (span_starts(action, SPAN("prompt_button")) ||
               span_starts(action, SPAN("prompt_choice"))) {
        if (filament->go_on < 0 && filament->choices < INT8_MAX &&
            span_contains_nocase(action, SPAN("continue")))
            filament->go_on = (int8_t)filament->choices;
        if (filament->choices < INT8_MAX)
            filament->choices++;
    } else if (span_starts(action, SPAN("prompt_show"))) {
        filament->prompt_open = true;
        if ((filament->pressed || filament->cancelled) && filament->go_on >= 0)
            filament_press(filament, now);
    } else if (span_starts(action, SPAN("prompt_end"))) {
        filament->prompt_open = false;
    }
}

static void see_busy(struct filament *filament, bool paused, struct instant now)
{
    if (filament->state == FILAMENT_SENT)
        tell_paused(filament, false, now);
    if (paused || instant_due(instant_after_ms(filament->sent, FILAMENT_WAITING_MS), now))
        filament->waiting_seen = true;
    if (paused && filament->pressed && instant_due(filament->press, now))
        filament_press(filament, now);
}

/* `//action:` of the printer in mid-change. True if the host has heard the same from us. */
static bool see_action(struct filament *filament, struct span action, struct instant now)
{
    /* Exactly the word: `pause` and `paused` begin alike, and parameters may follow. */
    if (span_starts(action, SPAN("paused"))) {
        if (filament->state != FILAMENT_SENT)
            return true;
        tell_paused(filament, true, now);
    } else if (span_starts(action, SPAN("resumed"))) {
        filament->resumed = true;
    } else {
        see_prompt(filament, action, now);
    }
    return false;
}

bool filament_reply(struct filament *filament, const struct printer_reply *reply,
                    struct instant now)
{
    struct span word;

    if (filament->state != FILAMENT_SENT && filament->state != FILAMENT_CHANGES)
        return false;
    word = filament_command(filament);
    word.length = span_find(word, ' ');
    if (reply->kind == REPLY_ACTION)
        return see_action(filament, reply->argument, now);
    if (reply->kind == REPLY_BUSY)
        see_busy(filament, reply->paused, now);
    else if (reply->unknown_command && span_contains_nocase(reply->text, word))
        give_up(filament, now);
    return false;
}

bool filament_card_waits(const struct filament *filament, const struct printer_reply *reply)
{
    return reply->kind == REPLY_SD && filament->card &&
           (filament->state == FILAMENT_SENT || filament->state == FILAMENT_CHANGES);
}

void filament_emergency(struct filament *filament, const struct gcode_line *line,
                        struct instant now)
{
    if (filament->state != FILAMENT_SENT && filament->state != FILAMENT_CHANGES)
        return;
    filament->prompt_open = false;
    filament->press = instant_after_ms(now, FILAMENT_PRESS_MS);
    /* The host's M108 in a numbered stream is its cancel; any other is the user's answer. */
    if (gcode_line_emergency(line) == GCODE_M108 && line->numbered)
        filament_cancel(filament, false, now);
}

void filament_expire(struct filament *filament, struct instant now)
{
    if (!instant_due(filament->deadline, now))
        return;
    if (filament->state == FILAMENT_SENT) {
        tell_paused(filament, false, now);
    } else {
        filament_press(filament, now);
    }
}
