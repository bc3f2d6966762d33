#!/usr/bin/python3
"""runc as on a kernel without IPv6: no socket of that family, and nothing of it under /proc/net.

The filter is for x86_64, as the node's images are. Processes of the container inherit it from here.
"""
import ctypes
import errno
import json
import os
import struct
import sys

SOCKET, AF_INET6 = 41, 10
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000
NUMBER, FIRST_ARGUMENT = 0, 16

program = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in [
        (LOAD, 0, 0, NUMBER),
        (JUMP_IF_EQUAL, 0, 3, SOCKET),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (JUMP_IF_EQUAL, 0, 1, AF_INET6),
        (RETURN, 0, 0, FAIL | errno.EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    ]
)
buffer = ctypes.create_string_buffer(program, len(program))
described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, described, 0, 0) != 0:
    sys.exit(f"failed to set a filter: {os.strerror(ctypes.get_errno())}")

if "--bundle" in sys.argv:
    path = os.path.join(sys.argv[sys.argv.index("--bundle") + 1], "config.json")
    with open(path) as file:
        spec = json.load(file)
    # The first container of a pod sets the kernel's parameters, which are under /proc.
    if spec["annotations"]["io.kubernetes.cri.container-type"] == "container":
        for mount in spec["mounts"]:
            if mount["type"] == "proc":
                mount["options"].append("subset=pid")
        with open(path, "w") as file:
            json.dump(spec, file)

os.execvp("runc", ["runc", *sys.argv[1:]])
