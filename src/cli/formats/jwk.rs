//! JSON Web Keys (RFC 7517, RFC 7518, RFC 8037, RFC 8812) and sets of them.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use zeroize::Zeroizing;

use super::{Item, Material, Refused, Result, SecretKind};
use crate::crypto::{
    Curve, EcPrivate, EcPublic, OkpCurve, PrivateKey, PublicKey, RsaComponents, RsaPrivate, RsaPublic,
};
use crate::types::{SecretBytes, ck};

/// A member in base64url. Any of them may be secret.
struct Octets(SecretBytes);

impl<'de> Deserialize<'de> for Octets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Octets;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string in base64url")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Octets, E> {
                let octets = Base64UrlUnpadded::decode_vec(text.trim_end_matches('='));
                octets.map(|octets| Octets(octets.into())).map_err(|_| E::custom("a member is not base64url"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The members that make a key.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    n: Option<Octets>,
    e: Option<Octets>,
    d: Option<Octets>,
    p: Option<Octets>,
    q: Option<Octets>,
    dp: Option<Octets>,
    dq: Option<Octets>,
    qi: Option<Octets>,
    oth: Option<IgnoredAny>,
    x: Option<Octets>,
    y: Option<Octets>,
    k: Option<Octets>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

/// What tells a set from a key.
#[derive(Deserialize)]
struct Outline {
    keys: Option<IgnoredAny>,
    kty: Option<IgnoredAny>,
    ciphertext: Option<IgnoredAny>,
}

/// JWK's name of a curve.
const CURVES: &[(&str, Curve)] = &[
    ("P-256", Curve::P256),
    ("P-384", Curve::P384),
    ("P-521", Curve::P521),
    ("secp256k1", Curve::Secp256k1),
];

/// The same of RFC 8037.
const OKP_CURVES: &[(&str, OkpCurve)] = &[
    ("Ed25519", OkpCurve::Ed25519),
    ("X25519", OkpCurve::X25519),
    ("Ed448", OkpCurve::Ed448),
    ("X448", OkpCurve::X448),
];

/// True for a JSON object.
pub(super) fn looks_like_one(content: &[u8]) -> bool {
    content.trim_ascii_start().first() == Some(&b'{')
}

/// The key, or the keys of a set. `told` wins over what `alg` says of a secret key.
pub(super) fn read(content: &[u8], told: Option<SecretKind>) -> Result<Vec<Item>> {
    let refused = |error: serde_json::Error| Refused::Content(format!("a JWK that can't be read: {error}"));
    let outline: Outline = serde_json::from_slice(content).map_err(refused)?;
    let keys = match outline {
        Outline { keys: Some(_), .. } => serde_json::from_slice::<Set>(content).map_err(refused)?.keys,
        Outline { kty: Some(_), .. } => vec![serde_json::from_slice(content).map_err(refused)?],
        Outline { ciphertext: Some(_), .. } => return Err("an encrypted JWK, which is not supported".into()),
        _ => return Err("JSON, but neither a JWK nor a JWK Set: no \"kty\" and no \"keys\"".into()),
    };
    let mut items = Vec::new();
    for (at, key) in keys.into_iter().enumerate() {
        let material = key.material(told).map_err(|why| format!("JWK {}: {why}", at + 1))?;
        items.push(Item { material, label: key.kid.filter(|kid| !kid.is_empty()), id: None });
    }
    Ok(items)
}

type Made<T> = std::result::Result<T, String>;

/// A member that has to be there.
fn need<'a>(member: &'a Option<Octets>, name: &str) -> Made<&'a [u8]> {
    member.as_ref().map(|octets| &*octets.0).ok_or_else(|| format!("\"{name}\" is missing"))
}

impl Jwk {
    fn material(&self, told: Option<SecretKind>) -> Made<Material> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => self.rsa(),
            ("EC", Some(name)) => {
                let known = CURVES.iter().find(|(known, _)| *known == name);
                self.ec(known.ok_or_else(|| format!("the curve {name} is not supported"))?.1)
            }
            ("OKP", Some(name)) => {
                let known = OKP_CURVES.iter().find(|(known, _)| *known == name);
                self.okp(known.ok_or_else(|| format!("the curve {name} is not supported"))?.1)
            }
            ("EC" | "OKP", None) => Err("\"crv\" is missing".to_owned()),
            ("oct", _) => {
                let value = SecretBytes::from(need(&self.k, "k")?);
                Ok(Material::Secret(told.map_or_else(|| self.secret_type(), SecretKind::key_type), value))
            }
            (other, _) => Err(format!("keys of type {other:?} are not supported")),
        }
    }

    /// An AES key where `alg` names a use of AES with one key; a generic secret otherwise.
    fn secret_type(&self) -> ck::CK_KEY_TYPE {
        const AES: &[&str] = &["KW", "GCM", "GCMKW", "CBC", "CTR"];
        let alg = self.alg.as_deref().unwrap_or_default();
        let of_aes = ["A128", "A192", "A256"].iter().filter_map(|prefix| alg.strip_prefix(prefix));
        match of_aes.into_iter().any(|rest| AES.contains(&rest)) {
            true => ck::CKK_AES,
            false => ck::CKK_GENERIC_SECRET,
        }
    }

    fn rsa(&self) -> Made<Material> {
        let (n, e) = (need(&self.n, "n")?, need(&self.e, "e")?);
        if self.oth.is_some() {
            return Err("RSA keys of more than two primes are not supported".to_owned());
        }
        let Some(d) = &self.d else {
            return RsaPublic::new(n, e).map(|key| Material::Public(PublicKey::Rsa(key))).map_err(unreadable);
        };
        let part = |member: &Option<Octets>| member.as_ref().map(|octets| octets.0.clone());
        let components = RsaComponents {
            n: n.to_vec(),
            e: Some(e.to_vec()),
            d: d.0.clone(),
            p: part(&self.p),
            q: part(&self.q),
            dp: part(&self.dp),
            dq: part(&self.dq),
            qi: part(&self.qi),
        };
        let key = RsaPrivate::from_components(&components).map_err(unreadable)?;
        Ok(Material::Private(PrivateKey::Rsa(key)))
    }

    fn ec(&self, curve: Curve) -> Made<Material> {
        let (x, y) = (need(&self.x, "x")?, need(&self.y, "y")?);
        if [x, y].iter().any(|coordinate| coordinate.len() != curve.field_len()) {
            return Err("\"x\" or \"y\" has the wrong length".to_owned());
        }
        let public = EcPublic::from_point(curve, &[&[4], x, y].concat()).map_err(unreadable)?;
        let private = self.d.as_ref().map(|d| EcPrivate::from_scalar(curve, &d.0)).transpose();
        pair(PublicKey::Ec(public), private.map_err(unreadable)?.map(PrivateKey::Ec))
    }

    fn okp(&self, curve: OkpCurve) -> Made<Material> {
        let public = PublicKey::okp(curve, need(&self.x, "x")?).map_err(unreadable)?;
        let private = self.d.as_ref().map(|d| PrivateKey::okp(curve, &d.0)).transpose();
        pair(public, private.map_err(unreadable)?)
    }
}

fn unreadable(error: crate::crypto::Error) -> String {
    format!("the key can't be read: {error}")
}

/// The private key where there is one, which must be the public key's.
fn pair(public: PublicKey, private: Option<PrivateKey>) -> Made<Material> {
    match private {
        None => Ok(Material::Public(public)),
        Some(private) => match super::same(&private.public(), &public) {
            true => Ok(Material::Private(private)),
            false => Err("the public key in it belongs to another private key".to_owned()),
        },
    }
}

/// A JSON object of members that need no escaping, but for `kid`.
struct Writer(Zeroizing<String>);

impl Writer {
    fn new(kty: &str, kid: &str) -> Writer {
        // Room for everything an RSA key of 16384 bits has, so that no secret is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(32 * 1024));
        text.push_str(&format!("{{\"kty\":\"{kty}\""));
        if !kid.is_empty() {
            text.push_str(",\"kid\":");
            text.push_str(&serde_json::Value::from(kid).to_string());
        }
        Writer(text)
    }

    fn text(mut self, name: &str, value: &str) -> Writer {
        for part in [",\"", name, "\":\"", value, "\""] {
            self.0.push_str(part);
        }
        self
    }

    fn octets(self, name: &str, value: &[u8]) -> Writer {
        let text = Zeroizing::new(Base64UrlUnpadded::encode_string(value));
        self.text(name, &text)
    }

    fn end(mut self) -> SecretBytes {
        self.0.push_str("}\n");
        SecretBytes::from(self.0.as_bytes())
    }
}

/// A public key as a JWK.
pub fn public(key: &PublicKey, kid: &str) -> Made<SecretBytes> {
    members(key, kid).map(Writer::end)
}

fn members(key: &PublicKey, kid: &str) -> Made<Writer> {
    match key {
        PublicKey::Rsa(key) => Ok(Writer::new("RSA", kid).octets("n", &key.n()).octets("e", &key.e())),
        PublicKey::Ec(key) => {
            let named = CURVES.iter().find(|(_, curve)| *curve == key.curve());
            let (name, _) =
                named.ok_or_else(|| format!("JWK has no name for the curve {}", key.curve().name()))?;
            let point = key.point();
            let coordinates = point.get(1..).and_then(|rest| rest.split_at_checked(key.curve().field_len()));
            let (x, y) = coordinates.ok_or("the public point is not one")?;
            Ok(Writer::new("EC", kid).text("crv", name).octets("x", x).octets("y", y))
        }
        other => {
            let none = || "there is no JWK for this type of key".to_owned();
            let (curve, x) = other.as_okp().ok_or_else(none)?;
            let (name, _) = OKP_CURVES.iter().find(|(_, known)| *known == curve).ok_or_else(none)?;
            Ok(Writer::new("OKP", kid).text("crv", name).octets("x", x))
        }
    }
}

/// A private key as a JWK, in clear.
pub fn private(key: &PrivateKey, kid: &str) -> Made<SecretBytes> {
    let writer = members(&key.public(), kid)?;
    let writer = match key {
        PrivateKey::Rsa(key) => {
            let parts = key.components().map_err(|error| error.to_string())?;
            let rest = [("p", parts.p), ("q", parts.q), ("dp", parts.dp), ("dq", parts.dq), ("qi", parts.qi)];
            let known = rest.into_iter().filter_map(|(name, part)| Some((name, part?)));
            known.fold(writer.octets("d", &parts.d), |writer, (name, part)| writer.octets(name, &part))
        }
        PrivateKey::Ec(key) => writer.octets("d", &key.scalar()),
        other => match other.okp_bytes() {
            Some(bytes) => writer.octets("d", &bytes),
            None => return Err("there is no JWK for this type of key".to_owned()),
        },
    };
    Ok(writer.end())
}

/// A secret key as a JWK, in clear.
pub fn secret(value: &[u8], kid: &str) -> SecretBytes {
    Writer::new("oct", kid).octets("k", value).end()
}
