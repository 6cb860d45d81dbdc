"""Runs a command in which prctl(PR_GET_AUXV) fails.

valgrind 3.19 does not know that call of Linux 6.4 and lets it through, so that rustix learns of a vDSO which is not there
under valgrind, and reads it. Without the call rustix reads /proc/self/auxv, which valgrind answers rightly.
"""

import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
PRCTL, PR_GET_AUXV, EINVAL = 157, 0x41555856, 22  # the number of the call is x86-64's
LOAD, EQUAL, RETURN, ALLOW, ERRNO = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000


def step(code, if_true, if_false, value):
    return struct.pack("HBBI", code, if_true, if_false, value)


rules = (
    step(LOAD, 0, 0, 0)  # the number of the call
    + step(EQUAL, 0, 3, PRCTL)
    + step(LOAD, 0, 0, 16)  # its first argument
    + step(EQUAL, 0, 1, PR_GET_AUXV)
    + step(RETURN, 0, 0, ERRNO | EINVAL)
    + step(RETURN, 0, 0, ALLOW)
)


class Filter(ctypes.Structure):
    _fields_ = [("steps", ctypes.c_ushort), ("rules", ctypes.c_void_p)]


memory = ctypes.create_string_buffer(rules)
program = Filter(len(rules) // 8, ctypes.cast(memory, ctypes.c_void_p))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in [
    (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
    (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0),
]:
    if libc.prctl(*arguments) != 0:
        sys.exit(f"noauxv: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[1], sys.argv[1:])
