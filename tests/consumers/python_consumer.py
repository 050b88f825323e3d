"""python-pkcs11 on the module under test; the package cryptography (its own OpenSSL) judges what leaves the token.

Run by tests/consumers/python, which makes the token. Each check is a function below; an exception is a failure.
"""

import hashlib
import hmac
import os
import sys
import traceback

import pkcs11
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pkcs11 import KDF, MGF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.constants import DEFAULT
from pkcs11.mechanisms import CTRParams, GCMParams
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature, encode_named_curve_parameters

from checks import check, not_in_binding, not_on_softhsm, run, signing_context

TOKEN = os.environ["TOKEN"]
PIN = os.environ["PIN"]
LIB = pkcs11.lib(os.environ["PKCS11_MODULE"])
MESSAGE = os.urandom(1000)


def raises(exception, call, *arguments, **keywords):
    try:
        call(*arguments, **keywords)
    except exception:
        return
    raise AssertionError(f"{exception} was not raised")


def ec_pair(session, curve="secp256r1", **keywords):
    parameters = session.create_domain_parameters(
        KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True
    )
    return parameters.generate_keypair(**keywords)


def openssl_key(der):
    return serialization.load_der_public_key(der)


@check
def rsa_pkcs1(session):
    "RSA-2048: PKCS#1 v1.5 signatures with every hash"
    public, private = session.generate_keypair(KeyType.RSA, 2048)
    judge = openssl_key(spki_rsa(public))
    for bits, hash_ in ((256, hashes.SHA256()), (384, hashes.SHA384()), (512, hashes.SHA512())):
        mechanism = Mechanism[f"SHA{bits}_RSA_PKCS"]
        signature = private.sign(MESSAGE, mechanism=mechanism)
        judge.verify(signature, MESSAGE, padding.PKCS1v15(), hash_)
        assert public.verify(MESSAGE, signature, mechanism=mechanism)
        assert not public.verify(MESSAGE + b"x", signature, mechanism=mechanism)


def spki_rsa(public):
    from cryptography.hazmat.primitives.asymmetric import rsa

    numbers = rsa.RSAPublicNumbers(
        int.from_bytes(public[Attribute.PUBLIC_EXPONENT], "big"), int.from_bytes(public[Attribute.MODULUS], "big")
    )
    return numbers.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@check
def rsa_pss(session):
    "RSA-2048: PSS signatures"
    public, private = session.generate_keypair(KeyType.RSA, 2048)
    judge = openssl_key(spki_rsa(public))
    for bits, hash_ in ((256, hashes.SHA256()), (384, hashes.SHA384()), (512, hashes.SHA512())):
        parameters = (Mechanism[f"SHA{bits}"], MGF[f"SHA{bits}"], hash_.digest_size)
        mechanism = Mechanism[f"SHA{bits}_RSA_PKCS_PSS"]
        signature = private.sign(MESSAGE, mechanism=mechanism, mechanism_param=parameters)
        judge.verify(signature, MESSAGE, padding.PSS(padding.MGF1(hash_), hash_.digest_size), hash_)
        assert public.verify(MESSAGE, signature, mechanism=mechanism, mechanism_param=parameters)


@check
def rsa_oaep_sha1(session):
    "RSA-2048: OAEP with SHA-1"
    public, private = session.generate_keypair(KeyType.RSA, 2048)
    sha1 = hashes.SHA1()
    ciphertext = openssl_key(spki_rsa(public)).encrypt(MESSAGE[:100], padding.OAEP(padding.MGF1(sha1), sha1, None))
    assert private.decrypt(ciphertext, mechanism=Mechanism.RSA_PKCS_OAEP) == MESSAGE[:100]


@not_on_softhsm("OAEP with SHA-1 and no label only")
def rsa_oaep_label(session):
    "RSA-2048: OAEP with SHA-256, SHA-512 and a label"
    public, private = session.generate_keypair(KeyType.RSA, 2048)
    for bits, hash_ in ((256, hashes.SHA256()), (512, hashes.SHA512())):
        parameters = (Mechanism[f"SHA{bits}"], MGF[f"SHA{bits}"], b"label")
        ciphertext = openssl_key(spki_rsa(public)).encrypt(
            MESSAGE[:60], padding.OAEP(padding.MGF1(hash_), hash_, b"label")
        )
        plain = private.decrypt(ciphertext, mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=parameters)
        assert plain == MESSAGE[:60]
        ours = public.encrypt(MESSAGE[:60], mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=parameters)
        assert private.decrypt(ours, mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=parameters) == MESSAGE[:60]


@check
def ecdsa(session):
    "ECDSA on P-256, P-384, P-521 and secp256k1"
    for curve in ("secp256r1", "secp384r1", "secp521r1", "secp256k1"):
        public, private = ec_pair(session, curve)
        digest = hashlib.sha256(MESSAGE).digest()
        signature = private.sign(digest, mechanism=Mechanism.ECDSA)
        judge = openssl_key(encode_ec_public_key(public))
        judge.verify(encode_ecdsa_signature(signature), digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        assert public.verify(digest, signature, mechanism=Mechanism.ECDSA)


@not_on_softhsm("no hashing ECDSA in 2.6.1")
def ecdsa_hashing(session):
    "ECDSA with SHA-224 to SHA-512, in one part and in several"
    public, private = ec_pair(session)
    judge = openssl_key(encode_ec_public_key(public))
    for bits, hash_ in ((224, hashes.SHA224()), (256, hashes.SHA256()), (384, hashes.SHA384()), (512, hashes.SHA512())):
        mechanism = Mechanism[f"ECDSA_SHA{bits}"]
        signature = private.sign(MESSAGE, mechanism=mechanism)
        judge.verify(encode_ecdsa_signature(signature), MESSAGE, ec.ECDSA(hash_))
        streamed = private.sign((MESSAGE[:7], MESSAGE[7:]), mechanism=mechanism)
        judge.verify(encode_ecdsa_signature(streamed), MESSAGE, ec.ECDSA(hash_))
        assert public.verify((MESSAGE[:500], MESSAGE[500:]), streamed, mechanism=mechanism)


@check
def eddsa(session):
    "Ed25519"
    parameters = session.create_domain_parameters(
        KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: b"\x13\x0cedwards25519"}, local=True
    )
    public, private = parameters.generate_keypair(mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
    signature = private.sign(MESSAGE, mechanism=Mechanism.EDDSA)
    point = public[Attribute.EC_POINT]
    ed25519.Ed25519PublicKey.from_public_bytes(point[-32:]).verify(signature, MESSAGE)
    assert public.verify(MESSAGE, signature, mechanism=Mechanism.EDDSA)
    assert not public.verify(MESSAGE[1:], signature, mechanism=Mechanism.EDDSA)


@not_on_softhsm("no ML-DSA in 2.6.1")
def ml_dsa(session):
    "ML-DSA-44, 65 and 87, judged by OpenSSL"
    from cryptography.hazmat.primitives.asymmetric import mldsa
    from pkcs11.mechanisms import MLDSAParameterSet

    judges = (mldsa.MLDSA44PublicKey, mldsa.MLDSA65PublicKey, mldsa.MLDSA87PublicKey)
    for parameter_set, judge in zip(MLDSAParameterSet, judges, strict=True):
        public, private = session.generate_keypair(
            KeyType.ML_DSA, public_template={Attribute.PARAMETER_SET: parameter_set}
        )
        signature = private.sign(MESSAGE, mechanism=Mechanism.ML_DSA)
        judge.from_public_bytes(public[Attribute.VALUE]).verify(signature, MESSAGE)
        assert public.verify(MESSAGE, signature, mechanism=Mechanism.ML_DSA)
        damaged = bytes([signature[0] ^ 1]) + signature[1:]
        assert not public.verify(MESSAGE, damaged, mechanism=Mechanism.ML_DSA)


@not_on_softhsm("no ML-DSA in 2.6.1")
def ml_dsa_context(session):
    "ML-DSA-65 with a context, whose structure is given as bytes, judged by OpenSSL"
    from cryptography.hazmat.primitives.asymmetric import mldsa
    from pkcs11.mechanisms import MLDSAParameterSet

    public, private = session.generate_keypair(
        KeyType.ML_DSA, public_template={Attribute.PARAMETER_SET: MLDSAParameterSet.ML_DSA_65}
    )
    parameter, kept = signing_context(b"context")
    signature = private.sign(MESSAGE, mechanism=Mechanism.ML_DSA, mechanism_param=parameter)
    judge = mldsa.MLDSA65PublicKey.from_public_bytes(public[Attribute.VALUE])
    judge.verify(signature, MESSAGE, b"context")
    raises(InvalidSignature, judge.verify, signature, MESSAGE)
    assert public.verify(MESSAGE, signature, mechanism=Mechanism.ML_DSA, mechanism_param=parameter)
    assert not public.verify(MESSAGE, signature, mechanism=Mechanism.ML_DSA)
    del kept


@not_on_softhsm("no ML-KEM in 2.6.1")
def ml_kem(session):
    "ML-KEM-512, 768 and 1024: both sides in the token; one of the sides in OpenSSL, which has no 512"
    from cryptography.hazmat.primitives.asymmetric import mlkem
    from pkcs11.mechanisms import MLKEMParameterSet

    judges = (None, mlkem.MLKEM768PublicKey, mlkem.MLKEM1024PublicKey)
    peers = (None, mlkem.MLKEM768PrivateKey, mlkem.MLKEM1024PrivateKey)
    shown = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
    for parameter_set, judge, peer in zip(MLKEMParameterSet, judges, peers, strict=True):
        public, private = session.generate_keypair(
            KeyType.ML_KEM, public_template={Attribute.PARAMETER_SET: parameter_set}
        )
        sealed, ours = public.encapsulate_key(KeyType.GENERIC_SECRET, template=shown)
        theirs = private.decapsulate_key(sealed, KeyType.GENERIC_SECRET, template=shown)
        assert len(ours[Attribute.VALUE]) == 32 and ours[Attribute.VALUE] == theirs[Attribute.VALUE]
        changed = private.decapsulate_key(
            bytes([sealed[0] ^ 1]) + sealed[1:], KeyType.GENERIC_SECRET, template=shown
        )
        assert changed[Attribute.VALUE] != ours[Attribute.VALUE]
        if judge is None:
            continue
        secret, sealed = judge.from_public_bytes(public[Attribute.VALUE]).encapsulate()
        opened = private.decapsulate_key(sealed, KeyType.GENERIC_SECRET, template=shown)
        assert opened[Attribute.VALUE] == secret
        other = peer.generate()
        imported = session.create_object({
            Attribute.CLASS: ObjectClass.PUBLIC_KEY,
            Attribute.KEY_TYPE: KeyType.ML_KEM,
            Attribute.PARAMETER_SET: parameter_set,
            Attribute.VALUE: other.public_key().public_bytes_raw(),
            Attribute.ENCAPSULATE: True,
        })
        sealed, ours = imported.encapsulate_key(KeyType.GENERIC_SECRET, template=shown)
        assert other.decapsulate(sealed) == ours[Attribute.VALUE]


@not_on_softhsm("no ML-KEM in 2.6.1")
def ml_kem_into_aes(session):
    "ML-KEM-768: the secret is an AES key, which stays in the token and encrypts"
    from pkcs11.mechanisms import MLKEMParameterSet

    public, private = session.generate_keypair(
        KeyType.ML_KEM, public_template={Attribute.PARAMETER_SET: MLKEMParameterSet.ML_KEM_768}
    )
    sealed, ours = public.encapsulate_key(KeyType.AES)
    theirs = private.decapsulate_key(sealed, KeyType.AES)
    nonce = os.urandom(12)
    text = ours.encrypt(MESSAGE, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, b"", 128))
    assert theirs.decrypt(text, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, b"", 128)) == MESSAGE
    raises(pkcs11.AttributeSensitive, lambda: ours[Attribute.VALUE])


for name in ("SLH-DSA", "HashML-DSA"):
    not_in_binding(name, "python-pkcs11 0.10.1 has no such mechanism, and takes none by its number")


def aes(session, bits=256, **template):
    attributes = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True} | template
    return session.generate_key(KeyType.AES, bits, template=attributes)


@check
def aes_cbc(session):
    "AES-CBC with and without padding, in one part and in several"
    for bits in (128, 192, 256):
        key = aes(session, bits)
        iv = os.urandom(16)
        judge = Cipher(algorithms.AES(key[Attribute.VALUE]), modes.CBC(iv))
        block = MESSAGE[:96]
        encryptor = judge.encryptor()
        expected = encryptor.update(block) + encryptor.finalize()
        assert key.encrypt(block, mechanism=Mechanism.AES_CBC, mechanism_param=iv) == expected
        padded = key.encrypt(MESSAGE, mechanism_param=iv)
        assert key.decrypt(padded, mechanism_param=iv) == MESSAGE
        chunks = [MESSAGE[at : at + 33] for at in range(0, len(MESSAGE), 33)]
        assert b"".join(key.encrypt(iter(chunks), mechanism_param=iv)) == padded
        parts = [padded[at : at + 17] for at in range(0, len(padded), 17)]
        assert b"".join(key.decrypt(iter(parts), mechanism_param=iv)) == MESSAGE


@check
def aes_gcm(session):
    "AES-GCM with additional data; a changed tag is refused"
    key = aes(session)
    parameters = GCMParams(os.urandom(12), b"additional")
    ciphertext = key.encrypt(MESSAGE, mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
    assert AESGCM(key[Attribute.VALUE]).encrypt(parameters.nonce, MESSAGE, b"additional") == ciphertext
    assert key.decrypt(ciphertext, mechanism=Mechanism.AES_GCM, mechanism_param=parameters) == MESSAGE
    damaged = ciphertext[:-1] + bytes([ciphertext[-1] ^ 1])
    raises(pkcs11.PKCS11Error, key.decrypt, damaged, mechanism=Mechanism.AES_GCM, mechanism_param=parameters)


@check
def aes_ctr(session):
    "AES-CTR"
    key = aes(session)
    nonce = os.urandom(12)
    ciphertext = key.encrypt(MESSAGE, mechanism=Mechanism.AES_CTR, mechanism_param=CTRParams(nonce))
    judge = Cipher(algorithms.AES(key[Attribute.VALUE]), modes.CTR(nonce + b"\0\0\0\1")).decryptor()
    assert judge.update(ciphertext) == MESSAGE


@check
def hmac_sha256(session):
    "HMAC-SHA-256 over an imported key"
    secret = os.urandom(32)
    key = session.create_object(
        {
            Attribute.CLASS: ObjectClass.SECRET_KEY,
            Attribute.KEY_TYPE: KeyType.GENERIC_SECRET,
            Attribute.SIGN: True,
            Attribute.VERIFY: True,
            Attribute.VALUE: secret,
        }
    )
    tag = key.sign(MESSAGE, mechanism=Mechanism.SHA256_HMAC)
    assert tag == hmac.digest(secret, MESSAGE, "sha256")
    assert key.verify(MESSAGE, tag, mechanism=Mechanism.SHA256_HMAC)


@check
def digests(session):
    "SHA-1 to SHA-512, in one part and in several"
    for name in ("SHA_1", "SHA224", "SHA256", "SHA384", "SHA512"):
        expected = hashlib.new(name.replace("_", ""), MESSAGE).digest()
        assert session.digest(MESSAGE, mechanism=Mechanism[name]) == expected
        assert session.digest((MESSAGE[:1], MESSAGE[1:]), mechanism=Mechanism[name]) == expected


@check
def wrap_secret(session):
    "AES key wrap of a secret key"
    kek = aes(session)
    key = aes(session, 128)
    wrapped = kek.wrap_key(key, mechanism=Mechanism.AES_KEY_WRAP)
    back = kek.unwrap_key(
        ObjectClass.SECRET_KEY,
        KeyType.AES,
        wrapped,
        mechanism=Mechanism.AES_KEY_WRAP,
        template={Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True},
    )
    assert back[Attribute.VALUE] == key[Attribute.VALUE]
    damaged = bytes([wrapped[0] ^ 1]) + wrapped[1:]
    raises(
        pkcs11.PKCS11Error, kek.unwrap_key, ObjectClass.SECRET_KEY, KeyType.AES, damaged,
        mechanism=Mechanism.AES_KEY_WRAP,
    )  # fmt: skip


@check
def wrap_private(session):
    "AES key wrap with padding of an RSA private key, which signs after unwrapping"
    kek = aes(session)
    public, private = session.generate_keypair(
        KeyType.RSA, 2048, private_template={Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: False}
    )
    wrapped = kek.wrap_key(private, mechanism=Mechanism.AES_KEY_WRAP_PAD)
    # python-pkcs11's defaults ask a private key to encrypt, verify and wrap, which is not for a private key to do.
    usable = {usage: DEFAULT for usage in (Attribute.ENCRYPT, Attribute.VERIFY, Attribute.WRAP)}
    back = kek.unwrap_key(
        ObjectClass.PRIVATE_KEY, KeyType.RSA, wrapped, mechanism=Mechanism.AES_KEY_WRAP_PAD, template=usable
    )
    signature = back.sign(MESSAGE, mechanism=Mechanism.SHA256_RSA_PKCS)
    assert public.verify(MESSAGE, signature, mechanism=Mechanism.SHA256_RSA_PKCS)


@check
def wrap_refused(session):
    "a key that is not extractable is not wrapped, and a sensitive one is not read"
    kek = aes(session)
    key = aes(session, 256, **{})
    hidden = session.generate_key(
        KeyType.AES, 256, template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
    )
    raises(pkcs11.PKCS11Error, kek.wrap_key, hidden, mechanism=Mechanism.AES_KEY_WRAP)
    raises(pkcs11.AttributeSensitive, lambda: hidden[Attribute.VALUE])
    assert len(key[Attribute.VALUE]) == 32


@check
def derive(session):
    "ECDH between two token keys, and with OpenSSL"
    attributes = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
    ours_public, ours = ec_pair(session)
    theirs = ec.generate_private_key(ec.SECP256R1())
    point = theirs.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    secret = ours.derive_key(
        KeyType.GENERIC_SECRET, 256, mechanism=Mechanism.ECDH1_DERIVE, mechanism_param=(KDF.NULL, None, point),
        capabilities=MechanismFlag.SIGN, template=attributes,
    )  # fmt: skip
    expected = theirs.exchange(ec.ECDH(), openssl_key(encode_ec_public_key(ours_public)))
    assert secret[Attribute.VALUE] == expected


@check
def search(session):
    "search by label, ID, class; set attributes; copy; destroy"
    for number in range(20):
        ec_pair(session, id=bytes([7, number]), label=f"find {number}", store=True)
    found = list(session.get_objects({Attribute.ID: bytes([7, 13])}))
    assert len(found) == 2, found
    private = session.get_key(ObjectClass.PRIVATE_KEY, label="find 13")
    assert private.id == bytes([7, 13])
    private[Attribute.LABEL] = "renamed"
    assert session.get_key(ObjectClass.PRIVATE_KEY, id=bytes([7, 13])).label == "renamed"
    copied = private.copy({Attribute.LABEL: "copy", Attribute.TOKEN: False})
    assert copied.label == "copy"
    for number in range(20):
        for found in list(session.get_objects({Attribute.ID: bytes([7, number])})):
            found.destroy()
    assert not list(session.get_objects({Attribute.ID: bytes([7, 13]), Attribute.TOKEN: True}))
    raises(pkcs11.NoSuchKey, session.get_key, label="find 1")


@check
def random(session):
    "random numbers"
    assert len(session.generate_random(1024)) == 128
    assert session.generate_random(256) != session.generate_random(256)


@check
def info(session):
    "slot, token and mechanism information"
    slot = session.token.slot
    assert slot.slot_id <= 2**31 - 1
    assert session.token.label == TOKEN
    assert session.token.serial
    mechanisms = slot.get_mechanisms()
    assert Mechanism.ECDSA in mechanisms
    rsa = slot.get_mechanism_info(Mechanism.RSA_PKCS)
    assert rsa.min_key_length <= 2048 <= rsa.max_key_length


def main():
    token = LIB.get_token(token_label=TOKEN)
    failed = run("python-pkcs11", lambda: token.open(rw=True, user_pin=PIN))
    try:
        raises(pkcs11.PinIncorrect, token.open, user_pin="00000000")
        with token.open() as session:
            assert not list(session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY}))
    except Exception:
        failed = True
        print("FAIL python-pkcs11: a wrong PIN is refused, and private objects are hidden without login")
        print(traceback.format_exc())
    else:
        print("ok   python-pkcs11: a wrong PIN is refused, and private objects are hidden without login")
    sys.exit(failed)


main()
