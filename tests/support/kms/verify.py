"""Verifies signatures: verify.py FILE.

FILE holds a list of {"name", "scheme", "spki", "data", "signature", "hash", "salt"} in JSON, bytes in hexadecimal.
Schemes: pkcs1, pss, ecdsa (r and s side by side) over "data" hashed with "hash", or over "data" as the digest where
"prehashed" is true; raw (PKCS #1 type 1 around "data"); ed25519. Ends with an error that names the first wrong one.
"""

import json
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

HASHES = {
    "sha1": hashes.SHA1(),
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


def verify(case):
    key = serialization.load_der_public_key(bytes.fromhex(case["spki"]))
    data, signature = bytes.fromhex(case["data"]), bytes.fromhex(case["signature"])
    scheme = case["scheme"]
    if scheme == "ed25519":
        return key.verify(signature, data)
    if scheme == "raw":
        numbers = key.public_numbers()
        size = (key.key_size + 7) // 8
        opened = pow(int.from_bytes(signature), numbers.e, numbers.n).to_bytes(size)
        if opened != b"\0\1" + b"\xff" * (size - 3 - len(data)) + b"\0" + data:
            raise ValueError("another encoding")
        return None
    plain = HASHES[case["hash"]]
    judged = utils.Prehashed(plain) if case.get("prehashed") else plain
    if scheme == "pkcs1":
        return key.verify(signature, data, padding.PKCS1v15(), judged)
    if scheme == "pss":
        return key.verify(signature, data, padding.PSS(padding.MGF1(plain), case["salt"]), judged)
    if scheme == "ecdsa":
        width = (key.curve.key_size + 7) // 8
        if len(signature) != 2 * width:
            raise ValueError("another length")
        r, s = int.from_bytes(signature[:width]), int.from_bytes(signature[width:])
        return key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(judged))
    raise ValueError("unknown scheme")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    for case in cases:
        try:
            verify(case)
        except Exception as error:
            sys.exit(f"{case['name']}: {error!r}")
    print(len(cases))


main()
