/* Tries what the kernel offers to this user by using it, and prints one `name=value` line per answer. */
#ifndef OPENSHELL_PROBE_H
#define OPENSHELL_PROBE_H

int probe_main(void);

#endif
