"""Drives gcp_mock.py with Google's own clients, so that it is what they take for Google: gcp_official.py PORT DIRECTORY"""

import json
import os
import sys
from pathlib import Path

PORT, DIRECTORY = sys.argv[1], Path(sys.argv[2])
# Read when google.auth is imported.
os.environ["GCE_METADATA_HOST"] = os.environ["GCE_METADATA_IP"] = f"127.0.0.1:{PORT}"

import google.auth  # noqa: E402
import google.auth.compute_engine  # noqa: E402
import google.oauth2.credentials  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, mlkem, padding, utils  # noqa: E402
from google.api_core import exceptions  # noqa: E402
from google.auth import identity_pool  # noqa: E402
from google.auth.transport.requests import Request  # noqa: E402
from google.cloud import kms  # noqa: E402
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceRestTransport  # noqa: E402

from gcp_mock import NUMBERS, RING, crc32c  # noqa: E402

LOCATION = RING.rpartition("/keyRings/")[0]
SCOPES = ["https://www.googleapis.com/auth/cloudkms"]
Algorithm = kms.CryptoKeyVersion.CryptoKeyVersionAlgorithm
NIST = kms.PublicKey.PublicKeyFormat.NIST_PQC
DATA = b"what is signed"


def client(credentials):
    transport = KeyManagementServiceRestTransport(host=f"127.0.0.1:{PORT}", url_scheme="http", credentials=credentials)
    return kms.KeyManagementServiceClient(transport=transport)


def expect(error, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except error:
        return
    raise AssertionError(f"{error.__name__} expected")


def digest_of(hash):
    hasher = hashes.Hash(hash)
    hasher.update(DATA)
    return hasher.finalize()


def public(service, name):
    if "ml_kem" in name:
        answer = service.get_public_key(request={"name": name, "public_key_format": NIST})
        assert answer.public_key.crc32c_checksum == crc32c(answer.public_key.data)
        return getattr(mlkem, f"MLKEM{answer.algorithm.name[7:]}PublicKey").from_public_bytes(answer.public_key.data)
    if "pq_sign" in name:
        answer = service.get_public_key(request={"name": name, "public_key_format": NIST})
        assert answer.public_key.crc32c_checksum == crc32c(answer.public_key.data)
        return getattr(mldsa, f"MLDSA{answer.algorithm.name[15:17]}PublicKey").from_public_bytes(answer.public_key.data)
    answer = service.get_public_key(request={"name": name})
    assert answer.pem_crc32c == crc32c(answer.pem.encode()) and answer.name == name
    return serialization.load_pem_public_key(answer.pem.encode())


def signs(service, name, algorithm):
    key = public(service, name)
    hash = {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}.get(algorithm.rpartition("_")[2])
    if algorithm.endswith("EXTERNAL_MU"):
        shake = hashes.Hash(hashes.SHAKE256(64))
        shake.update(key.public_bytes_raw())
        mu = hashes.Hash(hashes.SHAKE256(64))
        mu.update(shake.finalize() + b"\0\0" + DATA)
        request = {"digest": {"external_mu": mu.finalize()}}
    elif hash is None:
        request = {"data": DATA, "data_crc32c": crc32c(DATA)}
    else:
        request = {"digest": {hash.name: digest_of(hash)}, "digest_crc32c": crc32c(digest_of(hash))}
    answer = service.asymmetric_sign(request={"name": name} | request)
    assert answer.signature_crc32c == crc32c(answer.signature) and answer.name == name
    assert answer.verified_data_crc32c == ("data_crc32c" in request)
    assert answer.verified_digest_crc32c == ("digest_crc32c" in request)
    if "RAW" in algorithm:
        key.verify(answer.signature, DATA, padding.PKCS1v15(), utils.NoDigestInfo())
    elif "PKCS1" in algorithm:
        key.verify(answer.signature, DATA, padding.PKCS1v15(), hash)
    elif "PSS" in algorithm:
        key.verify(answer.signature, DATA, padding.PSS(padding.MGF1(hash), hash.digest_size), hash)
    elif hash:
        key.verify(answer.signature, DATA, ec.ECDSA(hash))
    else:
        key.verify(answer.signature, DATA)


def decrypts(service, name, algorithm):
    hash = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256(), "SHA512": hashes.SHA512()}[algorithm.rpartition("_")[2]]
    ciphertext = public(service, name).encrypt(DATA, padding.OAEP(padding.MGF1(hash), hash, None))
    request = {"name": name, "ciphertext": ciphertext, "ciphertext_crc32c": crc32c(ciphertext)}
    answer = service.asymmetric_decrypt(request=request)
    assert answer.plaintext == DATA and answer.plaintext_crc32c == crc32c(DATA) and answer.verified_ciphertext_crc32c
    expect(exceptions.BadRequest, service.asymmetric_decrypt, request={"name": name, "ciphertext": bytes(len(ciphertext))})
    expect(exceptions.BadRequest, service.asymmetric_decrypt, request=request | {"ciphertext_crc32c": 1})


def decapsulates(service, name):
    secret, ciphertext = public(service, name).encapsulate()
    request = {"name": name, "ciphertext": ciphertext, "ciphertext_crc32c": crc32c(ciphertext)}
    answer = service.decapsulate(request=request)
    assert answer.shared_secret == secret and answer.shared_secret_crc32c == crc32c(secret)
    assert answer.verified_ciphertext_crc32c and answer.name == name
    assert service.decapsulate(request={"name": name, "ciphertext": bytes(len(ciphertext))}).shared_secret != secret
    expect(exceptions.BadRequest, service.decapsulate, request={"name": name, "ciphertext": ciphertext[1:]})
    expect(exceptions.BadRequest, service.decapsulate, request=request | {"ciphertext_crc32c": 1})


def macs(service, name):
    answer = service.mac_sign(request={"name": name, "data": DATA, "data_crc32c": crc32c(DATA)})
    assert answer.mac_crc32c == crc32c(answer.mac) and answer.verified_data_crc32c
    assert service.mac_verify(request={"name": name, "data": DATA, "mac": answer.mac}).success
    assert not service.mac_verify(request={"name": name, "data": b"other", "mac": answer.mac}).success


def encrypts(service, name, algorithm):
    plaintext, request = bytes(32), {"name": name, "plaintext": bytes(32), "plaintext_crc32c": crc32c(bytes(32))}
    aad = {"additional_authenticated_data": b"aad"} if "GCM" in algorithm else {}
    answer = service.raw_encrypt(request=request | aad)
    assert answer.ciphertext_crc32c == crc32c(answer.ciphertext) and answer.verified_plaintext_crc32c
    back = {"name": name, "ciphertext": answer.ciphertext, "initialization_vector": answer.initialization_vector} | aad
    assert service.raw_decrypt(request=back | {"tag_length": answer.tag_length}).plaintext == plaintext
    given = request | {"initialization_vector": bytes(16)}
    if "GCM" in algorithm:
        expect(exceptions.BadRequest, service.raw_encrypt, request=given)
    else:
        assert service.raw_encrypt(request=given).initialization_vector == bytes(16)


def every_algorithm(service):
    # The mock's numbers are the client's.
    assert all(Algorithm[name] == number for name, number in NUMBERS["algorithm"].items())
    listed = list(service.list_crypto_keys(request={"parent": RING}))
    names = {key.name.rpartition("/")[2] for key in listed}
    assert {"hmac_sha1", "rotated", "ml_kem_768"} <= names and len(names) == len(listed) > 7
    for key in listed:
        algorithm = key.version_template.algorithm.name
        if key.name.rpartition("/")[2] != algorithm.lower():
            continue
        [version] = service.list_crypto_key_versions(request={"parent": key.name})
        assert version.state == kms.CryptoKeyVersion.CryptoKeyVersionState.ENABLED and version.create_time.year == 2024
        match key.purpose.name:
            case "ASYMMETRIC_SIGN":
                signs(service, version.name, algorithm)
            case "ASYMMETRIC_DECRYPT":
                decrypts(service, version.name, algorithm)
            case "KEY_ENCAPSULATION" if algorithm != "KEM_XWING":
                decapsulates(service, version.name)
            case "MAC":
                macs(service, version.name)
            case "RAW_ENCRYPT_DECRYPT":
                encrypts(service, version.name, algorithm)


def errors(service):
    key = f"{RING}/cryptoKeys"
    digest = {"sha256": bytes(32)}
    sign = service.asymmetric_sign
    expect(exceptions.NotFound, service.get_crypto_key, request={"name": f"{key}/missing"})
    expect(exceptions.Forbidden, service.list_crypto_key_versions, request={"parent": f"{key}/forbidden"})
    expect(exceptions.BadRequest, sign, request={"name": f"{key}/rotated/cryptoKeyVersions/2", "digest": digest})
    expect(exceptions.BadRequest, sign, request={"name": f"{key}/ec_sign_p384_sha384/cryptoKeyVersions/1", "digest": digest})
    name = f"{key}/pq_sign_ml_dsa_65/cryptoKeyVersions/1"
    expect(exceptions.BadRequest, service.get_public_key, request={"name": name})
    states = [version.state.name for version in service.list_crypto_key_versions(request={"parent": f"{key}/rotated"})]
    assert states == ["ENABLED", "DISABLED", "ENABLED", "DESTROYED", "DESTROY_SCHEDULED"]
    assert len(list(service.list_crypto_key_versions(request={"parent": f"{key}/many"}))) == 12


def life(service):
    level = kms.ProtectionLevel.HSM
    made = {"purpose": kms.CryptoKey.CryptoKeyPurpose.ASYMMETRIC_SIGN, "version_template": {"algorithm": Algorithm.EC_SIGN_SECP256K1_SHA256, "protection_level": level}}
    request = {"parent": RING, "crypto_key_id": "official", "crypto_key": made}
    key = service.create_crypto_key(request=request)
    assert key.name == f"{RING}/cryptoKeys/official"
    expect(exceptions.Conflict, service.create_crypto_key, request=request)
    states = set()
    while "ENABLED" not in states:
        states.add(service.get_crypto_key_version(request={"name": f"{key.name}/cryptoKeyVersions/1"}).state.name)
    assert "PENDING_GENERATION" in states
    gone = service.destroy_crypto_key_version(request={"name": f"{key.name}/cryptoKeyVersions/1"})
    assert gone.state.name == "DESTROY_SCHEDULED"
    answer = service.generate_random_bytes(request={"location": LOCATION, "length_bytes": 8, "protection_level": level})
    assert len(answer.data) == 8 and answer.data_crc32c == crc32c(answer.data)
    expect(exceptions.BadRequest, service.generate_random_bytes, request={"location": LOCATION, "length_bytes": 7, "protection_level": level})


def credentials(name):
    path = DIRECTORY / f"{name}.json"
    if name.startswith("external"):
        # google.auth's own way asks the world for the project's name.
        return identity_pool.Credentials.from_file(path, scopes=SCOPES)
    if name == "authorized_user":
        # From a file it asks Google's own endpoint, whatever the file says.
        told = json.loads(path.read_text())
        names = ("refresh_token", "token_uri", "client_id", "client_secret")
        return google.oauth2.credentials.Credentials(None, **{name: told[name] for name in names})
    found, _ = google.auth.load_credentials_from_file(path, scopes=SCOPES)
    return found


def main():
    service = client(credentials("service_account"))
    every_algorithm(service)
    errors(service)
    life(service)
    others = [credentials(name) for name in ("authorized_user", "external_file", "external_url")]
    for found in [*others, google.auth.compute_engine.Credentials()]:
        found.refresh(Request())
        assert client(found).get_crypto_key(request={"name": f"{RING}/cryptoKeys/rotated"}).name
    expect(google.auth.exceptions.RefreshError, credentials("wrong_account").refresh, Request())
    print("every call was understood")


main()
