"""Several processes on one token: none sees an error, and each sees at once what another has done.

Run by tests/consumers/processes, which makes the token.
"""

import os
import random
import subprocess
import sys
import time

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

DIGEST = b"d" * 32
WORKERS = 4


def opened():
    token = pkcs11.lib(os.environ["PKCS11_MODULE"]).get_token(token_label=os.environ["TOKEN"])
    return token.open(rw=True, user_pin=os.environ["PIN"])


def generate(session, identity):
    parameters = session.create_domain_parameters(
        KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
    )
    return parameters.generate_keypair(id=identity, label=identity.hex(), store=True)


def work(name, duration):
    """Creates, finds, signs, verifies and destroys until the time is over; any exception ends it with a status of 1."""
    cycles, mine, until = 0, [], time.monotonic() + duration
    with opened() as session:
        while time.monotonic() < until:
            identity = bytes([name]) + cycles.to_bytes(4, "big")
            generate(session, identity)
            mine.append(identity)
            chosen = random.choice(mine)
            private = session.get_key(ObjectClass.PRIVATE_KEY, id=chosen)
            public = session.get_key(ObjectClass.PUBLIC_KEY, id=chosen)
            assert public.verify(DIGEST, private.sign(DIGEST, mechanism=Mechanism.ECDSA), mechanism=Mechanism.ECDSA)
            foreign(session)
            if len(mine) > 8:
                gone = mine.pop(0)
                for found in list(session.get_objects({Attribute.ID: gone})):
                    found.destroy()
                assert not list(session.get_objects({Attribute.ID: gone})), "a destroyed key is still found"
            cycles += 1
    print(cycles)


def foreign(session):
    """Signs with a key of another process, which may be destroyed under our hands: that alone is no error."""
    try:
        found = list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
        random.choice(found).sign(DIGEST, mechanism=Mechanism.ECDSA)
    except (pkcs11.KeyHandleInvalid, pkcs11.ObjectHandleInvalid):
        pass


def mirror():
    """Answers on standard output what it finds: the other half of `visibility`."""
    with opened() as session:
        print("ready", flush=True)
        for line in sys.stdin:
            wanted = {Attribute.ID: bytes.fromhex(line.strip()), Attribute.CLASS: ObjectClass.PRIVATE_KEY}
            found = list(session.get_objects(wanted))
            print(found[0].sign(DIGEST, mechanism=Mechanism.ECDSA).hex() if found else "absent", flush=True)


def visibility(rounds):
    other = subprocess.Popen(
        [sys.executable, "-u", __file__, "mirror"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(identity):
        other.stdin.write(identity.hex() + "\n")
        other.stdin.flush()
        return other.stdout.readline().strip()

    assert other.stdout.readline().strip() == "ready"
    with opened() as session:
        for number in range(rounds):
            identity = b"seen" + number.to_bytes(4, "big")
            assert ask(identity) == "absent"
            public, private = generate(session, identity)
            answer = ask(identity)
            assert answer != "absent", "a new key is not seen by another process"
            assert public.verify(DIGEST, bytes.fromhex(answer), mechanism=Mechanism.ECDSA)
            private.destroy()
            public.destroy()
            assert ask(identity) == "absent", "a destroyed key is still seen by another process"
    other.stdin.close()
    assert other.wait() == 0


def main(duration):
    passed = failed = 0

    def report(good, what):
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        print(f"{'ok  ' if good else 'FAIL'} {what}")

    workers = [
        subprocess.Popen(
            [sys.executable, "-u", __file__, "work", str(name), str(duration)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in range(1, WORKERS + 1)
    ]
    for name, worker in enumerate(workers, 1):
        out, errors = worker.communicate()
        report(worker.returncode == 0, f"process {name} of {WORKERS}: {out.strip() + f' cycles in {duration:g} s' if out else errors}")
    try:
        visibility(50)
    except (AssertionError, pkcs11.PKCS11Error) as error:
        report(False, f"what one process does, another sees at once: {error!r}")
    else:
        report(True, "what one process does, another sees at once (50 keys made and destroyed)")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if sys.argv[1] == "work":
    work(int(sys.argv[2]), float(sys.argv[3]))
elif sys.argv[1] == "mirror":
    mirror()
else:
    main(float(sys.argv[1]))
