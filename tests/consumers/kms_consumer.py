"""python-pkcs11 on a cloud slot; the package cryptography (its own OpenSSL) judges what leaves it.

Run by tests/consumers/kms, which has made the keys web (P-256), code (RSA, signs) and mail (RSA, decrypts), and
configured certificates for two of them.
"""

import os
import sys

import pkcs11
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from pkcs11 import MGF, Attribute, Mechanism, ObjectClass
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature

from checks import check, run

TOKEN = os.environ["TOKEN"]
MESSAGE = os.urandom(1000)
OAEP = (Mechanism.SHA256, MGF.SHA256, None)


def key(session, kind, label):
    return next(iter(session.get_objects({Attribute.CLASS: kind, Attribute.LABEL: label})))


def private(session, label):
    return key(session, ObjectClass.PRIVATE_KEY, label)


def judge(session, label):
    """The public key's attributes as cryptography reads them."""
    public = key(session, ObjectClass.PUBLIC_KEY, label)
    if label == "web":
        return serialization.load_der_public_key(encode_ec_public_key(public))
    exponent, modulus = (int.from_bytes(public[name], "big") for name in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS))
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def verifies(public, signature, *scheme):
    """This message is taken, another is not."""
    public.verify(signature, MESSAGE, *scheme)
    try:
        public.verify(signature, MESSAGE + b"x", *scheme)
    except InvalidSignature:
        return
    raise AssertionError("another message was verified")


@check
def ecdsa(session):
    "ECDSA signatures, by a mechanism that hashes and by one that does not"
    scheme = ec.ECDSA(hashes.SHA256())
    signature = private(session, "web").sign(MESSAGE, mechanism=Mechanism.ECDSA_SHA256)
    verifies(judge(session, "web"), encode_ecdsa_signature(signature), scheme)
    hashed = hashes.Hash(hashes.SHA256())
    hashed.update(MESSAGE)
    signature = private(session, "web").sign(hashed.finalize(), mechanism=Mechanism.ECDSA)
    verifies(judge(session, "web"), encode_ecdsa_signature(signature), scheme)


@check
def pkcs1(session):
    "RSA PKCS#1 v1.5 signatures"
    signature = private(session, "code").sign(MESSAGE, mechanism=Mechanism.SHA256_RSA_PKCS)
    verifies(judge(session, "code"), signature, padding.PKCS1v15(), hashes.SHA256())


@check
def pss(session):
    "RSA-PSS signatures"
    label = os.environ["PSS_KEY"]
    terms = (Mechanism.SHA256, MGF.SHA256, 32)
    signature = private(session, label).sign(MESSAGE, mechanism=Mechanism.SHA256_RSA_PKCS_PSS, mechanism_param=terms)
    verifies(judge(session, label), signature, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


@check
def oaep(session):
    "OAEP: encrypted here, decrypted by the service"
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    ciphertext = judge(session, "mail").encrypt(MESSAGE[:100], scheme)
    plain = private(session, "mail").decrypt(ciphertext, mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=OAEP)
    assert plain == MESSAGE[:100]


@check
def verification(session):
    "the public key object verifies, and refuses another message"
    public = key(session, ObjectClass.PUBLIC_KEY, "web")
    signature = private(session, "web").sign(MESSAGE, mechanism=Mechanism.ECDSA_SHA256)
    assert public.verify(MESSAGE, signature, mechanism=Mechanism.ECDSA_SHA256)
    assert not public.verify(MESSAGE + b"x", signature, mechanism=Mechanism.ECDSA_SHA256)


@check
def certificates(session):
    "each configured certificate has its key's CKA_ID"
    for label in ("web", "code"):
        found = key(session, ObjectClass.CERTIFICATE, label)
        assert found[Attribute.ID] == private(session, label)[Attribute.ID]
        certificate = x509.load_der_x509_certificate(found[Attribute.VALUE])
        assert certificate.public_key() == judge(session, label)


@check
def secrets_stay(session):
    "a private key is not extractable"
    for label in ("web", "code", "mail"):
        assert not private(session, label)[Attribute.EXTRACTABLE]
        assert private(session, label)[Attribute.SENSITIVE]


def opened():
    return pkcs11.lib(os.environ["PKCS11_MODULE"]).get_token(token_label=TOKEN).open(rw=True)


sys.exit(run(f"{TOKEN}: python-pkcs11", opened))
