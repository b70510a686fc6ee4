/* One binary, several roles. Arguments choose the role and nothing else: what is enforced comes as a binary plan over
   a descriptor, and the environment is not read. */
#include "probe.h"
#include "warden.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "warden") == 0) return warden_main();
  if (argc == 2 && strcmp(argv[1], "probe") == 0) return probe_main();
  fprintf(stderr, "openshell-launcher is started by openshell, not by hand (roles: warden, probe)\n");
  return 2;
}
