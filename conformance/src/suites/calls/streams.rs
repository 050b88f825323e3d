//! Multi-part operations give what the one-shot call gives, however the data is cut.

use cryptoki_sys::*;

use super::super::fixture;
use crate::runner::{Case, Check, Context, Failure, expect};
use crate::{Attr, Mech, Rv, Session, TestToken, cases, ensure, mgf1};

pub(super) fn cases() -> Vec<Case> {
    cases![
        digests_in_parts,
        ciphers_in_parts,
        macs_in_parts,
        rsa_signatures_in_parts,
        ec_signatures_in_parts,
        empty_messages,
        one_shot_after_update,
        final_after_one_shot_query,
        gcm_gives_no_plaintext_before_the_tag,
        ctr_counter_must_not_wrap,
        signing_from_a_long_message,
    ]
}

/// Ways to cut a message of 1000 bytes.
const CUTS: &[&[usize]] = &[&[1000], &[1, 999], &[15, 1, 16, 17, 951], &[0, 500, 0, 500], &[333, 333, 334]];

fn message() -> Vec<u8> {
    (0..1000_u32).map(|number| number.to_le_bytes()[0]).collect()
}

fn pieces<'a>(data: &'a [u8], cut: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = data;
    let mut out: Vec<&[u8]> = cut
        .iter()
        .map(|length| {
            let (piece, after) = rest.split_at(*length.min(&rest.len()));
            rest = after;
            piece
        })
        .collect();
    out.push(rest);
    out
}

fn digests_in_parts(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let data = message();
    for kind in token.module.mechanisms(token.slot)? {
        if !token.offers(kind, CKF_DIGEST) {
            continue;
        }
        let (mech, name) = (Mech::new(kind), crate::names::name(crate::names::CKM, kind));
        let whole = s.digest(&mech, &data)?;
        for cut in CUTS {
            s.digest_init(&mech)?;
            for piece in pieces(&data, cut) {
                s.digest_update(piece)?;
            }
            ensure!(s.digest_final()? == whole, "{name} in parts {cut:?} gives another digest");
        }
    }
    Ok(())
}

/// Of messages whose length some parameters name.
fn cipher_mechs(token: &TestToken, data_len: usize) -> Vec<Mech> {
    let mechs = vec![
        Mech::new(CKM_AES_ECB),
        Mech::bytes(CKM_AES_CBC, &[3; 16]),
        Mech::bytes(CKM_AES_CBC_PAD, &[3; 16]),
        Mech::ctr(128, [0xf0; 16]),
        Mech::ctr(32, [0x0f; 16]),
        Mech::gcm(&[4; 12], b"associated", 128),
        Mech::gcm(&[4; 12], b"", 96),
        Mech::ccm(&[4; 12], b"associated", data_len, 16),
        Mech::bytes(CKM_AES_OFB, &[3; 16]),
        Mech::bytes(CKM_AES_CFB1, &[3; 16]),
        Mech::bytes(CKM_AES_CFB8, &[3; 16]),
        Mech::bytes(CKM_AES_CFB64, &[3; 16]),
        Mech::bytes(CKM_AES_CFB128, &[3; 16]),
        Mech::bytes(CKM_AES_CTS, &[3; 16]),
    ];
    mechs.into_iter().filter(|mech| token.offers(mech.kind, CKF_ENCRYPT | CKF_DECRYPT)).collect()
}

type Update = fn(&Session, &[u8]) -> Result<Vec<u8>, Rv>;

fn run_parts(
    s: &Session,
    data: &[u8],
    cut: &[usize],
    update: Update,
    finish: fn(&Session) -> Result<Vec<u8>, Rv>,
) -> Result<Vec<u8>, Rv> {
    let mut out = Vec::new();
    for piece in pieces(data, cut) {
        out.extend(update(s, piece)?);
    }
    out.extend(finish(s)?);
    Ok(out)
}

fn ciphers_in_parts(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let whole = message();
    for mech in cipher_mechs(&token, 1000) {
        let name = crate::names::name(crate::names::CKM, mech.kind);
        let blocks = [CKM_AES_ECB, CKM_AES_CBC].contains(&mech.kind);
        let data = if blocks { &whole[..992] } else { &whole[..] };
        let sealed = s.encrypt(&mech, key, data).map_err(|rv| Failure::from(rv).at(&name))?;
        ensure!(s.decrypt(&mech, key, &sealed)? == data, "{name} does not decrypt what it encrypts");
        for cut in CUTS {
            let place = format!("{name} in parts {cut:?}");
            s.encrypt_init(&mech, key)?;
            let made = run_parts(&s, data, cut, Session::encrypt_update, Session::encrypt_final);
            ensure!(
                made.map_err(|rv| Failure::from(rv).at(&place))? == sealed,
                "{place} encrypts differently"
            );
            s.decrypt_init(&mech, key)?;
            let opened = run_parts(&s, &sealed, cut, Session::decrypt_update, Session::decrypt_final);
            ensure!(
                opened.map_err(|rv| Failure::from(rv).at(&place))? == data,
                "{place} decrypts differently"
            );
        }
    }
    Ok(())
}

fn sign_parts(
    s: &Session,
    mech: &Mech,
    key: crate::Object,
    data: &[u8],
    cut: &[usize],
) -> Result<Vec<u8>, Rv> {
    s.sign_init(mech, key)?;
    for piece in pieces(data, cut) {
        s.sign_update(piece)?;
    }
    s.sign_final()
}

fn verify_parts(
    s: &Session,
    mech: &Mech,
    key: crate::Object,
    (data, cut): (&[u8], &[usize]),
    signature: &[u8],
) -> Result<(), Rv> {
    s.verify_init(mech, key)?;
    for piece in pieces(data, cut) {
        s.verify_update(piece)?;
    }
    s.verify_final(signature)
}

fn macs_in_parts(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (secret, key) = (fixture::secret(&s, &[8; 64])?, fixture::aes(&s, &[])?);
    let data = message();
    let hashes = [CKM_SHA_1_HMAC, CKM_SHA224_HMAC, CKM_SHA256_HMAC, CKM_SHA384_HMAC, CKM_SHA512_HMAC];
    let mechs = hashes.into_iter().map(|kind| (kind, secret)).chain([(CKM_AES_CMAC, key)]);
    for (kind, key) in mechs.filter(|(kind, _)| token.offers(*kind, CKF_SIGN)) {
        let (mech, name) = (Mech::new(kind), crate::names::name(crate::names::CKM, kind));
        let whole = s.sign(&mech, key, &data)?;
        for cut in CUTS {
            ensure!(sign_parts(&s, &mech, key, &data, cut)? == whole, "{name} in parts {cut:?} differs");
            verify_parts(&s, &mech, key, (&data, cut), &whole)?;
        }
    }
    Ok(())
}

/// Signs in parts and verifies in one call, and the other way round.
fn crossed(s: &Session, mech: &Mech, (public, private): (crate::Object, crate::Object)) -> Check {
    let (data, name) = (message(), crate::names::name(crate::names::CKM, mech.kind));
    let place = |rv: Rv| Failure::from(rv).at(&name);
    for cut in CUTS {
        let signature = sign_parts(s, mech, private, &data, cut).map_err(place)?;
        s.verify(mech, public, &data, &signature).map_err(place)?;
        let signature = s.sign(mech, private, &data).map_err(place)?;
        verify_parts(s, mech, public, (&data, cut), &signature).map_err(place)?;
        let other = verify_parts(s, mech, public, (&data[1..], cut), &signature);
        expect(other, &[CKR_SIGNATURE_INVALID]).map_err(|failure| failure.at(&name))?;
    }
    Ok(())
}

fn rsa_signatures_in_parts(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let pair = fixture::rsa(&s, &[])?;
    for kind in [CKM_SHA1_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS, CKM_SHA512_RSA_PKCS] {
        if token.offers(kind, CKF_SIGN | CKF_VERIFY) {
            crossed(&s, &Mech::new(kind), pair)?;
        }
    }
    for (kind, hash) in [(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256), (CKM_SHA512_RSA_PKCS_PSS, CKM_SHA512)] {
        if token.offers(kind, CKF_SIGN | CKF_VERIFY) {
            crossed(&s, &Mech::pss(kind, hash, mgf1(hash), 20), pair)?;
        }
    }
    Ok(())
}

pub(in crate::suites) fn ec_signatures_in_parts(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let pair = fixture::ec(&s, &[])?;
    let kinds = [CKM_ECDSA_SHA1, CKM_ECDSA_SHA224, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384, CKM_ECDSA_SHA512];
    let offered: Vec<_> =
        kinds.into_iter().filter(|kind| token.offers(*kind, CKF_SIGN | CKF_VERIFY)).collect();
    if offered.is_empty() {
        crate::skip!("no ECDSA mechanism that hashes");
    }
    offered.into_iter().try_for_each(|kind| crossed(&s, &Mech::new(kind), pair))
}

fn empty_messages(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let empty = s.digest(&Mech::new(CKM_SHA256), b"")?;
    ensure!(empty.starts_with(&[0xe3, 0xb0, 0xc4, 0x42]), "SHA-256 of nothing is another");
    s.digest_init(&Mech::new(CKM_SHA256))?;
    ensure!(s.digest_final()? == empty, "C_DigestFinal without update gives another digest");
    let secret = fixture::secret(&s, &[8; 32])?;
    let mac = s.sign(&Mech::new(CKM_SHA256_HMAC), secret, b"")?;
    s.verify(&Mech::new(CKM_SHA256_HMAC), secret, b"", &mac)?;
    let key = fixture::aes(&s, &[])?;
    // Ciphertext stealing needs a block to steal from.
    let takes_nothing = |mech: &Mech| mech.kind != CKM_AES_CTS;
    for mech in cipher_mechs(&token, 0).into_iter().filter(takes_nothing) {
        let name = crate::names::name(crate::names::CKM, mech.kind);
        let sealed = s.encrypt(&mech, key, b"").map_err(|rv| Failure::from(rv).at(&name))?;
        let opened = s.decrypt(&mech, key, &sealed).map_err(|rv| Failure::from(rv).at(&name))?;
        ensure!(opened.is_empty(), "{name} decrypts nothing to {} bytes", opened.len());
    }
    Ok(())
}

/// C_Encrypt and its kin cannot end what an update began.
pub(in crate::suites) fn one_shot_after_update(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let (key, secret) = (fixture::aes(&s, &[])?, fixture::secret(&s, &[1; 32])?);
    let (cbc, hmac) = (Mech::bytes(CKM_AES_CBC, &[0; 16]), Mech::new(CKM_SHA256_HMAC));
    let refused = &[CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_REJECTED];
    s.encrypt_init(&cbc, key)?;
    s.encrypt_update(&[0; 16])?;
    expect(s.encrypt_once(&[0; 16]), refused)?;
    s.decrypt_init(&cbc, key)?;
    s.decrypt_update(&[0; 16])?;
    expect(s.decrypt_once(&[0; 16]), refused)?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    s.digest_update(b"x")?;
    expect(s.digest_once(b"x"), refused)?;
    s.sign_init(&hmac, secret)?;
    s.sign_update(b"x")?;
    expect(s.sign_once(b"x"), refused)?;
    s.verify_init(&hmac, secret)?;
    s.verify_update(b"x")?;
    expect(s.verify_once(b"x", &[0; 32]), refused)
}

/// A size query of the one-shot call does not commit the operation to it.
fn final_after_one_shot_query(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    s.digest_init(&Mech::new(CKM_SHA256))?;
    let (mut data, mut len) = (*b"abc", 0);
    let rv =
        crate::call!(s.module(), C_Digest(s.handle(), data.as_mut_ptr(), 3, std::ptr::null_mut(), &mut len));
    Rv::check(rv.0)?;
    s.digest_update(b"abc")?;
    ensure!(s.digest_final()?.starts_with(&[0xba, 0x78, 0x16, 0xbf]), "the size query digested its data");
    Ok(())
}

fn gcm_gives_no_plaintext_before_the_tag(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_GCM, CKF_DECRYPT)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    let mech = Mech::gcm(&[4; 12], b"", 128);
    let mut sealed = s.encrypt(&mech, key, &message())?;
    if let Some(last) = sealed.last_mut() {
        *last ^= 1;
    }
    s.decrypt_init(&mech, key)?;
    let released = s.decrypt_update(&sealed)?;
    ensure!(released.is_empty(), "{} bytes are released before the tag is checked", released.len());
    let bad = &[CKR_ENCRYPTED_DATA_INVALID, CKR_AEAD_DECRYPT_FAILED];
    expect(s.decrypt_final(), bad)?;
    expect(s.decrypt_final(), &[CKR_OPERATION_NOT_INITIALIZED])
}

/// The counter's last value may be used, but the counter must not start again.
fn ctr_counter_must_not_wrap(context: &Context) -> Check {
    let token = context.token()?;
    token.need(CKM_AES_CTR, CKF_ENCRYPT)?;
    let s = token.user_session()?;
    let key = fixture::aes(&s, &[])?;
    for bits in [128, 32, 8] {
        let mech = Mech::ctr(bits, [0xff; 16]);
        let place = |failure: Failure| failure.at(&format!("counter of {bits} bits"));
        expect(s.encrypt(&mech, key, &[0; 16]), &[CKR_OK]).map_err(place)?;
        expect(s.encrypt(&mech, key, &[0; 17]), &[CKR_DATA_LEN_RANGE]).map_err(place)?;
    }
    Ok(())
}

fn signing_from_a_long_message(context: &Context) -> Check {
    let token = context.token()?;
    let s = token.user_session()?;
    let data = vec![0x61; 1 << 22];
    let key = fixture::secret(&s, &[8; 32])?;
    let whole = s.sign(&Mech::new(CKM_SHA256_HMAC), key, &data)?;
    ensure!(
        sign_parts(&s, &Mech::new(CKM_SHA256_HMAC), key, &data, &[1 << 21])? == whole,
        "HMAC of 4 MiB differs"
    );
    let aes = fixture::aes(&s, &[Attr::label("long")])?;
    let mech = Mech::bytes(CKM_AES_CBC_PAD, &[0; 16]);
    let sealed = s.encrypt(&mech, aes, &data)?;
    ensure!(s.decrypt(&mech, aes, &sealed)? == data, "4 MiB do not decrypt");
    Ok(())
}
