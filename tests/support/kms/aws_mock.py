"""A small AWS: the part of KMS that no emulator has, and the services that credentials come from.

    aws_mock.py PORT

Every signed request is judged by botocore's own signer. What else it does is kept honest by aws_mock_check.py, which
uses it through boto3. POST /control {"fail": [...], "expire": true, "clock": 600, "page": 3} makes trouble:

    fail    {"operation": ..., "code": ..., "status": 400, "times": 1}, the next so many requests
    expire  every temporary credential that was given out
    clock   how many seconds ahead of the machine the service's clock is
    page    the longest page of a list

GET /control tells how often each operation was asked for.
"""

import base64
import datetime
import json
import os
import re
import sys
import threading
import time
import urllib.parse
import uuid
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, mldsa, mlkem, utils

REGION, ACCOUNT = "eu-test-1", "111122223333"
ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:"
IMDS_TOKEN, CONTAINER_TOKEN, WEB_TOKEN = "imds-PLANTED", "container-PLANTED", "web-PLANTED"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/keyward"

# Of a user, for ever: the secret and the session token.
keys_of_users = {"AKIDSTATIC": ("static-PLANTED/+", None)}
expired = set()
control = {"fail": [], "clock": 0, "page": 100}
requests = {}
keys, aliases = {}, {"alias/aws/ebs": "aws-managed", "alias/aws/s3": None}
lock = threading.RLock()

MAKERS = {
    "ECC_NIST_P256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ECC_NIST_P384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ECC_NIST_P521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ML_DSA_44": mldsa.MLDSA44PrivateKey.generate,
    "ML_DSA_65": mldsa.MLDSA65PrivateKey.generate,
    "ML_DSA_87": mldsa.MLDSA87PrivateKey.generate,
    "ML_KEM_768": mlkem.MLKEM768PrivateKey.generate,
    "ML_KEM_1024": mlkem.MLKEM1024PrivateKey.generate,
    "SYMMETRIC_DEFAULT": lambda: None,
}
DIGESTS = {"ECDSA_SHA_256": hashes.SHA256(), "ECDSA_SHA_384": hashes.SHA384(), "ECDSA_SHA_512": hashes.SHA512()}
SIGNING = {"ECC_NIST_P256": "ECDSA_SHA_256", "ECC_NIST_P384": "ECDSA_SHA_384", "ECC_NIST_P521": "ECDSA_SHA_512"}


class Refusal(Exception):
    def __init__(self, code, message="", status=400):
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


def now():
    return time.time() + control["clock"]


def temporary():
    """New credentials that last an hour."""
    key, secret, token = "ASIA" + uuid.uuid4().hex[:16].upper(), f"secret-PLANTED/{uuid.uuid4().hex}", "token-PLANTED+/" + uuid.uuid4().hex
    keys_of_users[key] = (secret, token)
    end = datetime.datetime.fromtimestamp(now() + 3600, datetime.timezone.utc)
    return key, secret, token, end.strftime("%Y-%m-%dT%H:%M:%SZ")


def find(name):
    name = name.removeprefix(ARN)
    name = aliases.get(name, name) or name
    key = keys.get(name.removeprefix("key/"))
    if key is None:
        raise Refusal("NotFoundException", f"Key '{name}' does not exist")
    return key


def usable(data, usage):
    key = find(data["KeyId"])
    if key["usage"] != usage:
        raise Refusal("InvalidKeyUsageException", "the key is for something else")
    if key["state"] == "Disabled":
        raise Refusal("DisabledException", f"{key['arn']} is disabled.")
    if key["state"] == "PendingDeletion":
        raise Refusal("KMSInvalidStateException", f"{key['arn']} is pending deletion.")
    return key


def metadata(key):
    return {
        "KeyId": key["id"],
        "Arn": key["arn"],
        "KeySpec": key["spec"],
        "KeyUsage": key["usage"],
        "KeyState": key["state"],
        "CreationDate": key["created"],
    }


def create_key(data):
    spec = data.get("KeySpec", "SYMMETRIC_DEFAULT")
    if spec not in MAKERS:
        raise Refusal("UnsupportedOperationException")
    key_id = str(uuid.uuid4())
    usage = data.get("KeyUsage", "ENCRYPT_DECRYPT")
    keys[key_id] = {"id": key_id, "arn": f"{ARN}key/{key_id}", "spec": spec, "usage": usage, "state": "Enabled", "created": time.time(), "private": MAKERS[spec]()}
    return {"KeyMetadata": metadata(keys[key_id])}


def create_alias(data):
    if data["AliasName"] in aliases:
        raise Refusal("AlreadyExistsException", "the alias is taken")
    aliases[data["AliasName"]] = find(data["TargetKeyId"])["id"]
    return {}


def page(data, items, name):
    limit = min(data.get("Limit", 50), control["page"])
    start = int(data.get("Marker", "0"))
    answer = {name: items[start : start + limit], "Truncated": start + limit < len(items)}
    if answer["Truncated"]:
        answer["NextMarker"] = str(start + limit)
    return answer


def list_aliases(data):
    if data.get("Limit", 1) > 100:
        raise Refusal("ValidationException", "1 validation error detected: Value at 'limit' failed to satisfy constraint")
    def entry(name, key):
        return {"AliasName": name, "AliasArn": ARN + name} | ({"TargetKeyId": key} if key else {})
    return page(data, [entry(*alias) for alias in sorted(aliases.items())], "Aliases")


def list_keys(data):
    ids = ["aws-managed", *keys]
    return page(data, [{"KeyId": key, "KeyArn": f"{ARN}key/{key}"} for key in ids], "Keys")


def get_public_key(data):
    key = find(data["KeyId"])
    if key["private"] is None:
        raise Refusal("UnsupportedOperationException", "only for asymmetric keys")
    usable(data, key["usage"])
    spki = key["private"].public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    answer = {"KeyId": key["arn"], "KeySpec": key["spec"], "KeyUsage": key["usage"], "PublicKey": base64.b64encode(spki).decode()}
    if key["usage"] == "KEY_AGREEMENT":
        return answer | {"KeyAgreementAlgorithms": ["ECDH"]}
    if key["usage"] == "ENCAPSULATE_DECAPSULATE":
        return answer | {"EncapsulationAlgorithms": ["ML_KEM"]}
    return answer | {"SigningAlgorithms": [SIGNING.get(key["spec"], "ML_DSA_SHAKE_256")]}


def sign(data):
    key = usable(data, "SIGN_VERIFY")
    message, kind, algorithm = base64.b64decode(data["Message"]), data.get("MessageType", "RAW"), data["SigningAlgorithm"]
    if kind == "RAW" and len(message) > 4096:
        raise Refusal("ValidationException", "1 validation error detected: Value at 'message' failed to satisfy constraint")
    if algorithm != SIGNING.get(key["spec"], "ML_DSA_SHAKE_256"):
        raise Refusal("InvalidKeyUsageException")
    private = key["private"]
    if algorithm in DIGESTS:
        way = utils.Prehashed(DIGESTS[algorithm]) if kind == "DIGEST" else DIGESTS[algorithm]
        if kind == "DIGEST" and len(message) != DIGESTS[algorithm].digest_size:
            raise Refusal("ValidationException", "Digest is invalid length for algorithm")
        signature = private.sign(message, ec.ECDSA(way))
    elif kind == "EXTERNAL_MU":
        if len(message) != 64:
            raise Refusal("ValidationException", "Mu has 64 bytes")
        signature = private.sign_mu(message)
    elif kind == "RAW":
        signature = private.sign(message)
    else:
        raise Refusal("ValidationException", "no digests")
    return {"KeyId": key["arn"], "SigningAlgorithm": algorithm, "Signature": base64.b64encode(signature).decode()}


def derive_shared_secret(data):
    key = usable(data, "KEY_AGREEMENT")
    try:
        peer = serialization.load_der_public_key(base64.b64decode(data["PublicKey"]))
        secret = key["private"].exchange(ec.ECDH(), peer)
    except (TypeError, ValueError):
        raise Refusal("ValidationException", "the public key is of another curve") from None
    return {"KeyId": key["arn"], "SharedSecret": base64.b64encode(secret).decode(), "KeyAgreementAlgorithm": data["KeyAgreementAlgorithm"]}


def decapsulate(data):
    key = usable(data, "ENCAPSULATE_DECAPSULATE")
    if data["EncapsulationAlgorithm"] != "ML_KEM":
        raise Refusal("InvalidKeyUsageException")
    try:
        secret = key["private"].decapsulate(base64.b64decode(data["SharedSecretCiphertextBlob"]))
    except ValueError:
        raise Refusal("InvalidCiphertextException") from None
    return {"KeyId": key["arn"], "SharedSecret": base64.b64encode(secret).decode(), "EncapsulationAlgorithm": "ML_KEM"}


def generate_random(data):
    count = data["NumberOfBytes"]
    if not 1 <= count <= 1024:
        raise Refusal("ValidationException", f"Value '{count}' at 'numberOfBytes' failed to satisfy constraint")
    return {"Plaintext": base64.b64encode(os.urandom(count)).decode()}


def change_state(data, state):
    key = find(data["KeyId"])
    key["state"] = state
    return {"KeyId": key["arn"], "KeyState": state}


OPERATIONS = {
    "CreateAlias": create_alias,
    "CreateKey": create_key,
    "Decapsulate": decapsulate,
    "DeriveSharedSecret": derive_shared_secret,
    "DescribeKey": lambda data: {"KeyMetadata": metadata(find(data["KeyId"]))},
    "DisableKey": lambda data: change_state(data, "Disabled"),
    "GenerateRandom": generate_random,
    "GetPublicKey": get_public_key,
    "ListAliases": list_aliases,
    "ListKeys": list_keys,
    "ScheduleKeyDeletion": lambda data: change_state(data, "PendingDeletion"),
    "Sign": sign,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return formatdate(now(), usegmt=True)

    def answer(self, status, body, kind="application/x-amz-json-1.1"):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def judge(self, body, service):
        """The signature, as botocore makes it of the same request."""
        header = self.headers.get("Authorization", "")
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})", header)
        if found is None:
            raise Refusal("MissingAuthenticationTokenException")
        access_key, _, region, signed_service, names, given = found.groups()
        if access_key not in keys_of_users:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        secret, token = keys_of_users[access_key]
        if self.headers.get("X-Amz-Security-Token") != token:
            raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")
        if access_key in expired:
            raise Refusal("ExpiredTokenException", "The security token included in the request is expired")
        names = names.split(";")
        if not {"host", "x-amz-date"} <= set(names) or (token and "x-amz-security-token" not in names):
            raise Refusal("IncompleteSignatureException")
        request = AWSRequest(method=self.command, url=f"http://{self.headers['Host']}{self.path}", data=body, headers={name: self.headers[name] for name in names})
        request.context["timestamp"] = self.headers["X-Amz-Date"]
        signer = SigV4Auth(Credentials(access_key, secret), service, REGION)
        canonical = signer.canonical_request(request)
        if signer.signature(signer.string_to_sign(request, canonical), request) != given or (region, signed_service) != (REGION, service):
            raise Refusal("InvalidSignatureException", f"The Canonical String for this request should have been\n'{canonical}'")
        signed_at = datetime.datetime.strptime(self.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
        if abs(signed_at - now()) > 300:
            raise Refusal("InvalidSignatureException", f"Signature expired: {self.headers['X-Amz-Date']}")

    def json(self, body):
        operation = self.headers["X-Amz-Target"].removeprefix("TrentService.")
        with lock:
            requests[operation] = requests.get(operation, 0) + 1
            for failure in control["fail"]:
                if failure["operation"] == operation and failure["times"] > 0:
                    failure["times"] -= 1
                    raise Refusal(failure["code"], "as told", failure.get("status", 400))
            self.judge(body, "kms")
            return OPERATIONS[operation](json.loads(body))

    def sts(self, body):
        form = {name: values[0] for name, values in urllib.parse.parse_qs(body.decode()).items()}
        action = form["Action"]
        requests[action] = requests.get(action, 0) + 1
        if action == "AssumeRole":
            self.judge(body, "sts")
        elif form.get("WebIdentityToken") != WEB_TOKEN:
            raise Refusal("InvalidIdentityToken", "no such token")
        if form["RoleArn"] != ROLE or form.get("ExternalId", "outside") != "outside":
            raise Refusal("AccessDenied", f"not authorized to perform {action} on {form['RoleArn']}", 403)
        key, secret, token, end = temporary()
        return (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials><AccessKeyId>{key}</AccessKeyId>'
            f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>"
        )

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/control":
            told = json.loads(body)
            with lock:
                if told.pop("expire", False):
                    expired.update(key for key, (_, token) in keys_of_users.items() if token)
                control.update(told)
            return self.answer(200, "{}")
        if "X-Amz-Target" in self.headers:
            try:
                return self.answer(200, json.dumps(self.json(body)))
            except Refusal as refusal:
                return self.answer(refusal.status, json.dumps({"__type": f"com.amazonaws.kms#{refusal.code}", "message": refusal.message}))
        try:
            return self.answer(200, self.sts(body), "text/xml")
        except Refusal as refusal:
            error = f"<Error><Type>Sender</Type><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>"
            return self.answer(refusal.status, f"<ErrorResponse>{error}</ErrorResponse>", "text/xml")

    def do_PUT(self):
        if self.path != "/latest/api/token" or "X-aws-ec2-metadata-token-ttl-seconds" not in self.headers:
            return self.answer(400, "")
        return self.answer(200, IMDS_TOKEN, "text/plain")

    def do_GET(self):
        if self.path == "/control":
            return self.answer(200, json.dumps(requests))
        requests[self.path] = requests.get(self.path, 0) + 1
        if self.path == "/container":
            if self.headers.get("Authorization") != CONTAINER_TOKEN:
                return self.answer(401, json.dumps({"code": "AccessDenied", "message": "no"}))
            return self.credentials()
        if self.headers.get("X-aws-ec2-metadata-token") != IMDS_TOKEN:
            return self.answer(401, "")
        roles = "/latest/meta-data/iam/security-credentials/"
        answers = {roles: "the-role\n", "/latest/meta-data/placement/region": REGION, "/latest/meta-data/placement/availability-zone/": REGION + "a"}
        if self.path == roles + "the-role":
            return self.credentials({"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z"})
        if self.path in answers:
            return self.answer(200, answers[self.path], "text/plain")
        return self.answer(404, "<html>not here</html>", "text/html")

    def credentials(self, more=None):
        key, secret, token, end = temporary()
        answer = {"AccessKeyId": key, "SecretAccessKey": secret, "Token": token, "Expiration": end, "RoleArn": ROLE}
        return self.answer(200, json.dumps(answer | (more or {})), "application/json")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
