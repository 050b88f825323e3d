//! What a version of a key looks like as objects.

use std::sync::Arc;

use super::client::{KeyVersion, Material};
use crate::backend::held::{self, Object};
use crate::crypto::{self, Hash, OkpCurve, PublicKey};
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::material;
use crate::object::{self, Attributes, Caller, Template};
use crate::token::ObjectHandle;
use crate::types::{ck, ulong};

/// Everything is allowed to whoever builds the token's own objects.
const OWNER: Caller = Caller { so: true, user: true };

/// A version of a key with its objects.
pub struct Entry {
    /// As the service tells it.
    pub version: KeyVersion,
    /// The public half; `None` for a secret key.
    pub public: Option<(PublicKey, Arc<Object>)>,
    /// The private key, or the secret key.
    pub own: Arc<Object>,
}

/// What a key is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// CKA_LABEL.
    pub label: String,
    /// CKA_ID, where it does not follow from the key.
    pub id: Option<Vec<u8>>,
}

/// What all objects of a token have in common.
#[derive(Debug, Clone, Copy)]
pub struct Builder<'a> {
    /// The token's place, for CKA_UNIQUE_ID.
    pub place: &'a str,
    /// Whether keys are CKA_PRIVATE: only where there is a login.
    pub private: bool,
    /// Whether C_DestroyObject destroys keys.
    pub destroyable: bool,
}

/// The usage attributes of what the service keeps.
const USAGES: [(ck::CK_ATTRIBUTE_TYPE, ck::CK_FLAGS); 4] = [
    (ck::CKA_SIGN, ck::CKF_SIGN),
    (ck::CKA_DECRYPT, ck::CKF_DECRYPT),
    (ck::CKA_UNWRAP, ck::CKF_UNWRAP),
    (ck::CKA_DERIVE, ck::CKF_DERIVE),
];

/// How PKCS#11 calls a pair: its type, the mechanism that makes one, and what a public template says of it. `None` for
/// what no service keeps.
fn terms(key: &PublicKey) -> Option<(ck::CK_KEY_TYPE, ck::CK_MECHANISM_TYPE, Template)> {
    let curve = |oid: &[u8]| Template::new().with(ck::CKA_EC_PARAMS, oid);
    Some(match key {
        PublicKey::Rsa(key) => (
            ck::CKK_RSA,
            ck::CKM_RSA_PKCS_KEY_PAIR_GEN,
            Template::new().with(ck::CKA_MODULUS_BITS, ulong(key.bits())),
        ),
        PublicKey::Ec(key) => (ck::CKK_EC, ck::CKM_EC_KEY_PAIR_GEN, curve(key.curve().oid_der())),
        PublicKey::Ed25519(_) => {
            (ck::CKK_EC_EDWARDS, ck::CKM_EC_EDWARDS_KEY_PAIR_GEN, curve(OkpCurve::Ed25519.oid_der()))
        }
        PublicKey::X25519(_) => {
            (ck::CKK_EC_MONTGOMERY, ck::CKM_EC_MONTGOMERY_KEY_PAIR_GEN, curve(OkpCurve::X25519.oid_der()))
        }
        PublicKey::MlDsa(key) => (
            ck::CKK_ML_DSA,
            ck::CKM_ML_DSA_KEY_PAIR_GEN,
            Template::new().with(ck::CKA_PARAMETER_SET, material::parameter_set_number(key.set())),
        ),
        PublicKey::SlhDsa(key) => (
            ck::CKK_SLH_DSA,
            ck::CKM_SLH_DSA_KEY_PAIR_GEN,
            Template::new().with(ck::CKA_PARAMETER_SET, material::slh_dsa_set_number(key.set())),
        ),
        PublicKey::MlKem(key) => (
            ck::CKK_ML_KEM,
            ck::CKM_ML_KEM_KEY_PAIR_GEN,
            Template::new().with(ck::CKA_PARAMETER_SET, material::ml_kem_set_number(key.set())),
        ),
        PublicKey::Ed448(_) | PublicKey::X448(_) | PublicKey::Dh(_) | PublicKey::Dsa(_) => return None,
    })
}

/// CKA_ID: 20 bytes that follow from the key.
pub fn derived_id(bytes: &[u8]) -> Vec<u8> {
    crypto::digest(Hash::Sha256, bytes).iter().take(20).copied().collect()
}

impl Builder<'_> {
    /// The objects of a version, with these handles. CKR_DEVICE_ERROR for a public key that can't be read.
    pub fn entry(
        &self,
        version: KeyVersion,
        name: &Name,
        public: ObjectHandle,
        own: ObjectHandle,
    ) -> Result<Entry> {
        match &version.material {
            Material::Pair(info) => {
                let key = PublicKey::from_spki(info).map_err(|error| {
                    Error::new(
                        ErrorKind::DeviceError,
                        format!("{}: its public key: {error}", version.resource),
                    )
                })?;
                let (public_half, private_half) = self.pair(&version, &key, name)?;
                Ok(Entry {
                    version,
                    public: Some((key, Arc::new(Object::new(public, public_half)))),
                    own: Arc::new(Object::new(own, private_half)),
                })
            }
            Material::Secret(key_type, len) => {
                let secret = self.secret(&version, *key_type, *len, name)?;
                Ok(Entry { version, public: None, own: Arc::new(Object::new(own, secret)) })
            }
        }
    }

    fn common(&self, name: &Name, id: Vec<u8>) -> Template {
        Template::new()
            .with(ck::CKA_TOKEN, true)
            .with(ck::CKA_LABEL, name.label.as_str())
            .with(ck::CKA_ID, name.id.clone().unwrap_or(id))
            .with(ck::CKA_MODIFIABLE, false)
            .with(ck::CKA_COPYABLE, false)
    }

    /// The template of what the service keeps.
    fn kept(&self, version: &KeyVersion, common: Template) -> Template {
        let template = common
            .with(ck::CKA_PRIVATE, self.private)
            .with(ck::CKA_DESTROYABLE, self.destroyable)
            .with(ck::CKA_SENSITIVE, true)
            .with(ck::CKA_EXTRACTABLE, false)
            .with(ck::CKA_ALLOWED_MECHANISMS, version.mechanisms.clone());
        USAGES
            .iter()
            .fold(template, |template, (usage, flag)| template.with(*usage, version.usage & flag != 0))
    }

    /// The same for the private half of a pair, which may decapsulate.
    fn kept_half(&self, version: &KeyVersion, common: Template) -> Template {
        self.kept(version, common).with(ck::CKA_DECAPSULATE, version.usage & ck::CKF_DECAPSULATE != 0)
    }

    fn pair(&self, version: &KeyVersion, key: &PublicKey, name: &Name) -> Result<(Attributes, Attributes)> {
        let info = key.to_spki().map_err(|_| ErrorKind::DeviceError)?;
        let (key_type, made_by, public) = terms(key).ok_or(ErrorKind::DeviceError)?;
        let common = self.common(name, derived_id(&info));
        let public = common
            .iter()
            .fold(public, |template, (id, value)| template.with(id, value.clone()))
            .with(ck::CKA_PRIVATE, false)
            // A pair goes by its private half.
            .with(ck::CKA_DESTROYABLE, false);
        let public = [
            (ck::CKA_VERIFY, ck::CKF_SIGN),
            (ck::CKA_ENCRYPT, ck::CKF_DECRYPT),
            (ck::CKA_WRAP, ck::CKF_UNWRAP),
            (ck::CKA_ENCAPSULATE, ck::CKF_DECAPSULATE),
        ]
        .iter()
        .fold(public, |template, (usage, flag)| template.with(*usage, version.usage & flag != 0));
        let private = self.kept_half(version, common);
        let (mut public, mut private) = object::generate_pair(public, private, made_by, &[key_type], &OWNER)?;
        material::write_public(&mut public, key)?;
        for id in [
            ck::CKA_MODULUS,
            ck::CKA_PUBLIC_EXPONENT,
            ck::CKA_EC_PARAMS,
            ck::CKA_EC_POINT,
            ck::CKA_PARAMETER_SET,
            ck::CKA_PUBLIC_KEY_INFO,
        ] {
            if let Some(value) = public.get(id) {
                private.set(id, value.clone());
            }
        }
        for half in [&mut public, &mut private] {
            self.finish(half, version);
        }
        Ok((public, private))
    }

    fn secret(
        &self,
        version: &KeyVersion,
        key_type: ck::CK_KEY_TYPE,
        len: usize,
        name: &Name,
    ) -> Result<Attributes> {
        let common = self.common(name, derived_id(version.resource.as_bytes()));
        let template = self
            .kept(version, common)
            .with(ck::CKA_KEY_TYPE, key_type)
            .with(ck::CKA_VALUE_LEN, ulong(len))
            .with(ck::CKA_VERIFY, version.usage & ck::CKF_VERIFY != 0)
            .with(ck::CKA_ENCRYPT, version.usage & ck::CKF_ENCRYPT != 0);
        let made_by = ck::CKM_GENERIC_SECRET_KEY_GEN;
        let mut key = object::generate_secret(template, made_by, &[key_type], &OWNER)?;
        self.finish(&mut key, version);
        Ok(key)
    }

    /// What nobody here can vouch for: where the key was made, and what befell it before.
    fn finish(&self, object: &mut Attributes, version: &KeyVersion) {
        let what = format!("{} {} {}", self.place, version.resource, object.class());
        object::finish(object, &held::hash_text(what.as_bytes()));
        object.set(ck::CKA_LOCAL, false);
        object.set(ck::CKA_KEY_GEN_MECHANISM, ck::CK_UNAVAILABLE_INFORMATION);
        if object.class() != ck::CKO_PUBLIC_KEY {
            object.set(ck::CKA_ALWAYS_SENSITIVE, false);
            object.set(ck::CKA_NEVER_EXTRACTABLE, false);
        }
    }
}
