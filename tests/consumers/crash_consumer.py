"""Kills a process that generates key pairs, again and again, and takes stock of the token after each death.

Run by tests/consumers/crash, which makes the token. `generate` prints each key's CKA_ID only after C_GenerateKeyPair
returned: what it printed must be there, both halves of it, and nothing else may be there by half.
"""

import os
import random
import signal
import subprocess
import sys
import time

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters


def opened():
    token = pkcs11.lib(os.environ["PKCS11_MODULE"]).get_token(token_label=os.environ["TOKEN"])
    return token.open(rw=True, user_pin=os.environ["PIN"])


def generate(prefix):
    with opened() as session:
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        print("ready", flush=True)
        for number in range(1_000_000):
            identity = bytes.fromhex(prefix) + number.to_bytes(4, "big")
            parameters.generate_keypair(id=identity, label=identity.hex(), store=True)
            print(identity.hex(), flush=True)


def take_stock():
    """Prints one line per CKA_ID: which halves are there, and whether the pair works."""
    with opened() as session:
        halves = {}
        for name, class_ in (("public", ObjectClass.PUBLIC_KEY), ("private", ObjectClass.PRIVATE_KEY)):
            for key in session.get_objects({Attribute.CLASS: class_}):
                halves.setdefault(key.id.hex(), {})[name] = key
        for identity, pair in sorted(halves.items()):
            word = "+".join(sorted(pair))
            if word == "private+public":
                # The newest keys are those whose writing was cut off: they prove themselves by use.
                signature = pair["private"].sign(b"d" * 32, mechanism=Mechanism.ECDSA)
                if not pair["public"].verify(b"d" * 32, signature, mechanism=Mechanism.ECDSA):
                    word = "mismatch"
            print(identity or "nameless", word)


def one_round(number):
    """Starts a generator, kills it, and returns the CKA_IDs that it acknowledged."""
    prefix = number.to_bytes(2, "big").hex()
    child = subprocess.Popen(
        [sys.executable, "-u", __file__, "generate", prefix], stdout=subprocess.PIPE, text=True
    )
    # From the moment that it is ready, so that the blow falls on a generation and not on Python's start.
    child.stdout.readline()
    time.sleep(random.uniform(0, 0.12))
    child.send_signal(signal.SIGKILL)
    acknowledged = [line.strip() for line in child.stdout if line.endswith("\n")]
    child.wait()
    return acknowledged


def main(rounds):
    passed = failed = 0
    acknowledged = []
    for number in range(rounds):
        acknowledged += one_round(number)
        stock = subprocess.run([sys.executable, __file__, "stock"], capture_output=True, text=True)
        there = dict(line.split() for line in stock.stdout.splitlines())
        lost = [identity for identity in acknowledged if identity not in there]
        halves = {identity: word for identity, word in there.items() if word != "private+public"}
        if stock.returncode or lost or halves:
            failed += 1
            print(f"FAIL round {number + 1}: lost {lost}, by half {halves}")
            print(stock.stderr, end="")
        else:
            passed += 1
    print(f"{'ok  ' if not failed else 'FAIL'} {rounds} kills, {len(acknowledged)} acknowledged key pairs, {len(there)} there")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if sys.argv[1] == "generate":
    generate(sys.argv[2])
elif sys.argv[1] == "stock":
    take_stock()
else:
    main(int(sys.argv[1]))
