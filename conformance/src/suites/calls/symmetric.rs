//! Ciphers and MACs with keys of their own types, derivation by encryption, and their parameters.

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, expect};
use crate::{Attr, Mech, Object, Rv, Session, cases, ensure};

pub(super) fn cases() -> Vec<Case> {
    cases![
        keys_of_their_own_types,
        chacha20_vector,
        chacha20_parameters,
        des_parity,
        derivation_by_encryption,
        gmac_parameters,
        mac_lengths,
        ccm_data_length,
        aead_gives_no_plaintext_before_the_tag,
    ]
}

/// A readable secret key of a type, for C_CreateObject.
fn template(key_type: CK_KEY_TYPE, value: &[u8], uses: &[CK_ATTRIBUTE_TYPE]) -> Vec<Attr> {
    fixture::with(fixture::aes_template(value, uses), &[Attr::key_type(key_type)])
}

const CIPHER: &[CK_ATTRIBUTE_TYPE] = &[CKA_ENCRYPT, CKA_DECRYPT];
const MAC: &[CK_ATTRIBUTE_TYPE] = &[CKA_SIGN, CKA_VERIFY];
const BAD_PARAMETER: &[CK_RV] = &[CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD];

/// Generates, uses in one piece and in parts, wraps and unwraps.
fn keys_of_their_own_types(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let rows = [
        (CKM_CHACHA20_KEY_GEN, 32, Mech::chacha20(&[0; 4], &[1; 12])),
        (CKM_CHACHA20_KEY_GEN, 32, Mech::chacha20(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], &[1; 8])),
        (CKM_CHACHA20_KEY_GEN, 32, Mech::chacha20(&[0; 8], &[1; 24])),
        (CKM_CHACHA20_KEY_GEN, 32, Mech::chacha20_poly1305(&[1; 12], b"associated")),
        (CKM_CHACHA20_KEY_GEN, 32, Mech::chacha20_poly1305(&[1; 24], b"")),
        (CKM_AES_XTS_KEY_GEN, 32, Mech::bytes(CKM_AES_XTS, &[1; 16])),
        (CKM_AES_XTS_KEY_GEN, 64, Mech::bytes(CKM_AES_XTS, &[1; 16])),
        (CKM_DES2_KEY_GEN, 16, Mech::new(CKM_DES3_ECB)),
        (CKM_DES3_KEY_GEN, 24, Mech::bytes(CKM_DES3_CBC, &[1; 8])),
        (CKM_DES3_KEY_GEN, 24, Mech::bytes(CKM_DES3_CBC_PAD, &[1; 8])),
    ];
    let data: Vec<u8> = (0..=255).collect();
    for (generation, len, mech) in rows {
        let generation = Mech::new(generation);
        if !token.offers(generation.kind, CKF_GENERATE) || !token.offers(mech.kind, CKF_ENCRYPT) {
            continue;
        }
        let name = crate::names::name(crate::names::CKM, mech.kind);
        let mut wanted: Vec<Attr> = [CKA_ENCRYPT, CKA_DECRYPT, CKA_EXTRACTABLE]
            .iter()
            .map(|usage| Attr::bool(*usage, true))
            .collect();
        wanted.extend([Attr::token(false), Attr::bool(CKA_SENSITIVE, false)]);
        if generation.kind == CKM_AES_XTS_KEY_GEN {
            wanted.push(Attr::value_len(len));
        }
        let key = s.generate_key(&generation, &wanted)?;
        let value = s.get(key, CKA_VALUE)?;
        ensure!(value.len() == len, "{name}: a key of {} bytes", value.len());
        let sealed = s.encrypt(&mech, key, &data)?;
        ensure!(s.decrypt(&mech, key, &sealed)? == data, "{name} does not decrypt what it encrypts");
        for step in [1, 50, 64] {
            s.encrypt_init(&mech, key)?;
            ensure!(
                in_parts(&data, step, |part| s.encrypt_update(part), || s.encrypt_final())? == sealed,
                "{name} by {step} encrypts differently"
            );
            s.decrypt_init(&mech, key)?;
            ensure!(
                in_parts(&sealed, step, |part| s.decrypt_update(part), || s.decrypt_final())? == data,
                "{name} by {step} decrypts differently"
            );
        }
        travels(&s, key, &value)?;
    }
    Ok(())
}

fn in_parts(
    data: &[u8],
    step: usize,
    update: impl Fn(&[u8]) -> Result<Vec<u8>, Rv>,
    finish: impl Fn() -> Result<Vec<u8>, Rv>,
) -> Result<Vec<u8>, Rv> {
    let mut out = Vec::new();
    for part in data.chunks(step) {
        out.extend(update(part)?);
    }
    out.extend(finish()?);
    Ok(out)
}

/// Wraps a key under AES in a mode that fills up with zeros, and unwraps it as what it was.
fn travels(s: &Session, key: Object, value: &[u8]) -> Check {
    let (kek, mech) = (fixture::aes(s, &[])?, Mech::bytes(CKM_AES_CBC, &[7; 16]));
    let wrapped = s.wrap(&mech, kek, key)?;
    let mut template = vec![
        Attr::class(CKO_SECRET_KEY),
        Attr::key_type(s.get_ulong(key, CKA_KEY_TYPE)?),
        Attr::token(false),
        Attr::bool(CKA_SENSITIVE, false),
        Attr::bool(CKA_EXTRACTABLE, true),
    ];
    if value.len() == 64 || value.len() == 32 {
        template.push(Attr::value_len(value.len()));
    }
    let back = s.unwrap(&mech, kek, &wrapped, &template)?;
    ensure!(s.get(back, CKA_VALUE)? == value, "unwrapped, the key has another value");
    ensure!(s.get(back, CKA_CHECK_VALUE)? == s.get(key, CKA_CHECK_VALUE)?, "another check value");
    Ok(())
}

/// RFC 8439, appendix A.1, vector 3: the start of block 1.
fn chacha20_vector(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_CHACHA20, CKF_ENCRYPT)?;
    let s = token.user_session()?;
    let mut value = [0; 32];
    value[31] = 1;
    let key = s.create(&template(CKK_CHACHA20, &value, CIPHER))?;
    let stream = s.encrypt(&Mech::chacha20(&[1, 0, 0, 0], &[0; 12]), key, &[0; 16])?;
    let wanted =
        [0x3a, 0xeb, 0x52, 0x24, 0xec, 0xf8, 0x49, 0x92, 0x9b, 0x9d, 0x82, 0x8d, 0xb1, 0xce, 0xd4, 0xdd];
    ensure!(stream == wanted, "another keystream: the counter's lowest byte comes first");
    Ok(())
}

fn chacha20_parameters(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_CHACHA20, CKF_ENCRYPT)?;
    let s = token.user_session()?;
    let key = s.create(&template(CKK_CHACHA20, &[3; 32], CIPHER))?;
    for (counter, nonce) in [(4, 8), (8, 12), (4, 24), (0, 12), (4, 0), (16, 12), (4, 16)] {
        let mech = Mech::chacha20(&vec![0; counter], &vec![0; nonce]);
        expect(s.encrypt_init(&mech, key), BAD_PARAMETER)?;
    }
    for nonce in [0, 7, 11, 13, 25, 1 << 20] {
        expect(s.encrypt_init(&Mech::chacha20_poly1305(&vec![0; nonce], b""), key), BAD_PARAMETER)?;
    }
    // The last block of the counter, and no more.
    let last = Mech::chacha20(&[0xff; 4], &[0; 12]);
    ensure!(s.encrypt(&last, key, &[0; 64])?.len() == 64, "the last block is refused");
    expect(s.encrypt(&last, key, &[0; 65]), &[CKR_DATA_LEN_RANGE])
}

/// "Attempting to create or unwrap a DES3 key with incorrect parity will return an error."
fn des_parity(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_DES3_KEY_GEN, CKF_GENERATE)?;
    let s = token.user_session()?;
    for (key_type, len) in [(CKK_DES2, 16), (CKK_DES3, 24)] {
        let value = &[[0x01; 8], [0x13; 8], [0x1f; 8]].concat()[..len];
        s.create(&template(key_type, value, CIPHER))?;
        let mut even = value.to_vec();
        even[3] ^= 1;
        expect(s.create(&template(key_type, &even, CIPHER)), &[CKR_ATTRIBUTE_VALUE_INVALID])?;
    }
    for generation in [CKM_DES2_KEY_GEN, CKM_DES3_KEY_GEN] {
        let readable =
            [Attr::token(false), Attr::bool(CKA_SENSITIVE, false), Attr::bool(CKA_EXTRACTABLE, true)];
        let key = s.generate_key(&Mech::new(generation), &readable)?;
        let value = s.get(key, CKA_VALUE)?;
        ensure!(value.iter().all(|byte| byte.count_ones() % 2 == 1), "a generated key without parity");
    }
    Ok(())
}

fn derivation_by_encryption(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_ECB_ENCRYPT_DATA, CKF_DERIVE)?;
    let s = token.user_session()?;
    let base = s.create(&template(CKK_AES, &[9; 16], &[CKA_DERIVE, CKA_ENCRYPT]))?;
    let data: Vec<u8> = (0..48).collect();
    let wanted = |key_type, len| {
        let mut template = vec![
            Attr::class(CKO_SECRET_KEY),
            Attr::key_type(key_type),
            Attr::token(false),
            Attr::bool(CKA_SENSITIVE, false),
            Attr::bool(CKA_EXTRACTABLE, true),
        ];
        if let Some(len) = len {
            template.push(Attr::value_len(len));
        }
        template
    };
    let generic = wanted(CKK_GENERIC_SECRET, Some(40));
    let ecb = Mech::string_data(CKM_AES_ECB_ENCRYPT_DATA, &data);
    let derived = s.derive(&ecb, base, &generic)?;
    let whole = s.encrypt(&Mech::new(CKM_AES_ECB), base, &data)?;
    ensure!(s.get(derived, CKA_VALUE)? == whole[..40], "ECB: another key");
    let cbc = Mech::aes_cbc_data([5; 16], &data);
    let derived = s.derive(&cbc, base, &generic)?;
    let whole = s.encrypt(&Mech::bytes(CKM_AES_CBC, &[5; 16]), base, &data)?;
    ensure!(s.get(derived, CKA_VALUE)? == whole[..40], "CBC: another key");
    expect(s.derive(&ecb, base, &wanted(CKK_GENERIC_SECRET, Some(49))), &[CKR_DATA_LEN_RANGE])?;
    let partial = Mech::string_data(CKM_AES_ECB_ENCRYPT_DATA, &data[..17]);
    let refusals = &[CKR_MECHANISM_PARAM_INVALID, CKR_DATA_LEN_RANGE];
    expect(s.derive(&partial, base, &wanted(CKK_GENERIC_SECRET, Some(16))), refusals)?;
    if !token.offers(CKM_DES3_CBC_ENCRYPT_DATA, CKF_DERIVE) {
        return Ok(());
    }
    // A DES key gets its length from its type, and its parity bits.
    let derived = s.derive(&ecb, base, &wanted(CKK_DES3, None))?;
    let value = s.get(derived, CKA_VALUE)?;
    ensure!(value.len() == 24 && value.iter().all(|byte| byte.count_ones() % 2 == 1), "no DES key");
    let base = s.create(&template(CKK_DES3, &value, &[CKA_DERIVE, CKA_ENCRYPT]))?;
    let derived = s.derive(&Mech::des3_cbc_data([6; 8], &data), base, &generic)?;
    let whole = s.encrypt(&Mech::bytes(CKM_DES3_CBC, &[6; 8]), base, &data)?;
    ensure!(s.get(derived, CKA_VALUE)? == whole[..40], "triple DES: another key");
    Ok(())
}

fn gmac_parameters(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_GMAC, CKF_SIGN | CKF_VERIFY)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let tag = s.sign(&Mech::gmac(&[1; 12], 128), key, b"message")?;
    // As PKCS#11 v2.40 has it: an IV of 12 bytes.
    ensure!(s.sign(&Mech::bytes(CKM_AES_GMAC, &[1; 12]), key, b"message")? == tag, "another tag");
    let short = s.sign(&Mech::gmac(&[1; 12], 96), key, b"message")?;
    ensure!(short == tag[..12], "a tag of 96 bits is not the start of the whole one");
    for mech in [Mech::gmac(&[], 128), Mech::gmac(&[1; 12], 7), Mech::bytes(CKM_AES_GMAC, &[1; 11])] {
        expect(s.sign_init(&mech, key), BAD_PARAMETER)?;
    }
    Ok(())
}

fn mac_lengths(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let aes = fixture::aes(&s, &[])?;
    let mut rows = vec![(CKM_AES_MAC, Some(CKM_AES_MAC_GENERAL), aes, 8, 16)];
    rows.push((CKM_AES_CMAC, Some(CKM_AES_CMAC_GENERAL), aes, 16, 16));
    if token.offers(CKM_POLY1305, CKF_SIGN) {
        rows.push((CKM_POLY1305, None, s.create(&template(CKK_POLY1305, &[3; 32], MAC))?, 16, 16));
    }
    if token.offers(CKM_DES3_MAC, CKF_SIGN) {
        let des = s.create(&template(CKK_DES3, &[0x13; 24], MAC))?;
        rows.push((CKM_DES3_MAC, Some(CKM_DES3_MAC_GENERAL), des, 4, 8));
        rows.push((CKM_DES3_CMAC, Some(CKM_DES3_CMAC_GENERAL), des, 8, 8));
    }
    for (kind, general, key, usual, block) in rows {
        if !token.offers(kind, CKF_SIGN | CKF_VERIFY) {
            continue;
        }
        let name = crate::names::name(crate::names::CKM, kind);
        let made = s.sign(&Mech::new(kind), key, b"a message")?;
        ensure!(made.len() == usual, "{name}: {} bytes", made.len());
        s.verify(&Mech::new(kind), key, b"a message", &made)?;
        expect(s.verify(&Mech::new(kind), key, b"a massage", &made), &[CKR_SIGNATURE_INVALID])?;
        let Some(general) = general.filter(|kind| token.offers(*kind, CKF_SIGN | CKF_VERIFY)) else {
            continue;
        };
        let whole = s.sign(&Mech::ulong(general, block), key, b"a message")?;
        ensure!(whole.starts_with(&made), "{name} is not the start of the whole block");
        for len in [0, block + 1, CK_ULONG::MAX] {
            expect(s.sign_init(&Mech::ulong(general, len), key), BAD_PARAMETER)?;
        }
    }
    Ok(())
}

fn ccm_data_length(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_CCM, CKF_ENCRYPT | CKF_DECRYPT)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let sealed = s.encrypt(&Mech::ccm(&[1; 12], b"", 20, 8), key, &[7; 20])?;
    for wrong in [0, 19, 21] {
        let mech = Mech::ccm(&[1; 12], b"", wrong, 8);
        expect(s.encrypt(&mech, key, &[7; 20]), &[CKR_DATA_LEN_RANGE])?;
        expect(s.decrypt(&mech, key, &sealed), &[CKR_ENCRYPTED_DATA_LEN_RANGE])?;
    }
    for mac_len in [0, 2, 5, 17] {
        expect(s.encrypt_init(&Mech::ccm(&[1; 12], b"", 20, mac_len), key), BAD_PARAMETER)?;
    }
    Ok(())
}

fn aead_gives_no_plaintext_before_the_tag(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let aes = fixture::aes(&s, &[])?;
    let mut rows = vec![(Mech::ccm(&[1; 12], b"aad", 100, 16), aes)];
    if token.offers(CKM_CHACHA20_POLY1305, CKF_DECRYPT) {
        let key = s.create(&template(CKK_CHACHA20, &[3; 32], CIPHER))?;
        rows.push((Mech::chacha20_poly1305(&[1; 12], b"aad"), key));
    }
    for (mech, key) in rows {
        if !token.offers(mech.kind, CKF_ENCRYPT | CKF_DECRYPT) {
            continue;
        }
        let mut sealed = s.encrypt(&mech, key, &[7; 100])?;
        let last = sealed.len() - 1;
        sealed[last] ^= 1;
        s.decrypt_init(&mech, key)?;
        for part in sealed.chunks(29) {
            ensure!(s.decrypt_update(part)?.is_empty(), "plaintext leaves before the tag is checked");
        }
        expect(s.decrypt_final(), &[CKR_ENCRYPTED_DATA_INVALID, CKR_AEAD_DECRYPT_FAILED])?;
    }
    Ok(())
}
