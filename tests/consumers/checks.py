"""The register of a Python consumer's checks: a check is a function, its name the docstring, a failure an exception."""

import ctypes
import os
import struct
import traceback

SOFTHSM = os.environ["KIND"] == "softhsm"
CHECKS = []


def check(function):
    """Registers a check; its name is the function's docstring."""
    CHECKS.append((function, None))
    return function


def not_on_softhsm(why):
    """Registers a check that SoftHSM 2.6.1 cannot pass: there it is a visible skip."""

    def register(function):
        CHECKS.append((function, f"SoftHSM: {why}" if SOFTHSM else None))
        return function

    return register


def not_in_binding(name, why):
    """Registers what the binding itself cannot do: a visible skip on every module."""

    def nothing(session):
        pass

    nothing.__doc__ = name
    CHECKS.append((nothing, why))


def signing_context(context, hedge=0):
    """CK_SIGN_ADDITIONAL_CONTEXT as bytes, and what has to live as long as they are in use."""
    kept = ctypes.create_string_buffer(context, len(context))
    return struct.pack("@LPL", hedge, ctypes.addressof(kept), len(context)), kept


def run(binding, opened):
    """Runs every check with a session from the context manager that `opened` makes; true if one failed."""
    failed = False
    for function, why in CHECKS:
        name = f"{binding}: {function.__doc__}"
        if why:
            print(f"skip {name}: {why}")
            continue
        try:
            with opened() as session:
                function(session)
        except Exception:
            failed = True
            print(f"FAIL {name}")
            print("     " + traceback.format_exc().replace("\n", "\n     "))
        else:
            print(f"ok   {name}")
    return failed
