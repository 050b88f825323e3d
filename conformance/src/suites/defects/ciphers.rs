//! Encryption: the code of a bad ciphertext, and the lengths that modules get wrong.

use std::ptr::null_mut;

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, Failure, expect, expect_rv};
use crate::{Kind, Mech, Object, Rv, Session, call, cases, ensure, mgf1, names, size, skip};

pub(super) fn cases() -> Vec<Case> {
    cases![
        bad_tag_has_another_code,
        bad_padding_has_another_code,
        gcm_failure_paths_crash,
        cbc_pad_final_size_query_loses_the_last_block,
        oaep_hashes_mgfs_and_labels,
        gcm_iv_of_any_length,
        ccm_nonces_and_empty_messages,
        key_wrap_of_odd_lengths,
        key_wrap_with_padding_of_small_keys,
    ]
}

const BAD: &[CK_RV] = &[CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE];
const BAD_TAG: &[CK_RV] = &[CKR_ENCRYPTED_DATA_INVALID, CKR_AEAD_DECRYPT_FAILED];

fn flipped(bytes: &[u8], index: usize) -> Vec<u8> {
    let mut out = bytes.to_vec();
    if let Some(byte) = out.get_mut(index) {
        *byte ^= 1;
    }
    out
}

fn bad_tag_has_another_code(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let mech = Mech::gcm(&[1; 12], b"aad", 128);
    let sealed = s.encrypt(&mech, key, b"message")?;
    for index in 0..sealed.len() {
        expect(s.decrypt(&mech, key, &flipped(&sealed, index)), BAD_TAG)?;
    }
    expect(s.decrypt(&Mech::gcm(&[1; 12], b"other", 128), key, &sealed), BAD_TAG)?;
    for length in [0, 1, 15] {
        let short = sealed.get(..length).unwrap_or_default();
        expect(s.decrypt(&mech, key, short), &[CKR_ENCRYPTED_DATA_LEN_RANGE, CKR_ENCRYPTED_DATA_INVALID])?;
    }
    Ok(())
}

fn bad_padding_has_another_code(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let raw = s.encrypt(&Mech::bytes(CKM_AES_CBC, &[0; 16]), key, &[0; 32])?;
    expect(s.decrypt(&Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]), key, &raw), BAD)?;
    expect(
        s.decrypt(&Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]), key, &raw[..17]),
        &[CKR_ENCRYPTED_DATA_LEN_RANGE],
    )?;
    let (public, private) = fixture::rsa(&s, &[])?;
    let oaep = Mech::oaep(CKM_SHA_1, CKG_MGF1_SHA1, b"");
    let sealed = s.encrypt(&oaep, public, b"message")?;
    expect(s.decrypt(&oaep, private, &flipped(&sealed, 200)), BAD)?;
    // Implicit rejection may hide a bad PKCS#1 v1.5 padding.
    let sealed = s.encrypt(&Mech::new(CKM_RSA_PKCS), public, b"message")?;
    match s.decrypt(&Mech::new(CKM_RSA_PKCS), private, &flipped(&sealed, 200)) {
        Ok(other) => ensure!(other != b"message", "a changed ciphertext gives the message"),
        Err(rv) => expect::<()>(Err(rv), BAD)?,
    }
    Ok(())
}

fn gcm_failure_paths_crash(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_GCM, CKF_DECRYPT)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    for round in 0..200_usize {
        let mech = Mech::gcm(&vec![1; 1 + round % 32], &vec![2; round], 128);
        let _ = s.decrypt(&mech, key, &vec![3; round]);
        let _ = s.decrypt_init(&mech, key).and_then(|()| s.decrypt_update(&vec![3; round]));
        let _ = s.decrypt_final();
        let other = token.user_session()?;
        let _ = other.decrypt_init(&mech, key).and_then(|()| other.decrypt_update(&[3; 40]));
    }
    let mech = Mech::gcm(&[1; 12], b"", 128);
    let sealed = s.encrypt(&mech, key, b"still alive")?;
    ensure!(s.decrypt(&mech, key, &sealed)? == b"still alive", "GCM is disturbed by failures");
    Ok(())
}

fn cbc_pad_final_size_query_loses_the_last_block(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let mech = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
    let sealed = s.encrypt(&mech, key, &[9; 40])?;
    s.decrypt_init(&mech, key)?;
    let mut opened = s.decrypt_update(&sealed)?;
    let (mut len, mut buffer) = (0, [0_u8; 64]);
    expect_rv(call!(s.module(), C_DecryptFinal(s.handle(), null_mut(), &mut len)), &[CKR_OK])?;
    let rest = 40 - opened.len();
    ensure!(size(len) >= rest, "the size query of C_DecryptFinal gives {len}, {rest} bytes remain");
    expect_rv(call!(s.module(), C_DecryptFinal(s.handle(), buffer.as_mut_ptr(), &mut len)), &[CKR_OK])?;
    opened.extend(buffer.iter().take(size(len)));
    ensure!(opened == [9; 40], "{} of 40 bytes come back", opened.len());
    Ok(())
}

fn oaep_hashes_mgfs_and_labels(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_RSA_PKCS_OAEP, CKF_ENCRYPT | CKF_DECRYPT)?;
    let s = token.user_session()?;
    let (public, private) = fixture::rsa(&s, &[])?;
    let hashes = [CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512];
    for (hash, mgf) in hashes.iter().flat_map(|hash| hashes.iter().map(move |mgf| (*hash, *mgf))) {
        for label in [&b""[..], b"label"] {
            let name =
                format!("{}, MGF1 with {}", names::name(names::CKM, hash), names::name(names::CKM, mgf));
            let place = |rv: Rv| Failure::from(rv).at(&name);
            let mech = Mech::oaep(hash, mgf1(mgf), label);
            let sealed = s.encrypt(&mech, public, b"message").map_err(place)?;
            ensure!(
                s.decrypt(&mech, private, &sealed).map_err(place)? == b"message",
                "{name}: another message"
            );
            expect(s.decrypt(&Mech::oaep(hash, mgf1(mgf), b"other"), private, &sealed), BAD)
                .map_err(|failure| failure.at(&name))?;
        }
    }
    Ok(())
}

/// The product of two field elements of GHASH, bit by bit.
fn gf_multiply(left: u128, right: u128) -> u128 {
    let (mut product, mut factor) = (0, right);
    for bit in (0..128).rev() {
        if left >> bit & 1 == 1 {
            product ^= factor;
        }
        factor = if factor & 1 == 1 { factor >> 1 ^ 0xe1 << 120 } else { factor >> 1 };
    }
    product
}

/// The first counter block of GCM for an IV of any length, from the hash key.
fn first_counter(hash_key: u128, iv: &[u8]) -> u128 {
    if iv.len() == 12 {
        let mut block = [0; 16];
        block.iter_mut().zip(iv).for_each(|(target, byte)| *target = *byte);
        return u128::from_be_bytes(block) | 1;
    }
    let mut state = 0;
    for chunk in iv.chunks(16) {
        let mut block = [0; 16];
        block.iter_mut().zip(chunk).for_each(|(target, byte)| *target = *byte);
        state = gf_multiply(state ^ u128::from_be_bytes(block), hash_key);
    }
    gf_multiply(state ^ (crate::ulen(iv.len()) * 8) as u128, hash_key)
}

fn encrypt_block(s: &Session, key: Object, block: u128) -> Check<u128> {
    let out = s.encrypt(&Mech::new(CKM_AES_ECB), key, &block.to_be_bytes())?;
    let out = out.try_into().map_err(|_| Failure::Failed("ECB does not give a block".into()))?;
    Ok(u128::from_be_bytes(out))
}

fn gcm_iv_of_any_length(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let hash_key = encrypt_block(&s, key, 0)?;
    for length in [1, 7, 8, 11, 12, 13, 15, 16, 17, 32, 64, 128, 255, 256, 257, 1000] {
        let iv: Vec<u8> = (1..=length).map(|number: usize| number.to_le_bytes()[0]).collect();
        let place = |rv: Rv| Failure::from(rv).at(&format!("IV of {length} bytes"));
        let mech = Mech::gcm(&iv, b"", 128);
        let sealed = s.encrypt(&mech, key, &[0; 16]).map_err(place)?;
        let counter = first_counter(hash_key, &iv);
        let second = counter & !0xffff_ffff | (counter.wrapping_add(1) & 0xffff_ffff);
        let wanted = encrypt_block(&s, key, second)?.to_be_bytes();
        ensure!(sealed.get(..16) == Some(&wanted), "an IV of {length} bytes gives a wrong ciphertext");
        ensure!(
            s.decrypt(&mech, key, &sealed).map_err(place)? == [0; 16],
            "IV of {length} bytes: another message"
        );
    }
    Ok(())
}

fn ccm_nonces_and_empty_messages(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_CCM, CKF_ENCRYPT | CKF_DECRYPT)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    for nonce in 7..=13 {
        for (message, tag) in [(&b""[..], 16), (b"message", 8)] {
            let mech = Mech::ccm(&vec![5; nonce], b"aad", message.len(), tag);
            let sealed = s.encrypt(&mech, key, message)?;
            ensure!(sealed.len() == message.len() + tag, "{} bytes of ciphertext", sealed.len());
            let open = Mech::ccm(&vec![5; nonce], b"aad", message.len(), tag);
            ensure!(s.decrypt(&open, key, &sealed)? == message, "another message");
            expect(s.decrypt(&open, key, &flipped(&sealed, 0)), BAD_TAG)?;
        }
    }
    for nonce in [0, 6, 14] {
        expect(s.encrypt_init(&Mech::ccm(&vec![5; nonce], b"", 4, 16), key), &[CKR_MECHANISM_PARAM_INVALID])?;
    }
    Ok(())
}

fn wrapped_secret(s: &Session, mech: &Mech, kek: Object, value: &[u8]) -> Result<Vec<u8>, Rv> {
    let key = fixture::secret(s, value)?;
    let wrapped = s.wrap(mech, kek, key)?;
    let mut template = fixture::secret_template(&[]);
    template.retain(|attribute| attribute.kind() != CKA_VALUE);
    s.get(s.unwrap(mech, kek, &wrapped, &template)?, CKA_VALUE)
}

fn kek(s: &Session) -> Result<Object, Rv> {
    s.create(&fixture::aes_template(&[0x11; 32], &[CKA_WRAP, CKA_UNWRAP]))
}

fn key_wrap_of_odd_lengths(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_KEY_WRAP, CKF_WRAP | CKF_UNWRAP)?;
    let s = token.user_session()?;
    let kek = kek(&s)?;
    for length in [1, 7, 9, 17, 20, 31] {
        let refused = wrapped_secret(&s, &Mech::new(CKM_AES_KEY_WRAP), kek, &vec![3; length]);
        expect(refused, &[CKR_KEY_SIZE_RANGE, CKR_KEY_NOT_WRAPPABLE, CKR_DATA_LEN_RANGE])
            .map_err(|failure| failure.at(&format!("key of {length} bytes")))?;
    }
    let value = wrapped_secret(&s, &Mech::new(CKM_AES_KEY_WRAP), kek, &[3; 24])?;
    ensure!(value == [3; 24], "another key is unwrapped");
    Ok(())
}

fn key_wrap_with_padding_of_small_keys(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let old_name = token.kind() == Kind::Softhsm;
    let kind = if old_name { CKM_AES_KEY_WRAP_PAD } else { CKM_AES_KEY_WRAP_KWP };
    if !token.offers(kind, CKF_WRAP | CKF_UNWRAP) {
        skip!("no {}", names::name(names::CKM, kind));
    }
    let kek = kek(&s)?;
    for length in (1..=17).chain([31, 32, 33, 100]) {
        let value: Vec<u8> = (1..=length).map(|number: usize| number.to_le_bytes()[0]).collect();
        let back = wrapped_secret(&s, &Mech::new(kind), kek, &value)
            .map_err(|rv| Failure::from(rv).at(&format!("key of {length} bytes")))?;
        ensure!(back == value, "a key of {length} bytes is unwrapped as another");
    }
    Ok(())
}
