"""Uses aws_mock.py through boto3, so that it is known to speak as AWS does: aws_mock_check.py URL"""

import json
import os
import sys
import tempfile
import urllib.request
from pathlib import Path

url = sys.argv[1]
scratch = Path(tempfile.mkdtemp())
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ |= {
    "AWS_CONFIG_FILE": str(scratch / "config"),
    "AWS_SHARED_CREDENTIALS_FILE": str(scratch / "credentials"),
    "AWS_EC2_METADATA_SERVICE_ENDPOINT": url + "/",
    "AWS_ENDPOINT_URL": url,
}

import boto3  # noqa: E402 (reads the environment)
import botocore.exceptions  # noqa: E402
from botocore.config import Config  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, utils  # noqa: E402

ROLE = "arn:aws:iam::111122223333:role/keyward"
REGION = "eu-test-1"


def kms(session=None, **settings):
    return (session or boto3.Session(region_name=REGION)).client("kms", config=Config(**settings))


def control(**told):
    request = urllib.request.Request(url + "/control", json.dumps(told).encode(), method="POST")
    urllib.request.urlopen(request).read()


def code_of(call):
    try:
        call()
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("no error")


def with_static_keys():
    return boto3.Session("AKIDSTATIC", "static-PLANTED/+", region_name=REGION)


def check_keys():
    client = kms(with_static_keys())
    for spec in ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"]:
        key = client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        client.create_alias(AliasName=f"alias/check-{spec}", TargetKeyId=key)
        answer = client.get_public_key(KeyId=f"alias/check-{spec}")
        assert answer["SigningAlgorithms"] == ["ML_DSA_SHAKE_256"] and answer["KeySpec"] == spec
        public = serialization.load_der_public_key(answer["PublicKey"])
        signed = client.sign(KeyId=key, Message=b"message", SigningAlgorithm="ML_DSA_SHAKE_256")
        public.verify(signed["Signature"], b"message")
        signed = client.sign(KeyId=key, Message=b"m" * 64, MessageType="EXTERNAL_MU", SigningAlgorithm="ML_DSA_SHAKE_256")
        public.verify_mu(signed["Signature"], b"m" * 64)
    key = client.create_key(KeySpec="ECC_NIST_P384", KeyUsage="KEY_AGREEMENT")["KeyMetadata"]["KeyId"]
    public = serialization.load_der_public_key(client.get_public_key(KeyId=key)["PublicKey"])
    peer = ec.generate_private_key(ec.SECP384R1())
    spki = peer.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = client.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=spki)["SharedSecret"]
    assert secret == peer.exchange(ec.ECDH(), public)
    key = client.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = serialization.load_der_public_key(client.get_public_key(KeyId=key)["PublicKey"])
    signed = client.sign(KeyId=key, Message=b"d" * 32, MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256")
    public.verify(signed["Signature"], b"d" * 32, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    # Clients know Decapsulate since botocore 1.44.
    if hasattr(client, "decapsulate"):
        for spec in ["ML_KEM_768", "ML_KEM_1024"]:
            kem = client.create_key(KeySpec=spec, KeyUsage="ENCAPSULATE_DECAPSULATE")["KeyMetadata"]["KeyId"]
            answer = client.get_public_key(KeyId=kem)
            assert answer["EncapsulationAlgorithms"] == ["ML_KEM"] and answer["KeySpec"] == spec
            secret, blob = serialization.load_der_public_key(answer["PublicKey"]).encapsulate()
            told = {"KeyId": kem, "EncapsulationAlgorithm": "ML_KEM"}
            assert client.decapsulate(SharedSecretCiphertextBlob=blob, **told)["SharedSecret"] == secret
            refused = code_of(lambda: client.decapsulate(SharedSecretCiphertextBlob=blob[1:], **told))
            assert refused == "InvalidCiphertextException"
    assert len(client.generate_random(NumberOfBytes=77)["Plaintext"]) == 77
    assert code_of(lambda: client.get_public_key(KeyId="alias/none")) == "NotFoundException"
    assert code_of(lambda: client.create_alias(AliasName="alias/check-ML_DSA_44", TargetKeyId=key)) == "AlreadyExistsException"
    symmetric = client.create_key()["KeyMetadata"]["KeyId"]
    assert code_of(lambda: client.get_public_key(KeyId=symmetric)) == "UnsupportedOperationException"
    client.disable_key(KeyId=key)
    assert code_of(lambda: client.sign(KeyId=key, Message=b"", SigningAlgorithm="ECDSA_SHA_256")) == "DisabledException"
    client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def check_pages():
    client = kms(with_static_keys())
    control(page=2)
    aliases = [alias for page in client.get_paginator("list_aliases").paginate() for alias in page["Aliases"]]
    keys = [key for page in client.get_paginator("list_keys").paginate() for key in page["Keys"]]
    assert len(aliases) == 5 and len(keys) == (9 if hasattr(client, "decapsulate") else 7), (aliases, keys)
    control(page=100)


def check_trouble():
    patient = kms(with_static_keys(), retries={"mode": "standard", "total_max_attempts": 3})
    control(fail=[{"operation": "GenerateRandom", "code": "ThrottlingException", "times": 2}])
    patient.generate_random(NumberOfBytes=1)
    control(fail=[{"operation": "GenerateRandom", "code": "ThrottlingException", "times": 3}])
    assert code_of(lambda: patient.generate_random(NumberOfBytes=1)) == "ThrottlingException"
    wrong = boto3.Session("AKIDSTATIC", "wrong", region_name=REGION)
    assert code_of(lambda: kms(wrong).generate_random(NumberOfBytes=1)) == "InvalidSignatureException"
    control(clock=1000)
    once = kms(with_static_keys(), retries={"total_max_attempts": 1})
    assert code_of(lambda: once.generate_random(NumberOfBytes=1)) == "InvalidSignatureException"
    control(clock=0)


def check_credentials():
    def use():
        session = boto3.Session(region_name=REGION)
        kms(session).generate_random(NumberOfBytes=1)
        return session.get_credentials().method

    assert use() == "iam-role"
    (scratch / "token").write_text("container-PLANTED")
    container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": url + "/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(scratch / "token")}
    os.environ |= container
    assert use() == "container-role"
    for name in container:
        del os.environ[name]
    (scratch / "web").write_text("web-PLANTED")
    web = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(scratch / "web"), "AWS_ROLE_ARN": ROLE, "AWS_ROLE_SESSION_NAME": "check"}
    os.environ |= web
    assert use() == "assume-role-with-web-identity"
    for name in web:
        del os.environ[name]
    (scratch / "credentials").write_text("[base]\naws_access_key_id = AKIDSTATIC\naws_secret_access_key = static-PLANTED/+\n")
    (scratch / "config").write_text(f"[default]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = outside\n")
    assert use() == "assume-role"
    session = boto3.Session(region_name=REGION)
    client = kms(session)
    client.generate_random(NumberOfBytes=1)
    control(expire=True)
    assert code_of(lambda: client.generate_random(NumberOfBytes=1)) == "ExpiredTokenException"


check_keys()
check_pages()
check_trouble()
check_credentials()
print("honest")
