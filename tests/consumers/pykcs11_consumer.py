"""PyKCS11 on the module under test; the package cryptography (its own OpenSSL) judges what leaves the token.

Run by tests/consumers/python, which makes the token. Each check is a function below; an exception is a failure.
"""

import contextlib
import hashlib
import os
import struct
import sys

import PyKCS11 as p
from asn1crypto.core import OctetString
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from checks import SOFTHSM, check, not_in_binding, not_on_softhsm, run, signing_context

TOKEN = os.environ["TOKEN"]
PIN = os.environ["PIN"]
MESSAGE = os.urandom(1000)
P256 = bytes.fromhex("06082a8648ce3d030107")
ED25519 = b"\x13\x0cedwards25519"


def refused(code, call, *arguments):
    try:
        call(*arguments)
    except p.PyKCS11Error as error:
        assert error.value == code, f"{error} where {p.CKR[code]} was expected"
        return
    raise AssertionError(f"{p.CKR[code]} was expected")


def pair(session, mechanism, public, private, label="pair"):
    common = [(p.CKA_TOKEN, p.CK_FALSE), (p.CKA_LABEL, label), (p.CKA_ID, b"\x21")]
    public = [*common, (p.CKA_VERIFY, p.CK_TRUE), *public]
    private = [*common, (p.CKA_PRIVATE, p.CK_TRUE), (p.CKA_SENSITIVE, p.CK_TRUE), (p.CKA_SIGN, p.CK_TRUE), *private]
    return session.generateKeyPair(public, private, mecha=p.Mechanism(mechanism, None))


def rsa_pair(session):
    public, private = pair(
        session, p.CKM_RSA_PKCS_KEY_PAIR_GEN,
        [(p.CKA_MODULUS_BITS, 2048), (p.CKA_PUBLIC_EXPONENT, (1, 0, 1)), (p.CKA_ENCRYPT, p.CK_TRUE)],
        [(p.CKA_DECRYPT, p.CK_TRUE)],
    )  # fmt: skip
    values = session.getAttributeValue(public, [p.CKA_PUBLIC_EXPONENT, p.CKA_MODULUS])
    exponent, modulus = (int.from_bytes(bytes(value), "big") for value in values)
    return private, rsa.RSAPublicNumbers(exponent, modulus).public_key()


def point_of(session, public):
    point = bytes(session.getAttributeValue(public, [p.CKA_EC_POINT])[0])
    return point if len(point) == 32 else OctetString.load(point).native


def ec_pair(session):
    parameters = [(p.CKA_EC_PARAMS, P256)]
    public, private = pair(session, p.CKM_EC_KEY_PAIR_GEN, parameters, [(p.CKA_DERIVE, p.CK_TRUE)])
    return private, ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point_of(session, public))


def aes(session, bits=256, **flags):
    flags = {"sensitive": False, "extractable": True} | flags
    template = [
        (p.CKA_CLASS, p.CKO_SECRET_KEY), (p.CKA_KEY_TYPE, p.CKK_AES), (p.CKA_TOKEN, p.CK_FALSE),
        (p.CKA_VALUE_LEN, bits // 8),
        *((getattr(p, f"CKA_{name.upper()}"), p.CK_TRUE if value else p.CK_FALSE) for name, value in flags.items()),
    ]  # fmt: skip
    return session.generateKey(template, mecha=p.Mechanism(p.CKM_AES_KEY_GEN, None))


def value_of(session, key):
    return bytes(session.getAttributeValue(key, [p.CKA_VALUE])[0])


@check
def rsa_sign(session):
    "RSA-2048: PKCS#1 v1.5 and PSS signatures"
    private, judge = rsa_pair(session)
    signature = bytes(session.sign(private, MESSAGE, p.Mechanism(p.CKM_SHA256_RSA_PKCS, None)))
    judge.verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    pss = p.RSA_PSS_Mechanism(p.CKM_SHA256_RSA_PKCS_PSS, p.CKM_SHA256, p.CKG_MGF1_SHA256, 32)
    signature = bytes(session.sign(private, MESSAGE, pss))
    judge.verify(signature, MESSAGE, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


@not_on_softhsm("OAEP with SHA-1 only")
def rsa_decrypt(session):
    "RSA-2048: OAEP with SHA-256"
    private, judge = rsa_pair(session)
    sealed = judge.encrypt(MESSAGE[:100], padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    oaep = p.RSAOAEPMechanism(p.CKM_SHA256, p.CKG_MGF1_SHA256)
    assert bytes(session.decrypt(private, sealed, oaep)) == MESSAGE[:100]


@check
def ecdsa(session):
    "ECDSA on P-256"
    private, judge = ec_pair(session)
    digest = hashlib.sha256(MESSAGE).digest()
    signature = bytes(session.sign(private, digest, p.Mechanism(p.CKM_ECDSA, None)))
    halves = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    judge.verify(utils.encode_dss_signature(*halves), MESSAGE, ec.ECDSA(hashes.SHA256()))


@check
def eddsa(session):
    "Ed25519"
    public, private = pair(session, p.CKM_EC_EDWARDS_KEY_PAIR_GEN, [(p.CKA_EC_PARAMS, ED25519)], [])
    signature = bytes(session.sign(private, MESSAGE, p.Mechanism(p.CKM_EDDSA, None)))
    ed25519.Ed25519PublicKey.from_public_bytes(point_of(session, public)).verify(signature, MESSAGE)
    assert session.verify(public, MESSAGE, signature, p.Mechanism(p.CKM_EDDSA, None))
    assert not session.verify(public, MESSAGE[1:], signature, p.Mechanism(p.CKM_EDDSA, None))


# PyKCS11 1.5.20 takes the attributes of PKCS#11 3.2 as bytes alone: of a CK_ULONG, and of a CK_BBOOL.
YES = b"\x01"


def number(value):
    return value.to_bytes(struct.calcsize("L"), sys.byteorder)


@not_on_softhsm("no ML-DSA in 2.6.1")
def ml_dsa(session):
    "ML-DSA-44, 65 and 87, with a context and without, judged by OpenSSL"
    from cryptography.hazmat.primitives.asymmetric import mldsa

    for parameter_set, judge in enumerate((mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey), 1):
        template = [(p.CKA_PARAMETER_SET, number(parameter_set))]
        public, private = pair(session, p.CKM_ML_DSA_KEY_PAIR_GEN, template, [])
        judge = judge.from_public_bytes(value_of(session, public))
        parameter, kept = signing_context(b"context")
        for mechanism, context in ((p.Mechanism(p.CKM_ML_DSA, None), None), (p.Mechanism(p.CKM_ML_DSA, parameter), b"context")):
            signature = bytes(session.sign(private, MESSAGE, mechanism))
            judge.verify(signature, MESSAGE, context)
            assert session.verify(public, MESSAGE, signature, mechanism)
            assert not session.verify(public, MESSAGE[1:], signature, mechanism)
        assert not session.verify(public, MESSAGE, signature, p.Mechanism(p.CKM_ML_DSA, None))
        hashed = p.Mechanism(p.CKM_HASH_ML_DSA_SHA512, None)
        assert session.verify(public, MESSAGE, session.sign(private, MESSAGE, hashed), hashed)
        del kept


@not_on_softhsm("no SLH-DSA in 2.6.1")
def slh_dsa(session):
    "SLH-DSA-SHA2-128f and SHAKE-256f, with a context and without"
    for parameter_set, length in ((3, 17088), (12, 49856)):
        template = [(p.CKA_PARAMETER_SET, number(parameter_set))]
        public, private = pair(session, p.CKM_SLH_DSA_KEY_PAIR_GEN, template, [])
        parameter, kept = signing_context(b"context")
        for mechanism in (p.Mechanism(p.CKM_SLH_DSA, None), p.Mechanism(p.CKM_SLH_DSA, parameter)):
            signature = session.sign(private, MESSAGE, mechanism)
            assert len(signature) == length
            assert session.verify(public, MESSAGE, signature, mechanism)
            assert not session.verify(public, MESSAGE[1:], signature, mechanism)
        assert not session.verify(public, MESSAGE, signature, p.Mechanism(p.CKM_SLH_DSA, None))
        del kept


@not_on_softhsm("no ML-KEM in 2.6.1")
def ml_kem(session):
    "ML-KEM-512, 768 and 1024: key pairs, which OpenSSL can encapsulate to"
    from cryptography.hazmat.primitives.asymmetric import mlkem

    uses = [(p.CKA_TOKEN, p.CK_FALSE), (p.CKA_ENCAPSULATE, YES)]
    private = [(p.CKA_TOKEN, p.CK_FALSE), (p.CKA_SENSITIVE, p.CK_TRUE), (p.CKA_DECAPSULATE, YES)]
    for parameter_set, length in ((1, 800), (2, 1184), (3, 1568)):
        public = [*uses, (p.CKA_PARAMETER_SET, number(parameter_set))]
        key, _ = session.generateKeyPair(public, private, mecha=p.Mechanism(p.CKM_ML_KEM_KEY_PAIR_GEN, None))
        value = value_of(session, key)
        assert len(value) == length
        if parameter_set == 2:
            mlkem.MLKEM768PublicKey.from_public_bytes(value).encapsulate()


not_in_binding("ML-KEM encapsulates", "PyKCS11 1.5.20 has neither C_EncapsulateKey nor C_DecapsulateKey")


@check
def aes_encrypt(session):
    "AES-GCM with additional data, a changed tag refused; AES-CBC with padding"
    key = aes(session, encrypt=True, decrypt=True)
    nonce = os.urandom(12)
    gcm = p.AES_GCM_Mechanism(nonce, b"additional", 128)
    sealed = bytes(session.encrypt(key, MESSAGE, gcm))
    assert AESGCM(value_of(session, key)).decrypt(nonce, sealed, b"additional") == MESSAGE
    assert bytes(session.decrypt(key, sealed, gcm)) == MESSAGE
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    refused(p.CKR_GENERAL_ERROR if SOFTHSM else p.CKR_ENCRYPTED_DATA_INVALID, session.decrypt, key, changed, gcm)
    iv = os.urandom(16)
    sealed = bytes(session.encrypt(key, MESSAGE, p.Mechanism(p.CKM_AES_CBC_PAD, iv)))
    judge = Cipher(algorithms.AES(value_of(session, key)), modes.CBC(iv)).decryptor()
    plain = judge.update(sealed)
    assert plain[: -plain[-1]] == MESSAGE


@check
def wrap(session):
    "AES key wrap: OpenSSL unwraps, and the token unwraps what OpenSSL wrapped"
    kek = aes(session, wrap=True, unwrap=True)
    key = aes(session, 128, encrypt=True)
    mechanism = p.Mechanism(p.CKM_AES_KEY_WRAP, None)
    wrapped = bytes(session.wrapKey(kek, key, mechanism))
    assert keywrap.aes_key_unwrap(value_of(session, kek), wrapped) == value_of(session, key)
    known = os.urandom(32)
    template = [
        (p.CKA_CLASS, p.CKO_SECRET_KEY), (p.CKA_KEY_TYPE, p.CKK_AES), (p.CKA_TOKEN, p.CK_FALSE),
        (p.CKA_SENSITIVE, p.CK_FALSE), (p.CKA_EXTRACTABLE, p.CK_TRUE),
    ]  # fmt: skip
    back = session.unwrapKey(kek, keywrap.aes_key_wrap(value_of(session, kek), known), template, mechanism)
    assert value_of(session, back) == known
    hidden = aes(session, extractable=False, sensitive=True)
    refused(p.CKR_KEY_UNEXTRACTABLE, session.wrapKey, kek, hidden, mechanism)


@check
def derive(session):
    "ECDH with OpenSSL"
    private, ours = ec_pair(session)
    theirs = ec.generate_private_key(ec.SECP256R1())
    point = theirs.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    template = [
        (p.CKA_CLASS, p.CKO_SECRET_KEY), (p.CKA_KEY_TYPE, p.CKK_GENERIC_SECRET), (p.CKA_VALUE_LEN, 32),
        (p.CKA_TOKEN, p.CK_FALSE), (p.CKA_SENSITIVE, p.CK_FALSE), (p.CKA_EXTRACTABLE, p.CK_TRUE),
    ]  # fmt: skip
    secret = session.deriveKey(private, template, p.ECDH1_DERIVE_Mechanism(point))
    assert value_of(session, secret) == theirs.exchange(ec.ECDH(), ours)


@check
def search(session):
    "search, change, destroy"
    template = [
        (p.CKA_CLASS, p.CKO_DATA), (p.CKA_TOKEN, p.CK_TRUE), (p.CKA_LABEL, "note"), (p.CKA_VALUE, b"text"),
        (p.CKA_PRIVATE, p.CK_TRUE),
    ]  # fmt: skip
    session.createObject(template)
    (found,) = session.findObjects([(p.CKA_CLASS, p.CKO_DATA), (p.CKA_LABEL, "note")])
    assert value_of(session, found) == b"text"
    session.setAttributeValue(found, [(p.CKA_LABEL, "renamed")])
    assert session.getAttributeValue(found, [p.CKA_LABEL]) == ["renamed"]
    session.destroyObject(found)
    assert not session.findObjects([(p.CKA_LABEL, "renamed")])


@check
def digest_and_random(session):
    "digests in one part and in several, random numbers"
    assert bytes(session.digest(MESSAGE, p.Mechanism(p.CKM_SHA256, None))) == hashlib.sha256(MESSAGE).digest()
    parts = session.digestSession(p.Mechanism(p.CKM_SHA384, None))
    parts.update(MESSAGE[:9])
    parts.update(MESSAGE[9:])
    assert bytes(parts.final()) == hashlib.sha384(MESSAGE).digest()
    assert bytes(session.generateRandom(32)) != bytes(session.generateRandom(32))


@check
def sensitive(session):
    "a sensitive value is not shown"
    key = aes(session, sensitive=True)
    assert session.getAttributeValue(key, [p.CKA_VALUE]) == [None]


def main():
    library = p.PyKCS11Lib()
    library.load(os.environ["PKCS11_MODULE"])
    tokens = {slot: library.getTokenInfo(slot).label.strip() for slot in library.getSlotList(tokenPresent=True)}
    (slot,) = (slot for slot, label in tokens.items() if label == TOKEN)
    session = library.openSession(slot, p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION)
    refused(p.CKR_PIN_INCORRECT, session.login, "00000000")
    session.login(PIN)
    failed = run("PyKCS11", lambda: contextlib.nullcontext(session))
    session.logout()
    session.closeSession()
    sys.exit(failed)


main()
