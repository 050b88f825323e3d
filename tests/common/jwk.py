"""Reads keys in PEM and writes JWKs, or the other way round; makes ML-DSA keys and verifies their signatures."""
import base64, json, sys, warnings
warnings.simplefilter("ignore")
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519, rsa, mldsa
from cryptography.hazmat.primitives import serialization as s

def enc(data): return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
def num(n, size=None): return enc(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))
def dec(text): return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
def integer(text): return int.from_bytes(dec(text), "big")
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "secp256k1": ec.SECP256K1}

def raw(key): return enc(key.private_bytes(s.Encoding.Raw, s.PrivateFormat.Raw, s.NoEncryption()))
def raw_public(key): return enc(key.public_bytes(s.Encoding.Raw, s.PublicFormat.Raw))

def jwk(key):
    if isinstance(key, rsa.RSAPrivateKey):
        n = key.private_numbers()
        return dict(kty="RSA", n=num(n.public_numbers.n), e=num(n.public_numbers.e), d=num(n.d), p=num(n.p), q=num(n.q),
                    dp=num(n.dmp1), dq=num(n.dmq1), qi=num(n.iqmp))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        size = (key.curve.key_size + 7) // 8
        n = key.private_numbers()
        name = next(name for name, curve in CURVES.items() if curve.name == key.curve.name)
        return dict(kty="EC", crv=name, x=num(n.public_numbers.x, size), y=num(n.public_numbers.y, size), d=num(n.private_value, size))
    name = "Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "X25519"
    return dict(kty="OKP", crv=name, x=raw_public(key.public_key()), d=raw(key))

def key(jwk):
    if jwk["kty"] == "RSA":
        public = rsa.RSAPublicNumbers(integer(jwk["e"]), integer(jwk["n"]))
        if "d" not in jwk: return public.public_key()
        return rsa.RSAPrivateNumbers(*(integer(jwk[m]) for m in ("p", "q", "d", "dp", "dq", "qi")), public).private_key()
    if jwk["kty"] == "EC":
        public = ec.EllipticCurvePublicNumbers(integer(jwk["x"]), integer(jwk["y"]), CURVES[jwk["crv"]]())
        return public.public_key() if "d" not in jwk else ec.EllipticCurvePrivateNumbers(integer(jwk["d"]), public).private_key()
    kinds = {"Ed25519": (ed25519.Ed25519PublicKey, ed25519.Ed25519PrivateKey), "X25519": (x25519.X25519PublicKey, x25519.X25519PrivateKey)}
    public, private = kinds[jwk["crv"]]
    return private.from_private_bytes(dec(jwk["d"])) if "d" in jwk else public.from_public_bytes(dec(jwk["x"]))

def pem(key):
    public = key.public_key() if hasattr(key, "private_bytes") else key
    return public.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode()

what, path = sys.argv[1:3]
if what == "to-jwk":
    private = s.load_pem_private_key(open(path, "rb").read(), None)
    print(json.dumps(dict(jwk(private), kid=sys.argv[3], use="sig")))
elif what == "jwk-public":
    print(pem(key(json.load(open(path)))), end="")
elif what == "pem-public":
    print(pem(s.load_pem_private_key(open(path, "rb").read(), sys.argv[3].encode())), end="")
elif what == "ml-dsa":
    private = getattr(mldsa, sys.argv[3]).generate()
    open(path, "wb").write(private.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()))
elif what == "ml-dsa-verify":
    s.load_pem_private_key(open(path, "rb").read(), None).public_key().verify(open("sig", "rb").read(), open("data", "rb").read())
