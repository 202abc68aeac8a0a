#pragma once

/* How often DTR was dropped. */
extern unsigned serialport_shim_dtr_drops;
