#include "base/text.h"

#include <string.h>

struct span span_of(const char *text)
{
    return text == NULL ? SPAN_NONE : (struct span){text, strlen(text)};
}
