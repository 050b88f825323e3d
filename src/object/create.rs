//! New objects: from a template to the attributes of an object.
//!
//! Section 4.1.1 of PKCS#11 v3.2, "Object management functions" and "Key management functions". Everything
//! here is policy: key material given in a template stays as given until `mechanism::material` validates and
//! completes it, generated or unwrapped material is added by it.

use super::class::{Class, F1, F2, F3, F4, F5, F6, F10, Notes, Rule};
use super::codec::fits;
use super::template::fault;
use super::{Attributes, Caller, Template, Value, attribute, policy};
use crate::error::{Error, ErrorKind, Result};
use crate::types::ck;

/// How a derived key's CKA_SENSITIVE and CKA_EXTRACTABLE follow from those of the keys it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inherit {
    /// The template decides: key agreement, HKDF, derivation by encryption.
    Template,
    /// A sensitive or unextractable key makes the derived key so too, and where none is, the template decides:
    /// concatenation, XOR and extraction of bits, whose result gives a key's value away, and the TLS KDF.
    Base,
    /// The template decides, and what it leaves out is as the base key has it: SP 800-108.
    Omitted,
    /// As the base key has it; the template may say nothing else: the traffic keys of TLS.
    Exactly,
}

/// Which function makes the object: what its template must and must not give.
struct Origin {
    function: &'static str,
    required: Notes,
    forbidden: Notes,
}

const CREATE: Origin = Origin { function: "C_CreateObject", required: F1, forbidden: F2 };
const GENERATE: Origin = Origin { function: "key generation", required: F3, forbidden: F4 };
/// Migration: everything may be given, because everything was computed before, elsewhere.
const ADOPT: Origin = Origin { function: "a migration", required: F1, forbidden: 0 };
const UNWRAP: Origin = Origin { function: "C_UnwrapKey", required: F5, forbidden: F6 };
/// The specification has no footnote for these; what generation must supply itself, they must as well.
const DERIVE: Origin = Origin { function: "C_DeriveKey", required: 0, forbidden: F4 };
const ENCAPSULATE: Origin = Origin { function: "C_EncapsulateKey", required: 0, forbidden: F4 };
const DECAPSULATE: Origin = Origin { function: "C_DecapsulateKey", required: 0, forbidden: F4 };

/// C_CreateObject: the object's attributes with defaults and computed ones. Key material is not yet
/// validated.
///
/// # Errors
/// CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_TYPE_INVALID,
/// CKR_ATTRIBUTE_VALUE_INVALID and CKR_ATTRIBUTE_READ_ONLY as section 4.1.1 says, each with a detail that
/// names the attribute.
pub fn create(template: Template, caller: &Caller) -> Result<Attributes> {
    let row = resolve(&template)?;
    let mut object = build(row, template, &CREATE, caller)?;
    if row.is_key() {
        set_history(&mut object, None);
    }
    if row.class == ck::CKO_DOMAIN_PARAMETERS {
        object.set(ck::CKA_LOCAL, false);
    }
    Ok(object)
}

/// An object out of another token's store, its past included: CKA_LOCAL, CKA_KEY_GEN_MECHANISM,
/// CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_TRUSTED and CKA_UNIQUE_ID stay what they were. Attributes
/// that such objects do not have here are left out; the caller compares. Key material is not yet validated.
///
/// No C_ function may lead here: what an application says of a key's past is worth nothing.
///
/// # Errors
/// As `create`; CKR_ATTRIBUTE_VALUE_INVALID for a class or type of key that keyward lacks.
pub fn adopt(given: &Attributes) -> Result<Attributes> {
    let template: Template =
        given.iter().fold(Template::new(), |template, (id, value)| template.with(id, value.clone()));
    let row = resolve(&template)?;
    let mut known = template;
    known.discard(|id, _| row.rule(id).is_none());
    let mut object = build(row, known, &ADOPT, &Caller { so: true, user: true })?;
    if row.class == ck::CKO_DOMAIN_PARAMETERS {
        object.set(ck::CKA_LOCAL, given.flag(ck::CKA_LOCAL));
    }
    if row.is_key() {
        set_history(&mut object, None);
        for id in HISTORY {
            if let Some(told) = given.get(id).filter(|_| row.rule(id).is_some()) {
                object.set(id, told.clone());
            }
        }
    }
    object.set(ck::CKA_TOKEN, true);
    Ok(object)
}

/// Whether keyward has objects of this class, and of this type where the class has types.
pub fn has_class(given: &Attributes) -> bool {
    Class::of(given).is_some()
}

/// C_GenerateKey: a secret key's attributes, without its value. `key_types` are those the mechanism
/// generates; the first is what an application gets that names none.
///
/// # Errors
/// As `create`; CKR_TEMPLATE_INCONSISTENT for a class or key type that the mechanism does not generate.
pub fn generate_secret(
    template: Template,
    mechanism: ck::CK_MECHANISM_TYPE,
    key_types: &[ck::CK_KEY_TYPE],
    caller: &Caller,
) -> Result<Attributes> {
    let key_type = template.ulong(ck::CKA_KEY_TYPE).or(key_types.first().copied());
    let template = imply(template, Class::of_generated(key_type), key_type, key_types)?;
    let mut key = build(resolve(&template)?, template, &GENERATE, caller)?;
    set_history(&mut key, Some(mechanism));
    Ok(key)
}

/// C_GenerateKey with a mechanism that makes domain parameters: their attributes, without the numbers. `key_types` as
/// for `generate_secret`.
///
/// # Errors
/// As `generate_secret`.
pub fn generate_parameters(
    template: Template,
    key_types: &[ck::CK_KEY_TYPE],
    caller: &Caller,
) -> Result<Attributes> {
    let key_type = template.ulong(ck::CKA_KEY_TYPE).or(key_types.first().copied());
    let template = imply(template, ck::CKO_DOMAIN_PARAMETERS, key_type, key_types)?;
    let mut parameters = build(resolve(&template)?, template, &GENERATE, caller)?;
    parameters.set(ck::CKA_LOCAL, true);
    Ok(parameters)
}

/// C_GenerateKeyPair: the attributes of the public and the private key, without the material. `key_types` as
/// for `generate_secret`.
///
/// # Errors
/// As `generate_secret`.
pub fn generate_pair(
    public: Template,
    mut private: Template,
    mechanism: ck::CK_MECHANISM_TYPE,
    key_types: &[ck::CK_KEY_TYPE],
    caller: &Caller,
) -> Result<(Attributes, Attributes)> {
    let given = public.ulong(ck::CKA_KEY_TYPE).or_else(|| private.ulong(ck::CKA_KEY_TYPE));
    let key_type = given.or(key_types.first().copied());
    let public = imply(public, ck::CKO_PUBLIC_KEY, key_type, key_types)?;
    private = imply(private, ck::CKO_PRIVATE_KEY, key_type, key_types)?;
    let (public_row, private_row) = (resolve(&public)?, resolve(&private)?);
    forget_repeated(&public, public_row, &mut private, private_row);

    let mut public = build(public_row, public, &GENERATE, caller)?;
    let mut private = build(private_row, private, &GENERATE, caller)?;
    if public.key_type() != private.key_type() {
        return Err(inconsistent(ck::CKA_KEY_TYPE, "differs between the public and the private template"));
    }
    set_history(&mut public, Some(mechanism));
    set_history(&mut private, Some(mechanism));
    Ok((public, private))
}

/// pkcs11-tool and others repeat in the private template what the public one says of the pair
/// (CKA_PARAMETER_SET, CKA_EC_PARAMS). The same value does no harm; the private key gets its own from the
/// generated material.
fn forget_repeated(public: &Template, public_row: &Class, private: &mut Template, private_row: &Class) {
    private.discard(|id, value| {
        let of_the_pair = public_row.rule(id).is_some_and(|rule| rule.has(F1 | F3));
        let not_for_private = private_row.rule(id).is_none_or(|rule| rule.has(F4));
        of_the_pair && not_for_private && public.get(id) == Some(value)
    });
}

/// C_UnwrapKey: the attributes of a private or secret key, without the unwrapped material.
/// CKA_UNWRAP_TEMPLATE of the unwrapping key is applied. A CKA_VALUE_LEN is kept: the unwrapped value must
/// have that length.
///
/// # Errors
/// As `create`; CKR_TEMPLATE_INCONSISTENT where the two templates disagree.
pub fn unwrap(template: Template, unwrapping_key: &Attributes, caller: &Caller) -> Result<Attributes> {
    let mut template = apply(template, unwrapping_key, ck::CKA_UNWRAP_TEMPLATE)?;
    template.set_default(ck::CKA_EXTRACTABLE, true);
    let row = resolve(&template)?;
    if !matches!(row.class, ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY) {
        return Err(inconsistent(ck::CKA_CLASS, "must be that of a private or secret key to unwrap one"));
    }
    let mut key = build(row, template, &UNWRAP, caller)?;
    set_history(&mut key, None);
    Ok(key)
}

/// C_DeriveKey: the attributes of a secret key, without the derived value; a generic secret where the
/// template names no type. CKA_DERIVE_TEMPLATE of the base key is applied. A CKA_VALUE_LEN is kept, as the
/// length wanted. `others` are the keys that the mechanism's parameter names.
///
/// # Errors
/// As `create`; CKR_TEMPLATE_INCONSISTENT where the two templates disagree or the protection of a key would
/// be lost against `inherit`.
pub fn derive(
    template: Template,
    base: &Attributes,
    others: &[&Attributes],
    inherit: Inherit,
    caller: &Caller,
) -> Result<Attributes> {
    let template = inherited(template, base, others, inherit)?;
    let mut key = shared_secret(template, &DERIVE, caller)?;
    inherit_history(&mut key, base, others, inherit);
    Ok(key)
}

/// C_DeriveKey: the attributes of a private key of this type, without the derived material. Otherwise as
/// `derive`.
///
/// # Errors
/// As `derive`; CKR_TEMPLATE_INCONSISTENT for another class or type of key.
pub fn derive_private(
    template: Template,
    base: &Attributes,
    key_type: ck::CK_KEY_TYPE,
    inherit: Inherit,
    caller: &Caller,
) -> Result<Attributes> {
    let template = inherited(template, base, &[], inherit)?;
    let template = imply(template, ck::CKO_PRIVATE_KEY, Some(key_type), &[key_type])?;
    let mut key = build(resolve(&template)?, template, &DERIVE, caller)?;
    inherit_history(&mut key, base, &[], inherit);
    Ok(key)
}

/// What the public key of a private key takes over, unless the template says otherwise ("Public key from private
/// key"): the public key's attribute and the private key's.
const OF_PRIVATE: &[(ck::CK_ATTRIBUTE_TYPE, ck::CK_ATTRIBUTE_TYPE)] = &[
    (ck::CKA_ENCRYPT, ck::CKA_DECRYPT),
    (ck::CKA_VERIFY, ck::CKA_SIGN),
    (ck::CKA_VERIFY_RECOVER, ck::CKA_SIGN_RECOVER),
    (ck::CKA_WRAP, ck::CKA_UNWRAP),
    (ck::CKA_ENCAPSULATE, ck::CKA_DECAPSULATE),
    (ck::CKA_DERIVE, ck::CKA_DERIVE),
    (ck::CKA_ID, ck::CKA_ID),
    (ck::CKA_START_DATE, ck::CKA_START_DATE),
    (ck::CKA_END_DATE, ck::CKA_END_DATE),
    (ck::CKA_SUBJECT, ck::CKA_SUBJECT),
    (ck::CKA_ALLOWED_MECHANISMS, ck::CKA_ALLOWED_MECHANISMS),
];

/// CKM_PUB_KEY_FROM_PRIV_KEY: the attributes of a private key's public key, without the material.
///
/// # Errors
/// As `create`; CKR_TEMPLATE_INCONSISTENT for another class or type of key.
pub fn derive_public(template: Template, private: &Attributes, caller: &Caller) -> Result<Attributes> {
    let key_type = private.key_type();
    let key_types: Vec<_> = key_type.into_iter().collect();
    let mut template = imply(template, ck::CKO_PUBLIC_KEY, key_type, &key_types)?;
    let row = resolve(&template)?;
    for (own, its) in OF_PRIVATE.iter().filter(|(own, _)| row.rule(*own).is_some()) {
        if let Some(value) = private.get(*its) {
            template.set_default(*own, value.clone());
        }
    }
    let mut key = build(row, template, &DERIVE, caller)?;
    set_history(&mut key, None);
    if let Some(mechanism) = private.ulong(ck::CKA_KEY_GEN_MECHANISM) {
        key.set(ck::CKA_KEY_GEN_MECHANISM, mechanism);
    }
    Ok(key)
}

/// C_DeriveKey: the attributes of a data object, without its value, and the length in bytes that the template's
/// CKA_VALUE_LEN, which no data object has, asks for. CKA_DERIVE_TEMPLATE of the base key is applied.
///
/// # Errors
/// As `create`; CKR_TEMPLATE_INCONSISTENT where the two templates disagree or ask for another class.
pub fn derive_data(
    template: Template,
    base: &Attributes,
    caller: &Caller,
) -> Result<(Attributes, Option<ck::CK_ULONG>)> {
    let mut template = apply(template, base, ck::CKA_DERIVE_TEMPLATE)?;
    template.set_default(ck::CKA_CLASS, ck::CKO_DATA);
    if template.ulong(ck::CKA_CLASS) != Some(ck::CKO_DATA) {
        return Err(inconsistent(ck::CKA_CLASS, "must be CKO_DATA for a mechanism that derives data"));
    }
    if template.get(ck::CKA_VALUE).is_some() {
        let why = "cannot be given to C_DeriveKey: it is computed";
        return Err(fault(ErrorKind::AttributeReadOnly, ck::CKA_VALUE, why));
    }
    let wanted = template.ulong(ck::CKA_VALUE_LEN);
    template.discard(|id, _| id == ck::CKA_VALUE_LEN);
    Ok((build(resolve(&template)?, template, &DERIVE, caller)?, wanted))
}

/// The template with what the base key prescribes and the protection of the keys that go into the derived one.
fn inherited(
    template: Template,
    base: &Attributes,
    others: &[&Attributes],
    inherit: Inherit,
) -> Result<Template> {
    let mut template = apply(template, base, ck::CKA_DERIVE_TEMPLATE)?;
    let all = || others.iter().copied().chain([base]);
    match inherit {
        Inherit::Template => {}
        Inherit::Base => {
            if all().any(|key| key.flag(ck::CKA_SENSITIVE)) {
                template.add(ck::CKA_SENSITIVE, Value::Bool(true))?;
            }
            if !all().all(|key| key.flag(ck::CKA_EXTRACTABLE)) {
                template.add(ck::CKA_EXTRACTABLE, Value::Bool(false))?;
            }
            if all().any(|key| key.flag(ck::CKA_WRAP_WITH_TRUSTED)) {
                template.add(ck::CKA_WRAP_WITH_TRUSTED, Value::Bool(true))?;
            }
            template.set_default(ck::CKA_SENSITIVE, false);
            template.set_default(ck::CKA_EXTRACTABLE, true);
        }
        Inherit::Omitted => {
            template.set_default(ck::CKA_SENSITIVE, base.flag(ck::CKA_SENSITIVE));
            template.set_default(ck::CKA_EXTRACTABLE, base.flag(ck::CKA_EXTRACTABLE));
        }
        Inherit::Exactly => {
            template.add(ck::CKA_SENSITIVE, Value::Bool(base.flag(ck::CKA_SENSITIVE)))?;
            template.add(ck::CKA_EXTRACTABLE, Value::Bool(base.flag(ck::CKA_EXTRACTABLE)))?;
        }
    }
    Ok(template)
}

/// The past of a derived key: what was always true of the keys it is made of, and still is of itself.
fn inherit_history(key: &mut Attributes, base: &Attributes, others: &[&Attributes], inherit: Inherit) {
    set_history(key, None);
    let all = || others.iter().copied().chain([base]);
    let always = |id| match inherit {
        Inherit::Template | Inherit::Exactly => base.flag(id),
        Inherit::Base => all().all(|key| key.flag(id)),
        // The words of the specification: "the base key or any of the additional input keys".
        Inherit::Omitted => all().any(|key| key.flag(id)),
    };
    let always_sensitive = always(ck::CKA_ALWAYS_SENSITIVE) && key.flag(ck::CKA_SENSITIVE);
    let never_extractable = always(ck::CKA_NEVER_EXTRACTABLE) && !key.flag(ck::CKA_EXTRACTABLE);
    key.set(ck::CKA_ALWAYS_SENSITIVE, always_sensitive);
    key.set(ck::CKA_NEVER_EXTRACTABLE, never_extractable);
}

/// C_EncapsulateKey: the attributes of the shared secret key, without its value.
///
/// # Errors
/// As `create`; CKR_KEY_HANDLE_INVALID where the new key does not match the public key's
/// CKA_ENCAPSULATE_TEMPLATE.
pub fn encapsulate(mut template: Template, public_key: &Attributes, caller: &Caller) -> Result<Attributes> {
    template.set_default(ck::CKA_EXTRACTABLE, true);
    let mut key = shared_secret(template, &ENCAPSULATE, caller)?;
    set_history(&mut key, None);
    policy::satisfies(&key, public_key, ck::CKA_ENCAPSULATE_TEMPLATE)?;
    Ok(key)
}

/// C_DecapsulateKey: the attributes of the shared secret key, without its value. CKA_DECAPSULATE_TEMPLATE of
/// the private key is applied.
///
/// # Errors
/// As `create`; CKR_TEMPLATE_INCONSISTENT where the two templates disagree.
pub fn decapsulate(template: Template, private_key: &Attributes, caller: &Caller) -> Result<Attributes> {
    let mut template = apply(template, private_key, ck::CKA_DECAPSULATE_TEMPLATE)?;
    template.set_default(ck::CKA_EXTRACTABLE, true);
    let mut key = shared_secret(template, &DECAPSULATE, caller)?;
    set_history(&mut key, None);
    Ok(key)
}

/// An object the token brings along, such as a profile or a mechanism object:
/// seen by everybody, not to be changed, copied or destroyed.
pub fn builtin(
    class: ck::CK_OBJECT_CLASS,
    attributes: impl IntoIterator<Item = (ck::CK_ATTRIBUTE_TYPE, Value)>,
) -> Attributes {
    let mut object: Attributes = attributes.into_iter().collect();
    object.set(ck::CKA_CLASS, class);
    object.set(ck::CKA_TOKEN, true);
    for id in [ck::CKA_PRIVATE, ck::CKA_MODIFIABLE, ck::CKA_COPYABLE, ck::CKA_DESTROYABLE] {
        object.set(id, false);
    }
    object
}

/// Completes a new object whose material is there: gives it its CKA_UNIQUE_ID.
pub fn finish(attributes: &mut Attributes, unique_id: &str) {
    attributes.set(ck::CKA_UNIQUE_ID, unique_id);
}

fn resolve(template: &Template) -> Result<&'static Class> {
    let class = template.ulong(ck::CKA_CLASS).ok_or_else(|| incomplete(ck::CKA_CLASS, "every object"))?;
    Class::resolve(class, |id| template.ulong(id))
}

/// Adds the class and key type that the mechanism implies and refuses others.
fn imply(
    mut template: Template,
    class: ck::CK_OBJECT_CLASS,
    key_type: Option<ck::CK_KEY_TYPE>,
    key_types: &[ck::CK_KEY_TYPE],
) -> Result<Template> {
    template.set_default(ck::CKA_CLASS, class);
    if let Some(key_type) = key_type {
        template.set_default(ck::CKA_KEY_TYPE, key_type);
    }
    if template.ulong(ck::CKA_CLASS) != Some(class) {
        return Err(inconsistent(ck::CKA_CLASS, "is not the class of key that the mechanism generates"));
    }
    if !template.ulong(ck::CKA_KEY_TYPE).is_some_and(|given| key_types.contains(&given)) {
        return Err(inconsistent(ck::CKA_KEY_TYPE, "is not a type of key that the mechanism generates"));
    }
    Ok(template)
}

/// Adds what a key prescribes for the keys made with it. What both templates say must agree.
fn apply(mut template: Template, key: &Attributes, prescribed: ck::CK_ATTRIBUTE_TYPE) -> Result<Template> {
    for (id, value) in key.template(prescribed).into_iter().flat_map(Attributes::iter) {
        template.add(id, value.clone()).map_err(|error| {
            let why = format!("{}, against the key's {}", error.detail(), attribute::name(prescribed));
            Error::new(error.kind(), why)
        })?;
    }
    Ok(template)
}

/// A secret key that a mechanism computes from another key.
fn shared_secret(mut template: Template, origin: &Origin, caller: &Caller) -> Result<Attributes> {
    template.set_default(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
    template.set_default(ck::CKA_KEY_TYPE, ck::CKK_GENERIC_SECRET);
    if template.ulong(ck::CKA_CLASS) != Some(ck::CKO_SECRET_KEY) {
        let why = format!("must be CKO_SECRET_KEY for {}", origin.function);
        return Err(inconsistent(ck::CKA_CLASS, why));
    }
    build(resolve(&template)?, template, origin, caller)
}

/// Checks a template against its class's rules and adds the defaults.
fn build(row: &Class, template: Template, origin: &Origin, caller: &Caller) -> Result<Attributes> {
    let mut object = Attributes::with_capacity(row.rules().count() + 4);
    for (id, value) in template {
        let rule = row.rule(id).ok_or_else(|| {
            fault(ErrorKind::AttributeTypeInvalid, id, format_args!("is no attribute of {}", row.name))
        })?;
        check_given(rule, &value, origin, caller)?;
        // An empty list would mean "no mechanism at all" to some consumers and "any" to others.
        if !(id == ck::CKA_ALLOWED_MECHANISMS && value.is_empty()) {
            object.set(id, value);
        }
    }
    for rule in row.rules() {
        if object.contains(rule.id) {
            continue;
        }
        if rule.has(origin.required) {
            return Err(incomplete(rule.id, &format!("{} made by {}", row.name, origin.function)));
        }
        if let Some(value) = row.default(rule) {
            object.set(rule.id, value);
        }
    }
    check_whole(row, &object, origin)?;
    Ok(object)
}

fn check_given(rule: &Rule, value: &Value, origin: &Origin, caller: &Caller) -> Result<()> {
    if rule.has(origin.forbidden) {
        let why = format!("cannot be given to {}: it is computed", origin.function);
        return Err(fault(ErrorKind::AttributeReadOnly, rule.id, why));
    }
    check_form(rule, value)?;
    if rule.has(F10) && *value == Value::Bool(true) && !caller.so {
        return Err(fault(ErrorKind::AttributeReadOnly, rule.id, "can be set to CK_TRUE by the SO only"));
    }
    Ok(())
}

/// A value from inside the library may have any type; one from `Template::parse` has the right one.
pub(super) fn check_form(rule: &Rule, value: &Value) -> Result<()> {
    match attribute::kind(rule.id).is_some_and(|kind| fits(kind, value)) {
        true => Ok(()),
        false => Err(fault(ErrorKind::AttributeValueInvalid, rule.id, "has a value of the wrong type")),
    }
}

/// What attributes must be to each other.
fn check_whole(row: &Class, object: &Attributes, origin: &Origin) -> Result<()> {
    check_related(object)?;
    let empty = |id| object.bytes(id).is_none_or(<[u8]>::is_empty);
    if row.class == ck::CKO_CERTIFICATE && empty(ck::CKA_VALUE) {
        check_remote_certificate(row, object)?;
    }
    if row.class == ck::CKO_TRUST {
        check_trust(object)?;
    }
    let by_seed = row.rule(ck::CKA_SEED).is_some() && origin.forbidden == F2;
    if by_seed && empty(ck::CKA_SEED) && empty(ck::CKA_VALUE) {
        return Err(incomplete(ck::CKA_VALUE, &format!("{} without a CKA_SEED", row.name)));
    }
    Ok(())
}

/// The relations that later changes must keep, too.
pub(super) fn check_related(object: &Attributes) -> Result<()> {
    if object.flag(ck::CKA_ALWAYS_AUTHENTICATE) && !policy::is_private(object) {
        return Err(inconsistent(ck::CKA_ALWAYS_AUTHENTICATE, "needs CKA_PRIVATE to be CK_TRUE"));
    }
    Ok(())
}

/// A certificate that is elsewhere must say where, and show whose keys it binds.
fn check_remote_certificate(row: &Class, object: &Attributes) -> Result<()> {
    let missing = |id| row.rule(id).is_some() && object.bytes(id).is_none_or(<[u8]>::is_empty);
    if object.bytes(ck::CKA_URL).is_none_or(<[u8]>::is_empty) {
        return Err(inconsistent(ck::CKA_VALUE, "is empty and no CKA_URL says where the certificate is"));
    }
    for id in [ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY] {
        if missing(id) {
            return Err(incomplete(id, "a certificate given by its CKA_URL"));
        }
    }
    Ok(())
}

/// Trust in a certificate needs the certificate's hash, distrust does not.
fn check_trust(object: &Attributes) -> Result<()> {
    const TRUSTS: [ck::CK_ATTRIBUTE_TYPE; 7] = [
        ck::CKA_TRUST_SERVER_AUTH,
        ck::CKA_TRUST_CLIENT_AUTH,
        ck::CKA_TRUST_CODE_SIGNING,
        ck::CKA_TRUST_EMAIL_PROTECTION,
        ck::CKA_TRUST_IPSEC_IKE,
        ck::CKA_TRUST_TIME_STAMPING,
        ck::CKA_TRUST_OCSP_SIGNING,
    ];
    let distrust = [ck::CKT_NOT_TRUSTED, ck::CKT_TRUST_UNKNOWN].map(ck::CK_ULONG::from);
    let any = TRUSTS.iter().filter_map(|id| object.ulong(*id)).any(|trust| !distrust.contains(&trust));
    match any && object.bytes(ck::CKA_HASH_OF_CERTIFICATE).is_none_or(<[u8]>::is_empty) {
        true => Err(incomplete(ck::CKA_HASH_OF_CERTIFICATE, "a trust object that trusts")),
        false => Ok(()),
    }
}

/// What `set_history` sets.
const HISTORY: [ck::CK_ATTRIBUTE_TYPE; 4] =
    [ck::CKA_LOCAL, ck::CKA_KEY_GEN_MECHANISM, ck::CKA_ALWAYS_SENSITIVE, ck::CKA_NEVER_EXTRACTABLE];

/// The attributes that tell a key's past. They never change after this.
fn set_history(key: &mut Attributes, generated_by: Option<ck::CK_MECHANISM_TYPE>) {
    let local = generated_by.is_some();
    key.set(ck::CKA_LOCAL, local);
    key.set(ck::CKA_KEY_GEN_MECHANISM, generated_by.unwrap_or(ck::CK_UNAVAILABLE_INFORMATION));
    if key.class() != ck::CKO_PUBLIC_KEY {
        let always_sensitive = local && key.flag(ck::CKA_SENSITIVE);
        let never_extractable = local && !key.flag(ck::CKA_EXTRACTABLE);
        key.set(ck::CKA_ALWAYS_SENSITIVE, always_sensitive);
        key.set(ck::CKA_NEVER_EXTRACTABLE, never_extractable);
    }
}

fn incomplete(id: ck::CK_ATTRIBUTE_TYPE, of: &str) -> Error {
    fault(ErrorKind::TemplateIncomplete, id, format_args!("is missing: {of} needs it"))
}

fn inconsistent(id: ck::CK_ATTRIBUTE_TYPE, why: impl std::fmt::Display) -> Error {
    fault(ErrorKind::TemplateInconsistent, id, why)
}
