#define _GNU_SOURCE
#include "interface.h"
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#define MAX_LIST 4096

static int answer_list(const struct caller *caller, int inner, uint64_t argument) {
  struct ifconf asked;
  struct ifconf answer;
  char list[MAX_LIST];
  if (!caller_read(caller, argument, &asked, sizeof asked)) return EFAULT;
  uint64_t buffer = (uint64_t)(uintptr_t)asked.ifc_buf;
  if (asked.ifc_len < 0) return EINVAL;
  answer.ifc_len = asked.ifc_len < MAX_LIST ? asked.ifc_len : MAX_LIST;
  /* Without a buffer the kernel says how long the list would be. */
  answer.ifc_buf = buffer == 0 ? NULL : list;
  if (ioctl(inner, SIOCGIFCONF, &answer) < 0) return errno;
  if (buffer != 0 && !caller_write(caller, buffer, list, (size_t)answer.ifc_len)) return EFAULT;
  asked.ifc_len = answer.ifc_len;
  return caller_write(caller, argument, &asked, sizeof asked) ? 0 : EFAULT;
}

int interface_answer(const struct caller *caller, int inner, uint32_t request, uint64_t argument) {
  if (inner < 0) return ENODEV;
  if (request == SIOCGIFCONF) return answer_list(caller, inner, argument);
  switch (request) {
    case SIOCGIFNAME:
    case SIOCGIFFLAGS:
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
    case SIOCGIFBRDADDR:
    case SIOCGIFNETMASK:
    case SIOCGIFMETRIC:
    case SIOCGIFMTU:
    case SIOCGIFINDEX:
    case SIOCGIFTXQLEN: break;
    default: return EPERM;
  }
  struct ifreq asked;
  if (!caller_read(caller, argument, &asked, sizeof asked)) return EFAULT;
  asked.ifr_name[IFNAMSIZ - 1] = 0;
  if (ioctl(inner, request, &asked) < 0) return errno;
  return caller_write(caller, argument, &asked, sizeof asked) ? 0 : EFAULT;
}
