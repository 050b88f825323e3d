"""A mock of Google Cloud KMS and of what gives access tokens for it: gcp_mock.py PORT DIRECTORY

Speaks the REST interface as google-cloud-kms speaks it (gcp_official.py drives it with that): checksums, enums as
numbers if asked so, fields left out that have their default. Credential files of each type are written to DIRECTORY.
"""

import base64
import json
import re
import secrets
import sys
import time
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mock import Mock, Refused, serve

LOCATION = "projects/p/locations/europe-west3"
RING = f"{LOCATION}/keyRings/r"
ACCOUNT = "signer@p.iam.gserviceaccount.com"
ACTED_AS = "acted-as@p.iam.gserviceaccount.com"
# Answers hold fewer than asked for, so that whoever reads them has to follow pages.
MOST_PER_PAGE = 7
FORM = "urn:ietf:params:oauth:grant-type:"

HASHES = {h.name.upper(): h for h in (hashes.SHA1(), hashes.SHA224(), hashes.SHA256(), hashes.SHA384(), hashes.SHA512())}

# The numbers of google.cloud.kms.v1's enums.
NUMBERS = {
    "purpose": {"ENCRYPT_DECRYPT": 1, "ASYMMETRIC_SIGN": 5, "ASYMMETRIC_DECRYPT": 6, "RAW_ENCRYPT_DECRYPT": 7, "MAC": 9, "KEY_ENCAPSULATION": 10},
    "state": {"PENDING_GENERATION": 5, "ENABLED": 1, "DISABLED": 2, "DESTROYED": 3, "DESTROY_SCHEDULED": 4},
    "protectionLevel": {"SOFTWARE": 1, "HSM": 2},
    "publicKeyFormat": {"PEM": 1, "DER": 2, "NIST_PQC": 3},
    "algorithm": {
        "GOOGLE_SYMMETRIC_ENCRYPTION": 1, "AES_128_GCM": 41, "AES_256_GCM": 19, "AES_128_CBC": 42, "AES_256_CBC": 43,
        "AES_128_CTR": 44, "AES_256_CTR": 45, "RSA_SIGN_PSS_2048_SHA256": 2, "RSA_SIGN_PSS_3072_SHA256": 3,
        "RSA_SIGN_PSS_4096_SHA256": 4, "RSA_SIGN_PSS_4096_SHA512": 15, "RSA_SIGN_PKCS1_2048_SHA256": 5,
        "RSA_SIGN_PKCS1_3072_SHA256": 6, "RSA_SIGN_PKCS1_4096_SHA256": 7, "RSA_SIGN_PKCS1_4096_SHA512": 16,
        "RSA_SIGN_RAW_PKCS1_2048": 28, "RSA_SIGN_RAW_PKCS1_3072": 29, "RSA_SIGN_RAW_PKCS1_4096": 30,
        "RSA_DECRYPT_OAEP_2048_SHA256": 8, "RSA_DECRYPT_OAEP_3072_SHA256": 9, "RSA_DECRYPT_OAEP_4096_SHA256": 10,
        "RSA_DECRYPT_OAEP_4096_SHA512": 17, "RSA_DECRYPT_OAEP_2048_SHA1": 37, "RSA_DECRYPT_OAEP_3072_SHA1": 38,
        "RSA_DECRYPT_OAEP_4096_SHA1": 39, "EC_SIGN_P256_SHA256": 12, "EC_SIGN_P384_SHA384": 13,
        "EC_SIGN_SECP256K1_SHA256": 31, "EC_SIGN_ED25519": 40, "HMAC_SHA256": 32, "HMAC_SHA1": 33, "HMAC_SHA384": 34,
        "HMAC_SHA512": 35, "HMAC_SHA224": 36, "ML_KEM_768": 47, "ML_KEM_1024": 48, "KEM_XWING": 63, "PQ_SIGN_ML_DSA_44": 68, "PQ_SIGN_ML_DSA_65": 56,
        "PQ_SIGN_ML_DSA_87": 69, "PQ_SIGN_ML_DSA_44_EXTERNAL_MU": 70, "PQ_SIGN_ML_DSA_65_EXTERNAL_MU": 67,
        "PQ_SIGN_ML_DSA_87_EXTERNAL_MU": 71,
    },
}  # fmt: skip

PURPOSES = {
    "ASYMMETRIC_SIGN": r"RSA_SIGN_|EC_SIGN_|PQ_SIGN_",
    "ASYMMETRIC_DECRYPT": r"RSA_DECRYPT_",
    "MAC": r"HMAC_",
    "RAW_ENCRYPT_DECRYPT": r"AES_",
    "KEY_ENCAPSULATION": r"ML_KEM_|KEM_XWING",
    "ENCRYPT_DECRYPT": r"GOOGLE_SYMMETRIC_ENCRYPTION",
}


def status(code, name, message, **headers):
    return Refused(code, {"error": {"code": code, "message": message, "status": name}}, headers)


def invalid(message):
    return status(400, "INVALID_ARGUMENT", message)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def b64(data):
    return base64.b64encode(data).decode()


def purpose_of(algorithm):
    return next(purpose for purpose, pattern in PURPOSES.items() if re.match(pattern, algorithm))


def named(field, value):
    """An enum's name: clients send either."""
    return next((name for name, number in NUMBERS[field].items() if number == int(value)), None) if str(value).isdigit() else value


class Version:
    """One version of a key. The key itself is made when it is first needed."""

    def __init__(self, name, algorithm, level="SOFTWARE", state="ENABLED"):
        self.name, self.algorithm, self.level, self.state = name, algorithm, level, state
        self.created = "2024-02-29T12:34:56.789Z"
        self.pending = 0
        self.made = None

    @property
    def key(self):
        if self.made is None:
            self.made = make(self.algorithm)
        return self.made

    @property
    def hash(self):
        return next((h for name, h in HASHES.items() if self.algorithm.endswith(name)), None)

    def describe(self):
        if self.state == "PENDING_GENERATION":
            self.pending -= 1
            if self.pending < 0:
                self.state = "ENABLED"
        return {"name": self.name, "state": self.state, "protectionLevel": self.level, "algorithm": self.algorithm, "createTime": self.created}

    def usable(self, *purposes):
        if self.state != "ENABLED":
            raise status(400, "FAILED_PRECONDITION", f"{self.name} is not enabled, current state is: {self.state}.")
        if purpose_of(self.algorithm) not in purposes:
            raise invalid(f"The key version's algorithm is {self.algorithm}.")
        return self


def make(algorithm):
    if match := re.search(r"RSA_.*?_(\d{4})", algorithm):
        return rsa.generate_private_key(65537, int(match[1]))
    if algorithm.startswith("PQ_SIGN_ML_DSA_"):
        return getattr(mldsa, f"MLDSA{algorithm[15:17]}PrivateKey").generate()
    if algorithm.startswith("ML_KEM_"):
        return getattr(mlkem, f"MLKEM{algorithm[7:]}PrivateKey").generate()
    if algorithm.startswith("HMAC_"):
        return secrets.token_bytes(HASHES[algorithm[5:]].digest_size)
    if algorithm.startswith("AES_"):
        return secrets.token_bytes(int(algorithm[4:7]) // 8)
    curves = {"P256": ec.SECP256R1(), "P384": ec.SECP384R1(), "SECP256K1": ec.SECP256K1()}
    curve = algorithm.split("_")[2]
    return ed25519.Ed25519PrivateKey.generate() if curve == "ED25519" else ec.generate_private_key(curves[curve])


class Google(Mock):
    def __init__(self, port, directory):
        super().__init__()
        self.url = f"http://127.0.0.1:{port}"
        self.account_key = rsa.generate_private_key(65537, 2048)
        self.refresh, self.subject = secrets.token_urlsafe(), secrets.token_urlsafe()
        self.keys = {}
        for algorithm in NUMBERS["algorithm"]:
            if "3072" not in algorithm:
                level = "HSM" if "SECP256K1" in algorithm else "SOFTWARE"
                self.add(algorithm.lower(), algorithm, level)
        self.add("rotated", "EC_SIGN_P256_SHA256", states=["ENABLED", "DISABLED", "ENABLED", "DESTROYED", "DESTROY_SCHEDULED"])
        self.add("many", "EC_SIGN_P256_SHA256", states=["ENABLED"] * 12)
        self.add("disabled", "EC_SIGN_P256_SHA256", states=["DISABLED"])
        self.add("forbidden", "EC_SIGN_P256_SHA256")
        self.write_credentials(directory)

    def add(self, name, algorithm, level="SOFTWARE", states=("ENABLED",)):
        full = f"{RING}/cryptoKeys/{name}"
        versions = {
            str(at): Version(f"{full}/cryptoKeyVersions/{at}", algorithm, level, state) for at, state in enumerate(states, 1)
        }
        self.keys[full] = {"name": full, "purpose": purpose_of(algorithm), "algorithm": algorithm, "level": level, "versions": versions}
        return self.keys[full]

    def write_credentials(self, directory):
        subject = directory / "subject-token"
        subject.write_text(self.subject)
        pem = self.account_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        token_uri = f"{self.url}/token"
        account = {
            "type": "service_account", "project_id": "p", "private_key_id": "kid-1", "private_key": pem,
            "client_email": ACCOUNT, "client_id": "1", "token_uri": token_uri, "universe_domain": "googleapis.com",
        }  # fmt: skip
        user = {"type": "authorized_user", "client_id": "cli", "client_secret": "cli-secret", "refresh_token": self.refresh, "token_uri": token_uri}
        external = {
            "type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/w/providers/x",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": f"{self.url}/sts",
            "credential_source": {"file": str(subject)},
        }  # fmt: skip
        acted = f"{self.url}/iam/v1/projects/-/serviceAccounts/{ACTED_AS}:generateAccessToken"
        by_url = {
            "url": f"{self.url}/subject", "headers": {"Authorization": "here"},
            "format": {"type": "json", "subject_token_field_name": "id"},
        }  # fmt: skip
        files = {
            "service_account": account,
            "authorized_user": user,
            "external_file": external,
            "external_url": external | {"credential_source": by_url, "service_account_impersonation_url": acted},
            "impersonated": {"type": "impersonated_service_account", "service_account_impersonation_url": acted, "source_credentials": user, "delegates": []},
            "external_aws": external | {"credential_source": {"environment_id": "aws1"}},
            "wrong_account": account | {"client_email": "nobody@p.iam.gserviceaccount.com"},
        }
        for name, content in files.items():
            (directory / f"{name}.json").write_text(json.dumps(content))

    def secret(self, name):
        return self.keys[f"{RING}/cryptoKeys/{name}"]["versions"]["1"].key

    # Access tokens.

    def grant(self, owner):
        lasts = self.settings.get("token_lasts", 3600)
        return {"access_token": self.issue(owner, lasts), "expires_in": lasts, "token_type": "Bearer"}

    def token(self, request):
        form = request.form()
        if form.get("grant_type") == "refresh_token":
            if (form.get("refresh_token"), form.get("client_secret")) != (self.refresh, "cli-secret"):
                raise Refused(400, {"error": "invalid_grant", "error_description": "Bad Request"})
            return self.grant("user")
        if form.get("grant_type") != f"{FORM}jwt-bearer":
            raise Refused(400, {"error": "unsupported_grant_type"})
        signed, _, signature = form["assertion"].rpartition(".")
        header, claims = (json.loads(unpadded(part)) for part in signed.split("."))
        try:
            self.account_key.public_key().verify(unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}) from None
        good = header["alg"] == "RS256" and header.get("kid") == "kid-1" and claims["aud"] in (f"{self.url}/token", "https://oauth2.googleapis.com/token")
        now = time.time()
        if not good or claims["iss"] != ACCOUNT or not claims["scope"] or not now - 60 < claims["iat"] < now + 60 or claims["exp"] > claims["iat"] + 3600:
            raise Refused(400, {"error": "invalid_grant", "error_description": "Invalid grant: account not found"})
        return self.grant(ACCOUNT)

    def sts(self, request):
        form = request.form()
        wanted = {"grant_type": f"{FORM}token-exchange", "subject_token": self.subject, "requested_token_type": "urn:ietf:params:oauth:token-type:access_token"}
        if any(form.get(name) != value for name, value in wanted.items()) or "workloadIdentityPools" not in form["audience"] or not form["scope"]:
            raise Refused(400, {"error": "invalid_grant", "error_description": "The subject token is wrong."})
        return self.grant("federated" if form["scope"].endswith("/iam") else ACCOUNT) | {"issued_token_type": wanted["requested_token_type"]}

    def impersonate(self, request):
        if self.owner(request) not in ("federated", "user"):
            raise status(403, "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.getAccessToken' denied")
        if not request.json()["scope"] or not request.json()["lifetime"].endswith("s"):
            raise invalid("scope")
        return {"accessToken": self.issue(ACTED_AS), "expireTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))}

    def metadata(self, request):
        if request.headers.get("metadata-flavor") != "Google":
            raise Refused(403, "")
        headers = {"metadata-flavor": "Google"}
        if request.path.endswith("/token"):
            return self.grant("default@metadata"), headers
        if "service-accounts" in request.path:
            return {"email": "default@metadata", "scopes": ["x"], "aliases": ["default"]}, headers
        return "p" if request.path.endswith("project-id") else {}, headers

    # Keys.

    def handle(self, request):
        path = request.path
        if path == "/token":
            return self.token(request)
        if path == "/sts":
            return self.sts(request)
        if path == "/subject":
            if request.headers.get("authorization") != "here":
                raise Refused(401, {})
            return {"id": self.subject, "expires": 1}
        if path.startswith("/iam/"):
            return self.impersonate(request)
        if path == "/" or path.startswith("/computeMetadata/"):
            return self.metadata(request)
        if self.owner(request) is None:
            raise status(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        answer = self.kms(request, path.removeprefix("/v1/"))
        return numbered(answer) if "enum-encoding=int" in request.query.get("$alt", "") else answer

    def kms(self, request, name):
        name, _, verb = name.partition(":")
        if verb == "generateRandomBytes" and name == LOCATION:
            return random(request.json())
        if match := re.fullmatch(f"{RING}/cryptoKeys", name):
            return self.create(request) if request.method == "POST" else page(request, "cryptoKeys", [self.describe(key) for key in self.keys.values()])
        match = re.fullmatch(rf"({RING}/cryptoKeys/[^/]+)(?:/(cryptoKeyVersions)(?:/([^/]+)(/publicKey)?)?)?", name)
        key = self.keys.get(match[1]) if match else None
        if key is None:
            raise status(404, "NOT_FOUND", f"{name} not found.")
        if name.startswith(f"{RING}/cryptoKeys/forbidden"):
            raise status(403, "PERMISSION_DENIED", f"Permission 'cloudkms.cryptoKeyVersions.list' denied on resource '{name}' (or it may not exist).")
        if match[2] is None:
            return self.describe(key)
        if match[3] is None:
            return page(request, "cryptoKeyVersions", [version.describe() for version in key["versions"].values()])
        version = key["versions"].get(match[3])
        if version is None:
            raise status(404, "NOT_FOUND", f"{name} not found.")
        if match[4]:
            return public_key(request, version)
        if not verb:
            return version.describe()
        verbs = {
            "asymmetricSign": sign, "macSign": mac_sign, "macVerify": mac_verify, "asymmetricDecrypt": decrypt,
            "rawEncrypt": raw_encrypt, "rawDecrypt": raw_decrypt, "decapsulate": decapsulate,
            "destroy": destroy,
        }  # fmt: skip
        return verbs[verb](version, request.json())

    def describe(self, key):
        template = {"protectionLevel": key["level"], "algorithm": key["algorithm"]}
        return {"name": key["name"], "purpose": key["purpose"], "createTime": "2024-02-29T12:34:56.789Z", "versionTemplate": template}

    def create(self, request):
        name, wanted = request.query["cryptoKeyId"], request.json()
        algorithm = named("algorithm", wanted["versionTemplate"]["algorithm"])
        level = named("protectionLevel", wanted["versionTemplate"].get("protectionLevel", 1))
        if not re.fullmatch(r"[a-zA-Z0-9_-]{1,63}", name):
            raise invalid("crypto_key_id")
        if f"{RING}/cryptoKeys/{name}" in self.keys:
            raise status(409, "ALREADY_EXISTS", f"CryptoKey {RING}/cryptoKeys/{name} already exists.")
        if named("purpose", wanted["purpose"]) != purpose_of(algorithm) or (level != "HSM" and "SECP256K1" in algorithm):
            raise invalid("The algorithm is not supported for this purpose and protection level.")
        key = self.add(name, algorithm, level)
        for version in key["versions"].values():
            version.state, version.pending = "PENDING_GENERATION", 1
        return self.describe(key)


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def numbered(value):
    if isinstance(value, list):
        return [numbered(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: NUMBERS[name][item] if name in NUMBERS else numbered(item) for name, item in value.items()}


def page(request, field, items):
    start = int(request.query.get("pageToken", "at-0").removeprefix("at-"))
    end = start + min(int(request.query.get("pageSize", 100)), MOST_PER_PAGE)
    answer = {field: items[start:end], "totalSize": len(items)}
    return answer | ({"nextPageToken": f"at-{end}"} if end < len(items) else {})


def public_key(request, version):
    version.usable("ASYMMETRIC_SIGN", "ASYMMETRIC_DECRYPT", "KEY_ENCAPSULATION")
    wanted = named("publicKeyFormat", request.query.get("publicKeyFormat", ""))
    answer = {"name": version.name, "algorithm": version.algorithm, "protectionLevel": version.level}
    if version.algorithm == "KEM_XWING":
        raise invalid("public_key_format has to be XWING_RAW_BYTES for this algorithm, which nobody asks here.")
    public = version.key.public_key()
    if re.match("PQ_|ML_KEM", version.algorithm):
        if wanted != "NIST_PQC":
            raise invalid("public_key_format has to be set for PQC algorithms.")
        content = public.public_bytes_raw()
    else:
        content = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        if not wanted:
            return answer | {"pem": content.decode(), "pemCrc32c": str(crc32c(content))}
        if wanted != "PEM":
            raise invalid("public_key_format")
    return answer | {"publicKeyFormat": wanted, "publicKey": {"data": b64(content), "crc32cChecksum": str(crc32c(content))}}


def received(body, field):
    """The bytes of a field, and whether their checksum came along. A wrong one is refused."""
    data = base64.b64decode(body.get(field, ""))
    sum = body.get(f"{field}Crc32c")
    if sum is not None and int(sum) != crc32c(data):
        raise invalid(f"The checksum in field {field}_crc32c did not match the data in field {field}.")
    return data, sum is not None


def sent(field, data):
    return {field: b64(data), f"{field}Crc32c": str(crc32c(data))}


def verified(**fields):
    """proto3 leaves false out."""
    return {f"verified{name}Crc32c": True for name, came in fields.items() if came}


def sign(version, body):
    version.usable("ASYMMETRIC_SIGN")
    algorithm = version.algorithm
    if "digest" in body:
        [(kind, text)] = body["digest"].items()
        digest = base64.b64decode(text)
        sum = body.get("digestCrc32c")
        if sum is not None and int(sum) != crc32c(digest):
            raise invalid("The checksum in field digest_crc32c did not match the data in field digest.")
        signature, check = sign_digest(version, kind, digest), verified(Digest=sum is not None)
    else:
        data, came = received(body, "data")
        if algorithm.startswith("RSA_SIGN_RAW"):
            if len(data) > version.key.key_size // 8 - 11:
                raise invalid("data is too long.")
            signature = version.key.sign(data, padding.PKCS1v15(), hashes_none())
        elif algorithm == "EC_SIGN_ED25519" or re.fullmatch(r"PQ_SIGN_ML_DSA_\d\d", algorithm):
            signature = version.key.sign(data)
        else:
            raise invalid("The digest has to be set for this algorithm.")
        check = verified(Data=came)
    return sent("signature", signature) | check | {"name": version.name, "protectionLevel": version.level}


def hashes_none():
    return utils.NoDigestInfo()


def sign_digest(version, kind, digest):
    algorithm = version.algorithm
    if algorithm.endswith("_EXTERNAL_MU"):
        if kind != "externalMu" or len(digest) != 64:
            raise invalid("external_mu has to be set for this algorithm.")
        return version.key.sign_mu(digest)
    if version.hash is None or kind != version.hash.name or len(digest) != version.hash.digest_size:
        raise invalid(f"The digest's type is not that of {algorithm}.")
    prehashed = utils.Prehashed(version.hash)
    if algorithm.startswith("EC_SIGN"):
        return version.key.sign(digest, ec.ECDSA(prehashed))
    if "PSS" in algorithm:
        pss = padding.PSS(padding.MGF1(version.hash), version.hash.digest_size)
        return version.key.sign(digest, pss, prehashed)
    return version.key.sign(digest, padding.PKCS1v15(), prehashed)


def mac(version, data):
    maker = hmac.HMAC(version.key, version.hash)
    maker.update(data)
    return maker.finalize()


def mac_sign(version, body):
    version.usable("MAC")
    data, came = received(body, "data")
    return sent("mac", mac(version, data)) | verified(Data=came) | {"name": version.name}


def mac_verify(version, body):
    version.usable("MAC")
    data, came = received(body, "data")
    tag, tag_came = received(body, "mac")
    same = mac(version, data) == tag
    return {"name": version.name, "success": same} | verified(Data=came, Mac=tag_came)


def decrypt(version, body):
    version.usable("ASYMMETRIC_DECRYPT")
    ciphertext, came = received(body, "ciphertext")
    oaep = padding.OAEP(padding.MGF1(version.hash), version.hash, None)
    try:
        plaintext = version.key.decrypt(ciphertext, oaep)
    except ValueError:
        raise invalid("Decryption failed: the ciphertext is invalid.") from None
    # An empty field is left out; its checksum is not.
    answer = sent("plaintext", plaintext)
    if not plaintext:
        del answer["plaintext"]
    return answer | verified(Ciphertext=came) | {"protectionLevel": version.level}


def decapsulate(version, body):
    version.usable("KEY_ENCAPSULATION")
    ciphertext, came = received(body, "ciphertext")
    try:
        secret = version.key.decapsulate(ciphertext)
    except ValueError:
        raise invalid("The ciphertext has the wrong length.") from None
    return sent("sharedSecret", secret) | verified(Ciphertext=came) | {"name": version.name, "protectionLevel": version.level}


def block_mode(version, iv):
    if len(iv) != 16:
        raise invalid("The initialization vector has to have 16 bytes.")
    return Cipher(algorithms.AES(version.key), modes.CBC(iv) if "CBC" in version.algorithm else modes.CTR(iv))


def raw_encrypt(version, body):
    version.usable("RAW_ENCRYPT_DECRYPT")
    plaintext, came = received(body, "plaintext")
    aad, aad_came = received(body, "additionalAuthenticatedData")
    iv, iv_came = received(body, "initializationVector")
    if len(plaintext) > 65536:
        raise invalid("The plaintext is longer than 64 KiB.")
    if version.algorithm.endswith("GCM"):
        if iv:
            raise invalid("An initialization vector can't be set for AES-GCM.")
        iv = secrets.token_bytes(12)
        ciphertext, extra = AESGCM(version.key).encrypt(iv, plaintext, aad), {"tagLength": 16}
    else:
        if aad or ("CBC" in version.algorithm and len(plaintext) % 16):
            raise invalid("The plaintext is not a multiple of the block size, or there are additional data.")
        iv = iv or secrets.token_bytes(16)
        encryptor = block_mode(version, iv).encryptor()
        ciphertext, extra = encryptor.update(plaintext) + encryptor.finalize(), {}
    check = verified(Plaintext=came, AdditionalAuthenticatedData=aad_came, InitializationVector=iv_came)
    return sent("ciphertext", ciphertext) | sent("initializationVector", iv) | extra | check | {"name": version.name}


def raw_decrypt(version, body):
    version.usable("RAW_ENCRYPT_DECRYPT")
    ciphertext, came = received(body, "ciphertext")
    aad, aad_came = received(body, "additionalAuthenticatedData")
    iv, iv_came = received(body, "initializationVector")
    if version.algorithm.endswith("GCM"):
        if int(body.get("tagLength", 0)) not in (0, 16):
            raise invalid("tag_length")
        try:
            plaintext = AESGCM(version.key).decrypt(iv, ciphertext, aad)
        except (InvalidTag, ValueError):
            raise invalid("Decryption failed: the ciphertext is invalid.") from None
    else:
        if "CBC" in version.algorithm and len(ciphertext) % 16:
            raise invalid("The ciphertext is not a multiple of the block size.")
        decryptor = block_mode(version, iv).decryptor()
        plaintext = decryptor.update(ciphertext) + decryptor.finalize()
    check = verified(Ciphertext=came, AdditionalAuthenticatedData=aad_came, InitializationVector=iv_came)
    return sent("plaintext", plaintext) | check | {"protectionLevel": version.level}


def destroy(version, _body):
    if version.state in ("DESTROYED", "DESTROY_SCHEDULED"):
        raise status(400, "FAILED_PRECONDITION", f"{version.name} is {version.state}.")
    version.state = "DESTROY_SCHEDULED"
    return version.describe()


def random(body):
    length = body.get("lengthBytes", 0)
    if not 8 <= length <= 1024 or named("protectionLevel", body.get("protectionLevel", 0)) != "HSM":
        raise invalid("length_bytes has to be from 8 to 1024, and protection_level HSM.")
    return sent("data", secrets.token_bytes(length))


if __name__ == "__main__":
    serve(Google(int(sys.argv[1]), Path(sys.argv[2])), int(sys.argv[1]))
