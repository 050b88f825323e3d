//! The rules of the class table, applied: what holds for every row is checked on every row.

use super::class::{Class, F1, F2, F3, F4, F5, F6, F7, F8, F10, F11, F12, ON_COPY, Rule, TO_EMPTY};
use super::*;
use crate::error::{ErrorKind, Result};
use crate::types::ck;

const NOBODY: Caller = Caller { so: false, user: false };
const USER: Caller = Caller { so: false, user: true };
const SO: Caller = Caller { so: true, user: false };

/// Some value of the attribute's kind.
fn sample(id: ck::CK_ATTRIBUTE_TYPE) -> Value {
    match attribute::kind(id).unwrap() {
        attribute::Kind::Bool => Value::Bool(false),
        attribute::Kind::Ulong => Value::Ulong(7),
        attribute::Kind::Date => Value::from("20260101"),
        attribute::Kind::Ulongs => Value::Mechanisms(vec![ck::CKM_AES_GCM]),
        attribute::Kind::Template => Value::Template(Attributes::new().with(ck::CKA_TOKEN, true)),
        _ => Value::from(b"ab"),
    }
}

/// Another value of the attribute's kind, for what the two templates of a pair may only repeat.
fn other(id: ck::CK_ATTRIBUTE_TYPE) -> Value {
    match sample(id) {
        Value::Ulong(_) => Value::Ulong(8),
        Value::Bytes(_) => Value::from(b"xy"),
        value => value,
    }
}

fn subtype(row: &Class) -> Option<(ck::CK_ATTRIBUTE_TYPE, ck::CK_ULONG)> {
    let id = match row.class {
        ck::CKO_CERTIFICATE => ck::CKA_CERTIFICATE_TYPE,
        _ => ck::CKA_KEY_TYPE,
    };
    row.subtype.map(|value| (id, value))
}

/// The smallest template C_CreateObject takes for a row, without one attribute.
fn minimal(row: &Class, without: Option<ck::CK_ATTRIBUTE_TYPE>) -> Template {
    let mut all = vec![(ck::CKA_CLASS, Value::Ulong(row.class))];
    all.extend(subtype(row).map(|(id, value)| (id, Value::Ulong(value))));
    for rule in row.rules().filter(|rule| rule.has(F1)) {
        if !all.iter().any(|(id, _)| *id == rule.id) {
            all.push((rule.id, sample(rule.id)));
        }
    }
    if row.rule(ck::CKA_SEED).is_some() {
        all.push((ck::CKA_SEED, sample(ck::CKA_SEED)));
    }
    let kept = all.into_iter().filter(|(id, _)| Some(*id) != without);
    kept.fold(Template::new(), |template, (id, value)| template.with(id, value))
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T>, wanted: ErrorKind, names: ck::CK_ATTRIBUTE_TYPE) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), wanted, "{error}");
    assert!(error.detail().contains(&*attribute::name(names)), "{error}");
}

fn aes() -> Template {
    Template::new().with(ck::CKA_VALUE_LEN, 32 as ck::CK_ULONG)
}

fn aes_key(template: Template) -> Attributes {
    let mut key = generate_secret(template, ck::CKM_AES_KEY_GEN, &[ck::CKK_AES], &SO).unwrap();
    key.set(ck::CKA_VALUE, &[7; 32]);
    key
}

#[test]
fn every_row_is_created_from_what_it_demands() {
    for row in Class::all() {
        let object = create(minimal(row, None), &USER).unwrap();
        assert_eq!(object.class(), row.class);
        for rule in row.rules() {
            let value = object.get(rule.id);
            if let (Some(default), false) = (row.default(rule), rule.has(F1)) {
                assert_eq!(value, Some(&default), "{} of {}", attribute::name(rule.id), row.name);
            }
        }
        assert_eq!(Attributes::decode(&object.encode()).unwrap(), object);
        if row.class == ck::CKO_DOMAIN_PARAMETERS {
            assert_eq!(object.get(ck::CKA_LOCAL), Some(&Value::Bool(false)), "{}", row.name);
        }
        if row.is_key() {
            assert!(!object.flag(ck::CKA_LOCAL));
            assert_eq!(object.ulong(ck::CKA_KEY_GEN_MECHANISM), Some(ck::CK_UNAVAILABLE_INFORMATION));
        }
        if matches!(row.class, ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY) {
            assert_eq!(object.get(ck::CKA_ALWAYS_SENSITIVE), Some(&Value::Bool(false)));
            assert_eq!(object.get(ck::CKA_NEVER_EXTRACTABLE), Some(&Value::Bool(false)));
        }
    }
}

#[test]
fn creation_demands_and_refuses_by_footnote() {
    for row in Class::all() {
        for rule in row.rules() {
            if rule.has(F1) {
                refused(create(minimal(row, Some(rule.id)), &USER), ErrorKind::TemplateIncomplete, rule.id);
            }
            if rule.has(F2) {
                let template = minimal(row, None).with(rule.id, sample(rule.id));
                refused(create(template, &USER), ErrorKind::AttributeReadOnly, rule.id);
            }
            if rule.has(F10) {
                let template = minimal(row, None).with(rule.id, true);
                refused(create(template.clone(), &USER), ErrorKind::AttributeReadOnly, rule.id);
                assert!(create(template, &SO).unwrap().flag(rule.id));
            }
        }
        for foreign in attribute::all().filter(|foreign| row.rule(foreign.id).is_none()) {
            let template = minimal(row, None).with(foreign.id, sample(foreign.id));
            refused(create(template, &USER), ErrorKind::AttributeTypeInvalid, foreign.id);
        }
    }
}

/// Runs the generation of a row's kind of key with `change` made to its template.
fn generate(row: &Class, change: impl Fn(Template) -> Template) -> Result<Attributes> {
    let (_, key_type) = subtype(row).unwrap();
    let needed = |class| {
        let row = Class::all().find(|row| row.class == class && row.subtype == Some(key_type)).unwrap();
        let needed = row.rules().filter(|rule| rule.has(F3));
        needed.fold(Template::new(), |template, rule| template.with(rule.id, sample(rule.id)))
    };
    let pair = |public, private| generate_pair(public, private, 1, &[key_type], &USER);
    match row.class {
        ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY => {
            generate_secret(change(needed(row.class)), 1, &[key_type], &USER)
        }
        ck::CKO_PUBLIC_KEY => pair(change(needed(row.class)), Template::new()).map(|pair| pair.0),
        _ => pair(needed(ck::CKO_PUBLIC_KEY), change(Template::new())).map(|pair| pair.1),
    }
}

#[test]
fn generation_demands_and_refuses_by_footnote() {
    for row in Class::all().filter(|row| row.is_key()) {
        let key = generate(row, |template| template).unwrap();
        assert!(key.flag(ck::CKA_LOCAL));
        assert_eq!(key.ulong(ck::CKA_KEY_GEN_MECHANISM), Some(1));
        for rule in row.rules() {
            if rule.has(F4) {
                let result = generate(row, |template| template.with(rule.id, other(rule.id)));
                refused(result, ErrorKind::AttributeReadOnly, rule.id);
            }
            if rule.has(F3) {
                let without = |mut template: Template| {
                    template.discard(|id, _| id == rule.id);
                    template
                };
                refused(generate(row, without), ErrorKind::TemplateIncomplete, rule.id);
            }
        }
    }
}

#[test]
fn domain_parameters_are_generated_by_footnote() {
    for row in Class::all().filter(|row| row.class == ck::CKO_DOMAIN_PARAMETERS) {
        let key_type = row.subtype.unwrap();
        let needed = row.rules().filter(|rule| rule.has(F3));
        let needed = needed.fold(Template::new(), |template, rule| template.with(rule.id, sample(rule.id)));
        let made = generate_parameters(needed.clone(), &[key_type], &USER).unwrap();
        assert_eq!((made.class(), made.key_type()), (ck::CKO_DOMAIN_PARAMETERS, Some(key_type)));
        assert!(made.flag(ck::CKA_LOCAL) && !is_private(&made), "{}", row.name);
        assert!(copy(&made, Template::new(), &USER).unwrap().flag(ck::CKA_LOCAL));
        for rule in row.rules().filter(|rule| rule.has(F4)) {
            let given = needed.clone().with(rule.id, sample(rule.id));
            let result = generate_parameters(given, &[key_type], &USER);
            refused(result, ErrorKind::AttributeReadOnly, rule.id);
        }
        for rule in row.rules().filter(|rule| rule.has(F3)) {
            let mut without = needed.clone();
            without.discard(|id, _| id == rule.id);
            let result = generate_parameters(without, &[key_type], &USER);
            refused(result, ErrorKind::TemplateIncomplete, rule.id);
        }
        let key = needed.with(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
        assert_eq!(kind(generate_parameters(key, &[key_type], &USER)), ErrorKind::TemplateInconsistent);
    }
}

#[test]
fn unwrapping_demands_and_refuses_by_footnote() {
    let key = Attributes::new();
    for row in Class::all().filter(|row| matches!(row.class, ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY)) {
        let needed =
            Template::new().with(ck::CKA_CLASS, row.class).with(ck::CKA_KEY_TYPE, row.subtype.unwrap());
        let unwrapped = unwrap(needed.clone(), &key, &USER).unwrap();
        assert!(unwrapped.flag(ck::CKA_EXTRACTABLE) && !unwrapped.flag(ck::CKA_LOCAL));
        for rule in row.rules() {
            if rule.has(F6) {
                let template = needed.clone().with(rule.id, sample(rule.id));
                refused(unwrap(template, &key, &USER), ErrorKind::AttributeReadOnly, rule.id);
            }
            if rule.has(F5) {
                let mut template = needed.clone();
                template.discard(|id, _| id == rule.id);
                refused(unwrap(template, &key, &USER), ErrorKind::TemplateIncomplete, rule.id);
            }
        }
    }
    let public = Template::new().with(ck::CKA_CLASS, ck::CKO_PUBLIC_KEY).with(ck::CKA_KEY_TYPE, ck::CKK_RSA);
    assert_eq!(kind(unwrap(public, &key, &USER)), ErrorKind::TemplateInconsistent);
    let length = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
        .with(ck::CKA_KEY_TYPE, ck::CKK_AES)
        .with(ck::CKA_VALUE_LEN, 16 as ck::CK_ULONG);
    assert_eq!(unwrap(length, &key, &USER).unwrap().ulong(ck::CKA_VALUE_LEN), Some(16));
}

#[test]
fn no_attribute_of_the_table_is_secret_outside_keys() {
    for row in Class::all() {
        let secrets: Vec<_> = row.rules().filter(|rule| rule.has(F7)).map(|rule| rule.id).collect();
        match row.class {
            ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY | ck::CKO_OTP_KEY => {
                assert!(secrets.contains(&ck::CKA_VALUE) || row.subtype == Some(ck::CKK_RSA))
            }
            _ => assert!(secrets.is_empty(), "{}", row.name),
        }
    }
}

#[test]
fn secrets_are_revealed_of_open_keys_only() {
    let guarded = [ck::CKO_PRIVATE_KEY, ck::CKO_SECRET_KEY, ck::CKO_OTP_KEY];
    for row in Class::all().filter(|row| guarded.contains(&row.class)) {
        for (sensitive, extractable) in [(true, true), (true, false), (false, false), (false, true)] {
            let template =
                minimal(row, None).with(ck::CKA_SENSITIVE, sensitive).with(ck::CKA_EXTRACTABLE, extractable);
            let key = create(template.clone(), &USER).unwrap();
            for rule in row.rules() {
                let search = Template::new().with(rule.id, sample(rule.id));
                let held = key.get(rule.id) == Some(&sample(rule.id));
                if rule.has(F7) && (sensitive || !extractable) {
                    refused(reveal(&key, rule.id), ErrorKind::AttributeSensitive, rule.id);
                    assert!(!matches(&key, &search), "a search tells {}", attribute::name(rule.id));
                } else {
                    assert_eq!(reveal(&key, rule.id).ok(), key.get(rule.id));
                    assert_eq!(matches(&key, &search), held);
                }
            }
        }
    }
}

#[test]
fn what_the_table_does_not_know_is_not_revealed_of_a_guarded_key() {
    let strange = Attributes::new()
        .with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
        .with(ck::CKA_KEY_TYPE, ck::CKK_BATON)
        .with(ck::CKA_EXTRACTABLE, true)
        .with(ck::CKA_VALUE, b"secret");
    assert_eq!(kind(reveal(&strange, ck::CKA_VALUE)), ErrorKind::AttributeSensitive);
    assert_eq!(
        kind(reveal(&Attributes::new().with(ck::CKA_VALUE, b"?"), ck::CKA_VALUE)),
        ErrorKind::AttributeSensitive
    );
    let public =
        create(minimal(Class::all().next().unwrap(), None).with(ck::CKA_VALUE, b"data"), &USER).unwrap();
    assert_eq!(reveal(&public, ck::CKA_VALUE).unwrap(), &Value::from(b"data"));
    assert_eq!(kind(reveal(&public, ck::CKA_MODULUS)), ErrorKind::AttributeTypeInvalid);
}

/// Whether a rule lets an attribute that is `from` become `to`.
fn may_become(rule: &Rule, from: bool, to: bool, caller: &Caller, copying: bool) -> bool {
    let changeable = rule.has(F8 | F10 | F11 | F12) || (copying && rule.has(ON_COPY));
    let one_way = (rule.has(F11) && from && !to) || (rule.has(F12) && !from && to);
    let publish = rule.id == ck::CKA_PRIVATE && from && !to;
    (copying && from == to) || (changeable && !one_way && !publish && (caller.so || !rule.has(F10)))
}

#[test]
fn flags_change_in_the_allowed_directions_only() {
    for row in Class::all() {
        let object = create(minimal(row, None), &USER).unwrap();
        let flags = row.rules().filter(|rule| attribute::kind(rule.id) == Some(attribute::Kind::Bool));
        // What the object must be for a change to be tried at all.
        let gates = [ck::CKA_MODIFIABLE, ck::CKA_COPYABLE];
        for rule in flags.filter(|rule| !gates.contains(&rule.id)) {
            for (from, to, caller) in [(false, false), (false, true), (true, false), (true, true)]
                .into_iter()
                .flat_map(|(from, to)| [(from, to, USER), (from, to, SO)])
            {
                let mut object = object.clone();
                object.set(rule.id, from);
                let template = Template::new().with(rule.id, to);
                // Keys of one-time passwords are not copied at all.
                let ways: &[bool] = if row.class == ck::CKO_OTP_KEY { &[false] } else { &[false, true] };
                for &copying in ways {
                    let result = match copying {
                        true => copy(&object, template.clone(), &caller),
                        false => modify(&object, template.clone(), &caller),
                    };
                    let trusted = row.class == ck::CKO_CERTIFICATE && rule.id == ck::CKA_TRUSTED && from;
                    match may_become(rule, from, to, &caller, copying) && !(trusted && !copying && !caller.so)
                    {
                        true => assert_eq!(result.unwrap().flag(rule.id), to),
                        false => {
                            let allowed = [
                                ErrorKind::AttributeReadOnly,
                                ErrorKind::TemplateInconsistent,
                                ErrorKind::ActionProhibited,
                            ];
                            assert!(
                                allowed.contains(&kind(result)),
                                "{} {from} {to}",
                                attribute::name(rule.id)
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn values_change_where_footnote_8_says() {
    for row in Class::all() {
        let object = create(minimal(row, None), &USER).unwrap();
        let special = [ck::CKA_PUBLIC_KEY_INFO];
        for rule in row.rules().filter(|rule| !special.contains(&rule.id)) {
            if attribute::kind(rule.id) == Some(attribute::Kind::Bool) {
                continue;
            }
            let result = modify(&object, Template::new().with(rule.id, sample(rule.id)), &USER);
            match rule.has(F8) {
                true => assert_eq!(result.unwrap().get(rule.id), Some(&sample(rule.id))),
                false => refused(result, ErrorKind::AttributeReadOnly, rule.id),
            }
        }
        for id in [ck::CKA_CLASS, ck::CKA_UNIQUE_ID] {
            refused(
                modify(&object, Template::new().with(id, sample(id)), &SO),
                ErrorKind::AttributeReadOnly,
                id,
            );
        }
    }
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let key = aes_key(aes());
    assert!(
        is_private(&key)
            && !is_token(&key)
            && is_modifiable(&key)
            && is_copyable(&key)
            && is_destroyable(&key)
    );
    assert!(!key.flag(ck::CKA_SENSITIVE) && !key.flag(ck::CKA_EXTRACTABLE) && !key.flag(ck::CKA_DERIVE));
    assert!(key.flag(ck::CKA_NEVER_EXTRACTABLE) && !key.flag(ck::CKA_ALWAYS_SENSITIVE));
    for id in [ck::CKA_ENCRYPT, ck::CKA_DECRYPT, ck::CKA_SIGN, ck::CKA_VERIFY, ck::CKA_WRAP, ck::CKA_UNWRAP] {
        assert!(key.flag(id), "{}", attribute::name(id));
    }
    let ec = Template::new().with(ck::CKA_EC_PARAMS, b"oid");
    let (public, private) =
        generate_pair(ec, Template::new(), ck::CKM_EC_KEY_PAIR_GEN, &[ck::CKK_EC], &USER).unwrap();
    assert!(!is_private(&public) && public.flag(ck::CKA_VERIFY) && !public.flag(ck::CKA_ENCRYPT));
    assert!(is_private(&private) && private.flag(ck::CKA_SIGN) && !private.flag(ck::CKA_DECRYPT));
    assert!(private.flag(ck::CKA_SENSITIVE) && private.flag(ck::CKA_ALWAYS_SENSITIVE));
    let data = create(Template::new().with(ck::CKA_CLASS, ck::CKO_DATA), &USER).unwrap();
    assert!(is_private(&data));
}

#[test]
fn a_pair_may_repeat_itself() {
    let set = ck::CK_ULONG::from(2u8);
    let public = Template::new().with(ck::CKA_PARAMETER_SET, set);
    let pair = |private: Template| {
        generate_pair(public.clone(), private, ck::CKM_ML_DSA_KEY_PAIR_GEN, &[ck::CKK_ML_DSA], &USER)
    };
    let (public_key, private_key) = pair(Template::new().with(ck::CKA_PARAMETER_SET, set)).unwrap();
    assert_eq!(public_key.ulong(ck::CKA_PARAMETER_SET), Some(set));
    assert!(!private_key.contains(ck::CKA_PARAMETER_SET));
    refused(
        pair(Template::new().with(ck::CKA_PARAMETER_SET, set + 1)),
        ErrorKind::AttributeReadOnly,
        ck::CKA_PARAMETER_SET,
    );
    refused(
        pair(Template::new().with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)),
        ErrorKind::TemplateInconsistent,
        ck::CKA_CLASS,
    );
    refused(
        pair(Template::new().with(ck::CKA_KEY_TYPE, ck::CKK_RSA)),
        ErrorKind::TemplateInconsistent,
        ck::CKA_KEY_TYPE,
    );
    let bits = Template::new().with(ck::CKA_MODULUS_BITS, 2048 as ck::CK_ULONG);
    let (rsa, _) =
        generate_pair(bits.clone(), bits, ck::CKM_RSA_PKCS_KEY_PAIR_GEN, &[ck::CKK_RSA], &USER).unwrap();
    assert_eq!(rsa.bytes(ck::CKA_PUBLIC_EXPONENT), Some(&[1, 0, 1][..]));
}

#[test]
fn creation_refuses_what_contradicts_itself() {
    let secret =
        Template::new().with(ck::CKA_CLASS, ck::CKO_SECRET_KEY).with(ck::CKA_VALUE, b"0123456789abcdef");
    let with_type = |id: ck::CK_KEY_TYPE| create(secret.clone().with(ck::CKA_KEY_TYPE, id), &USER);
    refused(with_type(ck::CKK_RSA), ErrorKind::TemplateInconsistent, ck::CKA_KEY_TYPE);
    refused(with_type(0x7777), ErrorKind::AttributeValueInvalid, ck::CKA_KEY_TYPE);
    refused(create(Template::new(), &USER), ErrorKind::TemplateIncomplete, ck::CKA_CLASS);
    for class in [ck::CKO_PROFILE, ck::CKO_MECHANISM, ck::CKO_HW_FEATURE, 0x99] {
        let result = create(Template::new().with(ck::CKA_CLASS, class), &SO);
        refused(result, ErrorKind::AttributeValueInvalid, ck::CKA_CLASS);
    }
    let rsa = Class::all().find(|row| row.name == "an RSA private key").unwrap();
    let open = minimal(rsa, None).with(ck::CKA_ALWAYS_AUTHENTICATE, true).with(ck::CKA_PRIVATE, false);
    refused(create(open, &USER), ErrorKind::TemplateInconsistent, ck::CKA_ALWAYS_AUTHENTICATE);
    let unrestricted =
        minimal(rsa, None).with(ck::CKA_ALLOWED_MECHANISMS, Vec::<ck::CK_MECHANISM_TYPE>::new());
    assert!(!create(unrestricted, &USER).unwrap().contains(ck::CKA_ALLOWED_MECHANISMS));
    let seedless = Class::all().find(|row| row.name == "an ML-DSA private key").unwrap();
    refused(
        create(minimal(seedless, Some(ck::CKA_SEED)), &USER),
        ErrorKind::TemplateIncomplete,
        ck::CKA_SEED,
    );
}

#[test]
fn certificates_may_be_elsewhere() {
    let x509 = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_CERTIFICATE)
        .with(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509)
        .with(ck::CKA_SUBJECT, b"name")
        .with(ck::CKA_VALUE, b"");
    refused(create(x509.clone(), &NOBODY), ErrorKind::TemplateInconsistent, ck::CKA_VALUE);
    let url = x509.with(ck::CKA_URL, "https://example.org/a.cer");
    refused(create(url.clone(), &NOBODY), ErrorKind::TemplateIncomplete, ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY);
    let hashed = url
        .with(ck::CKA_HASH_OF_SUBJECT_PUBLIC_KEY, b"hash")
        .with(ck::CKA_HASH_OF_ISSUER_PUBLIC_KEY, b"hash")
        .with(ck::CKA_SERIAL_NUMBER, b"\x00\x01");
    assert!(create(hashed, &NOBODY).is_ok());
}

#[test]
fn a_trusted_certificate_is_the_so_s() {
    let x509 = Class::all().find(|row| row.name == "an X.509 certificate").unwrap();
    let certificate = create(minimal(x509, None), &NOBODY).unwrap();
    let trust = Template::new().with(ck::CKA_TRUSTED, true);
    refused(modify(&certificate, trust.clone(), &USER), ErrorKind::AttributeReadOnly, ck::CKA_TRUSTED);
    let trusted = modify(&certificate, trust, &SO).unwrap();
    let label = Template::new().with(ck::CKA_LABEL, "x");
    assert_eq!(kind(modify(&trusted, label.clone(), &USER)), ErrorKind::ActionProhibited);
    assert!(modify(&trusted, label, &SO).is_ok());
}

#[test]
fn objects_that_say_so_are_left_alone() {
    let fixed = aes_key(aes().with(ck::CKA_MODIFIABLE, false).with(ck::CKA_COPYABLE, false));
    let label = Template::new().with(ck::CKA_LABEL, "x");
    assert_eq!(kind(modify(&fixed, label.clone(), &SO)), ErrorKind::ActionProhibited);
    assert_eq!(kind(copy(&fixed, Template::new(), &SO)), ErrorKind::ActionProhibited);
    let profile = builtin(ck::CKO_PROFILE, [(ck::CKA_PROFILE_ID, Value::Ulong(1))]);
    assert_eq!(kind(modify(&profile, label, &SO)), ErrorKind::ActionProhibited);
    assert!(!is_destroyable(&profile) && !is_private(&profile));
    assert_eq!(reveal(&profile, ck::CKA_PROFILE_ID).unwrap(), &Value::Ulong(1));
}

#[test]
fn a_copy_is_the_same_key_with_another_name() {
    let mut key = aes_key(aes().with(ck::CKA_LABEL, "a"));
    finish(&mut key, "1");
    let plain = copy(&key, Template::new(), &USER).unwrap();
    assert!(!plain.contains(ck::CKA_UNIQUE_ID));
    assert_eq!(plain.bytes(ck::CKA_VALUE), key.bytes(ck::CKA_VALUE));
    assert!(plain.flag(ck::CKA_LOCAL) && plain.flag(ck::CKA_NEVER_EXTRACTABLE));
    let token = Template::new().with(ck::CKA_TOKEN, true).with(ck::CKA_CLASS, ck::CKO_SECRET_KEY);
    assert!(is_token(&copy(&key, token.with(ck::CKA_MODIFIABLE, false), &USER).unwrap()));
    let other = Template::new().with(ck::CKA_CLASS, ck::CKO_PUBLIC_KEY);
    refused(copy(&key, other, &USER), ErrorKind::AttributeReadOnly, ck::CKA_CLASS);
    let public = Template::new().with(ck::CKA_PRIVATE, false);
    refused(copy(&key, public, &USER), ErrorKind::TemplateInconsistent, ck::CKA_PRIVATE);
    // Guessing right and guessing wrong must look the same.
    for guess in [[7; 32], [8; 32]] {
        let guess = Template::new().with(ck::CKA_VALUE, &guess);
        refused(copy(&key, guess, &USER), ErrorKind::AttributeReadOnly, ck::CKA_VALUE);
    }
}

#[test]
fn check_values_can_be_removed_and_public_parts_not_replaced() {
    let key = aes_key(aes()).with(ck::CKA_CHECK_VALUE, b"abc");
    let emptied = modify(&key, Template::new().with(ck::CKA_CHECK_VALUE, b""), &USER).unwrap();
    assert_eq!(emptied.bytes(ck::CKA_CHECK_VALUE), Some(&b""[..]));
    let other = Template::new().with(ck::CKA_CHECK_VALUE, b"xyz");
    refused(modify(&key, other, &USER), ErrorKind::AttributeReadOnly, ck::CKA_CHECK_VALUE);
    assert!(Class::of(&key).unwrap().rule(ck::CKA_CHECK_VALUE).unwrap().has(TO_EMPTY));

    let ec = Class::all().find(|row| row.name == "an EC private key").unwrap();
    let key = create(minimal(ec, None).with(ck::CKA_PUBLIC_KEY_INFO, b"spki"), &USER).unwrap();
    let set = |value: &[u8]| modify(&key, Template::new().with(ck::CKA_PUBLIC_KEY_INFO, value), &USER);
    assert!(set(b"spki").is_ok());
    refused(set(b"another"), ErrorKind::AttributeValueInvalid, ck::CKA_PUBLIC_KEY_INFO);
}

#[test]
fn derived_keys_inherit() {
    let strict = aes_key(aes().with(ck::CKA_SENSITIVE, true));
    let open = aes_key(aes().with(ck::CKA_EXTRACTABLE, true));
    let readable = || Template::new().with(ck::CKA_SENSITIVE, false).with(ck::CKA_EXTRACTABLE, true);
    let plain = derive(Template::new(), &strict, &[], Inherit::Template, &USER).unwrap();
    assert_eq!((plain.class(), plain.key_type()), (ck::CKO_SECRET_KEY, Some(ck::CKK_GENERIC_SECRET)));
    assert!(!plain.flag(ck::CKA_LOCAL) && plain.flag(ck::CKA_NEVER_EXTRACTABLE));
    assert!(!plain.flag(ck::CKA_ALWAYS_SENSITIVE));
    let sensitive = Template::new().with(ck::CKA_SENSITIVE, true);
    assert!(
        derive(sensitive.clone(), &strict, &[], Inherit::Template, &USER)
            .unwrap()
            .flag(ck::CKA_ALWAYS_SENSITIVE)
    );
    assert!(!derive(sensitive, &open, &[], Inherit::Template, &USER).unwrap().flag(ck::CKA_ALWAYS_SENSITIVE));
    let agreed = derive(readable(), &strict, &[], Inherit::Template, &USER).unwrap();
    assert!(!agreed.flag(ck::CKA_NEVER_EXTRACTABLE));
    refused(
        derive(readable(), &strict, &[], Inherit::Base, &USER),
        ErrorKind::TemplateInconsistent,
        ck::CKA_SENSITIVE,
    );
    assert!(derive(Template::new(), &strict, &[], Inherit::Base, &USER).unwrap().flag(ck::CKA_SENSITIVE));
    assert!(derive(readable(), &open, &[], Inherit::Base, &USER).is_ok());
}

#[test]
fn keys_prescribe_templates() {
    let prescribed = Attributes::new().with(ck::CKA_SENSITIVE, true).with(ck::CKA_DERIVE, false);
    let base = aes_key(
        aes()
            .with(ck::CKA_UNWRAP_TEMPLATE, prescribed.clone())
            .with(ck::CKA_DERIVE_TEMPLATE, prescribed.clone()),
    );
    let key = || Template::new().with(ck::CKA_CLASS, ck::CKO_SECRET_KEY).with(ck::CKA_KEY_TYPE, ck::CKK_AES);
    assert!(unwrap(key(), &base, &USER).unwrap().flag(ck::CKA_SENSITIVE));
    assert!(derive(key(), &base, &[], Inherit::Template, &USER).unwrap().flag(ck::CKA_SENSITIVE));
    let against = || key().with(ck::CKA_SENSITIVE, false);
    refused(unwrap(against(), &base, &USER), ErrorKind::TemplateInconsistent, ck::CKA_UNWRAP_TEMPLATE);
    refused(
        derive(against(), &base, &[], Inherit::Template, &USER),
        ErrorKind::TemplateInconsistent,
        ck::CKA_DERIVE_TEMPLATE,
    );

    let kem = Attributes::new()
        .with(ck::CKA_ENCAPSULATE_TEMPLATE, prescribed.clone())
        .with(ck::CKA_DECAPSULATE_TEMPLATE, prescribed);
    assert!(decapsulate(key(), &kem, &USER).unwrap().flag(ck::CKA_EXTRACTABLE));
    assert_eq!(kind(encapsulate(key(), &kem, &USER)), ErrorKind::KeyHandleInvalid);
    assert!(encapsulate(key().with(ck::CKA_SENSITIVE, true), &kem, &USER).is_ok());
}

#[test]
fn wrapping_respects_the_key_s_wishes() {
    let wrapping = aes_key(aes());
    let key = aes_key(aes().with(ck::CKA_EXTRACTABLE, true));
    assert!(wrappable(&key, &wrapping).is_ok());
    assert_eq!(kind(wrappable(&aes_key(aes()), &wrapping)), ErrorKind::KeyUnextractable);
    let wary = aes_key(aes().with(ck::CKA_EXTRACTABLE, true).with(ck::CKA_WRAP_WITH_TRUSTED, true));
    assert_eq!(kind(wrappable(&wary, &wrapping)), ErrorKind::KeyNotWrappable);
    assert!(wrappable(&wary, &aes_key(aes().with(ck::CKA_TRUSTED, true))).is_ok());
    let picky = aes_key(aes().with(ck::CKA_WRAP_TEMPLATE, Attributes::new().with(ck::CKA_LABEL, "k")));
    assert_eq!(kind(wrappable(&key, &picky)), ErrorKind::KeyHandleInvalid);
    assert!(wrappable(&key.clone().with(ck::CKA_LABEL, "k"), &picky).is_ok());
    let data = create(Template::new().with(ck::CKA_CLASS, ck::CKO_DATA), &USER).unwrap();
    assert_eq!(kind(wrappable(&data, &wrapping)), ErrorKind::KeyHandleInvalid);
}

#[test]
fn usage_is_permitted_by_flag_mechanism_and_date() {
    let key = aes_key(
        aes()
            .with(ck::CKA_WRAP, false)
            .with(ck::CKA_ALLOWED_MECHANISMS, vec![ck::CKM_AES_GCM])
            .with(ck::CKA_START_DATE, "20260101")
            .with(ck::CKA_END_DATE, "20261231"),
    );
    let on = |day: &str| permits(&key, Usage::Encrypt, ck::CKM_AES_GCM, Date::parse(day.as_bytes()));
    assert!(permits(&key, Usage::Encrypt, ck::CKM_AES_GCM, None).is_ok());
    assert!(on("20260101").is_ok() && on("20261231").is_ok());
    refused(on("20251231"), ErrorKind::KeyFunctionNotPermitted, ck::CKA_START_DATE);
    refused(on("20270101"), ErrorKind::KeyFunctionNotPermitted, ck::CKA_END_DATE);
    let result = permits(&key, Usage::Wrap, ck::CKM_AES_GCM, None);
    refused(result, ErrorKind::KeyFunctionNotPermitted, ck::CKA_WRAP);
    let result = permits(&key, Usage::Encrypt, ck::CKM_AES_CBC, None);
    refused(result, ErrorKind::MechanismInvalid, ck::CKA_ALLOWED_MECHANISMS);
    let data = create(Template::new().with(ck::CKA_CLASS, ck::CKO_DATA), &USER).unwrap();
    for (usage, error) in [
        (Usage::Sign, ErrorKind::KeyHandleInvalid),
        (Usage::Wrap, ErrorKind::WrappingKeyHandleInvalid),
        (Usage::Unwrap, ErrorKind::UnwrappingKeyHandleInvalid),
    ] {
        assert_eq!(kind(permits(&data, usage, ck::CKM_AES_GCM, None)), error);
    }
}

#[test]
fn searches_match_exactly() {
    let rsa = Class::all().find(|row| row.name == "an RSA public key").unwrap();
    let key = create(minimal(rsa, None).with(ck::CKA_ID, b"\x00\x01"), &USER).unwrap();
    assert!(matches(&key, &Template::new()));
    assert!(matches(
        &key,
        &Template::new().with(ck::CKA_CLASS, ck::CKO_PUBLIC_KEY).with(ck::CKA_VERIFY, true)
    ));
    assert!(!matches(&key, &Template::new().with(ck::CKA_ID, b"\x01")));
    assert!(matches(&key, &Template::new().with(ck::CKA_MODULUS, b"\x00ab")));
    assert!(!matches(&key, &Template::new().with(ck::CKA_MODULUS, b"abc")));
    assert!(!matches(&key, &Template::new().with(ck::CKA_EC_PARAMS, b"")));
    let raw = |kind, value: &'static [u8]| RawAttribute { kind, value: RawValue::Bytes(value) };
    for impossible in [raw(0x8000_0001, b"x"), raw(ck::CKA_CLASS, b"short"), raw(ck::CKA_TOKEN, b"\x02")] {
        let template = Template::parse_search(vec![impossible]).unwrap();
        assert!(template.is_impossible() && !matches(&key, &template));
    }
    let twice = vec![raw(ck::CKA_ID, b"\x00\x01"), raw(ck::CKA_ID, b"\x02")];
    assert!(!matches(&key, &Template::parse_search(twice).unwrap()));
}

#[test]
fn writing_needs_the_right_session_and_login() {
    let key = aes_key(aes().with(ck::CKA_TOKEN, true));
    assert!(may_write(&key, &USER, true).is_ok());
    assert_eq!(kind(may_write(&key, &USER, false)), ErrorKind::SessionReadOnly);
    assert_eq!(kind(may_write(&key, &SO, true)), ErrorKind::UserNotLoggedIn);
    assert!(may_write(&aes_key(aes().with(ck::CKA_PRIVATE, false)), &NOBODY, false).is_ok());
}

#[test]
fn what_moves_in_keeps_its_past() {
    let key = Attributes::new()
        .with(ck::CKA_CLASS, ck::CKO_SECRET_KEY)
        .with(ck::CKA_KEY_TYPE, ck::CKK_AES)
        .with(ck::CKA_VALUE, &[1; 16])
        .with(ck::CKA_LOCAL, true)
        .with(ck::CKA_NEVER_EXTRACTABLE, true)
        .with(ck::CKA_TRUSTED, true)
        .with(ck::CKA_UNIQUE_ID, "theirs")
        .with(ck::CKA_MODULUS, b"no attribute of such a key");
    let adopted = adopt(&key).unwrap();
    for flag in [ck::CKA_LOCAL, ck::CKA_NEVER_EXTRACTABLE, ck::CKA_TRUSTED, ck::CKA_TOKEN] {
        assert!(adopted.flag(flag), "{}", attribute::name(flag));
    }
    // What the source does not tell is what can't be relied on.
    assert_eq!(adopted.get(ck::CKA_ALWAYS_SENSITIVE), Some(&Value::Bool(false)));
    assert_eq!(adopted.ulong(ck::CKA_KEY_GEN_MECHANISM), Some(ck::CK_UNAVAILABLE_INFORMATION));
    assert_eq!(adopted.bytes(ck::CKA_UNIQUE_ID), Some(&b"theirs"[..]));
    assert!(!adopted.contains(ck::CKA_MODULUS));
    assert!(has_class(&key) && !has_class(&key.clone().with(ck::CKA_KEY_TYPE, ck::CKK_DSA)));
    assert!(adopt(&key.clone().with(ck::CKA_LABEL, true)).is_err());
    let incomplete: Attributes =
        key.iter().filter(|(id, _)| *id != ck::CKA_VALUE).map(|(id, v)| (id, v.clone())).collect();
    assert_eq!(adopt(&incomplete).unwrap_err().kind(), ErrorKind::TemplateIncomplete);
    // The same said by an application is refused.
    let template = key.iter().fold(Template::new(), |template, (id, value)| template.with(id, value.clone()));
    assert!(create(template, &USER).is_err());
}
