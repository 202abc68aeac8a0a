#include "proxy_state.h"

static enum world_psu psu_of(const struct power *power)
{
    if (power->state == POWER_NONE)
        return WORLD_PSU_NONE;
    switch (power_level(power)) {
    case POWER_ON: return WORLD_PSU_ON;
    case POWER_OFF: return WORLD_PSU_OFF;
    case POWER_UNKNOWN: break;
    }
    return WORLD_PSU_UNKNOWN;
}

void proxy_world(const struct proxy *proxy, struct rule_world *ret_world)
{
    const struct router *router = &proxy->router;
    const struct temperatures *temperatures = &router->temperatures;

    rule_world_init(ret_world);
    ret_world->print = (uint8_t)router->job.state;
    ret_world->printer = (uint8_t)router->printer_state;
    ret_world->host = router->host_connected ? FACT_HOST_CONNECTED : FACT_HOST_DISCONNECTED;
    ret_world->board = board_session_online(&proxy->board) ? FACT_BOARD_ONLINE : FACT_BOARD_LOST;
    ret_world->estop = (uint8_t)proxy->estop.state;
    ret_world->filament = proxy_filament_world(proxy);
    ret_world->psu = (uint8_t)psu_of(&router->power);
    for (unsigned i = 0; i < proxy->settings->points; i++) {
        int32_t humidity;

        ret_world->point[i] = (uint8_t)points_state(&proxy->points, i);
        if (proxy_reading(proxy, i, &ret_world->degree[i], &humidity))
            ret_world->point[i] = POINT_ON;
    }
    for (unsigned i = 0; i < temperatures->heaters && i < WORLD_HEATERS; i++) {
        ret_world->heater[i].name = temperatures->heater[i].name;
        ret_world->heater[i].index = temperatures->heater[i].index;
        ret_world->heater[i].degree = temperatures->heater[i].actual;
        ret_world->heaters++;
    }
}
