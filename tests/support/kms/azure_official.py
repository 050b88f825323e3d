"""Drives azure_mock.py with Microsoft's own clients, so that it is what they take for Azure: azure_official.py PORT DIRECTORY"""

import hashlib
import os
import sys
from pathlib import Path

PORT, DIRECTORY = sys.argv[1], Path(sys.argv[2])
URL = f"https://127.0.0.1:{PORT}"
os.environ["REQUESTS_CA_BUNDLE"] = str(DIRECTORY / "ca.pem")
os.environ["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = URL

from azure.core import exceptions  # noqa: E402
from azure.identity import (  # noqa: E402
    CertificateCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.keyvault.keys import ApiVersion, KeyClient  # noqa: E402
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm  # noqa: E402
from cryptography.hazmat.primitives import hashes  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils  # noqa: E402

from azure_mock import API_VERSION, CLIENT, CURVES, SECRET, TENANT  # noqa: E402

DATA = b"what is signed"
# The mock is no host of Microsoft's.
COMMON = {"verify_challenge_resource": False, "retry_total": 0}
ENTRA = {"authority": URL, "disable_instance_discovery": True, "retry_total": 0}


def expect(error, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except error:
        return
    raise AssertionError(f"{error.__name__} expected")


def client(credential):
    return KeyClient(URL, credential, **COMMON)


def rsa_public(key):
    number = lambda field: int.from_bytes(field, "big")  # noqa: E731
    return rsa.RSAPublicNumbers(number(key.key.e), number(key.key.n)).public_key()


def ec_public(key):
    number = lambda field: int.from_bytes(field, "big")  # noqa: E731
    return ec.EllipticCurvePublicNumbers(number(key.key.x), number(key.key.y), CURVES[key.key.crv]).public_key()


def signs(keys, credential):
    key = keys.get_key("rsa")
    crypto = CryptographyClient(key, credential, **COMMON)
    for bits in ("256", "384", "512"):
        hash = getattr(hashes, f"SHA{bits}")()
        digest = hashlib.new(f"sha{bits}", DATA).digest()
        for name, pad in (("RS", padding.PKCS1v15()), ("PS", padding.PSS(padding.MGF1(hash), hash.digest_size))):
            signature = crypto.sign(SignatureAlgorithm(f"{name}{bits}"), digest).signature
            rsa_public(key).verify(signature, DATA, pad, hash)
    for name, alg, bits in (("p-256", "ES256", "256"), ("p-384", "ES384", "384"), ("p-521", "ES512", "512"), ("p-256k", "ES256K", "256")):
        key = keys.get_key(f"ec-{name}")
        digest = hashlib.new(f"sha{bits}", DATA).digest()
        crypto = CryptographyClient(key, credential, **COMMON)
        signature = crypto.sign(SignatureAlgorithm(alg), digest).signature
        half = len(signature) // 2
        der = utils.encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
        ec_public(key).verify(der, DATA, ec.ECDSA(getattr(hashes, f"SHA{bits}")()))
        expect(exceptions.HttpResponseError, crypto.sign, SignatureAlgorithm(alg), digest[1:])


def decrypts(keys, credential):
    for name in ("rsa", "rsa-decrypt", "rsa-unwrap"):
        key = keys.get_key(name)
        crypto = CryptographyClient(key, credential, **COMMON)
        for alg, pad in (
            ("RSA-OAEP", padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)),
            ("RSA-OAEP-256", padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)),
            ("RSA1_5", padding.PKCS1v15()),
        ):
            ciphertext = rsa_public(key).encrypt(DATA, pad)
            if name == "rsa-unwrap":
                assert crypto.unwrap_key(KeyWrapAlgorithm(alg), ciphertext).key == DATA
            else:
                assert crypto.decrypt(EncryptionAlgorithm(alg), ciphertext).plaintext == DATA
    bad = bytes(256)
    expect(exceptions.HttpResponseError, CryptographyClient(keys.get_key("rsa"), credential, **COMMON).decrypt, EncryptionAlgorithm.rsa_oaep, bad)
    for name, bits in (("aes", "256"), ("aes-128", "128")):
        crypto = CryptographyClient(keys.get_key(name), credential, **COMMON)
        cbc, gcm = EncryptionAlgorithm(f"A{bits}CBC"), EncryptionAlgorithm(f"A{bits}GCM")
        sealed = crypto.encrypt(cbc, bytes(32), iv=bytes(16))
        assert crypto.decrypt(cbc, sealed.ciphertext, iv=bytes(16)).plaintext == bytes(32)
        sealed = crypto.encrypt(gcm, DATA, additional_authenticated_data=b"aad")
        more = {"iv": sealed.iv, "authentication_tag": sealed.tag, "additional_authenticated_data": b"aad"}
        assert crypto.decrypt(gcm, sealed.ciphertext, **more).plaintext == DATA
        expect(exceptions.HttpResponseError, crypto.decrypt, gcm, sealed.ciphertext, **more | {"iv": bytes(12)})


def lists(keys):
    listed = [key.name for key in keys.list_properties_of_keys()]
    assert {"rsa", "rotated", "disabled"} <= set(listed) and len(listed) > 5
    versions = list(keys.list_properties_of_key_versions("rotated"))
    assert [version.enabled for version in versions] == [True, False, True] and versions[0].created_on.year == 2023
    assert len(list(keys.list_properties_of_key_versions("many"))) == 12
    assert not list(keys.list_properties_of_key_versions("missing"))
    assert keys.get_key("rotated", versions[0].version).properties.version == versions[0].version
    expect(exceptions.ResourceNotFoundError, keys.get_key, "missing")
    expect(exceptions.HttpResponseError, keys.get_key, "forbidden")


def life(keys):
    assert keys.create_rsa_key("official-rsa", size=2048, hardware_protected=True).key_type == "RSA-HSM"
    assert keys.create_ec_key("official-ec", curve="P-384").key.crv == "P-384"
    assert keys.create_oct_key("official-oct", size=256, hardware_protected=True).key_type == "oct-HSM"
    poller = keys.begin_delete_key("official-ec")
    assert poller.result().name == "official-ec"
    expect(exceptions.ResourceNotFoundError, keys.get_key, "official-ec")
    expect(exceptions.ResourceExistsError, keys.create_ec_key, "official-ec")
    assert len(keys.get_random_bytes(128)) == 128
    expect(exceptions.HttpResponseError, keys.get_random_bytes, 129)


def main():
    assert ApiVersion.V2025_07_01.value == API_VERSION
    credential = ClientSecretCredential(TENANT, CLIENT, SECRET, **ENTRA)
    keys = client(credential)
    signs(keys, credential)
    decrypts(keys, credential)
    lists(keys)
    life(keys)
    others = (
        CertificateCredential(TENANT, CLIENT, str(DIRECTORY / "client.pem"), **ENTRA),
        WorkloadIdentityCredential(tenant_id=TENANT, client_id=CLIENT, token_file_path=str(DIRECTORY / "federated-token"), **ENTRA),
        ManagedIdentityCredential(),
        ManagedIdentityCredential(client_id=CLIENT),
    )
    for other in others:
        assert client(other).get_key("rsa").name == "rsa"
    os.environ |= {"IDENTITY_ENDPOINT": f"{URL}/msi", "IDENTITY_HEADER": (DIRECTORY / "identity-header").read_text()}
    assert client(ManagedIdentityCredential()).get_key("rsa").name == "rsa"
    wrong = ClientSecretCredential(TENANT, CLIENT, "wrong", **ENTRA)
    expect(exceptions.ClientAuthenticationError, client(wrong).get_key, "rsa")
    # With its own check the client refuses a challenge that is not for the vault's domain.
    expect(ValueError, KeyClient(URL, credential, retry_total=0).get_key, "rsa")
    print("every call was understood")


main()
