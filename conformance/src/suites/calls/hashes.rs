//! What is made of hashes: MACs of any length, keys for them, and keys that are another key's hash.

use cryptoki_sys::*;

use super::super::fixture::{self, with};
use crate::runner::{Case, Check, Context, expect};
use crate::{Attr, Mech, Object, Rv, Session, cases, ensure, names, ulen};

pub(super) fn cases() -> Vec<Case> {
    cases![macs_of_any_length, keys_for_one_hash, keys_by_hash, what_a_derived_key_must_say]
}

/// Digest, HMAC, its general form, key generation, key derivation, key type.
type Row = ([CK_MECHANISM_TYPE; 5], CK_KEY_TYPE);

macro_rules! rows {
    ($($digest:ident $mac:ident $general:ident $key_gen:ident $derive:ident $key_type:ident)*) => {
        &[$(([$digest, $mac, $general, $key_gen, $derive], $key_type)),*]
    };
}

const ROWS: &[Row] = rows! {
    CKM_SHA_1 CKM_SHA_1_HMAC CKM_SHA_1_HMAC_GENERAL CKM_SHA_1_KEY_GEN CKM_SHA1_KEY_DERIVATION CKK_SHA_1_HMAC
    CKM_SHA224 CKM_SHA224_HMAC CKM_SHA224_HMAC_GENERAL CKM_SHA224_KEY_GEN CKM_SHA224_KEY_DERIVATION CKK_SHA224_HMAC
    CKM_SHA256 CKM_SHA256_HMAC CKM_SHA256_HMAC_GENERAL CKM_SHA256_KEY_GEN CKM_SHA256_KEY_DERIVATION CKK_SHA256_HMAC
    CKM_SHA384 CKM_SHA384_HMAC CKM_SHA384_HMAC_GENERAL CKM_SHA384_KEY_GEN CKM_SHA384_KEY_DERIVATION CKK_SHA384_HMAC
    CKM_SHA512 CKM_SHA512_HMAC CKM_SHA512_HMAC_GENERAL CKM_SHA512_KEY_GEN CKM_SHA512_KEY_DERIVATION CKK_SHA512_HMAC
    CKM_SHA512_224 CKM_SHA512_224_HMAC CKM_SHA512_224_HMAC_GENERAL CKM_SHA512_224_KEY_GEN
        CKM_SHA512_224_KEY_DERIVATION CKK_SHA512_224_HMAC
    CKM_SHA512_256 CKM_SHA512_256_HMAC CKM_SHA512_256_HMAC_GENERAL CKM_SHA512_256_KEY_GEN
        CKM_SHA512_256_KEY_DERIVATION CKK_SHA512_256_HMAC
    CKM_SHA3_224 CKM_SHA3_224_HMAC CKM_SHA3_224_HMAC_GENERAL CKM_SHA3_224_KEY_GEN
        CKM_SHA3_224_KEY_DERIVATION CKK_SHA3_224_HMAC
    CKM_SHA3_256 CKM_SHA3_256_HMAC CKM_SHA3_256_HMAC_GENERAL CKM_SHA3_256_KEY_GEN
        CKM_SHA3_256_KEY_DERIVATION CKK_SHA3_256_HMAC
    CKM_SHA3_384 CKM_SHA3_384_HMAC CKM_SHA3_384_HMAC_GENERAL CKM_SHA3_384_KEY_GEN
        CKM_SHA3_384_KEY_DERIVATION CKK_SHA3_384_HMAC
    CKM_SHA3_512 CKM_SHA3_512_HMAC CKM_SHA3_512_HMAC_GENERAL CKM_SHA3_512_KEY_GEN
        CKM_SHA3_512_KEY_DERIVATION CKK_SHA3_512_HMAC
    CKM_BLAKE2B_160 CKM_BLAKE2B_160_HMAC CKM_BLAKE2B_160_HMAC_GENERAL CKM_BLAKE2B_160_KEY_GEN
        CKM_BLAKE2B_160_KEY_DERIVE CKK_BLAKE2B_160_HMAC
    CKM_BLAKE2B_256 CKM_BLAKE2B_256_HMAC CKM_BLAKE2B_256_HMAC_GENERAL CKM_BLAKE2B_256_KEY_GEN
        CKM_BLAKE2B_256_KEY_DERIVE CKK_BLAKE2B_256_HMAC
    CKM_BLAKE2B_384 CKM_BLAKE2B_384_HMAC CKM_BLAKE2B_384_HMAC_GENERAL CKM_BLAKE2B_384_KEY_GEN
        CKM_BLAKE2B_384_KEY_DERIVE CKK_BLAKE2B_384_HMAC
    CKM_BLAKE2B_512 CKM_BLAKE2B_512_HMAC CKM_BLAKE2B_512_HMAC_GENERAL CKM_BLAKE2B_512_KEY_GEN
        CKM_BLAKE2B_512_KEY_DERIVE CKK_BLAKE2B_512_HMAC
};

/// Runs `work` for every row whose mechanism at `index` the token offers for `flags`; skips where there is none.
fn each(
    context: &Context,
    (index, flags): (usize, CK_FLAGS),
    work: impl Fn(&Session, &Row) -> Check,
) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let offered: Vec<&Row> = ROWS.iter().filter(|(kinds, _)| token.offers(kinds[index], flags)).collect();
    if offered.is_empty() {
        crate::skip!("no such mechanism");
    }
    offered.into_iter().try_for_each(|row| {
        work(&s, row).map_err(|failure| failure.at(&names::name(names::CKM, row.0[index])))
    })
}

fn macs_of_any_length(context: &Context) -> Check {
    each(context, (2, CKF_SIGN | CKF_VERIFY), |s, ([_, mac, general, ..], _)| {
        let key = fixture::secret(s, &[8; 64])?;
        let whole = s.sign(&Mech::new(*mac), key, b"message")?;
        for len in [1, whole.len() / 2, whole.len()] {
            let mech = Mech::ulong(*general, ulen(len));
            let made = s.sign(&mech, key, b"message")?;
            ensure!(made == whole[..len], "{len} bytes are not the start of the MAC");
            s.verify(&mech, key, b"message", &made)?;
            let other = s.verify(&mech, key, b"another", &made);
            expect(other, &[CKR_SIGNATURE_INVALID])?;
            expect(
                s.verify(&mech, key, b"message", &[&made[..], &[0]].concat()),
                &[CKR_SIGNATURE_LEN_RANGE],
            )?;
        }
        for len in [0, ulen(whole.len() + 1), CK_ULONG::MAX] {
            expect(s.sign_init(&Mech::ulong(*general, len), key), &[CKR_MECHANISM_PARAM_INVALID])?;
        }
        expect(s.sign_init(&Mech::new(*general), key), &[CKR_MECHANISM_PARAM_INVALID])?;
        expect(s.sign_init(&Mech::bytes(*general, &[8]), key), &[CKR_MECHANISM_PARAM_INVALID])
    })
}

fn template(extra: &[Attr]) -> Vec<Attr> {
    let mut template = fixture::secret_template(&[]);
    template.retain(|attribute| ![CKA_VALUE, CKA_KEY_TYPE].contains(&attribute.kind()));
    with(template, extra)
}

fn keys_for_one_hash(context: &Context) -> Check {
    each(context, (3, CKF_GENERATE), |s, ([_, mac, _, key_gen, _], key_type)| {
        let key = s.generate_key(&Mech::new(*key_gen), &template(&[Attr::value_len(40)]))?;
        ensure!(s.get_ulong(key, CKA_KEY_TYPE)? == *key_type, "the key is of another type");
        ensure!(s.get_ulong(key, CKA_KEY_GEN_MECHANISM)? == *key_gen, "by another mechanism");
        ensure!(s.get(key, CKA_VALUE)?.len() == 40, "the key has another length");
        let mech = Mech::new(*mac);
        let made = s.sign(&mech, key, b"message")?;
        s.verify(&mech, key, b"message", &made)?;
        let (_, other) = ROWS.iter().find(|(_, other)| other != key_type).copied().unwrap_or_default();
        let generated =
            s.generate_key(&Mech::new(*key_gen), &template(&[Attr::value_len(40), Attr::key_type(other)]));
        expect(generated, &[CKR_TEMPLATE_INCONSISTENT])
    })
}

fn base(s: &Session) -> Result<Object, Rv> {
    s.create(&with(fixture::secret_template(b"abc"), &[Attr::bool(CKA_DERIVE, true)]))
}

fn keys_by_hash(context: &Context) -> Check {
    each(context, (4, CKF_DERIVE), |s, ([digest, .., derive], _)| {
        let (mech, base) = (Mech::new(*derive), base(s)?);
        let hashed = s.digest(&Mech::new(*digest), b"abc")?;
        let whole = s.derive(&mech, base, &template(&[]))?;
        ensure!(s.get(whole, CKA_VALUE)? == hashed, "the key is not the digest");
        ensure!(s.get_ulong(whole, CKA_KEY_TYPE)? == CKK_GENERIC_SECRET, "the key is no generic secret");
        let short = s.derive(&mech, base, &template(&[Attr::value_len(5)]))?;
        ensure!(s.get(short, CKA_VALUE)? == hashed[..5], "5 bytes are not the start of the digest");
        let aes = [Attr::key_type(CKK_AES), Attr::value_len(16)];
        let aes = s.derive(&mech, base, &template(&aes))?;
        ensure!(s.get(aes, CKA_VALUE)? == hashed[..16], "an AES key is not the start of the digest");
        Ok(())
    })
}

fn what_a_derived_key_must_say(context: &Context) -> Check {
    each(context, (4, CKF_DERIVE), |s, ([digest, .., derive], _)| {
        let (mech, base) = (Mech::new(*derive), base(s)?);
        let hashed = s.digest(&Mech::new(*digest), b"abc")?;
        let longer = template(&[Attr::value_len(hashed.len() + 1)]);
        let refused = &[CKR_TEMPLATE_INCONSISTENT, CKR_KEY_SIZE_RANGE, CKR_ATTRIBUTE_VALUE_INVALID];
        expect(s.derive(&mech, base, &longer), refused)?;
        let refused = &[CKR_TEMPLATE_INCOMPLETE, CKR_TEMPLATE_INCONSISTENT, CKR_KEY_SIZE_RANGE];
        expect(s.derive(&mech, base, &template(&[Attr::key_type(CKK_AES)])), refused)?;
        let closed = fixture::secret(s, b"abc")?;
        expect(s.derive(&mech, closed, &template(&[])), &[CKR_KEY_FUNCTION_NOT_PERMITTED])
    })
}
