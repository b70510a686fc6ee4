/* An address as a caller gave it: as long as it said, zeros behind that. */
#ifndef OPENSHELL_TARGET_H
#define OPENSHELL_TARGET_H

#include <sys/socket.h>

struct target {
  struct sockaddr_storage address;
  socklen_t length;
};

#endif
