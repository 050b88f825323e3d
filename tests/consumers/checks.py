"""The register of a Python consumer's checks: a check is a function, its name the docstring, a failure an exception."""

import os
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
        CHECKS.append((function, why if SOFTHSM else None))
        return function

    return register


def run(binding, opened):
    """Runs every check with a session from the context manager that `opened` makes; true if one failed."""
    failed = False
    for function, why in CHECKS:
        name = f"{binding}: {function.__doc__}"
        if why:
            print(f"skip {name}: SoftHSM: {why}")
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
