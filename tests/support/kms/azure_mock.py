"""A mock of a managed HSM of Azure's and of Microsoft Entra, over TLS: azure_mock.py PORT DIRECTORY

Speaks the REST interface as azure-keyvault-keys and azure-identity speak it (azure_official.py drives it with those).
A vault has fewer key types and no random bytes; what it has is the same. DIRECTORY gets ca.pem, a client's certificate
with its key, and a workload identity's token.
"""

import base64
import datetime
import hashlib
import ipaddress
import json
import re
import secrets
import ssl
import sys
import time
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from mock import Mock, Refused, serve

TENANT, CLIENT, SECRET = "11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000", "s3cret~of.the-client"
RESOURCE = "https://managedhsm.azure.net"
API_VERSION = "2025-07-01"
MOST_PER_PAGE = 5
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1(), "P-256K": ec.SECP256K1()}
OPERATIONS = ["sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey"]


def error(status, code, message, inner=None, headers=None):
    body = {"code": code, "message": message}
    return Refused(status, {"error": body | ({"innererror": {"code": inner}} if inner else {})}, headers)


def invalid(message):
    return error(400, "BadParameter", message)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value, length=None):
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class Version:
    """One version of a key. The key itself is made when it is first needed."""

    def __init__(self, kty, size=None, curve=None, ops=None, created=1700000000, **attributes):
        self.kty, self.size, self.curve = kty, size, curve
        self.ops = ops if ops is not None else OPERATIONS[:2] if curve else OPERATIONS
        self.id = secrets.token_hex(16)
        self.attributes = {"enabled": True, "created": created, "updated": created, "recoveryLevel": "Recoverable+Purgeable"} | attributes
        self.made = None

    @property
    def key(self):
        if self.made is None:
            kind = self.kty.removesuffix("-HSM")
            if kind == "RSA":
                self.made = rsa.generate_private_key(65537, self.size)
            else:
                self.made = secrets.token_bytes(self.size // 8) if kind == "oct" else ec.generate_private_key(CURVES[self.curve])
        return self.made

    def usable(self, operation):
        now = time.time()
        for reason, failed in (
            ("KeyDisabled", not self.attributes["enabled"]),
            ("KeyNotYetValid", self.attributes.get("nbf", 0) > now),
            ("KeyExpired", self.attributes.get("exp", now + 1) < now and operation == "sign"),
        ):
            if failed:
                raise error(403, "Forbidden", f"Operation {operation} is not allowed on this key: {reason}.", reason)
        if operation not in self.ops:
            raise error(403, "Forbidden", f"Operation {operation} is not permitted on this key.", "KeyOperationForbidden")
        return self


class Azure(Mock):
    def __init__(self, port, directory):
        super().__init__()
        self.url = f"https://127.0.0.1:{port}"
        self.federated, self.identity_header = secrets.token_urlsafe(), secrets.token_urlsafe()
        self.certificate = self.write_credentials(directory)
        self.keys = {
            "rsa": [Version("RSA-HSM", 2048)],
            "rsa-sign": [Version("RSA", 2048, ops=["sign", "verify"])],
            "rsa-decrypt": [Version("RSA-HSM", 2048, ops=["decrypt", "encrypt"])],
            "rsa-unwrap": [Version("RSA-HSM", 2048, ops=["unwrapKey", "wrapKey"])],
            "rotated": [Version("EC-HSM", curve="P-256", created=1700000000 + at) for at in range(3)],
            "many": [Version("EC-HSM", curve="P-256", created=1700000000 + at) for at in range(12)],
            "disabled": [Version("EC-HSM", curve="P-256", enabled=False)],
            "future": [Version("EC-HSM", curve="P-256", nbf=9999999999)],
            "expired": [Version("EC-HSM", curve="P-256", exp=1700000001)],
            "useless": [Version("EC-HSM", curve="P-256", ops=["verify"])],
            "forbidden": [Version("EC-HSM", curve="P-256")],
            "aes": [Version("oct-HSM", 256)],
            "aes-128": [Version("oct-HSM", 128)],
        } | {f"ec-{name.lower()}": [Version("EC-HSM", curve=name)] for name in CURVES}
        self.keys["rotated"][1].attributes["enabled"] = False
        self.deleted = set()

    def secret(self, name):
        return self.keys[name][0].key

    def write_credentials(self, directory):
        (directory / "federated-token").write_text(self.federated)
        (directory / "client-secret").write_text(SECRET + "\n")
        (directory / "identity-header").write_text(self.identity_header)
        key = rsa.generate_private_key(65537, 2048)
        certificate = certify(key, "client", key, "client")
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (directory / "client.pem").write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
        return certificate

    # Access tokens.

    def grant(self, owner, resource):
        lasts = self.settings.get("token_lasts", 3600)
        return {"token_type": "Bearer", "access_token": self.issue((owner, resource), lasts)}

    def entra(self, request):
        form, base = request.form(), f"{self.url}/{TENANT}"
        if request.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            return {
                "token_endpoint": f"{base}/oauth2/v2.0/token", "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "issuer": f"{base}/v2.0", "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            }  # fmt: skip
        if request.path != f"/{TENANT}/oauth2/v2.0/token":
            raise Refused(400, {"error": "invalid_request", "error_description": "AADSTS90002: Tenant not found.\r\nTrace ID: x", "error_codes": [90002]})
        if form.get("grant_type") != "client_credentials" or form.get("client_id") != CLIENT:
            raise Refused(400, {"error": "unauthorized_client", "error_description": "AADSTS700016: Application not found.\r\nTrace ID: x"})
        resource, _, default = form["scope"].partition("/.default")
        if not resource.startswith("https://") or default:
            raise Refused(400, {"error": "invalid_scope", "error_description": "AADSTS1002012: scope"})
        if "client_assertion" in form:
            good = form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            good = good and (form["client_assertion"] == self.federated or self.is_signed(form["client_assertion"]))
        else:
            good = form.get("client_secret") == SECRET
        if not good:
            raise Refused(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x", "error_codes": [7000215]})
        lasts = self.settings.get("token_lasts", 3600)
        return self.grant("client", resource) | {"expires_in": lasts, "ext_expires_in": lasts}

    def is_signed(self, assertion):
        """A JSON web token under the client's certificate: RS256 and SHA-1, or PS256 and SHA-256, as Microsoft's own."""
        signed, _, signature = assertion.rpartition(".")
        header, claims = (json.loads(unb64(part)) for part in signed.split("."))
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        known = [
            header.get("x5t", "").rstrip("=") == b64(hashlib.sha1(der).digest()),
            header.get("x5t#S256", "").rstrip("=") == b64(hashlib.sha256(der).digest()),
        ]
        pads = {"RS256": padding.PKCS1v15(), "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), 32)}
        try:
            self.certificate.public_key().verify(unb64(signature), signed.encode(), pads[header["alg"]], hashes.SHA256())
        except InvalidSignature:
            return False
        ours = claims["iss"] == claims["sub"] == CLIENT and claims["aud"].rstrip("/") == f"{self.url}/{TENANT}/oauth2/v2.0/token"
        return any(known) and ours and claims["jti"] and claims["exp"] > time.time()

    def managed(self, request):
        """The instance metadata service, and App Service's endpoint at /msi."""
        query = request.query
        if request.path == "/msi":
            if request.headers.get("x-identity-header") != self.identity_header or query["api-version"] != "2019-08-01":
                raise Refused(401, {})
        elif request.headers.get("metadata") != "true" or query.get("api-version") != "2018-02-01":
            raise Refused(400, {"error": "invalid_request", "error_description": "Required metadata header not specified"})
        if query.get("client_id", CLIENT) != CLIENT:
            raise Refused(400, {"error": "invalid_request", "error_description": "Identity not found"})
        end = str(int(time.time()) + self.settings.get("token_lasts", 3600))
        more = {"expires_in": "3599"} if request.path != "/msi" else {}
        more |= {"expires_on": end, "resource": query["resource"]}
        return self.grant("managed", query["resource"].rstrip("/")) | more

    def challenge(self):
        asked = self.settings.get("asks_for", RESOURCE)
        value = f'Bearer authorization="{self.url}/{TENANT}", resource="{asked}"'
        return error(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.", headers={"www-authenticate": value})

    # Keys.

    def handle(self, request):
        if request.path.startswith("/metadata/identity/") or request.path == "/msi":
            return self.managed(request)
        if not re.match(r"/(keys|rng|deletedkeys)\b", request.path):
            return self.entra(request)
        owner = self.owner(request)
        if owner is None or owner[1] != RESOURCE:
            raise self.challenge()
        if request.query.get("api-version") != API_VERSION:
            raise invalid("api-version")
        if request.path == "/rng":
            count = request.json()["count"]
            if not 1 <= count <= 128:
                raise invalid("count has to be from 1 to 128.")
            return {"value": b64(secrets.token_bytes(count))}
        return self.vault(request, *request.path.strip("/").split("/")[1:])

    def vault(self, request, name=None, version=None, operation=None):
        if name is None:
            return self.page(request, [self.item(f"{self.url}/keys/{key}", versions[-1]) for key, versions in self.keys.items()])
        if name == "forbidden":
            raise error(403, "Forbidden", "The user, group or application does not have keys get permission.\r\nmore", "ForbiddenByRbac")
        if version == "create":
            return self.create(name, request.json())
        versions = self.keys.get(name, [])
        if version == "versions":
            return self.page(request, [self.item(self.kid(name, each), each) for each in versions])
        if not versions:
            raise error(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault.")
        if request.method == "DELETE":
            self.deleted.add(name)
            del self.keys[name]
            return self.bundle(name, versions[-1]) | {"recoveryId": f"{self.url}/deletedkeys/{name}", "deletedDate": 1700000000, "scheduledPurgeDate": 1707776000}
        found = versions[-1] if not version else next((each for each in versions if each.id == version), None)
        if found is None:
            raise error(404, "KeyNotFound", f"A key with (name/id) {name}/{version} was not found in this key vault.")
        return operate(self.kid(name, found), found, operation, request.json()) if operation else self.bundle(name, found)

    def kid(self, name, version):
        return f"{self.url}/keys/{name}/{version.id}"

    def item(self, kid, version):
        return {"kid": kid, "attributes": version.attributes}

    def page(self, request, items):
        start = int(request.query.get("$skiptoken", 0))
        end = start + min(int(request.query.get("maxresults", 25)), MOST_PER_PAGE)
        elsewhere = self.settings.get("next_link_host", self.url)
        link = f"{elsewhere}{request.path}?api-version={API_VERSION}&$skiptoken={end}&maxresults={MOST_PER_PAGE}"
        return {"value": items[start:end], "nextLink": link if end < len(items) else None}

    def bundle(self, name, version):
        key = {"kid": self.kid(name, version), "kty": version.kty, "key_ops": version.ops}
        kind = version.kty.removesuffix("-HSM")
        if kind == "RSA":
            public = version.key.public_key().public_numbers()
            key |= {"n": number(public.n), "e": number(public.e)}
        elif kind == "EC":
            public, length = version.key.public_key().public_numbers(), (version.key.key_size + 7) // 8
            key |= {"crv": version.curve, "x": number(public.x, length), "y": number(public.y, length)}
        elif name != "aes":
            key |= {"key_size": version.size}
        return {"key": key, "attributes": version.attributes}

    def create(self, name, wanted):
        if not re.fullmatch(r"[0-9a-zA-Z-]{1,127}", name):
            raise invalid("The name has to be 1-127 of 0-9, a-z, A-Z and -.")
        if name in self.deleted:
            raise error(409, "Conflict", f"Key {name} is currently in a deleted but recoverable state.", "ObjectIsDeletedButRecoverable")
        kind, size, curve = wanted["kty"].removesuffix("-HSM"), wanted.get("key_size"), wanted.get("crv")
        if (kind, bool(curve)) not in (("RSA", False), ("EC", True), ("oct", False)) or (kind == "RSA" and size not in (2048, 3072, 4096)):
            raise invalid("The key type, size or curve is not supported.")
        version = Version(wanted["kty"], size, curve, wanted.get("key_ops"), created=int(time.time()))
        self.keys.setdefault(name, []).append(version)
        return self.bundle(name, version)


def operate(kid, version, operation, body):
    value, alg = unb64(body["value"]), body["alg"]
    extra = {}
    match operation:
        case "sign":
            result = sign(version.usable("sign"), alg, value)
        case "decrypt" | "unwrapkey":
            version.usable({"unwrapkey": "unwrapKey"}.get(operation, operation))
            result = rsa_decrypt(version, alg, value) if version.kty.startswith("RSA") else aes_decrypt(version, alg, value, body)
        case "encrypt":
            result, extra = aes_encrypt(version.usable("encrypt"), alg, value, body)
        case _:
            raise invalid(operation)
    return {"kid": kid, "value": b64(result)} | extra


def sign(version, alg, digest):
    match = re.fullmatch(r"(RS|PS|ES)(256|384|512)(K?)", alg)
    if not match:
        raise invalid(f"Algorithm {alg} is not supported.")
    hash = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[match[2]]
    if len(digest) != hash.digest_size:
        raise invalid(f"Invalid length of 'value': {len(digest)} bytes. {alg} requires {hash.digest_size} bytes.")
    prehashed = utils.Prehashed(hash)
    if match[1] == "ES":
        if {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "ES256K": "P-256K"}[alg] != version.curve:
            raise invalid(f"Key and signing algorithm are incompatible. Key is on {version.curve}.")
        length = (version.key.key_size + 7) // 8
        parts = utils.decode_dss_signature(version.key.sign(digest, ec.ECDSA(prehashed)))
        return b"".join(part.to_bytes(length, "big") for part in parts)
    if not version.kty.startswith("RSA"):
        raise invalid("Key and signing algorithm are incompatible.")
    pad = padding.PKCS1v15() if match[1] == "RS" else padding.PSS(padding.MGF1(hash), hash.digest_size)
    return version.key.sign(digest, pad, prehashed)


def rsa_decrypt(version, alg, value):
    sha1, sha256 = hashes.SHA1(), hashes.SHA256()
    pads = {
        "RSA1_5": padding.PKCS1v15(),
        "RSA-OAEP": padding.OAEP(padding.MGF1(sha1), sha1, None),
        "RSA-OAEP-256": padding.OAEP(padding.MGF1(sha256), sha256, None),
    }
    try:
        return version.key.decrypt(value, pads[alg])
    except (ValueError, KeyError):
        raise invalid("The parameter is incorrect.") from None


def aes(version, alg):
    match = re.fullmatch(r"A(128|192|256)(GCM|CBC)", alg)
    if not match or not version.kty.startswith("oct") or int(match[1]) != version.size:
        raise invalid("Key and encryption algorithm are incompatible.")
    return match[2]


def aes_decrypt(version, alg, value, body):
    if aes(version, alg) == "GCM":
        try:
            return AESGCM(version.key).decrypt(unb64(body["iv"]), value + unb64(body["tag"]), unb64(body.get("aad", "")))
        except (InvalidTag, KeyError):
            raise invalid("The parameter is incorrect.") from None
    decryptor = Cipher(algorithms.AES(version.key), modes.CBC(unb64(body["iv"]))).decryptor()
    return decryptor.update(value) + decryptor.finalize()


def aes_encrypt(version, alg, value, body):
    if aes(version, alg) == "GCM":
        if "iv" in body:
            raise invalid("An IV can't be given for AES-GCM.")
        iv = secrets.token_bytes(12)
        sealed = AESGCM(version.key).encrypt(iv, value, unb64(body.get("aad", "")))
        return sealed[:-16], {"iv": b64(iv), "tag": b64(sealed[-16:])}
    if len(value) % 16:
        raise invalid("The value is not a multiple of the block size.")
    encryptor = Cipher(algorithms.AES(version.key), modes.CBC(unb64(body["iv"]))).encryptor()
    return encryptor.update(value) + encryptor.finalize(), {"iv": body["iv"]}


def certify(key, name, issuer_key, issuer, is_ca=False):
    """A certificate for 127.0.0.1."""
    named = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])  # noqa: E731
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(issuer)).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=2))
    builder = builder.add_extension(x509.BasicConstraints(is_ca, None), critical=True)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if is_ca:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(usage, critical=True)
    else:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def tls(directory):
    """A server certificate under a CA of the directory's own."""
    pem = serialization.Encoding.PEM
    ca, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    chain = directory / "server.pem"
    private = server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(private + certify(server, "server", ca, "ca").public_bytes(pem))
    (directory / "ca.pem").write_bytes(certify(ca, "ca", ca, "ca", is_ca=True).public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


if __name__ == "__main__":
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    serve(Azure(port, directory), port, tls(directory))
