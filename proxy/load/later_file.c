#include "load/later_file.h"

#include <string.h>

static const char *const words[] = {
    NULL, /* "psu" of the config, "if.psu", "do.power", "do.report.psu" of a rule file */
};

const char *const *later_words(void)
{
    return words;
}

void later_refuse(const struct fields *fields, const struct node *node, const char *word)
{
    const char *const *row = words;
    const char *dot = strrchr(word, '.');

    while (*row != NULL && strcmp(*row, word) != 0) {
        row++;
    }
    if (*row == NULL || fields->everything) {
        return;
    }
    if (fields->held != NULL) {
        *fields->held = true;
    } else if (node_is(node, dot == NULL ? word : dot + 1)) {
        node_error(fields, node, "%s: not in this version", node->text.data);
    } else {
        key_error(fields, node, "not in this version");
    }
}
