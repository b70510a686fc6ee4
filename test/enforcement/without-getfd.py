"""Runs a program where nobody may take a file from another process, as under some profiles of containers."""
import ctypes
import os
import platform
import struct
import sys

PIDFD_GETFD = 438
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[platform.machine()]


def instruction(code, true, false, value):
    return struct.pack("HBBI", code, true, false, value)


program = b"".join(
    [
        instruction(0x20, 0, 0, 4),  # the architecture
        instruction(0x15, 0, 3, AUDIT_ARCH),
        instruction(0x20, 0, 0, 0),  # the number of the call
        instruction(0x15, 0, 1, PIDFD_GETFD),
        instruction(0x06, 0, 0, 0x00050001),  # EPERM
        instruction(0x06, 0, 0, 0x7FFF0000),
    ]
)
libc = ctypes.CDLL(None, use_errno=True)
lines = ctypes.create_string_buffer(program)
filter_program = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(lines))
if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, filter_program, 0, 0) != 0:
    sys.exit("no filter")
os.execv(sys.argv[1], sys.argv[1:])
