#pragma once

/* How often DTR was dropped. */
extern unsigned serialport_shim_dtr_drops;
/* From now on an opening takes until it is let go, or a minute. */
void serialport_shim_hold(void);
/* Until one has begun. */
void serialport_shim_until_opening(void);
void serialport_shim_let_go(void);
