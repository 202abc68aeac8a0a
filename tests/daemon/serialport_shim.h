#pragma once

/* How often DTR was dropped. */
extern unsigned serialport_shim_dtr_drops;
/* How long each opening takes, in milliseconds. */
extern unsigned serialport_shim_slow_ms;
