/*
 * Lines of a client of the control socket, with a core behind them: every line is answered, none can
 * hurt. The socket itself, and what a reload or a recording does, are left out.
 */
#include "core_of.h"
#include "daemon/commands.h"
#include "daemon/recorder.h"
#include "daemon/sim_port.h"
#include "daemon/status_json.h"
#include "world_config.h"

struct control_client {
    unsigned replies, asked;
};

static struct service service;
static struct config config;
static struct instant now;

struct service *control_service(struct control_client *client)
{
    (void)client;
    return &service;
}

/* What the daemon writes to the client must be text that JSON can say. */
void control_reply(struct control_client *client, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);

    fuzz_promise(text != NULL, "an answer can be written");
    fuzz_promise(json_is_true(json_object_get(object, "ok")), "an answer says ok");
    free(text);
    json_decref(object);
    client->replies++;
}

void control_refuse(struct control_client *client, const char *code, const char *error)
{
    json_t *object = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", code, "error", error);

    fuzz_promise(object != NULL, "a refusal can be written");
    json_decref(object);
    client->replies++;
}

void control_refuse_all(struct control_client *client, const char *code, json_t *mistakes)
{
    json_t *mistake;
    size_t index;

    json_array_foreach(mistakes, index, mistake)
        control_refuse(client, code, json_string_value(mistake));
    client->replies -= (unsigned)json_array_size(mistakes) - 1;
    json_decref(mistakes);
}

void control_ask(struct control_client *client, const struct request *request)
{
    static struct order order;
    struct event event;

    fuzz_promise(client->replies == 0, "a line is answered or put to the core");
    proxy_input(service.proxy,
                &(struct proxy_input){.kind = PROXY_ASKED, .request = request}, now);
    fuzz_check(proxy_check(service.proxy));
    while (proxy_next_order(service.proxy, &order))
        continue;
    while (proxy_next_event(service.proxy, &event))
        json_decref(status_json_event(&event));
    client->replies++;
}

void control_watch(struct control_client *client)
{
    (void)client;
}

void control_stream(struct control_client *client)
{
    (void)client;
}

void recorder_begin(struct service *of, struct control_client *client)
{
    (void)of;
    (void)client;
}

bool sim_port_is(const struct port *port)
{
    return port != NULL;
}

const char *sim_port_do(struct port *port, struct span action)
{
    (void)port;
    return action.length % 2 == 0 ? NULL : "no";
}

void sim_port_input(struct port *port, unsigned io, bool high)
{
    (void)port;
    (void)high;
    fuzz_promise(io < 64, "an input is on the board");
}

void sim_port_sense(struct port *port, unsigned io, int32_t degree)
{
    (void)port;
    fuzz_promise(io < 256 && degree >= -40000 && degree <= 125000, "what a sensor can measure");
}

bool service_reload(struct service *of, char *ret_why, size_t capacity)
{
    (void)of;
    snprintf(ret_why, capacity, "a.yaml:1:1: error: not here\nb.yaml:1:1: error: \xff\n");
    return false;
}

static void begin(void)
{
    static uint8_t simulated[1];

    if (service.config == NULL) {
        world_load(world_yaml, &config.loaded);
        service.config = &config;
        service.proxy = malloc(proxy_size());
        fuzz_promise(service.proxy != NULL, "there is memory");
        /* Never looked into: the stubs above stand for what is behind it. */
        service.port[PROXY_BOARD] = (struct port *)simulated;
    }
    now = (struct instant){1000000};
    proxy_init(service.proxy, &config.loaded.settings, &config.loaded.ruleset, SPAN_NONE, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {data, size};

    begin();
    while (fuzz.size > 0) {
        struct span line = fuzz_line(&fuzz, CONTROL_LINE);
        struct control_client client = {0};
        json_t *object = json_loadb(line.data, line.length, 0, NULL);

        if (json_is_object(object)) {
            command_run(&client, object);
            fuzz_promise(client.replies == 1, "every line is answered once");
        }
        json_decref(object);
        now = instant_after_ms(now, 100);
    }
    return 0;
}
