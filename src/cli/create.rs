//! Objects for what a file holds: which label and ID each gets, and how one finds another.
//!
//! Applications pair a private key, its public key and its certificate by CKA_ID. So a public key or certificate that
//! comes in takes the ID of the private key that it belongs to, whether that came in the same file or earlier.

use super::error::{Error, Result, failed, usage};
use super::formats::{Fields, Item, Material};
use super::host::Session;
use super::key::{Traits, random_id, refuse_twin};
use super::keytype;
use crate::calls;
use crate::crypto::{Hash, PrivateKey, PublicKey, digest};
use crate::mechanism::material;
use crate::object::{Attributes, Template};
use crate::token::ObjectHandle;
use crate::types::{SecretBytes, ck};

/// How objects are named and what they may do.
pub struct Plan<'a> {
    /// Label of the keys and their certificates; otherwise what the file calls them.
    pub label: Option<&'a str>,
    /// ID and permissions.
    pub traits: &'a Traits,
    /// Whether a private key gets a public key object beside it.
    pub public_key: bool,
    /// Whether a key may be made although there is one with its label and ID.
    pub twins: bool,
}

impl Plan<'_> {
    /// The ID that was asked for, or the file's own.
    fn id(&self, item: &Item) -> Option<Vec<u8>> {
        self.traits.id.as_ref().map(|id| id.0.clone()).or_else(|| item.id.clone())
    }
}

/// What came of a file.
#[derive(Default)]
pub struct Made {
    /// The new objects.
    pub handles: Vec<ObjectHandle>,
    /// Certificates that were there already.
    pub known: usize,
}

/// Creates an object for every item; if one fails, none is left.
pub fn create(session: &Session<'_>, items: &[Item], plan: &Plan<'_>) -> Result<Made> {
    let file = File::of(items, plan)?;
    if plan.traits.id.is_some() && file.keys > 1 {
        return usage(format!("the file has {} keys: --id would give all of them the same ID", file.keys));
    }
    let maker = Maker { session, plan, file };
    let mut made = Made::default();
    for item in items {
        if let Err(error) = maker.create(item, &mut made) {
            for handle in made.handles {
                calls::object::destroy(session.module, session.handle, handle)?;
            }
            return Err(error);
        }
    }
    match made.handles.is_empty() {
        true if made.known == 1 => failed("the certificate is there already"),
        true => failed("the certificates are there already"),
        false => Ok(made),
    }
}

/// What the items of a file know of each other.
struct File {
    keys: usize,
    certificates: Vec<(Fields, Option<String>)>,
    private: Vec<Own>,
}

/// A private key of the file.
struct Own {
    public_key_info: Vec<u8>,
    label: Option<String>,
    id: Vec<u8>,
}

impl File {
    fn of(items: &[Item], plan: &Plan<'_>) -> Result<File> {
        let mut file = File { keys: 0, certificates: Vec::new(), private: Vec::new() };
        for item in items {
            match &item.material {
                Material::Private(key) => {
                    file.keys += 1;
                    let public_key_info = key.public().to_spki()?;
                    let id = plan.id(item).unwrap_or_else(|| fingerprint(&public_key_info));
                    file.private.push(Own { public_key_info, label: item.label.clone(), id });
                }
                Material::Certificate(der) => file.certificates.push((fields(der)?, item.label.clone())),
                Material::Secret(..) => file.keys += 1,
                Material::Public(key) => {
                    let spki = key.to_spki()?;
                    file.keys += usize::from(file.key(&spki).is_none());
                }
            }
        }
        Ok(file)
    }

    /// The private key with this public key.
    fn key(&self, spki: &[u8]) -> Option<&Own> {
        self.private.iter().find(|own| own.public_key_info == spki)
    }

    /// The name of the certificate of this public key: friendlyName, or subject.
    fn name_of(&self, spki: &[u8]) -> Option<String> {
        let (fields, label) = self.certificates.iter().find(|(fields, _)| fields.public_key == spki)?;
        label.clone().or_else(|| fields.name())
    }
}

fn fields(der: &[u8]) -> Result<Fields> {
    Fields::of(der).map_err(|error| Error::Failed(format!("the certificate can't be read: {error}")))
}

struct Maker<'a> {
    session: &'a Session<'a>,
    plan: &'a Plan<'a>,
    file: File,
}

impl Maker<'_> {
    fn create(&self, item: &Item, made: &mut Made) -> Result<()> {
        match &item.material {
            Material::Private(key) => self.pair(key, item, made),
            Material::Public(key) => self.public(key, item, made),
            Material::Certificate(der) => self.certificate(der, item, made),
            Material::Secret(key_type, value) => self.secret(*key_type, value, item, made),
        }
    }

    fn object(&self, template: Template, made: &mut Made) -> Result<()> {
        made.handles.push(calls::object::create(self.session.module, self.session.handle, template)?);
        Ok(())
    }

    /// The label that was asked for, the file's own, or that of the key's certificate.
    fn label(&self, item: &Item, spki: Option<&[u8]>) -> Result<String> {
        let asked = self.plan.label.map(str::to_owned).or_else(|| item.label.clone());
        match asked.or_else(|| self.file.name_of(spki?)) {
            Some(label) => Ok(label),
            None => usage("the file has no name for the key: give --label"),
        }
    }

    fn refuse_twin(&self, class: ck::CK_OBJECT_CLASS, label: &str, id: &[u8]) -> Result<()> {
        if self.plan.twins { Ok(()) } else { refuse_twin(self.session, class, label, id) }
    }

    fn pair(&self, key: &PrivateKey, item: &Item, made: &mut Made) -> Result<()> {
        let spki = key.public().to_spki()?;
        let label = self.label(item, Some(&spki))?;
        let id = self.plan.id(item).unwrap_or_else(|| fingerprint(&spki));
        self.refuse_twin(ck::CKO_PRIVATE_KEY, &label, &id)?;
        let key_type = key_type(&key.public());
        let empty = |class| Attributes::new().with(ck::CKA_CLASS, class).with(ck::CKA_KEY_TYPE, key_type);
        let (mut public, mut private) = (empty(ck::CKO_PUBLIC_KEY), empty(ck::CKO_PRIVATE_KEY));
        material::fill_pair(&mut public, &mut private, key)?;
        self.key(ck::CKO_PRIVATE_KEY, key_type, &label, &id, &private, made)?;
        if self.plan.public_key {
            self.key(ck::CKO_PUBLIC_KEY, key_type, &label, &id, &public, made)?;
        }
        Ok(())
    }

    fn public(&self, key: &PublicKey, item: &Item, made: &mut Made) -> Result<()> {
        let spki = key.to_spki()?;
        if self.file.key(&spki).is_some() {
            // The file has the private key as well, which brings its public key along.
            return Ok(());
        }
        let label = self.label(item, Some(&spki))?;
        let id = match self.plan.id(item) {
            Some(id) => id,
            None => self.id_of_key(&spki)?.unwrap_or_else(|| fingerprint(&spki)),
        };
        self.refuse_twin(ck::CKO_PUBLIC_KEY, &label, &id)?;
        let key_type = key_type(key);
        let mut public =
            Attributes::new().with(ck::CKA_CLASS, ck::CKO_PUBLIC_KEY).with(ck::CKA_KEY_TYPE, key_type);
        material::write_public(&mut public, key)?;
        self.key(ck::CKO_PUBLIC_KEY, key_type, &label, &id, &public, made)
    }

    fn secret(&self, kind: ck::CK_KEY_TYPE, value: &SecretBytes, item: &Item, made: &mut Made) -> Result<()> {
        let label = self.label(item, None)?;
        let id = match self.plan.id(item) {
            Some(id) => id,
            None => random_id()?,
        };
        self.refuse_twin(ck::CKO_SECRET_KEY, &label, &id)?;
        let material = Attributes::new().with(ck::CKA_KEY_TYPE, kind).with(ck::CKA_VALUE, value.clone());
        self.key(ck::CKO_SECRET_KEY, kind, &label, &id, &material, made)
    }

    fn key(
        &self,
        class: ck::CK_OBJECT_CLASS,
        key_type: ck::CK_KEY_TYPE,
        label: &str,
        id: &[u8],
        material: &Attributes,
        made: &mut Made,
    ) -> Result<()> {
        let template = self.plan.traits.template(class, label, id, keytype::usages(key_type));
        // C_CreateObject computes CKA_MODULUS_BITS itself, and refuses it from others.
        let given = material.iter().filter(|(id, _)| ![ck::CKA_CLASS, ck::CKA_MODULUS_BITS].contains(id));
        self.object(given.fold(template, |template, (id, value)| template.with(id, value.clone())), made)
    }

    fn certificate(&self, der: &[u8], item: &Item, made: &mut Made) -> Result<()> {
        let same = Template::new().with(ck::CKA_CLASS, ck::CKO_CERTIFICATE).with(ck::CKA_VALUE, der);
        if !self.session.find(&same)?.is_empty() {
            made.known += 1;
            return Ok(());
        }
        let fields = fields(der)?;
        let (label, id) = self.certificate_names(&fields, item)?;
        let template = Template::new()
            .with(ck::CKA_CLASS, ck::CKO_CERTIFICATE)
            .with(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509)
            .with(ck::CKA_TOKEN, true)
            .with(ck::CKA_PRIVATE, false)
            .with(ck::CKA_LABEL, label.as_str())
            .with(ck::CKA_ID, id)
            .with(ck::CKA_SUBJECT, fields.subject.as_slice())
            .with(ck::CKA_ISSUER, fields.issuer.as_slice())
            .with(ck::CKA_SERIAL_NUMBER, fields.serial.as_slice())
            .with(ck::CKA_VALUE, der);
        self.object(template, made)
    }

    /// `--label` and `--id` name the file's only certificate and those of keys; the others of a chain keep their names.
    fn certificate_names(&self, fields: &Fields, item: &Item) -> Result<(String, Vec<u8>)> {
        let own = self.file.key(&fields.public_key);
        let linked = match own {
            Some(own) => Some(own.id.clone()),
            None => self.id_of_key(&fields.public_key)?,
        };
        let named = linked.is_some() || self.file.certificates.len() == 1;
        let asked = self.plan.label.filter(|_| named).map(str::to_owned);
        let label = asked
            .or_else(|| own.and_then(|own| own.label.clone()))
            .or_else(|| item.label.clone())
            .or_else(|| fields.name())
            .or_else(|| self.plan.label.map(str::to_owned));
        let id = self.plan.traits.id.as_ref().filter(|_| named).map(|id| id.0.clone());
        let id = id.or(linked).or_else(|| item.id.clone()).unwrap_or_else(|| fingerprint(&fields.public_key));
        match label {
            Some(label) => Ok((label, id)),
            None => usage("the file has no name for the certificate: give --label"),
        }
    }

    /// The CKA_ID of the token's private key with this public key, else of its public key.
    fn id_of_key(&self, spki: &[u8]) -> Result<Option<Vec<u8>>> {
        for class in [ck::CKO_PRIVATE_KEY, ck::CKO_PUBLIC_KEY] {
            let key = Template::new().with(ck::CKA_CLASS, class).with(ck::CKA_PUBLIC_KEY_INFO, spki);
            for key in self.session.find(&key)? {
                let id = self.session.attributes(key, &[ck::CKA_ID])?;
                if let Some(id) = id.bytes(ck::CKA_ID).filter(|id| !id.is_empty()) {
                    return Ok(Some(id.to_vec()));
                }
            }
        }
        Ok(None)
    }
}

fn key_type(key: &PublicKey) -> ck::CK_KEY_TYPE {
    match key {
        PublicKey::Rsa(_) => ck::CKK_RSA,
        PublicKey::Ec(_) => ck::CKK_EC,
        PublicKey::Ed25519(_) | PublicKey::Ed448(_) => ck::CKK_EC_EDWARDS,
        PublicKey::X25519(_) | PublicKey::X448(_) => ck::CKK_EC_MONTGOMERY,
        PublicKey::MlDsa(_) => ck::CKK_ML_DSA,
        PublicKey::Dh(_) => ck::CKK_DH,
        PublicKey::Dsa(_) => ck::CKK_DSA,
        PublicKey::MlKem(_) => ck::CKK_ML_KEM,
        PublicKey::SlhDsa(_) => ck::CKK_SLH_DSA,
    }
}

/// The ID of a key that was given none: the SHA-1 of its public key.
fn fingerprint(public_key_info: &[u8]) -> Vec<u8> {
    digest(Hash::Sha1, public_key_info).to_vec()
}
