#!/usr/bin/env python3
"""Signs a file with every private key of a token and lets OpenSSL (inside the package cryptography) verify.

    sign_verify.py MODULE TOKEN PIN-FILE FILE

Needs python-pkcs11 and cryptography. What is signed leaves the token; what signs it does not.
"""

import sys
from pathlib import Path

import pkcs11
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

ML_DSA = {1: mldsa.MLDSA44PublicKey, 2: mldsa.MLDSA65PublicKey, 3: mldsa.MLDSA87PublicKey}


def sign_rsa(private, public, data):
    signature = private.sign(data, mechanism=Mechanism.SHA256_RSA_PKCS)
    modulus, exponent = (int.from_bytes(public[name], "big") for name in (Attribute.MODULUS, Attribute.PUBLIC_EXPONENT))
    judge = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    judge.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    return signature


def sign_ec(private, public, data):
    signature = private.sign(data, mechanism=Mechanism.ECDSA_SHA256)
    judge = load_der_public_key(encode_ec_public_key(public))
    judge.verify(encode_ecdsa_signature(signature), data, ec.ECDSA(hashes.SHA256()))
    return signature


def sign_edwards(private, public, data):
    signature = private.sign(data, mechanism=Mechanism.EDDSA)
    # The point may be bare or in a DER OCTET STRING; an Ed25519 key is its last 32 bytes either way.
    ed25519.Ed25519PublicKey.from_public_bytes(public[Attribute.EC_POINT][-32:]).verify(signature, data)
    return signature


def sign_ml_dsa(private, public, data):
    signature = private.sign(data, mechanism=Mechanism.ML_DSA)
    ML_DSA[public[Attribute.PARAMETER_SET]].from_public_bytes(public[Attribute.VALUE]).verify(signature, data)
    return signature


SIGNERS = {
    KeyType.RSA: sign_rsa,
    KeyType.EC: sign_ec,
    KeyType.EC_EDWARDS: sign_edwards,
    KeyType.ML_DSA: sign_ml_dsa,
}


def main(module, token, pin_file, file):
    data = Path(file).read_bytes()
    pin = Path(pin_file).read_text().strip()
    with pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin) as session:
        for private in sorted(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}), key=lambda key: key.id):
            public = session.get_key(ObjectClass.PUBLIC_KEY, id=private.id)
            signature = SIGNERS[private.key_type](private, public, data)
            print(f"{private.label}: {private.key_type.name} signature of {len(signature)} bytes, verified by OpenSSL")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
