/* Namespaces of a plan as the kernel names them. */
#ifndef OPENSHELL_NAMESPACES_H
#define OPENSHELL_NAMESPACES_H

#include <stdint.h>

/* Flags for clone(2): CLONE_NEW* for each NAMESPACE_* bit. */
unsigned long namespaces_clone_flags(uint32_t namespaces);

#endif
